import { generateObject } from "@wiseflow/llm"
import * as z from "zod"

const Recipe = z.object({
  dish: z.string(),
  minutes: z.int().describe("from the first cut to the table"),
  ingredients: z.array(z.object({ name: z.string(), grams: z.number().optional() })),
})

const response = await generateObject({
  schema: Recipe,
  schemaName: "recipe",
  repairs: 2,
  messages: [{ role: "user", content: "A quick soup, please." }],
})

if (!("error" in response)) {
  const { dish, ingredients, minutes } = response.object
  console.log(`${dish}: ${minutes} minutes, ${ingredients.map(({ name }) => name).join(", ")}`)
} else if (response.errorType === "OutputLimitError") {
  console.error("The answer was cut off: raise maxTokens.")
} else {
  // What the model wrote instead, where it wrote anything.
  console.error(response.error, response.partialText)
}
