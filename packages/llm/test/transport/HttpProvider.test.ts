/** What an attempt tells is what was sent: the request is the caller's, who may write into it while the call runs. */
import { expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Redacted from "effect/Redacted"
import { LlmProvider, OpenAi } from "../../src/index.ts"
import { delay, FaultServer } from "../faults/FaultServer.ts"
import { whole } from "../faults/HttpText.ts"
import { chat, fullText } from "../faults/WireText.ts"

it.live("metadata tells the temperature and the limit that were sent", () =>
  Effect.gen(function* () {
    const server = yield* Effect.acquireRelease(
      Effect.promise(() => FaultServer.start(() => [delay(50), ...whole(chat.answer(fullText))])),
      (opened) => Effect.promise(() => opened.close()),
    )
    const provider = OpenAi.layer({ apiKey: Redacted.make("sk-test"), apiBase: server.url, model: "gpt-4.1-mini" })
    const request = { messages: [{ role: "user" as const, content: "hello" }], temperature: 0.1, maxTokens: 5 }
    const asking = Effect.flatMap(LlmProvider, (llm) => llm.generate(request)).pipe(Effect.provide(provider))
    const fiber = yield* Effect.forkChild(asking, { startImmediately: true })
    const { json } = yield* Effect.promise(() => server.request(0))
    request.temperature = 1.9
    request.maxTokens = 9
    expect(json).toMatchObject({ temperature: 0.1, max_completion_tokens: 5 })
    expect((yield* Fiber.join(fiber)).metadata).toMatchObject({ temperature: 0.1, maxTokens: 5 })
  }).pipe(Effect.scoped),
)
