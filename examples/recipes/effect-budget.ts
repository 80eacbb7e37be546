import { LlmProvider, LlmStack, tagCalls, UsageLedger, withBudget, withUsageLedger } from "@wiseflow/llm"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"

const ledger = new UsageLedger()

const stack = LlmStack.layerConfig({ prices: { "gpt-5-mini": { input: 0.25, output: 2 } } }).pipe(
  withBudget({ usd: 5, per: "1 hour", tag: "team" }),
  withUsageLedger(ledger),
)

const greet = Effect.gen(function* () {
  const llm = yield* LlmProvider
  const { text } = yield* llm.generate({ messages: [{ role: "user", content: "Say hello." }], maxTokens: 100 })
  yield* Console.log(text)
}).pipe(
  Effect.catchReason("LlmError", "BudgetExceededError", ({ limit, used }) =>
    Console.error(`${used} of ${limit} dollars are used`),
  ),
)

// Every call within has the tags, those of child fibers too.
const program = Effect.all([tagCalls({ team: "search" })(greet), tagCalls({ team: "ads" })(greet)], { concurrency: 2 })

await Effect.runPromise(Effect.provide(program, stack))

console.log(ledger.byTag("team").map(({ calls, value }) => `${value} ${calls}`))
