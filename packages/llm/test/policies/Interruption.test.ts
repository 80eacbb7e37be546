/**
 * Law 11 between two steps: a fiber that has run for long yields anywhere, and may be interrupted there. Nothing that was
 * just taken may be lost by that. A scheduler that yields at a chosen step makes each of those moments happen.
 */
import { describe, expect, it } from "@effect/vitest"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as HttpClient from "effect/http/HttpClient"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import * as Result from "effect/Result"
import * as Scheduler from "effect/Scheduler"
import * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/testing/TestClock"
import * as Tracer from "effect/Tracer"
import * as Provider from "../../src/call/Provider.ts"
import { LlmProvider } from "../../src/model/LlmProvider.ts"
import { withCache } from "../../src/policies/cache/Cache.ts"
import { withCircuitBreaker } from "../../src/policies/CircuitBreaker.ts"
import { withAdaptiveConcurrency } from "../../src/policies/traffic/AdaptiveConcurrency.ts"
import { withConcurrency } from "../../src/policies/Concurrency.ts"
import { aroundAnswer, mechanism, openStream } from "../../src/policies/Policy.ts"
import { withBalance } from "../../src/policies/balance/Balance.ts"
import { withHedge } from "../../src/policies/traffic/Hedge.ts"
import { withRateLimit } from "../../src/policies/traffic/RateLimit.ts"
import { withTelemetry } from "../../src/policies/Telemetry.ts"
import { withTimeout } from "../../src/policies/Timeout.ts"
import { withBudget } from "../../src/policies/usage/Budget.ts"
import * as OpenAi from "../../src/providers/OpenAi.ts"
import type { Answer } from "../../src/testing/Scripted.ts"
import { ask, callNames, hello, reasons } from "./Calls.ts"
import { Upstream } from "./Upstream.ts"
import { YieldingAt } from "./YieldingAt.ts"

const silentClient = Layer.succeed(
  HttpClient.HttpClient,
  HttpClient.make(() => Effect.never),
)

/** Providers that never answer. */
const silent = {
  "from functions": Provider.layer({
    name: "own",
    model: "m",
    generate: () => Effect.never,
    stream: () => Stream.never,
  }),
  "over HTTP": OpenAi.layerHttpClient({ apiKey: Redacted.make("key"), model: "gpt-5-mini" }),
}

/** A tracer, and the spans that it was asked for. */
const recording = () => {
  const spans: Array<Tracer.NativeSpan> = []
  const span: Tracer.Tracer["span"] = (options) => {
    const made = new Tracer.NativeSpan(options)
    spans.push(made)
    return made
  }
  return { spans, tracer: Tracer.make({ span }) }
}

/** Begins a call and interrupts it when it yields at `step`, or when it waits. False where it has fewer steps, its end included. */
const interruptedAt = (step: number, name: (typeof callNames)[number]) =>
  Effect.gen(function* () {
    const scheduler = new YieldingAt(step)
    const context = Context.add(yield* Effect.context<LlmProvider>(), Scheduler.Scheduler, scheduler)
    const fiber = Effect.runForkWith(context)(ask(name))
    fiber.interruptUnsafe()
    yield* Fiber.await(fiber)
    return scheduler.hasYielded
  })

/** Tries one step after the other, until a call has fewer. */
const everyStep = <E, R>(interrupted: (step: number) => Effect.Effect<boolean, E, R>) =>
  Effect.gen(function* () {
    let step = 1
    while (yield* interrupted(step)) step += 1
  })

describe.each(callNames)("%s interrupted between two steps", (name) => {
  it.effect("gives its permit back", () => {
    const upstream = new Upstream(({ index }) => (index < 0 ? "" : "hello"))
    return Effect.gen(function* () {
      yield* everyStep((step) => interruptedAt(step, name))
      const late = yield* Effect.forkChild(Effect.result(ask(name)))
      yield* TestClock.adjust("1 minute")
      expect((yield* Fiber.join(late))._tag).toBe("Success")
    }).pipe(Effect.provide(upstream.layer.pipe(withConcurrency(1), withTimeout("10 seconds"))))
  })

  it.effect("leaves no request behind in a cache, and the next call is answered", () => {
    const now: { answer: Answer } = { answer: { stall: true } }
    const upstream = new Upstream(() => now.answer)
    return Effect.gen(function* () {
      yield* everyStep(
        Effect.fnUntraced(function* (step) {
          now.answer = { stall: true }
          const hasYielded = yield* interruptedAt(step, name)
          expect([step, upstream.inFlight]).toEqual([step, 0])
          now.answer = "hello"
          const fresh = { ...hello, seed: step }
          expect((yield* ask(name, fresh)).text).toBe("hello")
          return hasYielded
        }),
      )
      expect((yield* ask(name)).metadata.cached).toBeUndefined()
    }).pipe(Effect.provide(upstream.layer.pipe(withCache())))
  })

  it.effect("gives its permit back, where their number is found", () => {
    const upstream = new Upstream(({ index }) => (index < 0 ? "" : "hello"))
    return Effect.gen(function* () {
      yield* everyStep((step) => interruptedAt(step, name))
      const late = yield* Effect.forkChild(Effect.result(ask(name)))
      yield* TestClock.adjust("1 minute")
      expect((yield* Fiber.join(late))._tag).toBe("Success")
    }).pipe(Effect.provide(upstream.layer.pipe(withAdaptiveConcurrency({ max: 1 }), withTimeout("10 seconds"))))
  })

  it.effect("gives its permit back under a hedge, and leaves no request behind", () =>
    everyStep((step) => {
      const now: { answer: Answer } = { answer: { stall: true } }
      const upstream = new Upstream(() => now.answer)
      return Effect.gen(function* () {
        const hasYielded = yield* interruptedAt(step, name)
        expect([step, upstream.inFlight]).toEqual([step, 0])
        now.answer = "hello"
        expect([step, (yield* Effect.result(ask(name)))._tag]).toEqual([step, "Success"])
        return hasYielded
      }).pipe(Effect.provide(upstream.layer.pipe(withConcurrency(1), withHedge({ after: 0, maxRequests: 1 }))))
    }),
  )

  it.effect("gives its place in the line back, and what it had reserved where nothing was sent", () => {
    const upstream = new Upstream(() => "hello")
    return Effect.gen(function* () {
      yield* ask(name)
      yield* everyStep((step) => interruptedAt(step, name))
      const late = yield* Effect.forkChild(ask(name))
      yield* TestClock.adjust("1 minute")
      yield* Fiber.join(late)
      expect(upstream.arrivals).toEqual([0, 60_000])
    }).pipe(Effect.provide(upstream.layer.pipe(withRateLimit({ rpm: 1 }))))
  })

  it.effect("is in flight at its deployment no longer, and leaves the try of one that failed to the next", () =>
    everyStep((step) => {
      const now: { answer: Answer } = { answer: { error: reasons.ServerError() } }
      const upstream = new Upstream(() => now.answer)
      const other = new Upstream(() => "hello", "other")
      const stack = withBalance(
        [
          { name: "a", layer: upstream.layer, concurrency: 1 },
          { name: "b", layer: other.layer, concurrency: 1 },
        ],
        { strategy: "weighted", failures: 1, openFor: 1000 },
      )
      return Effect.gen(function* () {
        yield* ask(name)
        yield* TestClock.adjust("10 seconds")
        // The turn of the other one: the next call tries the first again.
        yield* ask(name)
        now.answer = { stall: true }
        const hasYielded = yield* interruptedAt(step, name)
        expect([step, upstream.inFlight, other.inFlight]).toEqual([step, 0, 0])
        now.answer = "hello"
        const asked = upstream.asked.length
        yield* ask(name)
        yield* ask(name)
        expect([step, upstream.asked.length - asked]).toEqual([step, 1])
        return hasYielded
      }).pipe(Effect.provide(stack))
    }),
  )

  it.effect.each(["from functions", "over HTTP"] as const)("leaves nothing reserved (a provider %s)", (kind) =>
    Effect.gen(function* () {
      const budget = withBudget({ tokens: 1_000_000 })
      const stack = Layer.provide(budget(silent[kind]), silentClient)
      yield* Effect.provide(
        Effect.gen(function* () {
          yield* everyStep((step) => interruptedAt(step, name))
          const error = yield* Effect.flip(ask(name, { ...hello, maxTokens: 1_000_000 }))
          expect(error.reason).toMatchObject({ _tag: "BudgetExceededError", reserved: 0 })
        }),
        stack,
      )
    }),
  )

  it.effect("as the probe of a circuit leaves it to the next", () =>
    everyStep((step) => {
      const now: { answer: Answer } = { answer: { error: reasons.ServerError() } }
      const upstream = new Upstream(() => now.answer)
      return Effect.gen(function* () {
        yield* Effect.result(ask(name))
        yield* TestClock.adjust("10 seconds")
        now.answer = { stall: true }
        const hasYielded = yield* interruptedAt(step, name)
        now.answer = "hello"
        expect([step, (yield* Effect.result(ask(name)))._tag]).toEqual([step, "Success"])
        return hasYielded
      }).pipe(Effect.provide(upstream.layer.pipe(withCircuitBreaker({ failures: 1, openFor: 1000 }))))
    }),
  )

  it.effect.each(["from functions", "over HTTP"] as const)("ends the span of its attempt (a provider %s)", (kind) =>
    everyStep((step) => {
      const { spans, tracer } = recording()
      const stack = Layer.provide(withTelemetry(silent[kind]), silentClient)
      return Effect.gen(function* () {
        const hasYielded = yield* Effect.provideService(interruptedAt(step, name), Tracer.Tracer, tracer)
        const open = spans.filter(({ status }) => status._tag !== "Ended").map((span) => span.name)
        expect([step, open]).toEqual([step, []])
        return hasYielded
      }).pipe(Effect.provide(stack))
    }),
  )

  it.effect("leaves no request behind under a deadline", () =>
    everyStep((step) => {
      const upstream = new Upstream(() => ({ stall: true }))
      return Effect.gen(function* () {
        const hasYielded = yield* interruptedAt(step, name)
        expect([step, upstream.inFlight]).toEqual([step, 0])
        return hasYielded
      }).pipe(Effect.provide(upstream.layer.pipe(withTimeout("1 minute"))))
    }),
  )
})

it.effect("a stream that is opened in a scope closed already begins nothing that nobody would end", () =>
  Effect.gen(function* () {
    const counts = { begun: 0, ended: 0 }
    const upstream = new Upstream(() => "hello")
    const held = upstream.layer.pipe(
      mechanism(() =>
        Effect.succeed(
          aroundAnswer({
            begin: () => {
              counts.begun += 1
              return Result.succeed(undefined)
            },
            end: () => {
              counts.ended += 1
              return undefined
            },
          }),
        ),
      ),
    )
    const llm = yield* Effect.provide(LlmProvider, held)
    const scope = yield* Scope.make()
    yield* Scope.close(scope, Exit.void)
    const opened = yield* Effect.exit(Effect.flatten(openStream(llm.stream(hello), scope)))
    expect([Exit.isFailure(opened), counts.begun - counts.ended]).toEqual([true, 0])
  }),
)
