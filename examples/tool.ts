import { runTools, tool } from "@wiseflow/llm"
import * as z from "zod"

const weather = tool({
  name: "weather",
  description: "The weather of a city, now.",
  parameters: z.object({ city: z.string() }),
  execute: async ({ city }) => ({ city, sky: "clear", celsius: 21 }),
})

const response = await runTools({
  tools: [weather],
  messages: [{ role: "user", content: "Do I need an umbrella in Bonn?" }],
})

console.log("error" in response ? response.error : response.text)
