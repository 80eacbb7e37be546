/** Metrics of calls, in the registry that the program reads, by the current names and by those of v1.41. */
import { describe, expect, it } from "@effect/vitest"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Metric from "effect/Metric"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/testing/TestClock"
import { metadataOf } from "../../../src/call/Metadata.ts"
import * as Provider from "../../../src/call/Provider.ts"
import { EmbeddingProvider } from "../../../src/model/EmbeddingProvider.ts"
import { ModelInfo } from "../../../src/model/ModelInfo.ts"
import { LlmProvider } from "../../../src/model/LlmProvider.ts"
import { fromParts, type ResponseMetadata } from "../../../src/model/LlmResponse.ts"
import { withCache } from "../../../src/policies/cache/Cache.ts"
import { withTelemetry } from "../../../src/policies/Telemetry.ts"
import { TelemetryOptions } from "../../../src/policies/telemetry/TelemetryOptions.ts"
import { Scripted } from "../../../src/testing/index.ts"
import { ask, callNames, hello, reasons } from "../Calls.ts"

const usage = { inputTokens: 10, outputTokens: 5, cachedInputTokens: 4, cacheWriteTokens: 2, reasoningTokens: 3 }

/** Runs an effect in a registry of its own and gives what stands there, by name and `error.type` or token type. */
const measured = <A, E, S extends LlmProvider | EmbeddingProvider | ModelInfo>(
  effect: Effect.Effect<A, E, S>,
  layer: Layer.Layer<S, unknown>,
  options: typeof TelemetryOptions.Service,
) => {
  const registry = Context.make(Metric.MetricRegistry, new Map())
  return Effect.exit(effect).pipe(
    Effect.provide(layer),
    Effect.provideContext(registry),
    Effect.provideService(TelemetryOptions, options),
    Effect.map(() => Metric.snapshotUnsafe(registry)),
  )
}

type Snapshots = ReadonlyArray<Metric.Metric.Snapshot>

const shown = (snapshots: Snapshots) =>
  snapshots
    .map(({ attributes, id, state }) => {
      const unit = attributes?.["unit"]
      const amount = "buckets" in state ? `${state.count} x ${state.sum}` : "count" in state ? `${state.count}` : ""
      return `${id} ${amount} ${unit}`
    })
    .toSorted()

describe.each(callNames)("metrics of %s", (name) => {
  const isStream = name === "stream"
  const answering = () =>
    Scripted.layer([{ text: ["a", "b", "c"], usage, delay: 1000 }], { name: "own" }).pipe(withTelemetry)

  it.effect("are duration, tokens by bucket and per operation, and for a stream its chunks, under current names", () =>
    Effect.gen(function* () {
      const fiber = yield* Effect.forkChild(measured(ask(name), answering(), { metrics: true }))
      yield* TestClock.adjust("1 minute")
      const snapshots = yield* Fiber.join(fiber)
      const ofChunks = ["gen_ai.client.inference.time_per_output_chunk", "gen_ai.client.inference.time_to_first_chunk"]
      expect(snapshots.map(({ id }) => id).filter((id) => ofChunks.includes(id)).length).toBe(isStream ? 2 : 0)
      expect(shown(snapshots).filter((line) => !line.includes("_chunk"))).toEqual([
        "gen_ai.client.inference.duration 1 x 1 s",
        "gen_ai.client.inference.operation.input_tokens 1 x 10 {token}",
        "gen_ai.client.inference.operation.output_tokens 1 x 5 {token}",
        "gen_ai.client.inference.usage.cache_read.input_tokens 4 {token}",
        "gen_ai.client.inference.usage.cache_write.input_tokens 2 {token}",
        "gen_ai.client.inference.usage.input_tokens 10 {token}",
        "gen_ai.client.inference.usage.output_tokens 5 {token}",
        "gen_ai.client.inference.usage.reasoning.output_tokens 3 {token}",
      ])
      const duration = snapshots.find(({ id }) => id === "gen_ai.client.inference.duration")
      expect(duration?.attributes).toStrictEqual({
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "own",
        "gen_ai.request.model": "scripted",
        "gen_ai.response.model": "scripted",
        unit: "s",
      })
    }),
  )

  it.effect("count the tokens of an answer from a cache once, when it was made", () =>
    Effect.gen(function* () {
      const cached = Scripted.layer([{ text: "a", usage }], { name: "own" }).pipe(withCache(), withTelemetry)
      const snapshots = yield* measured(Effect.andThen(ask(name), ask(name)), cached, { metrics: true })
      expect(shown(snapshots)).toContain("gen_ai.client.inference.usage.input_tokens 10 {token}")
      expect(shown(snapshots)).toContain("gen_ai.client.inference.duration 2 x 0 s")
    }),
  )

  it.effect("have the names of v1.41 where they are asked for", () =>
    Effect.gen(function* () {
      const fiber = yield* Effect.forkChild(measured(ask(name), answering(), { metrics: true, conventions: "v1.41" }))
      yield* TestClock.adjust("1 minute")
      const snapshots = yield* Fiber.join(fiber)
      expect(shown(snapshots).filter((line) => !line.includes("_chunk"))).toEqual([
        "gen_ai.client.operation.duration 1 x 1 s",
        "gen_ai.client.token.usage 1 x 10 {token}",
        "gen_ai.client.token.usage 1 x 5 {token}",
      ])
      const types = snapshots.flatMap(({ attributes }) => attributes?.["gen_ai.token.type"] ?? [])
      expect(types.toSorted()).toEqual(["input", "output"])
      const chunks = snapshots.filter(({ id }) => id.endsWith("_chunk")).map(({ id }) => id)
      expect(chunks.every((id) => id.startsWith("gen_ai.client.operation."))).toBe(true)
      expect(chunks).toHaveLength(isStream ? 2 : 0)
      const units = snapshots.flatMap(({ attributes, id }) => (id.endsWith("_chunk") ? [attributes?.["unit"]] : []))
      expect(units).toEqual(chunks.map(() => "s"))
    }),
  )

  it.effect("count a failure by its reason, an abort and a defect as such, and no tokens", () =>
    Effect.gen(function* () {
      const typesOf = (snapshots: Snapshots) => snapshots.map(({ attributes, id }) => [id, attributes?.["error.type"]])
      const duration = "gen_ai.client.inference.duration"
      const failing = Scripted.layer([{ error: reasons.ServerError() }]).pipe(withTelemetry)
      expect(typesOf(yield* measured(ask(name), failing, { metrics: true }))).toEqual([[duration, "ServerError"]])
      const dying = Provider.layer({
        name: "own",
        generate: () => Effect.die("bug"),
        stream: () => Stream.die("bug"),
      }).pipe(withTelemetry)
      expect(typesOf(yield* measured(ask(name), dying, { metrics: true }))).toEqual([[duration, "defect"]])
      const stalling = Scripted.layer([{ stall: true }]).pipe(withTelemetry)
      const late = Effect.timeoutOption(ask(name), 1000)
      const fiber = yield* Effect.forkChild(measured(late, stalling, { metrics: true }))
      yield* TestClock.adjust(1000)
      expect(typesOf(yield* Fiber.join(fiber))).toEqual([[duration, "aborted"]])
    }),
  )

  it.effect("count the cost in US dollars, by where the price comes from", () =>
    Effect.gen(function* () {
      const own = Provider.layer({
        name: "own",
        model: "m",
        prices: { m: { input: 2, output: 4 } },
        generate: () => Effect.succeed({ parts: [], finishReason: "stop", usage }),
      }).pipe(withTelemetry)
      const snapshots = yield* measured(ask(name), own, { metrics: true })
      const cost = snapshots.find(({ id }) => id === "wiseflow.client.cost")
      // 10 input tokens at 2 and 5 output tokens at 4 dollars a million.
      expect(cost?.state).toMatchObject({ count: (10 * 2 + 5 * 4) / 1_000_000, incremental: true })
      expect(cost?.attributes).toMatchObject({ "wiseflow.price_source": "custom", unit: "USD" })
    }),
  )

  it.effect("are not recorded where nobody traces and nobody asked for them", () =>
    Effect.gen(function* () {
      const script = Scripted.layer(["hello", "hello"]).pipe(withTelemetry)
      expect(yield* measured(ask(name, hello), script, {})).toEqual([])
      expect((yield* Effect.provide(ask(name, hello), script)).text).toBe("hello")
    }),
  )
})

describe("the figures of answers", () => {
  const answered = (own: Partial<ResponseMetadata>, model = "m") => {
    const metadata = { ...metadataOf({ provider: "own", model, latencyMs: 0, timestamp: "", attempts: [] }), ...own }
    return Layer.mock(LlmProvider, {
      name: "own",
      model,
      generate: () => Effect.succeed(fromParts([], "stop", metadata)),
    }).pipe(withTelemetry)
  }

  it.effect("are nought in counters, and in no histogram, where no tokens were told", () =>
    Effect.gen(function* () {
      const latest = yield* measured(ask("generate"), answered({}), { metrics: true })
      expect(shown(latest)).toEqual([
        "gen_ai.client.inference.duration 1 x 0 s",
        "gen_ai.client.inference.usage.cache_read.input_tokens 0 {token}",
        "gen_ai.client.inference.usage.cache_write.input_tokens 0 {token}",
        "gen_ai.client.inference.usage.input_tokens 0 {token}",
        "gen_ai.client.inference.usage.output_tokens 0 {token}",
        "gen_ai.client.inference.usage.reasoning.output_tokens 0 {token}",
      ])
      const old = yield* measured(ask("generate"), answered({}), { metrics: true, conventions: "v1.41" })
      expect(shown(old)).toEqual(["gen_ai.client.operation.duration 1 x 0 s"])
    }),
  )

  it.effect("only grow where they are counted, and are of no known modality", () =>
    Effect.gen(function* () {
      const snapshots = yield* measured(ask("generate"), answered({ usage: { inputTokens: 7 } }), { metrics: true })
      const tokens = snapshots.find(({ id }) => id === "gen_ai.client.inference.usage.input_tokens")
      expect(tokens).toMatchObject({
        state: { count: 7n, incremental: true },
        attributes: { "gen_ai.token.modality": "unknown" },
      })
    }),
  )

  it.effect(
    "are told apart by the model that was asked, by the one that answered, and by where the price comes from",
    () =>
      Effect.gen(function* () {
        const cost = { costUsd: 1, priceSource: "custom" } as const
        const calls = [
          answered({ ...cost, servedModel: "s1" }, "told-1"),
          answered({ ...cost, servedModel: "s1" }, "told-2"),
          answered({ ...cost, servedModel: "s2" }, "told-2"),
          answered({ ...cost, servedModel: "s2", priceSource: "service" }, "told-2"),
        ]
        const all = Effect.forEach(calls, (layer) => Effect.provide(ask("generate"), layer))
        const snapshots = yield* measured(all, Scripted.layer([]), { metrics: true })
        const series = (id: string) =>
          snapshots
            .flatMap((each) => (each.id === id && "count" in each.state ? [Number(each.state.count)] : []))
            .toSorted()
        expect(series("gen_ai.client.inference.duration")).toEqual([1, 1, 2])
        expect(series("wiseflow.client.cost")).toEqual([1, 1, 1, 1])
      }),
  )
})

it.effect("embeddings have a duration of their own and input tokens", () =>
  Effect.gen(function* () {
    const script = Scripted.layerEmbeddings([[[1, 2]]]).pipe(withTelemetry)
    const embed = Effect.flatMap(EmbeddingProvider, (provider) => provider.embed({ inputs: ["one"] }))
    const snapshots = yield* measured(embed, script, { metrics: true })
    expect(snapshots.map(({ id }) => id)).toContain("gen_ai.client.operation.duration")
    expect(snapshots.map(({ id }) => id)).not.toContain("gen_ai.client.inference.usage.output_tokens")
  }),
)

it.effect("lists of models and counts of tokens have a duration and no cost, each under its own name", () =>
  Effect.gen(function* () {
    const script = Scripted.layerModels({ counts: [5] }).pipe(withTelemetry)
    const both = Effect.flatMap(ModelInfo, ({ countTokens, models }) => Effect.andThen(models, countTokens(hello)))
    const snapshots = yield* measured(both, script, { metrics: true })
    const operations = snapshots.map(({ attributes, id }) => [id, attributes?.["gen_ai.operation.name"]])
    expect(operations.toSorted()).toEqual([
      ["gen_ai.client.operation.duration", "count_tokens"],
      ["gen_ai.client.operation.duration", "list_models"],
    ])
  }),
)

it.effect("names of models beyond 500 are no longer told apart", () =>
  Effect.gen(function* () {
    const script = Scripted.layer(
      Array.from({ length: 700 }, () => "hello"),
      { name: "many" },
    ).pipe(withTelemetry)
    const calls = Effect.forEach(Array.from({ length: 700 }), (_, index) =>
      ask("generate", { ...hello, model: `model-${index}` }),
    )
    const snapshots = yield* measured(calls, script, { metrics: true })
    const durations = snapshots.filter(({ id }) => id === "gen_ai.client.inference.duration")
    expect(durations.length).toBeLessThanOrEqual(501)
    const counts = durations.map(({ state }) => ("count" in state ? Number(state.count) : 0))
    expect(counts.reduce((sum, count) => sum + count, 0)).toBe(700)
  }),
)
