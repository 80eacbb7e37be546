/** An effect/ai `LanguageModel` from another package as a provider, under this library's policies like any other. */
import { describe, expect, it } from "@effect/vitest"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Stream from "effect/Stream"
import * as AiError from "effect/ai/AiError"
import * as LanguageModel from "effect/ai/LanguageModel"
import type * as Response from "effect/ai/Response"
import * as Tool from "effect/ai/Tool"
import * as TestClock from "effect/testing/TestClock"
import { layerLanguageModel, layerProvider, metadataKey } from "@wiseflow/llm/effect-ai"
import { StructuredOutput } from "../../../src/index.ts"
import { assemble } from "../../../src/model/LlmEvent.ts"
import { LlmProvider } from "../../../src/model/LlmProvider.ts"
import type { LlmRequest } from "../../../src/model/LlmRequest.ts"
import type { ResponsePart } from "../../../src/model/LlmResponse.ts"
import { withFallback } from "../../../src/policies/Fallback.ts"
import { withRetry } from "../../../src/policies/Retry.ts"
import * as Scripted from "../../../src/testing/Scripted.ts"
import { answering } from "./Answers.ts"

const ask: LlmRequest = { messages: [{ role: "user", content: "Hi" }] }

/** Both calls as one. */
const calls = [
  {
    call: "generate",
    answerOf: (request: LlmRequest) => Effect.flatMap(LlmProvider, (llm) => llm.generate(request)),
  },
  {
    call: "stream",
    answerOf: (request: LlmRequest) =>
      Effect.gen(function* () {
        const llm = yield* LlmProvider
        const assembly = assemble()
        yield* Stream.runForEach(llm.stream(request), (event) => Effect.sync(() => assembly.add(event)))
        const response = assembly.response()
        return response === undefined ? yield* Effect.die("no answer") : response
      }),
  },
] as const

type Whole = Response.PartEncoded
type Pieces = Response.StreamPartEncoded

interface Foreign extends Layer.Layer<LanguageModel.LanguageModel> {
  readonly asked: Array<LanguageModel.ProviderOptions>
}

/** An effect/ai model from another package, which gives these parts. */
const foreign = (whole: ReadonlyArray<Whole>, pieces: ReadonlyArray<Pieces>): Foreign => {
  const asked: Array<LanguageModel.ProviderOptions> = []
  const layer = Layer.effect(
    LanguageModel.LanguageModel,
    LanguageModel.make({
      generateText: (options) =>
        Effect.sync(() => {
          asked.push(options)
          return [...whole]
        }),
      streamText: (options) =>
        Stream.suspend(() => {
          asked.push(options)
          return Stream.fromIterable(pieces)
        }),
    }),
  )
  return Object.assign(layer, { asked })
}

const usage = {
  inputTokens: { uncached: 7, total: 10, cacheRead: 2, cacheWrite: 1 },
  outputTokens: { total: 5, text: 3, reasoning: 2 },
}

const finish = (reason: Response.FinishReason = "stop"): Response.FinishPartEncoded => ({
  type: "finish",
  reason,
  usage,
})

const signed = { theirs: { signature: "s" } }

const whole: ReadonlyArray<Whole> = [
  { type: "response-metadata", id: "r1", modelId: "their-model-2026", timestamp: "2026-01-01T00:00:00.000Z" },
  { type: "reasoning", text: "Hm.", metadata: signed },
  { type: "text", text: "Hello" },
  { type: "tool-call", id: "c1", name: "look", params: { at: 1 }, metadata: signed },
  { type: "file", mediaType: "image/png", data: "AQID" },
  { type: "file", mediaType: "application/pdf", data: "AQID" },
  { type: "source", sourceType: "url", id: "u1", url: "https://example.com/", title: "A page" },
  finish("tool-calls"),
]

const pieces: ReadonlyArray<Pieces> = [
  { type: "response-metadata", id: "r1", modelId: "their-model-2026", timestamp: "2026-01-01T00:00:00.000Z" },
  { type: "reasoning-start", id: "0" },
  { type: "reasoning-delta", id: "0", delta: "H" },
  { type: "reasoning-delta", id: "0", delta: "m." },
  { type: "reasoning-end", id: "0", metadata: signed },
  { type: "text-start", id: "1" },
  { type: "text-delta", id: "1", delta: "Hel" },
  { type: "text-delta", id: "1", delta: "lo" },
  { type: "text-end", id: "1" },
  { type: "tool-params-start", id: "c1", name: "look" },
  { type: "tool-params-delta", id: "c1", delta: '{"at":1}' },
  { type: "tool-params-end", id: "c1" },
  { type: "tool-call", id: "c1", name: "look", params: { at: 1 }, metadata: signed },
  { type: "file", mediaType: "image/png", data: "AQID" },
  { type: "file", mediaType: "application/pdf", data: "AQID" },
  { type: "source", sourceType: "url", id: "u1", url: "https://example.com/", title: "A page" },
  finish("tool-calls"),
]

const said: ReadonlyArray<unknown> = [
  { type: "reasoning", text: "Hm.", protocol: "effect-ai", protocolData: { "effect-ai": signed } },
  { type: "text", text: "Hello" },
  { type: "tool-call", id: "c1", name: "look", arguments: { at: 1 }, protocolData: { "effect-ai": signed } },
  { type: "image", mediaType: "image/png", data: "AQID" },
  { type: "other", provider: "effect-ai", value: { type: "file", mediaType: "application/pdf", data: "AQID" } },
  {
    type: "other",
    provider: "effect-ai",
    value: expect.objectContaining({ type: "source", url: "https://example.com/" }),
  },
]

const provided = (model: Layer.Layer<LanguageModel.LanguageModel>) =>
  Layer.provide(layerProvider({ name: "theirs", model: "their-model" }), model)

describe.each(calls)("$call", ({ answerOf }) => {
  it.effect("gives the parts, the end and the figures, with one attempt in the record", () =>
    Effect.gen(function* () {
      const response = yield* answerOf({ ...ask, tools: [{ name: "look", parameters: { type: "object" } }] })
      expect(response.parts).toEqual(said)
      expect(response).toMatchObject({
        finishReason: "tool-calls",
        metadata: {
          provider: "theirs",
          model: "their-model",
          servedModel: "their-model-2026",
          rawFinishReason: "tool-calls",
          usageStatus: "reported",
          usage: {
            inputTokens: 10,
            outputTokens: 5,
            totalTokens: 15,
            cachedInputTokens: 2,
            cacheWriteTokens: 1,
            reasoningTokens: 2,
          },
          attempts: [{ provider: "theirs", model: "their-model", servedModel: "their-model-2026" }],
        },
      })
    }).pipe(Effect.provide(provided(foreign(whole, pieces)))),
  )

  it.effect("hands the parts of an answer back to their model with what it keeps with them", () => {
    const model = foreign(whole, pieces)
    return Effect.gen(function* () {
      const first = yield* answerOf(ask)
      const result = { type: "tool-result", toolCallId: "c1", content: "seen" } as const
      const messages: LlmRequest["messages"] = [
        ...ask.messages,
        { role: "assistant", content: first.parts },
        { role: "tool", content: [result] },
      ]
      const second = yield* answerOf({ messages })
      const [, assistant, tool] = model.asked[1]?.prompt.content ?? []
      expect(assistant?.content).toMatchObject([
        { type: "reasoning", text: "Hm.", options: signed },
        { type: "text", text: "Hello" },
        { type: "tool-call", id: "c1", name: "look", params: { at: 1 }, options: signed },
        { type: "file", mediaType: "image/png" },
        { type: "file", mediaType: "application/pdf" },
      ])
      expect(tool?.content).toMatchObject([{ type: "tool-result", id: "c1", name: "look", result: "seen" }])
      expect(second.metadata.warnings).toEqual([
        "messages[1].content[5] was dropped: only the service that wrote this other takes it",
      ])
    }).pipe(Effect.provide(provided(model)))
  })

  it.effect("asks with the tools and the choice, and says which settings were dropped", () => {
    const model = foreign([finish()], [finish()])
    return Effect.gen(function* () {
      const parameters = { type: "object", properties: { at: { type: "integer" } } }
      const response = yield* answerOf({
        ...ask,
        tools: [{ name: "look", description: "Looks", parameters, strict: true }],
        toolChoice: { name: "look" },
        temperature: 0.5,
        maxTokens: 10,
      })
      const [options] = model.asked
      expect(options?.toolChoice).toEqual({ tool: "look" })
      const [tool] = options?.tools ?? []
      expect(tool === undefined ? undefined : [tool.name, Tool.getDescription(tool), Tool.getStrictMode(tool)]).toEqual(
        ["look", "Looks", true],
      )
      expect(tool === undefined ? undefined : Tool.getJsonSchema(tool)).toEqual(parameters)
      expect(response.metadata.warnings).toEqual([
        "temperature was dropped: a LanguageModel takes it from its own layer only",
        "maxTokens was dropped: a LanguageModel takes it from its own layer only",
      ])
    }).pipe(Effect.provide(provided(model)))
  })

  it.effect("an answer without an end, or one that its model gave up, did not succeed", () =>
    Effect.gen(function* () {
      for (const end of [[], [finish("error")]]) {
        const model = foreign(
          [{ type: "text", text: "Hel" }, ...end],
          [{ type: "text-start", id: "0" }, { type: "text-delta", id: "0", delta: "Hel" }, ...end],
        )
        const error = yield* Effect.flip(answerOf(ask)).pipe(Effect.provide(provided(model)))
        expect(error.reason._tag).toBe("StreamInterruptedError")
      }
    }),
  )

  it.effect("a value is asked for with a forced call, and read from it", () => {
    const params = { city: "Bonn" }
    const model = foreign(
      [{ type: "tool-call", id: "c", name: "answer", params }, finish("tool-calls")],
      [
        { type: "tool-params-start", id: "c", name: "answer" },
        { type: "tool-params-delta", id: "c", delta: '{"city":' },
        { type: "tool-params-delta", id: "c", delta: '"Bonn"}' },
        { type: "tool-params-end", id: "c" },
        { type: "tool-call", id: "c", name: "answer", params },
        finish("tool-calls"),
      ],
    )
    return Effect.gen(function* () {
      const schema = { type: "object", properties: { city: { type: "string" } }, required: ["city"] }
      const response = yield* answerOf({ ...ask, responseFormat: { type: "json-schema", schema } })
      expect(response).toMatchObject({ text: '{"city":"Bonn"}', toolCalls: [], finishReason: "stop" })
      expect(model.asked[0]?.toolChoice).toEqual({ tool: "answer" })
    }).pipe(Effect.provide(provided(model)))
  })

  it.effect("a request for another model is left to a fallback", () =>
    Effect.gen(function* () {
      const error = yield* Effect.flip(answerOf({ ...ask, model: "another" }))
      expect(error.reason._tag).toBe("ModelNotFoundError")
      expect(yield* answerOf({ ...ask, model: "their-model" })).toMatchObject({ text: "Hello" })
    }).pipe(Effect.provide(provided(foreign(whole, pieces)))),
  )

  it.effect("through this library's own bridge and back, parts stay what they are", () => {
    const parts: ReadonlyArray<ResponsePart> = [
      { type: "reasoning", text: "Hm.", signature: "s1" },
      { type: "reasoning", text: "", redacted: "r1" },
      { type: "text", text: "See." },
      { type: "refusal", text: "No." },
      { type: "tool-call", id: "1", name: "f", arguments: { a: 1 }, protocolData: { "chat-completions": { x: 1 } } },
      { type: "image", mediaType: "image/png", data: "AQID" },
    ]
    const llm = answering(parts)
    return Effect.gen(function* () {
      const first = yield* answerOf(ask)
      const result = { type: "tool-result", toolCallId: "1", content: "y" } as const
      yield* answerOf({
        messages: [...ask.messages, { role: "assistant", content: first.parts }, { role: "tool", content: [result] }],
      })
      expect(llm.requests[1]?.messages[1]).toEqual({ role: "assistant", content: parts })
      expect(llm.requests[1]?.messages[2]).toEqual({ role: "tool", content: [result] })
    }).pipe(Effect.provide(provided(Layer.provide(layerLanguageModel, llm))))
  })
})

const failing = (reasons: ReadonlyArray<AiError.AiErrorReason>): Layer.Layer<LanguageModel.LanguageModel> => {
  let asked = 0
  const fail = Effect.suspend(() => {
    const reason = reasons[asked++]
    return reason === undefined
      ? Effect.succeed<Array<Whole>>([{ type: "text", text: "Hello" }, finish()])
      : Effect.fail(AiError.make({ module: "Theirs", method: "generateText", reason }))
  })
  return Layer.effect(
    LanguageModel.LanguageModel,
    LanguageModel.make({
      generateText: () => fail,
      streamText: () =>
        Stream.unwrap(
          Effect.map(fail, () =>
            Stream.fromIterable<Pieces>([
              { type: "text-start", id: "0" },
              { type: "text-delta", id: "0", delta: "Hello" },
              { type: "text-end", id: "0" },
              finish(),
            ]),
          ),
        ),
    }),
  )
}

const description = "what happened"
const http = (status: number) => ({ http: { response: { status, headers: {} }, body: "<html>" } })

const table: ReadonlyArray<readonly [AiError.AiErrorReason, string, object]> = [
  [new AiError.RateLimitError({ retryAfter: Duration.seconds(2) }), "RateLimitError", { retryAfterMs: 2000 }],
  [new AiError.QuotaExhaustedError({}), "QuotaExceededError", {}],
  [new AiError.AuthenticationError({ kind: "InvalidKey" }), "AuthenticationError", {}],
  [new AiError.AuthenticationError({ kind: "InsufficientPermissions" }), "PermissionDeniedError", {}],
  [new AiError.ContentPolicyError({ description }), "ContentFilterError", {}],
  [new AiError.InternalProviderError({ description, ...http(500) }), "ServerError", { status: 500, body: "<html>" }],
  [new AiError.InternalProviderError({ description, ...http(529) }), "OverloadedError", { status: 529 }],
  [new AiError.InvalidResponseError({ description }), "InvalidResponseError", {}],
  [new AiError.InvalidRequestError({ description, parameter: "tools" }), "InvalidRequestError", { parameter: "tools" }],
  [new AiError.InvalidUserInputError({ description }), "InvalidRequestError", {}],
  [new AiError.UnsupportedSchemaError({ description }), "InvalidRequestError", {}],
  [
    new AiError.NetworkError({ reason: "TransportError", method: "POST", url: "https://example.com", description }),
    "ConnectionError",
    {},
  ],
  [new AiError.UnknownError({ description }), "ServerError", {}],
]

describe.each(calls)("$call", ({ answerOf }) => {
  it.effect.each(table.map(([reason, tag, fields]) => ({ reason, tag, fields, name: reason._tag })))(
    "$name of a LanguageModel is a $tag",
    ({ fields, reason, tag }) =>
      Effect.gen(function* () {
        const error = yield* Effect.flip(answerOf(ask))
        expect(error.reason).toMatchObject({ _tag: tag, ...fields })
        expect(error).toMatchObject({ provider: "theirs", attempts: [{ provider: "theirs", errorType: tag }] })
      }).pipe(Effect.provide(provided(failing([reason])))),
  )

  it.effect("is tried again by withRetry, after the wait that its model was told", () =>
    Effect.gen(function* () {
      const fiber = yield* Effect.forkChild(answerOf(ask))
      yield* TestClock.adjust("3 seconds")
      const { metadata } = yield* Fiber.join(fiber)
      expect(metadata.attempts.map(({ errorType }) => errorType)).toEqual(["RateLimitError", undefined])
      expect(metadata.attempts[1]?.waitedMs).toBeGreaterThanOrEqual(2000)
    }).pipe(
      Effect.provide(
        provided(failing([new AiError.RateLimitError({ retryAfter: Duration.seconds(2) })])).pipe(withRetry()),
      ),
    ),
  )

  it.effect("gives way to a fallback", () =>
    Effect.gen(function* () {
      const { metadata, text } = yield* answerOf(ask)
      expect(text).toBe("from here")
      expect(metadata.attempts.map(({ provider }) => provider)).toEqual(["theirs", "scripted"])
    }).pipe(
      Effect.provide(
        provided(failing([new AiError.QuotaExhaustedError({})])).pipe(withFallback(Scripted.layer(["from here"]))),
      ),
    ),
  )
})

it.effect("an error within a stream is a failure of the stream", () => {
  const model = foreign([], [{ type: "error", error: new Error("broke") }])
  return Effect.gen(function* () {
    const [, stream] = calls
    const error = yield* Effect.flip(stream.answerOf(ask))
    expect(error.reason).toMatchObject({ _tag: "ServerError", message: "the LanguageModel failed: broke" })
  }).pipe(Effect.provide(provided(model)))
})

it.effect("values by schema work on it as on any provider", () => {
  const model = foreign([{ type: "tool-call", id: "c", name: "answer", params: { n: 1 } }, finish("tool-calls")], [])
  const schema = { type: "object", properties: { n: { type: "integer" } }, required: ["n"] } as const
  return Effect.gen(function* () {
    const { object } = yield* StructuredOutput.generate({ ...ask, schema })
    expect(object).toEqual({ n: 1 })
    expect(metadataKey).toBe("wiseflow")
  }).pipe(Effect.provide(provided(model)))
})
