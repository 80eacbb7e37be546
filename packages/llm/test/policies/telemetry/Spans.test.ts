/** What the spans of a call and of its attempts say, attribute by attribute, and what the log says of its end. */
import { describe, expect, it } from "@effect/vitest"
import * as Cause from "effect/Cause"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as Metric from "effect/Metric"
import * as Option from "effect/Option"
import * as References from "effect/References"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/testing/TestClock"
import * as Tracer from "effect/Tracer"
import { joinCall, tell } from "../../../src/call/CallContext.ts"
import type { CallEvent } from "../../../src/call/CallEvent.ts"
import { metadataOf } from "../../../src/call/Metadata.ts"
import { EmbeddingProvider, type EmbeddingRequest } from "../../../src/model/EmbeddingProvider.ts"
import { LlmError } from "../../../src/model/LlmError.ts"
import type { LlmEvent } from "../../../src/model/LlmEvent.ts"
import { LlmProvider } from "../../../src/model/LlmProvider.ts"
import type { LlmRequest } from "../../../src/model/LlmRequest.ts"
import { type AttemptRecord, fromParts, type ResponseMetadata } from "../../../src/model/LlmResponse.ts"
import { withBatches } from "../../../src/policies/Batches.ts"
import { withTelemetry } from "../../../src/policies/Telemetry.ts"
import { TelemetryOptions } from "../../../src/policies/telemetry/TelemetryOptions.ts"
import * as Scripted from "../../../src/testing/Scripted.ts"
import { layerEmbeddings } from "../../../src/testing/ScriptedEmbeddings.ts"
import { ask, callNames, hello, reasons } from "../Calls.ts"

type Services = LlmProvider | EmbeddingProvider

/** Runs an effect under telemetry: its spans, its log lines at DEBUG and above, and what its metrics came to. */
const observe = <A, E, S extends Services>(
  effect: Effect.Effect<A, E, S>,
  layer: Layer.Layer<S, LlmError>,
  options: typeof TelemetryOptions.Service = {},
) =>
  Effect.gen(function* () {
    const lines: Array<unknown> = []
    const spans: Array<Tracer.NativeSpan> = []
    const registry = Context.make(Metric.MetricRegistry, new Map())
    const logger = Logger.make(({ logLevel, message }) => lines.push([logLevel, message]))
    const tracer = Tracer.make({
      span: (given) => {
        const span = new Tracer.NativeSpan(given)
        spans.push(span)
        return span
      },
    })
    yield* Effect.exit(effect).pipe(
      Effect.provide(layer.pipe(withTelemetry)),
      Effect.provide(Logger.layer([logger])),
      Effect.provideContext(registry),
      Effect.provideService(References.MinimumLogLevel, "Debug"),
      Effect.provideService(Tracer.Tracer, tracer),
      Effect.provideService(TelemetryOptions, options),
    )
    const metrics = Metric.snapshotUnsafe(registry)
    return { lines, metrics, spans, attributes: spans.map((span) => Object.fromEntries(span.attributes)) }
  })

const metadata = (own: Partial<ResponseMetadata> = {}): ResponseMetadata => ({
  ...metadataOf({ provider: "own", model: "m", latencyMs: 0, timestamp: "", attempts: [] }),
  ...own,
})

/** A provider that tells these events and then answers. */
const telling = (
  events: ReadonlyArray<CallEvent>,
  { model = "m", own = {} }: { readonly model?: string | undefined; readonly own?: Partial<ResponseMetadata> } = {},
) => {
  const told = joinCall((context, fiber) => {
    for (const event of events) tell(context, event, fiber)
    return Effect.void
  })
  const answer = metadata(own)
  const finish: LlmEvent = { type: "response-finish", finishReason: "stop", metadata: answer }
  return Layer.succeed(LlmProvider, {
    name: "own",
    ...(model === "" ? {} : { model }),
    generate: () => Effect.as(told, fromParts([{ type: "text", text: "hello" }], "stop", answer)),
    stream: () => Stream.fromEffect(Effect.as(told, finish)),
  })
}

const record = (own: Partial<AttemptRecord> = {}): AttemptRecord => ({
  provider: "own",
  model: "m",
  targetIndex: 0,
  started: "2026-01-01T00:00:00.000Z",
  queuedMs: 0,
  waitedMs: 0,
  durationMs: 0,
  costUsd: null,
  ...own,
})

const attempt = (
  start: Partial<AttemptRecord>,
  end: Partial<AttemptRecord> = {},
  url?: string,
  exit: Exit.Exit<unknown, unknown> = Exit.void,
): ReadonlyArray<CallEvent> => [
  { type: "attempt-start", attempt: 0, record: record(start), telemetryName: "openai", url },
  { type: "attempt-end", attempt: 0, record: record({ ...start, ...end }), exit },
]

const error = new LlmError({ reason: reasons.OverloadedError(), provider: "own", attempts: [] })

describe.each(callNames)("the span of an attempt of %s", (name) => {
  it.effect("has what is known of it at its end, and of waits and targets only what is above nothing", () =>
    Effect.gen(function* () {
      const whole = attempt(
        { deployment: "west", chosenBy: "weighted", targetIndex: 2, queuedMs: 3, waitedMs: 4 },
        { status: 200, servedModel: "m-1", costUsd: 0.5 },
      )
      const { attributes, spans } = yield* observe(ask(name), telling(whole))
      expect(spans.map((span) => span.name)).toEqual(["chat m", "attempt m"])
      expect(attributes[1]).toEqual({
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "openai",
        "gen_ai.request.model": "m",
        "http.response.status_code": 200,
        "gen_ai.response.model": "m-1",
        "wiseflow.deployment": "west",
        "wiseflow.chosen_by": "weighted",
        "wiseflow.target_index": 2,
        "wiseflow.queued_ms": 3,
        "wiseflow.waited_ms": 4,
        "wiseflow.cost_usd": 0.5,
      })
      const bare = yield* observe(ask(name), telling(attempt({ model: undefined }), { model: "" }))
      expect(bare.spans.map((span) => span.name)).toEqual(["chat", "attempt"])
      expect(Object.keys(bare.attributes[1] ?? {})).toEqual(["gen_ai.operation.name", "gen_ai.provider.name"])
      expect(Object.keys(bare.attributes[0] ?? {})).not.toContain("gen_ai.request.model")
    }),
  )

  it.effect.each([
    ["https://a.test/v1", "a.test", 443],
    ["http://a.test/v1", "a.test", 80],
    ["https://a.test:8443/v1", "a.test", 8443],
    ["http://127.0.0.1:9/v1", "127.0.0.1", 9],
  ] as const)("says which server %s is", ([url, address, port]) =>
    Effect.gen(function* () {
      const { attributes } = yield* observe(ask(name), telling(attempt({}, {}, url)))
      expect(attributes[1]).toMatchObject({ "server.address": address, "server.port": port })
    }),
  )

  it.effect("says nothing of a server where there is none, or where its address cannot be read", () =>
    Effect.gen(function* () {
      for (const url of [undefined, "nowhere"]) {
        const { attributes } = yield* observe(ask(name), telling(attempt({}, {}, url)))
        expect(Object.keys(attributes[1] ?? {}).filter((key) => key.startsWith("server"))).toEqual([])
      }
    }),
  )

  it.effect("has failed where its record says so, however its fiber ended", () =>
    Effect.gen(function* () {
      const late = attempt({}, { errorType: "TimeoutError" }, undefined, Exit.interrupt())
      const { attributes, spans } = yield* observe(ask(name), telling(late))
      expect(attributes[1]).toMatchObject({ "error.type": "TimeoutError" })
      const status = spans[1]?.status
      expect(status?._tag === "Ended" && Exit.isFailure(status.exit) && Cause.squash(status.exit.cause)).toBe(
        "TimeoutError",
      )
      const well = yield* observe(ask(name), telling(attempt({})))
      const end = well.spans[1]?.status
      expect(end?._tag === "Ended" && Exit.isSuccess(end.exit)).toBe(true)
    }),
  )

  it.effect("is a child of the call's, whatever spans the program has in between", () =>
    Effect.gen(function* () {
      const between = Layer.effect(
        LlmProvider,
        Effect.map(LlmProvider, (inner) => ({
          ...inner,
          generate: (request: LlmRequest) => Effect.withSpan(inner.generate(request), "between"),
          stream: (request: LlmRequest) => Stream.withSpan(inner.stream(request), "between"),
        })),
      ).pipe(Layer.provide(telling(attempt({}))))
      const { spans } = yield* observe(ask(name), between)
      const parents = spans.map((span) => {
        const parent = Option.getOrUndefined(span.parent)
        return [span.name, parent?._tag === "Span" ? parent.name : undefined]
      })
      expect(parents).toEqual([
        ["chat m", undefined],
        ["between", "chat m"],
        ["attempt m", "chat m"],
      ])
    }),
  )
})

describe.each(callNames)("the span of a call of %s", (name) => {
  it.effect("tells retries, hedges, fallbacks, waits for permits and changes of circuits as its events", () =>
    Effect.gen(function* () {
      const events: ReadonlyArray<CallEvent> = [
        { type: "queued" },
        { type: "permit", waitedMs: 0 },
        { type: "permit", waitedMs: 7 },
        { type: "retry", error, waitMs: 1000, retry: 1 },
        { type: "hedge", afterMs: 250 },
        { type: "fallback", error, provider: "second" },
        { type: "circuit", provider: "own", model: "m", from: "Closed", to: "Open" },
      ]
      const { spans } = yield* observe(ask(name), telling(events))
      expect(spans[0]?.events.map(([event, , attributes]) => [event, attributes])).toEqual([
        ["permit", { "wiseflow.queued_ms": 7 }],
        ["retry", { "error.type": "OverloadedError", "wiseflow.wait_ms": 1000 }],
        ["hedge", { "wiseflow.after_ms": 250 }],
        ["fallback", { "error.type": "OverloadedError", "wiseflow.next": "second" }],
        [
          "circuit",
          { "gen_ai.provider.name": "own", "wiseflow.circuit.from": "Closed", "wiseflow.circuit.to": "Open" },
        ],
      ])
    }),
  )

  it.effect("has what the answer says of itself", () =>
    Effect.gen(function* () {
      const own: Partial<ResponseMetadata> = {
        responseId: "r_1",
        servedModel: "m-1",
        rawFinishReason: "end_turn",
        temperature: 0.5,
        maxTokens: 9,
        usage: { inputTokens: 1, outputTokens: 2, cachedInputTokens: 3, cacheWriteTokens: 4, reasoningTokens: 5 },
        costUsd: 0.5,
        priceSource: "custom",
      }
      const { attributes } = yield* observe(ask(name), telling([], { own }))
      expect(attributes[0]).toMatchObject({
        "gen_ai.response.id": "r_1",
        "gen_ai.response.model": "m-1",
        "gen_ai.response.finish_reasons": ["end_turn"],
        "gen_ai.request.temperature": 0.5,
        "gen_ai.request.max_tokens": 9,
        "gen_ai.usage.input_tokens": 1,
        "gen_ai.usage.output_tokens": 2,
        "gen_ai.usage.cache_read.input_tokens": 3,
        "gen_ai.usage.cache_write.input_tokens": 4,
        "gen_ai.usage.reasoning.output_tokens": 5,
        "wiseflow.cost_usd": 0.5,
        "wiseflow.price_source": "custom",
      })
      const old = yield* observe(ask(name), telling([], { own }), { conventions: "v1.41" })
      expect(old.attributes[0]).toMatchObject({ "gen_ai.usage.cache_creation.input_tokens": 4 })
    }),
  )

  it.effect("has no attribute for what is not known", () =>
    Effect.gen(function* () {
      const { attributes } = yield* observe(ask(name), telling([]))
      expect(attributes[0]).toEqual({
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "own",
        "gen_ai.request.model": "m",
        "gen_ai.response.finish_reasons": ["stop"],
        ...(name === "stream" ? { "gen_ai.request.stream": true } : {}),
      })
    }),
  )

  it.effect("has every option of the request under its own name, and only what is of the right type", () =>
    Effect.gen(function* () {
      const request: LlmRequest = {
        ...hello,
        temperature: 0.1,
        maxTokens: 2,
        topP: 0.3,
        seed: 4,
        frequencyPenalty: 0.5,
        presencePenalty: 0.6,
        reasoning: { effort: "high" },
        responseFormat: { type: "text" },
      }
      const { attributes } = yield* observe(ask(name, request), telling([]))
      expect(attributes[0]).toMatchObject({
        "gen_ai.request.temperature": 0.1,
        "gen_ai.request.max_tokens": 2,
        "gen_ai.request.top_p": 0.3,
        "gen_ai.request.seed": 4,
        "gen_ai.request.frequency_penalty": 0.5,
        "gen_ai.request.presence_penalty": 0.6,
        "gen_ai.request.reasoning.level": "high",
        "gen_ai.output.type": "text",
      })
      const wrong: LlmRequest = { ...hello, ...JSON.parse('{"topP":"much","reasoningEffort":3}') }
      const told = yield* observe(ask(name, wrong), telling([]))
      expect(Object.keys(told.attributes[0] ?? {})).not.toContain("gen_ai.request.top_p")
      expect(Object.keys(told.attributes[0] ?? {})).not.toContain("gen_ai.request.reasoning.level")
      const old = yield* observe(ask(name, request), telling([]), { conventions: "v1.41" })
      expect(Object.keys(old.attributes[0] ?? {}).filter((key) => /reasoning|undefined/.test(key))).toEqual([])
    }),
  )

  it.effect("ends as the call does where it failed and the program wants to be told what was said", () =>
    Effect.gen(function* () {
      const failing = Scripted.layer([{ error: reasons.AuthenticationError() }])
      const { lines, spans } = yield* observe(ask(name), failing, { content: (text) => text })
      expect(lines).toMatchObject([["Warn", ["failed", { errorType: "AuthenticationError" }]]])
      expect(spans.map(({ status }) => status._tag)).toEqual(["Ended", "Ended"])
    }),
  )

  it.effect("is there without metrics where the program wants none, and ends", () =>
    Effect.gen(function* () {
      const { metrics, spans } = yield* observe(ask(name), telling(attempt({})), { metrics: false })
      expect(spans.map(({ status }) => status._tag)).toEqual(["Ended", "Ended"])
      expect(metrics).toEqual([])
    }),
  )

  it.effect("is not made where it is not sampled, while its metrics are", () =>
    Effect.gen(function* () {
      const sampled = Effect.withTracerEnabled(ask(name), false)
      const { attributes, metrics } = yield* observe(sampled, telling(attempt({})))
      expect(attributes).toEqual([])
      expect(metrics.map(({ id }) => id)).toContain("gen_ai.client.inference.duration")
    }),
  )
})

describe("the span of a call for embeddings", () => {
  const observed = (request: EmbeddingRequest) =>
    observe(
      Effect.flatMap(EmbeddingProvider, (provider) => provider.embed(request)),
      layerEmbeddings([[[1, 2, 3]]], { model: "v" }),
      { content: (text) => text },
    )

  it.effect("has the length of the vectors that is asked for, and nothing that answers have", () =>
    Effect.gen(function* () {
      const { attributes, lines, spans } = yield* observed({ inputs: ["one"], dimensions: 3 })
      expect(lines).toMatchObject([["Debug", ["answered", {}]]])
      expect(spans[0]?.name).toBe("embeddings v")
      expect(attributes[0]).toMatchObject({ "gen_ai.embeddings.dimension.count": 3 })
      expect(Object.keys(attributes[0] ?? {}).filter((key) => /finish_reasons|messages/.test(key))).toEqual([])
    }),
  )

  it.effect("has none of the options of answers, also where a request is refused for them", () =>
    Effect.gen(function* () {
      const wrong = { inputs: ["one"], temperature: 0.5 }
      const { attributes, lines } = yield* observed(wrong)
      expect(lines).toMatchObject([["Warn", ["failed", {}]]])
      expect(Object.keys(attributes[0] ?? {})).not.toContain("gen_ai.request.temperature")
    }),
  )
})

describe("a stream", () => {
  const piece = (delta: string): LlmEvent => ({ type: "text-delta", index: 0, delta })
  const finish: LlmEvent = { type: "response-finish", finishReason: "stop", metadata: metadata() }
  const reads = (...all: ReadonlyArray<readonly [number, ...ReadonlyArray<LlmEvent>]>) =>
    Layer.mock(LlmProvider, {
      name: "own",
      model: "m",
      stream: () =>
        Stream.flatMap(Stream.fromIterable(all), ([afterMs, ...events]) =>
          Stream.unwrap(Effect.as(Effect.sleep(afterMs), Stream.fromArray(events))),
        ),
    })
  const sumOf = (metrics: ReadonlyArray<Metric.Metric.Snapshot>, id: string) => {
    const state = metrics.find((metric) => metric.id === id)?.state
    return state !== undefined && "buckets" in state ? [state.count, state.sum] : undefined
  }

  it.effect(
    "is measured from its own beginning: its first chunk, also beside what is none, and the waits between",
    () =>
      Effect.gen(function* () {
        yield* TestClock.adjust("1 hour")
        const layer = reads(
          [250, { type: "response-start" }, piece("a")],
          [500, piece("b")],
          [1000, piece("c")],
          [0, finish],
        )
        const fiber = yield* Effect.forkChild(observe(ask("stream"), layer))
        yield* TestClock.adjust("1 minute")
        const { attributes, lines, metrics } = yield* Fiber.join(fiber)
        expect(attributes[0]).toMatchObject({ "gen_ai.response.time_to_first_chunk": 0.25 })
        expect(sumOf(metrics, "gen_ai.client.inference.time_to_first_chunk")).toEqual([1, 0.25])
        expect(sumOf(metrics, "gen_ai.client.inference.time_per_output_chunk")).toEqual([2, 1.5])
        expect(sumOf(metrics, "gen_ai.client.inference.duration")).toEqual([1, 1.75])
        expect(lines).toMatchObject([["Debug", ["answered", { latencyMs: 1750 }]]])
      }),
  )

  it.effect("has at most ten thousand waits counted", () =>
    Effect.gen(function* () {
      const many = Array.from({ length: 10_005 }, () => [0, piece("x")] as const)
      const layer = Layer.mock(LlmProvider, {
        name: "own",
        model: "m",
        stream: () => Stream.rechunk(Stream.fromIterable([...many.map(([, event]) => event), finish]), 1),
      })
      const { metrics } = yield* observe(ask("stream"), layer)
      expect(sumOf(metrics, "gen_ai.client.inference.time_per_output_chunk")).toEqual([10_000, 0])
    }),
  )
})

describe.each(callNames)("the log line of %s", (name) => {
  it.effect("of an abort or a defect says whose call it was and how long it took", () =>
    Effect.gen(function* () {
      yield* TestClock.adjust("1 hour")
      const stalling = Scripted.layer([{ stall: true }])
      const fiber = yield* Effect.forkChild(observe(Effect.timeoutOption(ask(name), 1500), stalling))
      yield* TestClock.adjust(1500)
      const details = { provider: "scripted", model: "scripted", latencyMs: 1500, attempts: 1 }
      expect((yield* Fiber.join(fiber)).lines).toEqual([["Debug", ["aborted", details]]])
      const dying = Layer.succeed(LlmProvider, {
        name: "own",
        generate: () => Effect.die("a bug"),
        stream: () => Stream.die("a bug"),
      })
      const died = yield* observe(ask(name), dying)
      expect(died.lines).toMatchObject([["Error", ["died", { provider: "own", latencyMs: 0, attempts: 0 }]]])
      expect(died.attributes[0]).toMatchObject({ "error.type": "defect" })
    }),
  )
})

it.effect("several requests of which none failed are no reason for a line at INFO", () =>
  Effect.gen(function* () {
    const embed = Effect.flatMap(EmbeddingProvider, (provider) => provider.embed({ inputs: ["one", "two"] }))
    const batched = layerEmbeddings([[[1]], [[2]]]).pipe(withBatches({ limits: { inputs: 1 } }))
    expect((yield* observe(embed, batched)).lines).toMatchObject([["Debug", ["answered", { attempts: 2 }]]])
  }),
)

it.effect("the metrics of a call that was refused before any attempt are of the model that was asked for", () =>
  Effect.gen(function* () {
    const refusing = Layer.mock(LlmProvider, { name: "own", generate: () => Effect.fail(error) })
    const { metrics } = yield* observe(ask("generate", { ...hello, model: "asked" }), refusing)
    expect(metrics[0]?.attributes).toMatchObject({ "gen_ai.request.model": "asked", "error.type": "OverloadedError" })
    const unnamed = (yield* observe(ask("generate"), refusing)).metrics[0]?.attributes
    expect(Object.keys(unnamed ?? {}).filter((key) => key.includes("model"))).toEqual([])
  }),
)
