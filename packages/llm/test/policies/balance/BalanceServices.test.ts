/** What a balance makes of services: embeddings, one target for a cache, events and spans, and the type of its Layer. */
import { describe, expect, expectTypeOf, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import type * as HttpClient from "effect/http/HttpClient"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Random from "effect/Random"
import * as Redacted from "effect/Redacted"
import * as Tracer from "effect/Tracer"
import * as TestClock from "effect/testing/TestClock"
import type { CallEvent } from "../../../src/call/CallEvent.ts"
import { EmbeddingProvider } from "../../../src/model/EmbeddingProvider.ts"
import type { LlmError } from "../../../src/model/LlmError.ts"
import { LlmProvider } from "../../../src/model/LlmProvider.ts"
import { ModelInfo } from "../../../src/model/ModelInfo.ts"
import { withBalance } from "../../../src/policies/balance/Balance.ts"
import { withCache } from "../../../src/policies/cache/Cache.ts"
import { withObserver } from "../../../src/policies/Observer.ts"
import { withTelemetry } from "../../../src/policies/Telemetry.ts"
import * as OpenAi from "../../../src/providers/OpenAi.ts"
import * as ScriptedEmbeddings from "../../../src/testing/ScriptedEmbeddings.ts"
import * as ScriptedModels from "../../../src/testing/ScriptedModels.ts"
import { ask, hello, reasons } from "../Calls.ts"
import { Upstream } from "../Upstream.ts"
import { servers, story } from "./Servers.ts"

describe("balance of embeddings", () => {
  it.effect("goes to the next deployment, and says which answered", () => {
    const failing = ScriptedEmbeddings.layerEmbeddings(
      Array.from({ length: 9 }, () => ({ error: "OverloadedError" as const })),
      { name: "a" },
    )
    const well = ScriptedEmbeddings.layerEmbeddings(undefined, { name: "b" })
    const stack = withBalance(
      [
        { name: "east", layer: failing },
        { name: "west", layer: well },
      ],
      { strategy: "weighted" },
    )
    return Effect.gen(function* () {
      const provider = yield* EmbeddingProvider
      const { embeddings, metadata } = yield* provider.embed({ inputs: ["one", "two"] })
      expect(embeddings).toHaveLength(2)
      expect(story({ metadata })).toEqual([
        ["east", "weighted", "OverloadedError"],
        ["west", "next", undefined],
      ])
      expect(provider.targets).toBe(2)
    }).pipe(Effect.provide(stack))
  })

  it.effect("and of answers at once shares what is known of a deployment", () => {
    const answers = new Upstream(() => ({ error: reasons.RateLimitError({ retryAfterMs: 60_000 }) }), "a")
    const vectors = ScriptedEmbeddings.layerEmbeddings(undefined, { name: "a" })
    const other = ScriptedEmbeddings.layerEmbeddings(undefined, { name: "b" })
    const stack = withBalance([
      { name: "east", layer: Layer.merge(answers.layer, vectors) },
      { name: "west", layer: Layer.merge(new Upstream(() => "hello", "b").layer, other) },
    ])
    return Effect.gen(function* () {
      while (answers.asked.length === 0) yield* ask("generate")
      const provider = yield* EmbeddingProvider
      for (let call = 0; call < 4; call++) yield* provider.embed({ inputs: ["one"] })
      expect(vectors.requests).toHaveLength(0)
      expect(other.requests).toHaveLength(4)
    }).pipe(Effect.provide(stack))
  })
})

describe("balance of what is told of models", () => {
  const both = (name: string, tpm: number) => ({
    name,
    tpm,
    layer: Layer.merge(new Upstream(() => "hello", name).layer, ScriptedModels.layerModels({}, { name })),
  })
  const long = { messages: [{ role: "user" as const, content: "long ".repeat(1000) }] }

  it.effect("reserves no tokens: a count goes to a deployment whose tokens are used up as to any other", () => {
    const stack = withBalance([both("east", 500), both("west", 500)], { strategy: "weighted" })
    return Effect.gen(function* () {
      for (let call = 0; call < 2; call++) yield* ask("generate", { ...hello, maxTokens: 500 })
      const info = yield* ModelInfo
      const counts = yield* Effect.forEach([1, 2, 3, 4], () => info.countTokens(long))
      const lists = yield* Effect.forEach([1, 2], () => info.models)
      expect([...counts, ...lists].map(story)).toEqual(
        ["west", "east", "west", "east", "west", "east"].map((name) => [[name, "weighted", undefined]]),
      )
    }).pipe(Effect.provide(stack))
  })

  it.effect("has times of its own: the deployment that lists fast is asked for lists, though it answers slowly", () => {
    const asked: Record<string, number> = {}
    const told = (name: string, answersMs: number, listsMs: number) => {
      const note = (what: string) =>
        Effect.sync(() => void (asked[`${what} of ${name}`] = (asked[`${what} of ${name}`] ?? 0) + 1))
      const after = <A, E, R>(effect: Effect.Effect<A, E, R>, what: string, ms: number) =>
        Effect.andThen(note(what), Effect.delay(effect, ms))
      const inner = ScriptedModels.layerModels({}, { name })
      const models = Layer.effect(
        ModelInfo,
        Effect.map(ModelInfo, (info) => ({
          ...info,
          models: after(info.models, "lists", listsMs),
          countTokens: (request) => after(info.countTokens(request), "counts", listsMs),
        })),
      ).pipe(Layer.provide(inner))
      const answers = new Upstream(() => {
        Effect.runSync(note("answers"))
        return { text: "hello", delay: answersMs }
      }, name)
      return { name, layer: Layer.merge(answers.layer, models) }
    }
    const stack = withBalance([told("east", 100, 5000), told("west", 5000, 100)], { strategy: "latency" })
    return Effect.gen(function* () {
      const info = yield* ModelInfo
      const turn = Effect.andThen(ask("generate"), Effect.andThen(info.models, info.countTokens(hello)))
      const calls = yield* Effect.forkChild(Effect.forEach(Array.from({ length: 40 }), () => turn))
      yield* TestClock.adjust("1 hour")
      yield* Fiber.join(calls)
      for (const what of ["answers of east", "lists of west", "counts of west"]) expect(asked[what]).toBeGreaterThan(30)
    }).pipe(Effect.provide(stack), Random.withSeed(1))
  })

  it.effect("takes none: an answer is sent at once after any number of counts", () => {
    const stack = withBalance([both("east", 2000)])
    return Effect.gen(function* () {
      const info = yield* ModelInfo
      for (let call = 0; call < 20; call++) yield* info.countTokens(long)
      expect((yield* ask("generate", { ...hello, maxTokens: 1900 })).metadata.attempts).toMatchObject([{ queuedMs: 0 }])
    }).pipe(Effect.provide(stack))
  })

  it.effect("tells the function of a key what is asked for, and the deployment nothing of it", () => {
    const seen: Array<unknown> = []
    const east = ScriptedModels.layerModels({}, { name: "east" })
    const west = ScriptedModels.layerModels({}, { name: "west" })
    const stack = withBalance(
      [
        { name: "east", layer: east },
        { name: "west", layer: west },
      ],
      {
        stickyBy: ({ about }) => {
          seen.push(about)
          return about
        },
      },
    )
    return Effect.gen(function* () {
      const info = yield* ModelInfo
      const counted = yield* info.countTokens(hello)
      const listed = yield* info.models
      expect(seen).toEqual(["tokens", "models"])
      expect([counted, listed].map(({ metadata }) => metadata.attempts[0]?.chosenBy)).toEqual(["sticky", "sticky"])
      expect([...east.requests, ...west.requests]).toEqual([hello])
    }).pipe(Effect.provide(stack))
  })
})

it.effect("every deployment is the same target: what the next one answered is kept by a cache around", () => {
  const { counts, deployments } = servers({ busy: { error: reasons.OverloadedError() }, well: "hello" })
  const stack = withBalance(deployments, { strategy: "weighted" }).pipe(withCache())
  return Effect.gen(function* () {
    const { metadata } = yield* ask("generate")
    expect(metadata.attempts.map(({ deployment, targetIndex }) => [deployment, targetIndex])).toEqual([
      ["busy", 0],
      ["well", 0],
    ])
    expect((yield* ask("generate")).metadata.cached).toBe(true)
    expect(counts()).toEqual({ busy: 1, well: 1 })
  }).pipe(Effect.provide(stack))
})

it.effect("events and spans of an attempt name its deployment and why it was chosen; others name none", () => {
  const { deployments } = servers({ busy: { error: reasons.OverloadedError() }, well: "hello" })
  const events: Array<CallEvent> = []
  const spans: Array<Tracer.NativeSpan> = []
  const tracer = Tracer.make({
    span: (options) => {
      const span = new Tracer.NativeSpan(options)
      spans.push(span)
      return span
    },
  })
  const watched = withObserver((event) => void events.push(event))
  const stack = withBalance(deployments, { strategy: "weighted" }).pipe(withTelemetry, watched)
  return Effect.gen(function* () {
    yield* ask("stream")
    const started = events.flatMap((event) => (event.type === "attempt-start" ? [event.record] : []))
    expect(started.map(({ chosenBy, deployment }) => [deployment, chosenBy])).toEqual([
      ["busy", "weighted"],
      ["well", "next"],
    ])
    expect(events.map(({ type }) => type)).toContain("fallback")
    const attempts = spans.filter(({ name }) => name.startsWith("attempt"))
    expect(
      attempts.map(({ attributes }) => [attributes.get("wiseflow.deployment"), attributes.get("wiseflow.chosen_by")]),
    ).toEqual([
      ["busy", "weighted"],
      ["well", "next"],
    ])
    const alone = yield* Effect.provide(ask("generate"), new Upstream(() => "hello").layer)
    expect(alone.metadata.attempts[0]).not.toHaveProperty("deployment")
  }).pipe(Effect.provide(stack), Effect.provideService(Tracer.Tracer, tracer))
})

it("its Layer needs and fails with what any of its deployments does", () => {
  const stack = withBalance([
    { name: "client", layer: OpenAi.layerHttpClient({ apiKey: Redacted.make("key"), model: "gpt-5-mini" }) },
    { name: "never", layer: Layer.effect(LlmProvider, Effect.fail("closed" as const)) },
    { name: "plain", layer: new Upstream(() => "hello").layer },
  ])
  expectTypeOf(stack).toEqualTypeOf<Layer.Layer<LlmProvider, LlmError | "closed", HttpClient.HttpClient>>()
  expect(Layer.isLayer(stack)).toBe(true)
})

it.effect("a Layer that two deployments stand on is built once", () => {
  let built = 0
  const shared = Layer.effect(
    LlmProvider,
    Effect.suspend(() => {
      built += 1
      return Effect.provide(LlmProvider, new Upstream(() => "hello").layer)
    }),
  )
  return Effect.gen(function* () {
    for (let call = 0; call < 4; call++) yield* ask("generate")
    expect(built).toBe(1)
  }).pipe(
    Effect.provide(
      withBalance([
        { name: "a", layer: shared, model: "one" },
        { name: "b", layer: shared, model: "two", rpm: 100 },
      ]),
    ),
  )
})
