/** Whom a call asks after whom, with how much time and by which name; what it fails with; and what a balance says it is. */
import { describe, expect, it } from "@effect/vitest"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as Option from "effect/Option"
import * as Random from "effect/Random"
import * as References from "effect/References"
import * as TestClock from "effect/testing/TestClock"
import { CallOptions } from "../../../src/call/CallOptions.ts"
import { EmbeddingProvider } from "../../../src/model/EmbeddingProvider.ts"
import { InvalidRequestError } from "../../../src/model/LlmError.ts"
import { ModelInfo } from "../../../src/model/ModelInfo.ts"
import { layerModels } from "../../../src/testing/ScriptedModels.ts"
import { LlmProvider } from "../../../src/model/LlmProvider.ts"
import { withBalance } from "../../../src/policies/balance/Balance.ts"
import { withConcurrency } from "../../../src/policies/Concurrency.ts"
import { withFallback } from "../../../src/policies/Fallback.ts"
import { withTimeout } from "../../../src/policies/Timeout.ts"
import { withRateLimit } from "../../../src/policies/traffic/RateLimit.ts"
import { layerEmbeddings } from "../../../src/testing/ScriptedEmbeddings.ts"
import { ask, callNames, hello, reasons } from "../Calls.ts"
import { Upstream } from "../Upstream.ts"
import { quick, servers, story, within } from "./Servers.ts"

const weighted = { strategy: "weighted" } as const

describe.each(callNames)("a call (%s) of a balance", (name) => {
  it.effect("goes to another deployment after a failure, also with a key", () => {
    const { deployments } = servers({
      a: { error: reasons.OverloadedError() },
      b: { error: reasons.OverloadedError() },
      c: { error: reasons.OverloadedError() },
    })
    const stack = withBalance(deployments, { stickyBy: () => "key" })
    return Effect.gen(function* () {
      const { attempts } = yield* Effect.flip(ask(name))
      expect(attempts.map(({ deployment }) => deployment).toSorted()).toEqual(["a", "b", "c"])
    }).pipe(Effect.provide(stack))
  })

  it.effect("fails with what it met, and makes up no refusal, where the others are away", () => {
    const { deployments, now } = servers({
      a: { error: reasons.RateLimitError({ retryAfterMs: 60_000 }) },
      b: quick,
    })
    return Effect.gen(function* () {
      yield* within("1 second", ask(name))
      now["b"] = { error: reasons.ServerError() }
      const error = yield* Effect.flip(ask(name))
      expect([error.reason._tag, error.attempts.map(({ deployment }) => deployment)]).toEqual(["ServerError", ["b"]])
    }).pipe(Effect.provide(withBalance(deployments, weighted)))
  })

  it.effect.each([
    [
      "the failure that is over first",
      reasons.RateLimitError({ retryAfterMs: 9000 }),
      reasons.OverloadedError({ retryAfterMs: 3000 }),
      "OverloadedError",
    ],
    [
      "that too where it came first",
      reasons.OverloadedError({ retryAfterMs: 3000 }),
      reasons.RateLimitError({ retryAfterMs: 9000 }),
      "OverloadedError",
    ],
    ["the last of those that are over at once", reasons.ServerError(), reasons.OverloadedError(), "OverloadedError"],
    [
      "the last of those that are over at the same time",
      reasons.RateLimitError({ retryAfterMs: 9000 }),
      reasons.OverloadedError({ retryAfterMs: 9000 }),
      "OverloadedError",
    ],
    [
      "one that a retry may mend, before one that none does",
      reasons.RateLimitError({ retryAfterMs: 9000 }),
      reasons.AuthenticationError(),
      "RateLimitError",
    ],
  ] as const)("fails with %s", ([, first, second, expected]) => {
    const { deployments } = servers({ a: { error: first }, b: { error: second } })
    return Effect.gen(function* () {
      const error = yield* Effect.flip(ask(name))
      expect([error.reason._tag, error.attempts.length]).toEqual([expected, 2])
    }).pipe(Effect.provide(withBalance(deployments, weighted)))
  })

  it.effect.each([
    ["RateLimitError", reasons.RateLimitError({ retryAfterMs: 4000 })],
    ["QuotaExceededError", reasons.QuotaExceededError({ retryAfterMs: 4000 })],
    ["OverloadedError", reasons.OverloadedError({ retryAfterMs: 4000 })],
    ["CircuitOpenError", reasons.CircuitOpenError({ retryAfterMs: 4000 })],
  ] as const)("that none can be asked for says who comes back first, when and why: %s", ([tag, reason]) => {
    const late = { error: reasons.ServerError({ retryAfterMs: 9000 }) }
    const { deployments } = servers({ late, soon: { error: reason }, last: { error: reason } })
    const stack = withBalance(
      deployments.map((one) => ({ ...one, model: `model-${one.name}` })),
      weighted,
    )
    return Effect.gen(function* () {
      yield* Effect.flip(ask(name))
      yield* TestClock.adjust(1500)
      const error = yield* Effect.flip(ask(name))
      expect(error.message).toContain(
        `no request made: every deployment is passed over; soon is asked again in 2500 ms (${reason.message})`,
      )
      expect(error.reason).toMatchObject({ _tag: tag, retryAfterMs: 2500 })
      expect(error.attempts).toMatchObject([
        { provider: "soon", model: "model-soon", deployment: "soon", chosenBy: "soonest" },
      ])
      const named = yield* Effect.flip(ask(name, { ...hello, model: "other" }))
      expect(named.attempts).toMatchObject([{ model: "other" }])
    }).pipe(Effect.provide(stack))
  })

  it.effect(
    "leaves each deployment that it may still ask its share of the deadline, and none to those it may not",
    () => {
      const hung = { stall: true }
      const { deployments, now } = servers({ away: hung, first: hung, second: quick, third: quick })
      return Effect.gen(function* () {
        now["away"] = { error: reasons.RateLimitError({ retryAfterMs: 600_000 }) }
        const stack = (maxTries?: number) =>
          withBalance(deployments, { ...weighted, maxTries }).pipe(withTimeout("30 seconds"))
        const took = (maxTries?: number) =>
          Effect.gen(function* () {
            // The first call goes on from `away`, which is passed over then.
            const first = yield* within("1 minute", ask(name))
            return first.metadata.attempts.map(({ deployment, durationMs }) => [deployment, durationMs])
          }).pipe(Effect.provide(stack(maxTries)))
        // Ten seconds each: there were three left.
        expect(yield* took()).toEqual([
          ["away", 0],
          ["first", 10_000],
          ["second", 100],
        ])
        // One more may be asked after it.
        expect(yield* took(3)).toEqual([
          ["away", 0],
          ["first", 15_000],
          ["second", 100],
        ])
      })
    },
  )

  it.effect("leaves none to those that are away", () => {
    const { deployments, now } = servers({ away: quick, hung: { stall: true }, well: quick })
    now["away"] = { error: reasons.RateLimitError({ retryAfterMs: 600_000 }) }
    const heavy = deployments.map((one, index) => ({ ...one, weight: [20, 10, 1][index] ?? 1 }))
    return Effect.gen(function* () {
      const times = []
      for (let call = 0; call < 2; call++) {
        const { metadata } = yield* within("1 minute", ask(name))
        times.push(metadata.attempts.map(({ deployment, durationMs }) => [deployment, durationMs]))
      }
      const both = [
        ["hung", 15_000],
        ["well", 100],
      ]
      expect(times).toEqual([[["away", 0], ...both], both])
    }).pipe(Effect.provide(withBalance(heavy, weighted).pipe(withTimeout("30 seconds"))))
  })

  it.effect("tells of a deployment that could not take a part of its request, and of no other failure", () => {
    const otherTargetMayTake = true
    const { deployments } = servers({
      a: { error: new InvalidRequestError({ message: "no pictures here", otherTargetMayTake }) },
      b: { error: reasons.ServerError() },
      c: "hello",
    })
    return Effect.gen(function* () {
      const { metadata } = yield* ask(name)
      expect(metadata.warnings).toEqual(["a was passed over: no pictures here"])
    }).pipe(Effect.provide(withBalance(deployments, weighted)))
  })

  it.effect("counts a deployment with a fallback of its own as two, and says so", () => {
    const hung = new Upstream(() => ({ stall: true }), "hung")
    const other = new Upstream(() => quick, "other")
    const both = new Upstream(() => quick, "both").layer.pipe(withFallback(other.layer))
    const stack = withBalance(
      [
        { name: "a", layer: hung.layer },
        { name: "b", layer: both },
      ],
      weighted,
    ).pipe(withTimeout("30 seconds"))
    return Effect.gen(function* () {
      const { metadata } = yield* within("1 minute", ask(name))
      expect(metadata.attempts.map(({ durationMs }) => durationMs)).toEqual([10_000, 100])
    }).pipe(Effect.provide(stack))
  })

  it.effect("may wait for its turn as long as its deadline, where every deployment is busy", () => {
    const { deployments, upstreams } = servers({
      a: { text: "hello", delay: 12_000 },
      b: { text: "hello", delay: 12_000 },
    })
    const stack = withBalance(
      deployments.map((one) => ({ ...one, concurrency: 1 })),
      weighted,
    ).pipe(withTimeout({ total: "30 seconds" }))
    return Effect.gen(function* () {
      const three = Effect.all([ask(name), ask(name), ask(name)], { concurrency: "unbounded" })
      const answers = yield* within("1 minute", three)
      expect(answers.flatMap(story)).toEqual([
        ["a", "weighted", undefined],
        ["b", "only", undefined],
        ["a", "soonest", undefined],
      ])
      expect([upstreams["a"]?.peakInFlight, upstreams["b"]?.peakInFlight]).toEqual([1, 1])
    }).pipe(Effect.provide(stack))
  })

  it.effect("waits for its turn at the rate of the only deployment", () => {
    const { deployments, upstreams } = servers({ a: "hello" })
    const stack = withBalance(deployments.map((one) => ({ ...one, rpm: 1 })))
    return Effect.gen(function* () {
      const both = Effect.all([ask(name), ask(name)], { concurrency: "unbounded" })
      expect((yield* within("1 minute", both)).map(({ text }) => text)).toEqual(["hello", "hello"])
      expect(upstreams["a"]?.arrivals).toEqual([0, 60_000])
    }).pipe(Effect.provide(stack))
  })

  it.effect("says of one that it has to wait for after a failure that it is the soonest", () => {
    const { deployments, now } = servers({ a: { text: "hello", delay: 1000 }, b: { text: "hello", delay: 1000 } })
    const stack = withBalance(
      deployments.map((one) => (one.name === "b" ? { ...one, concurrency: 1 } : one)),
      weighted,
    )
    return Effect.gen(function* () {
      const before = yield* Effect.forkChild(Effect.all([ask(name), ask(name)], { concurrency: "unbounded" }))
      yield* TestClock.adjust(10)
      now["a"] = { error: reasons.ServerError() }
      expect(story(yield* within("1 minute", ask(name)))).toEqual([
        ["a", "only", "ServerError"],
        ["b", "soonest", undefined],
      ])
      yield* Fiber.join(before)
    }).pipe(Effect.provide(stack))
  })

  it.effect("charges what it waited before to its first request alone", () => {
    const { deployments } = servers({ a: { error: reasons.OverloadedError(), delay: 50 }, b: quick })
    const heavy = deployments.map((one) => ({ ...one, weight: one.name === "a" ? 10 : 1 }))
    const stack = withBalance(heavy, weighted).pipe(withConcurrency(1))
    return Effect.gen(function* () {
      const fibers = yield* Effect.forEach([1, 2], () => Effect.forkChild(ask(name)))
      yield* TestClock.adjust("1 minute")
      const [, second] = yield* Effect.forEach(fibers, Fiber.join)
      const queued = second?.metadata.attempts.map(({ queuedMs }) => queuedMs) ?? []
      expect([queued[0], queued.slice(1)]).toEqual([150, queued.slice(1).map(() => 0)])
      expect(queued.length).toBeGreaterThan(1)
    }).pipe(Effect.provide(stack))
  })

  it.effect("asks for the model that it names where a deployment has no name of its own for it", () => {
    const { deployments, upstreams } = servers({ a: "hello", b: "hello" })
    const stack = withBalance(
      deployments.map((one) => (one.name === "b" ? { ...one, model: "gpt-b" } : one)),
      { ...weighted, model: "gpt" },
    )
    return Effect.gen(function* () {
      for (const _ of deployments) yield* ask(name, { ...hello, model: "gpt" })
      expect(upstreams["a"]?.asked.map(({ request }) => request.model)).toEqual(["gpt"])
      expect(upstreams["b"]?.asked.map(({ request }) => request.model)).toEqual(["gpt-b"])
    }).pipe(Effect.provide(stack))
  })

  it.effect("does not pass over a deployment whose own rate limit refused a call", () => {
    const [paced, other] = [new Upstream(() => "hello", "paced"), new Upstream(() => "hello", "other")]
    const stack = withBalance(
      [
        { name: "paced", layer: paced.layer.pipe(withRateLimit({ rpm: 1, maxWait: 0 })) },
        { name: "other", layer: other.layer },
      ],
      weighted,
    )
    return Effect.gen(function* () {
      const stories = []
      for (let call = 0; call < 4; call++) stories.push(story(yield* ask(name)))
      expect(stories).toEqual([
        [["paced", "weighted", undefined]],
        [["other", "weighted", undefined]],
        [
          ["paced", "weighted", "RateLimitError"],
          ["other", "next", undefined],
        ],
        [["other", "weighted", undefined]],
      ])
    }).pipe(Effect.provide(stack))
  })

  it.effect.each([
    ["rpm", { rpm: 1 }],
    ["tpm", { tpm: 1100 }],
    ["concurrency", { concurrency: 1 }],
  ] as const)("goes elsewhere where a deployment has used up its %s", ([, limit]) => {
    const slow = { text: "hello", delay: 1000 }
    const { counts, deployments } = servers({ a: slow, b: slow })
    const stack = withBalance(
      deployments.map((one) => (one.name === "a" ? { ...one, ...limit } : one)),
      weighted,
    )
    return Effect.gen(function* () {
      const all = Effect.all(
        Array.from({ length: 5 }, () => ask(name)),
        { concurrency: "unbounded" },
      )
      yield* within("1 second", all)
      expect(counts()).toEqual({ a: 1, b: 4 })
    }).pipe(Effect.provide(stack))
  })

  it.effect("goes by weights that are as far apart as numbers are", () => {
    const { counts, deployments } = servers({ a: "hello", b: "hello" })
    const stack = withBalance(
      deployments.map((one) => ({ ...one, weight: one.name === "a" ? Number.MAX_VALUE : 0.25 })),
      weighted,
    )
    return Effect.gen(function* () {
      for (let call = 0; call < 6; call++) yield* ask(name)
      expect(counts()).toEqual({ a: 6, b: 0 })
    }).pipe(Effect.provide(stack))
  })

  it.effect.each([
    ["AuthenticationError", "Warn"],
    ["PermissionDeniedError", "Warn"],
    ["ServerError", "Debug"],
  ] as const)("logs that it goes on after %s, at the level %s", ([error, level]) => {
    const lines: Array<readonly [string, string]> = []
    const logger = Logger.make(({ logLevel, message }) => {
      lines.push([logLevel, JSON.stringify(message)])
    })
    const { deployments } = servers({ a: { error: reasons[error]() }, b: "hello" })
    return Effect.gen(function* () {
      yield* ask(name)
      const line = lines.find(([, text]) => text.includes("going on from deployment a to b"))
      expect(line?.[0]).toBe(level)
      expect(line?.[1]).toContain(`"errorType":"${error}","message":"`)
    }).pipe(
      Effect.provide(withBalance(deployments, weighted)),
      Effect.provide(Logger.layer([logger])),
      Effect.provideService(References.MinimumLogLevel, "Debug"),
    )
  })

  it.effect("by a key of the call's own options goes where the options' key would not lead it", () => {
    const { deployments } = servers({ a: "hello", b: "hello", c: "hello" })
    return Effect.gen(function* () {
      const told = (stickyKey: string | undefined) =>
        Effect.map(
          Effect.provideService(ask(name), CallOptions, stickyKey === undefined ? {} : { stickyKey }),
          (answer) => story(answer)[0],
        )
      const keys = ["a", "b", "c", "d", "e", "f"]
      const seen = new Set<string>()
      for (const key of keys) seen.add(String((yield* told(key))?.[0]))
      expect(seen.size).toBeGreaterThan(1)
      expect((yield* told(undefined))?.[1]).toBe("sticky")
    }).pipe(Effect.provide(withBalance(deployments, { stickyBy: () => "fixed" })), Random.withSeed("keys"))
  })
})

class Beside extends Context.Service<Beside, { readonly text: string }>()("test/Beside") {}

describe("a balance", () => {
  it.effect("has the name of its first deployment, its model, and as many targets as a call may ask", () => {
    const { deployments } = servers({ a: "hello", b: "hello", c: "hello" })
    const own = deployments.map((one, index) => ({ ...one, ...(index === 0 ? { model: "first" } : {}) }))
    const identity = (stack: Layer.Layer<LlmProvider, unknown>) =>
      Effect.map(Effect.provide(LlmProvider, stack), ({ model, name, targets }) => [name, model, targets])
    const named = Layer.effect(
      LlmProvider,
      Effect.map(LlmProvider, (llm) => ({ ...llm, model: "of the service" })),
    ).pipe(Layer.provide(new Upstream(() => "hello", "x").layer))
    return Effect.gen(function* () {
      expect(yield* identity(withBalance(own, { model: "all" }))).toEqual(["a", "all", 3])
      expect(yield* identity(withBalance(own, { maxTries: 2 }))).toEqual(["a", "first", 2])
      expect(yield* identity(withBalance([{ name: "x", layer: named }]))).toEqual(["x", "of the service", 1])
    })
  })

  it.effect("keeps what else its first deployment provides, and lacks a service that one of them lacks", () => {
    const upstream = new Upstream(() => "hello")
    const beside = Layer.merge(upstream.layer, Layer.succeed(Beside, { text: "kept" }))
    const stack = withBalance([
      { name: "a", layer: beside },
      { name: "b", layer: Layer.merge(upstream.layer, layerEmbeddings()) },
    ])
    return Effect.gen(function* () {
      const context = yield* Effect.scoped(Layer.build(stack as Layer.Layer<never, unknown>))
      expect(Option.map(Context.getOption(context, Beside), ({ text }) => text)).toEqual(Option.some("kept"))
      expect(Option.isNone(Context.getOption(context, EmbeddingProvider))).toBe(true)
      expect(Option.isSome(Context.getOption(context, LlmProvider))).toBe(true)
    })
  })

  it.effect("of deployments without a service in common fails its Layer, and says what to give them", () => {
    const stack = withBalance([
      { name: "a", layer: new Upstream(() => "hello").layer },
      { name: "b", layer: layerEmbeddings() },
    ])
    return Effect.gen(function* () {
      const error = yield* Effect.flip(Effect.scoped(Layer.build(stack as Layer.Layer<never, Error>)))
      expect(error.message).toContain("no service in common: give each an LlmProvider, or each an EmbeddingProvider")
    })
  })

  it.effect("tells of the models of whichever deployment answers", () => {
    const failing = { error: "ServerError" } as const
    const stack = withBalance(
      [
        { name: "a", layer: layerModels({ counts: [failing, failing] }, { name: "a", model: "m" }) },
        { name: "b", layer: layerModels({ counts: [5, 6], models: [{ id: "of b" }] }, { name: "b", model: "m" }) },
      ],
      weighted,
    )
    return Effect.gen(function* () {
      const { countTokens, models } = yield* ModelInfo
      expect((yield* models).models).toEqual([{ id: "m" }])
      const { count, metadata } = yield* countTokens(hello)
      expect([count, story({ metadata })]).toEqual([{ type: "exact", inputTokens: 5 }, [["b", "weighted", undefined]]])
      const next = yield* countTokens(hello)
      expect(story(next)).toEqual([
        ["a", "weighted", "ServerError"],
        ["b", "next", undefined],
      ])
    }).pipe(Effect.provide(stack))
  })

  it.effect("of embeddings takes batches as small as the smallest of its deployments, and asks the faster ones", () => {
    const slow = layerEmbeddings(
      Array.from({ length: 40 }, () => ({ delay: 500 })),
      { name: "slow" },
    )
    const fast = layerEmbeddings(
      Array.from({ length: 40 }, () => ({ delay: 10 })),
      { name: "fast" },
    )
    const limited = (layer: Layer.Layer<EmbeddingProvider>, inputs: Readonly<Record<string, number>>) =>
      Layer.effect(
        EmbeddingProvider,
        Effect.map(EmbeddingProvider, (service) => ({
          ...service,
          batchLimits: (model: string | undefined) => ({ inputs: inputs[model ?? "none"] ?? 1000 }),
        })),
      ).pipe(Layer.provide(layer))
    const stack = withBalance([
      { name: "slow", layer: limited(slow, { a: 20, asked: 7 }), model: "a" },
      { name: "fast", layer: limited(fast, { a: 5, b: 30, asked: 90 }), model: "b" },
      { name: "plain", layer: layerEmbeddings(undefined, { name: "plain" }) },
    ])
    return Effect.gen(function* () {
      const { batchLimits, embed } = yield* EmbeddingProvider
      expect([batchLimits?.(undefined)?.inputs, batchLimits?.("asked")?.inputs]).toEqual([20, 7])
      for (let call = 0; call < 30; call++) yield* within("1 second", embed({ inputs: [`${call}`] }))
      expect(slow.requests.length).toBeLessThan(8)
    }).pipe(Effect.provide(stack), Random.withSeed("vectors"))
  })
})
