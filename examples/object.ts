import { generateObject } from "@wiseflow/llm"
import * as Schema from "effect/Schema"

const response = await generateObject({
  schema: Schema.Struct({ dish: Schema.String, minutes: Schema.Int }),
  messages: [{ role: "user", content: "A quick soup, please." }],
})

if ("error" in response) console.error(`${response.error} (${response.errorType})`)
else console.log(`${response.object.dish}, ready in ${response.object.minutes} minutes`)
