import { LLMInterface } from "@wiseflow/llm"
import * as z from "zod"

const Invoice = z.object({
  supplier: z.string(),
  total: z.number().describe("in euros, taxes included"),
  due: z.iso.date().optional(),
})

const texts = Array.from({ length: 200 }, (_, place) => `Invoice ${place}: Acme Ltd. asks for ${place} euros.`)

// Calls beyond the eighth wait their turn; each has its own retries, and its time begins when its turn comes.
await using llm = new LLMInterface({ maxConcurrentRequests: 8 })

const responses = await Promise.all(
  texts.map((text) =>
    llm.generateObject({
      schema: Invoice,
      schemaName: "invoice",
      system: "Read the invoice. Leave out what it does not say.",
      prompt: text,
    }),
  ),
)

let total = 0
let costUsd = 0
const failures: Array<string> = []
for (const response of responses) {
  costUsd += response.metadata.costUsd ?? 0
  if ("error" in response) failures.push(response.error)
  else total += response.object.total
}

console.log(`${responses.length - failures.length} invoices, ${total} euros in all; asking cost $${costUsd.toFixed(4)}`)
for (const failure of new Set(failures)) console.error(failure)
