/** Programs written for effect/ai, answered by this library. */
import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import * as Chat from "effect/ai/Chat"
import * as LanguageModel from "effect/ai/LanguageModel"
import * as Prompt from "effect/ai/Prompt"
import * as Tool from "effect/ai/Tool"
import * as Toolkit from "effect/ai/Toolkit"
import * as TestClock from "effect/testing/TestClock"
import { layerLanguageModel, llmErrorOf, metadataKey } from "@wiseflow/llm/effect-ai"
import { RateLimitError } from "../../../src/model/LlmError.ts"
import type { LlmProvider } from "../../../src/model/LlmProvider.ts"
import { ResponseMetadata, type ResponsePart } from "../../../src/model/LlmResponse.ts"
import { withRetry } from "../../../src/policies/Retry.ts"
import * as Scripted from "../../../src/testing/Scripted.ts"
import { answering } from "./Answers.ts"

const answeredBy = <E>(llm: Layer.Layer<LlmProvider, E>) => Effect.provide(Layer.provide(layerLanguageModel, llm))

const Weather = Tool.make("Weather", {
  description: "The weather in a city",
  parameters: Schema.Struct({ city: Schema.String, days: Schema.optionalKey(Schema.Int) }),
  success: Schema.Struct({ celsius: Schema.Finite }),
})
const Toolbox = Toolkit.make(Weather, Tool.make("Ping"))
const handlers = Toolbox.toLayer({
  Weather: ({ city }) => Effect.succeed({ celsius: city.length }),
  Ping: () => Effect.void,
})

/** An answer that cites a page, a page of a document, and an address that is none. */
const citing: ReadonlyArray<ResponsePart> = [
  { type: "text", text: "It is so." },
  {
    type: "other",
    provider: "messages",
    value: {
      type: "citations",
      citations: [
        { type: "web_search_result_location", url: "https://a.test/x", title: "A", cited_text: "so" },
        { type: "page_location", document_title: "b.pdf", start_page_number: 1, end_page_number: 2 },
        { type: "search_result_location", source: "my notes" },
      ],
    },
  },
]

const usage = {
  inputTokens: 100,
  outputTokens: 30,
  totalTokens: 130,
  cachedInputTokens: 60,
  cacheWriteTokens: 10,
  reasoningTokens: 20,
}

describe("the sources of an answer", () => {
  const sources = [
    { sourceType: "url", url: new URL("https://a.test/x"), title: "A" },
    { sourceType: "document", title: "b.pdf", mediaType: "application/pdf" },
    { sourceType: "document", title: "my notes", mediaType: "application/octet-stream" },
  ]

  it.effect("are parts, whole and streamed, and go back in the words of their provider", () => {
    const llm = answering(citing)
    return Effect.gen(function* () {
      const { content } = yield* LanguageModel.generateText({ prompt: "Hi" })
      expect(content.filter(({ type }) => type === "source")).toMatchObject(sources)
      const said = yield* Stream.runCollect(LanguageModel.streamText({ prompt: "Hi" }))
      expect(said.filter(({ type }) => type === "source")).toMatchObject(sources)
      for (const parts of [content, said])
        yield* LanguageModel.generateText({ prompt: Prompt.fromResponseParts(parts) })
      expect(llm.requests.slice(2).map(({ messages }) => messages)).toEqual([
        [{ role: "assistant", content: citing }],
        [{ role: "assistant", content: citing }],
      ])
    }).pipe(answeredBy(llm))
  })
})

describe("generateText", () => {
  it.effect("answers with the text, the reasoning, the finish reason and the usage", () => {
    const script = Scripted.layer([{ reasoning: "Hm.", text: ["Hel", "lo"], finishReason: "length", usage }])
    return Effect.gen(function* () {
      const response = yield* LanguageModel.generateText({ prompt: "Say hello." })
      expect(response.text).toBe("Hello")
      expect(response.reasoningText).toBe("Hm.")
      expect(response.finishReason).toBe("length")
      expect(response.usage.inputTokens).toEqual({ uncached: 30, total: 100, cacheRead: 60, cacheWrite: 10 })
      expect(response.usage.outputTokens).toEqual({ total: 30, text: 10, reasoning: 20 })
      expect(script.requests).toEqual([
        { messages: [{ role: "user", content: [{ type: "text", text: "Say hello." }] }] },
      ])
    }).pipe(answeredBy(script))
  })

  it.effect.each(["stop", "length", "tool-calls", "content-filter", "pause", "other"] as const)(
    "passes the finish reason %s on",
    (finishReason) =>
      Effect.gen(function* () {
        const response = yield* LanguageModel.generateText({ prompt: "Hi" })
        expect(response.finishReason).toBe(finishReason)
      }).pipe(answeredBy(Scripted.layer([{ text: "x", finishReason }]))),
  )

  it.effect("makes up no figure that the provider did not report", () =>
    Effect.gen(function* () {
      const { usage } = yield* LanguageModel.generateText({ prompt: "Hi" })
      expect(usage.inputTokens.uncached).toBeUndefined()
      expect(usage.inputTokens.total).toBe(7)
      expect(usage.outputTokens).toEqual({ total: undefined, text: undefined, reasoning: undefined })
    }).pipe(answeredBy(Scripted.layer([{ text: "x", usage: { inputTokens: 7 } }]))),
  )

  it.effect("counts reasoning that is reported beside the output as output", () =>
    Effect.gen(function* () {
      const { usage } = yield* LanguageModel.generateText({ prompt: "Hi" })
      expect(usage.outputTokens).toEqual({ total: 25, text: 5, reasoning: 20 })
    }).pipe(
      answeredBy(
        Scripted.layer([
          { text: "x", usage: { inputTokens: 10, outputTokens: 5, reasoningTokens: 20, totalTokens: 35 } },
        ]),
      ),
    ),
  )

  it.effect("tells which model served, and keeps our metadata with the finish", () =>
    Effect.gen(function* () {
      const { content } = yield* LanguageModel.generateText({ prompt: "Hi" })
      expect(content[0]).toMatchObject({ type: "response-metadata", modelId: "served" })
      expect(content[0]).not.toHaveProperty("id")
      const ours = yield* Schema.decodeUnknownEffect(ResponseMetadata)(content.at(-1)?.metadata[metadataKey])
      expect(ours).toMatchObject({ requestId: "req_1", costUsd: 0.25, warnings: ["temperature was dropped"] })
    }).pipe(answeredBy(answering([{ type: "text", text: "Hello" }]))),
  )
})

describe("streamText", () => {
  it.effect("frames every part with its start and its end", () => {
    const script = Scripted.layer([
      {
        reasoning: "Hm.",
        text: ["Hel", "lo"],
        toolCalls: [{ id: "call_1", name: "Weather", arguments: { city: "Bonn" } }],
        usage,
      },
    ])
    return Effect.gen(function* () {
      const toolkit = yield* Toolbox
      const parts = yield* Stream.runCollect(
        LanguageModel.streamText({ prompt: "Hi", toolkit, disableToolCallResolution: true }),
      )
      const said = parts.map((part) => ("delta" in part ? `${part.type} ${part.delta}` : part.type))
      expect(said).toEqual([
        "response-metadata",
        "reasoning-start",
        "reasoning-delta Hm.",
        "reasoning-end",
        "text-start",
        "text-delta Hel",
        "text-delta lo",
        "text-end",
        "tool-params-start",
        'tool-params-delta {"city":"Bonn"}',
        "tool-params-end",
        "tool-call",
        "finish",
      ])
      expect(parts.at(-1)).toMatchObject({ reason: "tool-calls", usage: { outputTokens: { total: 30 } } })
    }).pipe(Effect.provide(handlers), answeredBy(script))
  })

  it.effect("hands pieces over as they come", () => {
    const script = Scripted.layer([{ text: ["one ", "two"], pause: "1 second" }])
    return Effect.gen(function* () {
      const deltas: Array<string> = []
      const reading = LanguageModel.streamText({ prompt: "Count." }).pipe(
        Stream.runForEach((part) => Effect.sync(() => part.type === "text-delta" && deltas.push(part.delta))),
      )
      const fiber = yield* Effect.forkChild(reading)
      yield* TestClock.adjust("500 millis")
      expect(deltas).toEqual(["one "])
      yield* TestClock.adjust("1 second")
      yield* Fiber.join(fiber)
      expect(deltas).toEqual(["one ", "two"])
    }).pipe(answeredBy(script))
  })

  it.effect("fails with what had come before the failure already handed over", () => {
    const script = Scripted.layer([{ text: ["Hel"], error: new RateLimitError({ message: "slow down" }) }])
    return Effect.gen(function* () {
      const deltas: Array<string> = []
      const error = yield* LanguageModel.streamText({ prompt: "Hi" }).pipe(
        Stream.runForEach((part) => Effect.sync(() => part.type === "text-delta" && deltas.push(part.delta))),
        Effect.flip,
      )
      expect(deltas).toEqual(["Hel"])
      expect(error.reason._tag).toBe("RateLimitError")
      expect(llmErrorOf(error)?.text).toBe("Hel")
    }).pipe(answeredBy(script))
  })
})

describe("generateObject", () => {
  class Person extends Schema.Class<Person>("acme/Person")({
    name: Schema.String,
    age: Schema.Int.check(Schema.isGreaterThan(0)),
    email: Schema.optionalKey(Schema.String),
  }) {}

  it.effect("asks for the Schema as JSON Schema, and decodes the answer with it", () => {
    const script = Scripted.layer(['{"name":"Ada","age":36,"email":null}'])
    return Effect.gen(function* () {
      const { value } = yield* LanguageModel.generateObject({ prompt: "Who?", schema: Person })
      expect(value).toEqual(new Person({ name: "Ada", age: 36 }))
      expect(script.requests[0]?.responseFormat).toMatchObject({
        type: "json-schema",
        name: "acme_Person",
        schema: {
          type: "object",
          properties: { name: { type: "string" }, age: { type: "integer" } },
          required: ["name", "age", "email"],
          additionalProperties: false,
        },
      })
    }).pipe(answeredBy(script))
  })

  it.effect("holds the answer to what the JSON Schema cannot say everywhere", () => {
    const script = Scripted.layer(['{"name":"Ada","age":-1,"email":null}'])
    return Effect.gen(function* () {
      const error = yield* Effect.flip(LanguageModel.generateObject({ prompt: "Who?", schema: Person }))
      expect(error.reason._tag).toBe("StructuredOutputError")
      expect(llmErrorOf(error)).toBeUndefined()
    }).pipe(answeredBy(script))
  })

  it.effect("asks nothing where the Schema has no form that providers take", () => {
    const script = Scripted.layer(["{}"])
    const Either = Schema.Union([Schema.Struct({ a: Schema.String }), Schema.Struct({ b: Schema.String })])
    return Effect.gen(function* () {
      const error = yield* Effect.flip(LanguageModel.generateObject({ prompt: "Which?", schema: Either }))
      expect(error.reason._tag).toBe("UnsupportedSchemaError")
      expect(script.requests).toEqual([])
    }).pipe(answeredBy(script))
  })
})

describe("a toolkit", () => {
  const script = () =>
    Scripted.layer([
      { text: "Let me see.", toolCalls: [{ id: "call_1", name: "Weather", arguments: { city: "Bonn" } }] },
      "4 degrees.",
    ])

  const conversation = [
    { role: "user", content: [{ type: "text", text: "Weather in Bonn?" }] },
    {
      role: "assistant",
      content: [
        { type: "text", text: "Let me see." },
        { type: "tool-call", id: "call_1", name: "Weather", arguments: { city: "Bonn" } },
      ],
    },
    { role: "tool", content: [{ type: "tool-result", toolCallId: "call_1", content: '{"celsius":4}' }] },
  ]

  it.effect("has its tools called and its results sent back", () => {
    const llm = script()
    return Effect.gen(function* () {
      const toolkit = yield* Toolbox
      const chat = yield* Chat.empty
      const first = yield* chat.generateText({ prompt: "Weather in Bonn?", toolkit })
      expect(first.toolResults).toMatchObject([{ id: "call_1", result: { celsius: 4 } }])
      const second = yield* chat.generateText({ prompt: [], toolkit })
      expect(second.text).toBe("4 degrees.")
      expect(llm.requests[1]?.messages).toEqual(conversation)
    }).pipe(Effect.provide(handlers), answeredBy(llm))
  })

  it.effect("does so in a stream too", () => {
    const llm = script()
    return Effect.gen(function* () {
      const toolkit = yield* Toolbox
      const chat = yield* Chat.empty
      const parts = yield* Stream.runCollect(chat.streamText({ prompt: "Weather in Bonn?", toolkit }))
      expect(parts.filter((part) => part.type === "tool-result")).toMatchObject([{ result: { celsius: 4 } }])
      yield* Stream.runDrain(chat.streamText({ prompt: [], toolkit }))
      expect(llm.requests[1]?.messages).toEqual(conversation)
    }).pipe(Effect.provide(handlers), answeredBy(llm))
  })

  it.effect("is described by its Schemas", () => {
    const llm = Scripted.layer(["x"])
    return Effect.gen(function* () {
      const toolkit = yield* Toolbox
      yield* LanguageModel.generateText({ prompt: "Hi", toolkit })
      expect(llm.requests[0]?.toolChoice).toBe("auto")
      expect(llm.requests[0]?.tools).toMatchObject([
        {
          name: "Weather",
          description: "The weather in a city",
          parameters: { type: "object", properties: { city: { type: "string" } }, required: ["city"] },
        },
        { name: "Ping", parameters: { type: "object", additionalProperties: false } },
      ])
    }).pipe(Effect.provide(handlers), answeredBy(llm))
  })

  it.effect("may be narrowed to a choice", () => {
    const llm = Scripted.layer(["a", "b", "c", "d"])
    return Effect.gen(function* () {
      const toolkit = yield* Toolbox
      for (const toolChoice of ["required", "none", { tool: "Ping" }, { oneOf: ["Ping"], mode: "required" }] as const)
        yield* LanguageModel.generateText({ prompt: "Hi", toolkit, toolChoice })
      expect(llm.requests.map(({ toolChoice }) => toolChoice)).toEqual([
        "required",
        "none",
        { name: "Ping" },
        "required",
      ])
      expect(llm.requests.map(({ tools }) => tools?.length)).toEqual([2, 2, 2, 1])
    }).pipe(Effect.provide(handlers), answeredBy(llm))
  })

  it.effect("is strict where it says so, and takes a JSON Schema as it stands", () => {
    const strict = Tool.make("Strict", {
      parameters: Schema.Struct({ n: Schema.Int, unit: Schema.optionalKey(Schema.String) }),
    }).annotate(Tool.Strict, true)
    const parameters = { type: "object", properties: { n: { minimum: 1 } } } as const
    const tools = Toolkit.make(strict, Tool.dynamic("Dynamic", { parameters }), Tool.dynamic("Any"))
    const none = tools.toLayer({ Strict: () => Effect.void, Dynamic: () => Effect.void, Any: () => Effect.void })
    // A wire that enforces the schema requires every property: an absent one is null there.
    const llm = Scripted.layer([{ toolCalls: [{ name: "Strict", arguments: { n: 1, unit: null } }] }])
    return Effect.gen(function* () {
      const { toolCalls } = yield* LanguageModel.generateText({ prompt: "Hi", toolkit: yield* tools })
      expect(toolCalls).toMatchObject([{ name: "Strict", params: { n: 1 } }])
      expect(toolCalls[0]?.params).not.toHaveProperty("unit")
      expect(llm.requests[0]?.tools).toMatchObject([
        { name: "Strict", parameters: { type: "object", required: ["n"] }, strict: true },
        { name: "Dynamic", parameters },
        { name: "Any", parameters: { type: "object" } },
      ])
    }).pipe(Effect.provide(none), answeredBy(llm))
  })

  it.effect("hears of a tool's failure as of an error", () => {
    const llm = Scripted.layer(["x"])
    return Effect.gen(function* () {
      const calls = Prompt.make([
        { role: "user", content: "Hi" },
        { role: "assistant", content: [{ type: "tool-call", id: "1", name: "Ping", params: {} }] },
        { role: "tool", content: [{ type: "tool-result", id: "1", name: "Ping", isFailure: true, result: "no" }] },
      ])
      yield* LanguageModel.generateText({ prompt: calls })
      expect(llm.requests[0]?.messages[2]?.content).toEqual([
        { type: "tool-result", toolCallId: "1", content: "no", isError: true },
      ])
    }).pipe(answeredBy(llm))
  })
})

it.effect("every policy works under effect/ai as it does without", () => {
  const script = Scripted.layer([{ error: new RateLimitError({ message: "slow", retryAfterMs: 1000 }) }, "hello"])
  return Effect.gen(function* () {
    const fiber = yield* Effect.forkChild(LanguageModel.generateText({ prompt: "Hi" }))
    yield* TestClock.adjust("2 seconds")
    const response = yield* Fiber.join(fiber)
    expect(response.text).toBe("hello")
    const ours = yield* Schema.decodeUnknownEffect(ResponseMetadata)(response.content.at(-1)?.metadata[metadataKey])
    expect(ours.attempts.map(({ errorType }) => errorType)).toEqual(["RateLimitError", undefined])
  }).pipe(answeredBy(script.pipe(withRetry())))
})
