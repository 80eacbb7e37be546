import { LLMInterface } from "@wiseflow/llm"

await using llm = new LLMInterface({
  hedge: { after: "p95", maxRequests: 0.05, maxCostUsd: 2 },
  onEvent: (event) => {
    if (event.type === "hedge") console.log(`no output for ${event.afterMs} ms: sent a second request`)
  },
})

const { metadata, text } = await llm.generate({ messages: [{ role: "user", content: "Hello, world!" }] })
console.log(text, metadata.attempts.length, "request(s)")
