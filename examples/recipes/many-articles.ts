import { LLMInterface } from "@wiseflow/llm"

const articles = Array.from({ length: 200 }, (_, place) => `Article ${place}: on Monday …`)

// At most 8 requests are in flight; the other calls wait their turn, and their time begins when it comes.
await using llm = new LLMInterface({ maxConcurrentRequests: 8, timeout: "2 minutes" })

let done = 0
let costUsd = 0
const failures = new Map<string, number>()

const summarise = async (article: string): Promise<string | undefined> => {
  const response = await llm.generate({
    messages: [
      { role: "system", content: "Summarise the article in one sentence." },
      { role: "user", content: article },
    ],
    maxTokens: 500,
  })
  done += 1
  costUsd += response.metadata.costUsd ?? 0
  if (process.stderr.isTTY) process.stderr.write(`\r${done} of ${articles.length}, $${costUsd.toFixed(4)}`)
  if (!("error" in response)) return response.text
  failures.set(response.error, (failures.get(response.error) ?? 0) + 1)
  return undefined
}

const summaries = await Promise.all(articles.map(summarise))

console.log(`${summaries.filter((summary) => summary !== undefined).length} summaries, $${costUsd.toFixed(4)}`)
for (const [error, times] of failures) console.error(`${times} times: ${error}`)
