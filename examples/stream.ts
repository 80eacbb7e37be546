import { LLMInterface } from "@wiseflow/llm"

const llm = new LLMInterface({
  provider: "openai",
  model: "gpt-5",
  maxRetries: 5,
  timeout: "120 seconds",
  maxConcurrentRequests: 10,
})

const stream = llm.stream({ messages: [{ role: "user", content: "Tell me a story." }] })
for await (const event of stream) {
  if (event.type === "text-delta") process.stdout.write(event.delta)
}

const whole = await stream.response // the same shape as generate's
console.log("\n", whole.metadata.attempts.length, "attempt(s)")

await llm.dispose() // closes its connections; without it the process ends all the same
