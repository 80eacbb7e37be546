/** What is sent is what was passed at the call, whatever the program changes while the call waits. */
import { describe, expect, it } from "@effect/vitest"
import * as fc from "fast-check"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import type * as Layer from "effect/Layer"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/testing/TestClock"
import { EmbeddingProvider } from "../../src/model/EmbeddingProvider.ts"
import type { LlmError } from "../../src/model/LlmError.ts"
import { LlmProvider } from "../../src/model/LlmProvider.ts"
import type { ToolDefinition } from "../../src/model/LlmRequest.ts"
import { withConcurrency } from "../../src/policies/Concurrency.ts"
import { withDefaults } from "../../src/policies/Defaults.ts"
import { withFallback } from "../../src/policies/Fallback.ts"
import { withRetry } from "../../src/policies/Retry.ts"
import { withTimeout } from "../../src/policies/Timeout.ts"
import { layerEmbeddings } from "../../src/testing/ScriptedEmbeddings.ts"
import { callNames, reasons } from "./Calls.ts"
import { Upstream } from "./Upstream.ts"

type Stack = Layer.Layer<LlmProvider, LlmError>

/** Fails twice and then answers, each a second late. */
const slow = () =>
  new Upstream(({ index }) =>
    index < 2 ? { error: reasons.OverloadedError(), delay: "1 second" } : { text: "hello", delay: "1 second" },
  )

const stacks: ReadonlyArray<readonly [string, (layer: Stack, other: Stack) => Stack]> = [
  ["a queue", (layer) => layer.pipe(withConcurrency(1), withRetry())],
  ["a retry", (layer) => layer.pipe(withRetry())],
  ["a fallback", (layer, other) => layer.pipe(withFallback(other))],
  ["a deadline around a retry", (layer) => layer.pipe(withRetry(), withTimeout("1 hour"))],
  ["defaults around a retry", (layer) => layer.pipe(withRetry(), withDefaults({ temperature: 0 }))],
]

describe.each(stacks)("under %s", (_, around) => {
  it.effect.each(callNames)("%s sends its messages, tools and options as they were passed", (name) =>
    Effect.gen(function* () {
      const [upstream, other] = [slow(), slow()]
      const llm = yield* Effect.provide(LlmProvider, around(upstream.layer, other.layer))
      const content = [{ type: "text" as const, text: "first" }]
      const messages = [{ role: "user" as const, content }]
      const tools: Array<ToolDefinition> = [{ name: "a", parameters: { type: "object" } }]
      const providerOptions = { openai: { tags: ["first"] } }
      const calls = [1, 2].map(() =>
        name === "generate"
          ? llm.generate({ messages, tools, providerOptions })
          : Stream.runDrain(llm.stream({ messages, tools, providerOptions })),
      )
      const fiber = yield* Effect.forkChild(
        Effect.forEach(calls, (call) => Effect.exit(call), { concurrency: "unbounded" }),
        { startImmediately: true },
      )
      content[0] = { type: "text", text: "changed" }
      messages.push({ role: "user", content: [{ type: "text", text: "more" }] })
      tools[0] = { name: "b", parameters: {} }
      providerOptions.openai.tags[0] = "changed"
      yield* TestClock.adjust("10 minutes")
      yield* Fiber.join(fiber)
      const asked = [...upstream.asked, ...other.asked]
      expect(asked.length).toBeGreaterThan(2)
      for (const { request } of asked) {
        expect(request.messages).toEqual([{ role: "user", content: [{ type: "text", text: "first" }] }])
        expect(request.tools).toEqual([{ name: "a", parameters: { type: "object" } }])
        expect(request.providerOptions).toEqual({ openai: { tags: ["first"] } })
      }
    }),
  )
})

describe("embed", () => {
  it.effect("sends its texts as they were passed", () =>
    Effect.gen(function* () {
      const script = layerEmbeddings([{ error: reasons.OverloadedError() }, [[1]]])
      const provider = yield* Effect.provide(EmbeddingProvider, script.pipe(withRetry()))
      const inputs = ["first"]
      const fiber = yield* Effect.forkChild(provider.embed({ inputs }), { startImmediately: true })
      inputs[0] = "changed"
      yield* TestClock.adjust("10 minutes")
      yield* Fiber.join(fiber)
      expect(script.requests.map((request) => request.inputs)).toEqual([["first"], ["first"]])
    }),
  )
})

describe("a copy", () => {
  it("is the same JSON as the request, for every value that JSON can hold", () =>
    fc.assert(
      fc.asyncProperty(fc.dictionary(fc.string(), fc.jsonValue()), async (options) => {
        const upstream = new Upstream(() => ({ text: "hello" }))
        const request = { messages: [{ role: "user" as const, content: "hi" }], providerOptions: { openai: options } }
        await Effect.runPromise(
          Effect.provide(
            Effect.flatMap(LlmProvider, (llm) => llm.generate(request)),
            upstream.layer.pipe(withRetry()),
          ),
        )
        expect(JSON.stringify(upstream.asked[0]?.request)).toBe(JSON.stringify(request))
      }),
      { numRuns: 100 },
    ))
})
