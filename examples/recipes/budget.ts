import { LLMInterface } from "@wiseflow/llm"

// At most 20 dollars a day in all, and for each user at most 2,000 tokens an hour.
await using llm = new LLMInterface({
  budget: [
    { name: "all of a day", usd: 20, per: "1 day" },
    { name: "a user's hour", tokens: 2000, per: "1 hour", tag: "user" },
  ],
  tags: { service: "newsroom" },
  prices: { "gpt-5-mini": { input: 0.25, output: 2 } },
})

const ask = async (user: string, maxTokens: number): Promise<string> => {
  const response = await llm.generate({ prompt: "Say hello.", maxTokens, tags: { user } })
  if (!("error" in response)) return response.text
  // No request was made. `retryAfterMs` would say when enough is free again; this request is larger than the whole budget.
  return response.errorType === "BudgetExceededError" ? `no room in ${response.budget}` : response.error
}

console.log("ada:", await ask("ada", 500))
console.log("bob:", await ask("bob", 5000))

for (const { calls, errors, usage, value } of llm.usage().byTag["user"] ?? []) {
  console.log(`${value}: ${calls} calls, ${errors} failed, ${usage.outputTokens > 0 ? "some" : "no"} output`)
}
