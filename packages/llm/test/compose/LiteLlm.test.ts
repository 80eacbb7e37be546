/** Routing in process: each provider behind it is a target of its own to the policies (laws 9 and 16). */
import { describe, expect, it } from "@effect/vitest"
import * as ConfigProvider from "effect/ConfigProvider"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Tracer from "effect/Tracer"
import { LlmProvider, LlmStack } from "../../src/index.ts"
import { patient, serve } from "../contract/Ask.ts"
import { whole } from "../faults/HttpText.ts"
import { chat, fullText, messages } from "../faults/WireText.ts"

const hello = { messages: [{ role: "user", content: "Say hello." }] } as const

describe("routing by model", patient, () => {
  it.live("names its default model, after which the span of a call is named", () => {
    const settings = ConfigProvider.fromEnvRecord({ PRIMARY_MODEL: "openai/gpt-5-mini", OPENAI_API_KEY: "sk-openai" })
    const spans: Array<string> = []
    const tracer = Tracer.make({
      span: (options) => {
        spans.push(options.name)
        return new Tracer.NativeSpan(options)
      },
    })
    return Effect.gen(function* () {
      // Refused before a request: only the name of the span matters.
      yield* Effect.flip((yield* LlmProvider).generate({ messages: [] }))
      expect(spans).toEqual(["chat openai/gpt-5-mini"])
    }).pipe(
      Effect.provide(LlmStack.layerConfig()),
      Effect.provideService(ConfigProvider.ConfigProvider, settings),
      Effect.provideService(Tracer.Tracer, tracer),
    )
  })

  it.live(
    "an account without money pauses its own provider and no other",
    Effect.fnUntraced(function* () {
      const { body, status } = chat.error("quota")
      const openai = yield* serve(() => whole(body, status))
      const anthropic = yield* serve(() => whole(messages.answer(fullText)))
      const settings = ConfigProvider.fromEnvRecord({
        PRIMARY_MODEL: "openai/gpt-5-mini",
        OPENAI_API_KEY: "sk-openai",
        OPENAI_API_BASE: `${openai.url}/v1`,
        ANTHROPIC_API_KEY: "sk-anthropic",
        ANTHROPIC_API_BASE: anthropic.url,
      })
      const stack = Layer.provide(LlmStack.layerConfig(), Layer.succeed(ConfigProvider.ConfigProvider, settings))
      yield* Effect.gen(function* () {
        const llm = yield* LlmProvider
        for (const _ of ["asked", "asked again"]) {
          const error = yield* Effect.flip(llm.generate(hello))
          expect([error.provider, error.reason._tag]).toEqual(["openai", "QuotaExceededError"])
        }
        const answer = yield* llm.generate({ ...hello, model: "anthropic/claude-sonnet-5", maxTokens: 100 })
        expect(answer.text).toBe(fullText)
        expect([openai.requests.length, anthropic.requests.length]).toEqual([2, 1])
      }).pipe(Effect.provide(stack))
    }, Effect.scoped),
  )
})
