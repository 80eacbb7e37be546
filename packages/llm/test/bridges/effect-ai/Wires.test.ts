/** Programs written for effect/ai on true wires: toolkits, chats, traces, and answers that are gone on from. */
import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import * as Tracer from "effect/Tracer"
import * as Chat from "effect/ai/Chat"
import * as LanguageModel from "effect/ai/LanguageModel"
import * as Model from "effect/ai/Model"
import * as ResponseIdTracker from "effect/ai/ResponseIdTracker"
import * as Tool from "effect/ai/Tool"
import * as Toolkit from "effect/ai/Toolkit"
import { layerLanguageModel, model, withRequestOptions } from "@wiseflow/llm/effect-ai"
import { withTelemetry } from "../../../src/policies/Telemetry.ts"
import * as Scripted from "../../../src/testing/Scripted.ts"
import { oneOfEachWire, openaiResponses } from "../../contract/Providers.ts"
import { listen, type Play, resultsIn } from "../../tools/ToolUpstream.ts"
import { answering, metadata } from "./Answers.ts"

const Add = Tool.make("add", {
  description: "Adds",
  parameters: Schema.Struct({ a: Schema.Finite, b: Schema.Finite }),
  success: Schema.Struct({ sum: Schema.Finite }),
})
const Toolbox = Toolkit.make(Add)
const handlers = Toolbox.toLayer({ add: ({ a, b }) => Effect.succeed({ sum: a + b }) })

const twoCalls: Play = (index) =>
  index === 0
    ? {
        text: "Let me see.",
        calls: [
          { name: "add", arguments: { a: 1, b: 2 } },
          { name: "add", arguments: { a: 3, b: 4 } },
        ],
      }
    : { text: "done" }

const upstream = (wire: Parameters<typeof listen>[0], play: Play) =>
  Effect.acquireDisposable(Effect.promise(() => listen(wire, play)))

describe.each(oneOfEachWire)("$name", (provider) => {
  it.live(
    "a chat with a toolkit is a conversation that the provider accepts, whole and streamed",
    Effect.fnUntraced(function* () {
      for (const streamed of [false, true]) {
        const server = yield* upstream(provider.wire.name, twoCalls)
        const turn = Effect.gen(function* () {
          const toolkit = yield* Toolbox
          const chat = yield* Chat.empty
          if (streamed) {
            yield* Stream.runDrain(chat.streamText({ prompt: "Go.", toolkit }))
            yield* Stream.runDrain(chat.streamText({ prompt: [], toolkit }))
          } else {
            yield* chat.generateText({ prompt: "Go.", toolkit })
            expect((yield* chat.generateText({ prompt: [], toolkit })).text).toBe("done")
          }
        })
        yield* turn.pipe(
          Effect.provide(handlers),
          Effect.provide(Layer.provide(layerLanguageModel, provider.layer(server.url))),
        )
        expect(server.refusals).toEqual([])
        expect(resultsIn(server.requests[1])).toEqual(['{"sum":3}', '{"sum":7}'])
      }
    }, Effect.scoped),
  )
})

const png = "iVBORw0KGgo="

it.live.each(oneOfEachWire)("$name is shown pictures by their bytes", (provider) =>
  Effect.gen(function* () {
    const server = yield* upstream(provider.wire.name, () => ({ text: "a cat" }))
    const content = [
      { type: "text", text: "What is this?" },
      { type: "file", mediaType: "image/png", data: png },
    ] as const
    yield* LanguageModel.generateText({ prompt: [{ role: "user", content }] }).pipe(
      Effect.provide(Layer.provide(layerLanguageModel, provider.layer(server.url))),
    )
    expect(server.requests[0]?.body).toContain(png)
  }).pipe(Effect.scoped),
)

describe("a trace", () => {
  const traced = Effect.fnUntraced(function* (program: Effect.Effect<unknown, unknown, LanguageModel.LanguageModel>) {
    const spans: Array<Tracer.NativeSpan> = []
    const tracer = Tracer.make({
      span: (options) => {
        const span = new Tracer.NativeSpan(options)
        spans.push(span)
        return span
      },
    })
    yield* program.pipe(
      Effect.withSpan("program"),
      Effect.provide(
        Layer.provide(layerLanguageModel, withTelemetry(Scripted.layer(["hello", "hello"], { model: "m" }))),
      ),
      Effect.provideService(Tracer.Tracer, tracer),
    )
    return spans
  })

  const named = (spans: ReadonlyArray<Tracer.NativeSpan>, name: string) => spans.find((span) => span.name === name)

  it.effect.each([
    { name: "LanguageModel.generateText", program: LanguageModel.generateText({ prompt: "Hi" }) },
    { name: "LanguageModel.streamText", program: Stream.runDrain(LanguageModel.streamText({ prompt: "Hi" })) },
  ])("is one: $name is the parent of the call, and the call that of its attempts", ({ name, program }) =>
    Effect.gen(function* () {
      const spans = yield* traced(program)
      expect(spans.map((span) => span.name)).toEqual(["program", name, "chat m", "attempt m"])
      expect(new Set(spans.map(({ traceId }) => traceId)).size).toBe(1)
      const parents = spans.map((span) => (span.parent._tag === "Some" ? span.parent.value.spanId : undefined))
      expect(parents.slice(1)).toEqual(spans.slice(0, -1).map(({ spanId }) => spanId))
      expect(named(spans, "chat m")?.status._tag).toBe("Ended")
    }),
  )
})

describe("answers that the provider stored", () => {
  const stored = { ...metadata, responseId: "resp_1" }
  const tracked = Effect.provideServiceEffect(ResponseIdTracker.ResponseIdTracker, ResponseIdTracker.make)

  it.effect.each([false, true])("are gone on from with what is new only (streamed: %s)", (streamed) => {
    const llm = answering([{ type: "text", text: "x" }], undefined, stored)
    return Effect.gen(function* () {
      const chat = yield* Chat.empty
      for (const prompt of ["One", "Two", "Three"]) {
        if (streamed) yield* Stream.runDrain(chat.streamText({ prompt }))
        else yield* chat.generateText({ prompt })
      }
      expect(llm.requests.map(({ previousResponseId }) => previousResponseId)).toEqual([undefined, "resp_1", "resp_1"])
      const texts = llm.requests.map(({ messages }) => messages.map(({ content }) => content))
      expect(texts[2]).toEqual([[{ type: "text", text: "Three" }]])
    }).pipe(tracked, Effect.provide(Layer.provide(layerLanguageModel, llm)))
  })

  it.effect("are left alone where nobody tracks them", () => {
    const llm = answering([{ type: "text", text: "x" }], undefined, stored)
    return Effect.gen(function* () {
      const chat = yield* Chat.empty
      yield* chat.generateText({ prompt: "One" })
      yield* chat.generateText({ prompt: "Two" })
      expect(llm.requests[1]).not.toHaveProperty("previousResponseId")
      expect(llm.requests[1]?.messages).toHaveLength(3)
    }).pipe(Effect.provide(Layer.provide(layerLanguageModel, llm)))
  })

  it.live(
    "are asked for over Responses, and one that is gone is replaced by the whole prompt",
    Effect.fnUntraced(function* () {
      const server = yield* upstream("responses", (index, { json }) =>
        index === 1 && JSON.stringify(json).includes("previous_response_id") ? { status: 400 } : { text: "x" },
      )
      yield* Effect.gen(function* () {
        const chat = yield* Chat.empty
        yield* chat.generateText({ prompt: "One" })
        yield* chat.generateText({ prompt: "Two" })
      }).pipe(
        withRequestOptions({ providerOptions: { openai: { store: true } } }),
        tracked,
        Effect.provide(Layer.provide(layerLanguageModel, openaiResponses.layer(server.url))),
      )
      expect(server.requests.map(({ json }) => json)).toMatchObject([
        { store: true, input: [{ role: "user" }] },
        { store: true, previous_response_id: "resp_1", input: [{ role: "user" }] },
        { store: true, input: [{ role: "user" }, { role: "assistant" }, { role: "user" }] },
      ])
      expect(server.requests[2]?.json).not.toHaveProperty("previous_response_id")
    }, Effect.scoped),
  )
})

describe("settings that a prompt has no place for", () => {
  it.effect("are those of withRequestOptions, the inner ones first, whole and streamed", () => {
    const llm = Scripted.layer(["a", "b", "c"])
    return Effect.gen(function* () {
      const asked = Effect.andThen(
        LanguageModel.generateText({ prompt: "Hi" }),
        Stream.runDrain(LanguageModel.streamText({ prompt: "Hi" })),
      )
      yield* asked.pipe(withRequestOptions({ temperature: 0.5 }), withRequestOptions({ temperature: 1, maxTokens: 9 }))
      yield* LanguageModel.generateText({ prompt: "Hi" })
      const settings = llm.requests.map(({ maxTokens, temperature }) => ({ maxTokens, temperature }))
      expect(settings).toEqual([
        { temperature: 0.5, maxTokens: 9 },
        { temperature: 0.5, maxTokens: 9 },
        { temperature: undefined, maxTokens: undefined },
      ])
    }).pipe(Effect.provide(Layer.provide(layerLanguageModel, llm)))
  })

  it.effect("a Model asks for its own model, and tells a program its names", () => {
    const llm = Scripted.layer(["a", "b"])
    return Effect.gen(function* () {
      yield* LanguageModel.generateText({ prompt: "Hi" })
      yield* withRequestOptions({ model: "other" })(LanguageModel.generateText({ prompt: "Hi" }))
      expect([yield* Model.ProviderName, yield* Model.ModelName]).toEqual(["openai", "gpt-5-mini"])
      expect(llm.requests.map((request) => request.model)).toEqual(["gpt-5-mini", "other"])
    }).pipe(Effect.provide(Layer.provide(model("openai", "gpt-5-mini"), llm)))
  })
})

it.effect("a Chat that was saved goes on with the ids and signatures of its parts", () => {
  const parts = [
    { type: "reasoning", text: "", redacted: "r", protocol: "responses", protocolData: { responses: { id: "rs_1" } } },
    { type: "text", text: "4" },
  ] as const
  const llm = answering(parts)
  return Effect.gen(function* () {
    const chat = yield* Chat.empty
    yield* chat.generateText({ prompt: "2 + 2?" })
    const saved = yield* chat.exportJson
    const restored = yield* Chat.fromJson(saved)
    yield* restored.generateText({ prompt: "And?" })
    expect(llm.requests[1]?.messages[1]).toEqual({ role: "assistant", content: parts })
  }).pipe(Effect.provide(Layer.provide(layerLanguageModel, llm)))
})
