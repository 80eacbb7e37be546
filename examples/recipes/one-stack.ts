import { LlmProvider, LlmStack } from "@wiseflow/llm"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as ManagedRuntime from "effect/ManagedRuntime"

// Built once, and closed with the program: its permits, circuits, retry budgets and connections are shared by every call.
const runtime = ManagedRuntime.make(LlmStack.layerConfig())

const ask = (question: string) =>
  Effect.gen(function* () {
    const llm = yield* LlmProvider
    const { text } = yield* llm.generate({ messages: [{ role: "user", content: question }] })
    return text
  })

// Wherever the program is entered: a request, a message of a queue, a test.
const texts = await Promise.all(["one", "two", "three"].map((question) => runtime.runPromise(ask(question))))
await Effect.runPromise(Console.log(texts.join("\n")))

await runtime.dispose()
