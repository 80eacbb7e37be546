/** What each clock leaves alone, and how clocks of several policies stand to each other. */
import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/testing/TestClock"
import { joinCall } from "../../src/call/CallContext.ts"
import { CallOptions } from "../../src/call/CallOptions.ts"
import type { LlmError } from "../../src/model/LlmError.ts"
import { LlmProvider } from "../../src/model/LlmProvider.ts"
import { withConcurrency } from "../../src/policies/Concurrency.ts"
import { withFallback } from "../../src/policies/Fallback.ts"
import { openStream } from "../../src/policies/mechanisms/StreamStart.ts"
import { withRetry } from "../../src/policies/Retry.ts"
import { withTimeout } from "../../src/policies/Timeout.ts"
import type { Answer } from "../../src/testing/Scripted.ts"
import { ask, type CallName, callNames, hello, reasons } from "./Calls.ts"
import { Upstream } from "./Upstream.ts"

type Stack = Layer.Layer<LlmProvider, LlmError>

const stalling: Answer = { stall: true }
const target = (answer: Answer): Stack => new Upstream(() => answer).layer

/** What a call comes to within a day: its text, or the clock or the type of its error. */
const ended = (name: CallName, stack: Stack) =>
  Effect.gen(function* () {
    const fiber = yield* Effect.forkChild(Effect.result(Effect.provide(ask(name), stack)))
    yield* TestClock.adjust("1 day")
    const result = yield* Fiber.join(fiber)
    if (result._tag === "Success") return result.success.text
    const { reason } = result.failure
    return reason._tag === "TimeoutError" ? reason.clock : reason._tag
  })

/** How long each attempt of one call took, in seconds. */
const times = (name: CallName, stack: Stack) =>
  Effect.gen(function* () {
    const fiber = yield* Effect.forkChild(Effect.flip(Effect.provide(ask(name), stack)))
    yield* TestClock.adjust("1 day")
    return (yield* Fiber.join(fiber)).attempts.map(({ durationMs }) => durationMs / 1000)
  })

describe.each(callNames)("the clocks of %s", (name) => {
  it.effect.each([
    [{ attempt: 1000 }, "attempt"],
    [{ attempt: 1000, total: 5000 }, "attempt"],
    [{ attempt: 5000, total: 1000 }, "total"],
    [{ attempt: 5000, total: Number.POSITIVE_INFINITY }, "attempt"],
    [{ seconds: 5 }, "total"],
  ] as const)("of %j: the %s clock ends a request that gets no answer", ([clocks, clock]) =>
    Effect.gen(function* () {
      expect(yield* ended(name, target(stalling).pipe(withTimeout(clocks)))).toBe(clock)
    }),
  )

  it.effect("are none where none is given", () =>
    Effect.gen(function* () {
      const late: Answer = { text: "late", delay: "23 hours" }
      expect(yield* ended(name, target(late).pipe(withTimeout({})))).toBe("late")
      expect(yield* ended(name, target(late).pipe(withTimeout({ total: undefined, queue: 1000 })))).toBe("late")
    }),
  )

  it.effect("of silence and of readers do not bound what a retry within them may take before there is any output", () =>
    Effect.gen(function* () {
      const upstream = new Upstream(({ index }) => (index === 0 ? { error: reasons.ServerError() } : "hello"))
      expect(yield* ended(name, upstream.layer.pipe(withRetry(), withTimeout({ idle: 100, reader: 100 })))).toBe(
        "hello",
      )
    }),
  )

  it.effect("let each attempt wait for its own first permit where they stand inside a retry", () =>
    Effect.gen(function* () {
      const upstream = new Upstream(({ index }) =>
        index === 0 ? { error: reasons.ServerError() } : { text: "hello", delay: "1 hour" },
      )
      const stack = upstream.layer.pipe(withConcurrency(1), withTimeout({ queue: 3000 }), withRetry({ times: 1 }))
      const llm = Layer.succeed(LlmProvider, yield* Effect.provide(LlmProvider, stack))
      const first = yield* Effect.forkChild(Effect.result(Effect.provide(ask(name), llm)), { startImmediately: true })
      yield* TestClock.adjust(500)
      yield* Effect.forkChild(Effect.provide(ask(name), llm), { startImmediately: true })
      yield* TestClock.adjust("1 minute")
      expect(yield* Fiber.join(first)).toMatchObject({ failure: { reason: { clock: "queue" } } })
    }),
  )

  it.effect("let a call that had its first permit wait for another as long as it takes", () =>
    Effect.gen(function* () {
      const upstream = new Upstream(({ index }) =>
        index === 0 ? { error: reasons.ServerError(), delay: 4000 } : { text: "hello", delay: 10_000 },
      )
      const stack = upstream.layer.pipe(withConcurrency(1), withRetry({ times: 1 }), withTimeout({ queue: 3000 }))
      const llm = Layer.succeed(LlmProvider, yield* Effect.provide(LlmProvider, stack))
      const first = yield* Effect.forkChild(Effect.provide(ask(name), llm), { startImmediately: true })
      yield* TestClock.adjust(4500)
      yield* Effect.forkChild(Effect.provide(ask(name), llm), { startImmediately: true })
      yield* TestClock.adjust("1 minute")
      expect((yield* Fiber.join(first)).text).toBe("hello")
    }),
  )

  it.effect("hand down the limit of the headers: the nearest that is given", () =>
    Effect.gen(function* () {
      const seen: Array<number | undefined> = []
      const noting = Layer.mock(LlmProvider, {
        name: "noting",
        generate: () =>
          joinCall((context) => {
            seen.push(context.headersMs)
            return Effect.never
          }),
      })
      const outer = withTimeout({ headers: 5000 })
      const inner = withTimeout({ headers: 1000 })
      for (const stack of [outer(noting), outer(inner(noting)), outer(withTimeout("1 hour")(noting))]) {
        yield* Effect.forkChild(Effect.provide(ask("generate"), stack), { startImmediately: true })
      }
      expect(seen).toEqual([5000, 1000, 5000])
    }),
  )

  it.effect("of other kinds do not become a deadline where one call asks for its own", () =>
    Effect.gen(function* () {
      const stack = target({ text: "hello", delay: 5000 }).pipe(withTimeout({ idle: "1 hour", reader: "1 hour" }))
      const call = Effect.provideService(Effect.provide(ask(name), stack), CallOptions, { timeoutMs: 1000 })
      const fiber = yield* Effect.forkChild(call)
      yield* TestClock.adjust(5000)
      expect((yield* Fiber.join(fiber)).text).toBe("hello")
    }),
  )

  it.effect("of an attempt are shared by targets as a deadline is", () =>
    Effect.gen(function* () {
      const pair = target(stalling).pipe(withFallback(target(stalling)))
      expect(yield* times(name, pair.pipe(withTimeout({ attempt: "10 minutes" })))).toEqual([300, 300])
    }),
  )

  it.effect("of other kinds between two fallbacks leave the shares of the deadline as they are", () =>
    Effect.gen(function* () {
      const pair = target(stalling).pipe(withFallback(target(stalling)), withTimeout({ idle: "1 hour" }))
      const three = pair.pipe(withFallback(target(stalling)), withTimeout("10 minutes"))
      expect(yield* times(name, three)).toEqual([200, 200, 200])
      const failing = target({ error: reasons.ConnectionError() })
      const soon = failing.pipe(withFallback(target(stalling)), withTimeout({ idle: "1 hour" }))
      const two = soon.pipe(withFallback(target(stalling)), withTimeout("10 minutes"))
      expect(yield* times(name, two)).toEqual([0, 300, 300])
    }),
  )

  it.effect("may bound nothing that targets could share", () =>
    Effect.gen(function* () {
      const pair = target({ error: reasons.ServerError() }).pipe(withFallback(target("hello")))
      expect(yield* ended(name, pair.pipe(withTimeout({ headers: 1000 })))).toBe("hello")
    }),
  )

  it.effect("that begin with the first permit begin with it, also before there is any request", () =>
    Effect.gen(function* () {
      const waiting = Layer.succeed(LlmProvider, {
        name: "waiting",
        generate: () => Effect.never,
        stream: () => Stream.never,
      })
      const stack = waiting.pipe(withConcurrency(1), withTimeout({ total: 1000, totalFrom: "first-permit" }))
      const fiber = yield* Effect.forkChild(Effect.flip(Effect.provide(ask(name), stack)))
      yield* TestClock.adjust(1000)
      expect((yield* Fiber.join(fiber)).reason).toMatchObject({ _tag: "TimeoutError", clock: "total", limitMs: 1000 })
    }),
  )
})

describe("the clocks of a stream alone", () => {
  it.effect("are not those of an answer that comes whole", () =>
    Effect.gen(function* () {
      const upstream = new Upstream(({ index }) => (index === 0 ? { error: reasons.ServerError() } : "hello"))
      const clocks = withTimeout({ firstOutput: 100, idle: 100, reader: 100 })
      expect(yield* ended("generate", upstream.layer.pipe(withRetry(), clocks))).toBe("hello")
    }),
  )

  it.effect("of its first output are shared by targets as a deadline is", () =>
    Effect.gen(function* () {
      const pair = target(stalling).pipe(withFallback(target(stalling)))
      expect(yield* times("stream", pair.pipe(withTimeout({ firstOutput: "10 minutes" })))).toEqual([300, 300])
    }),
  )

  it.effect("of its reader ends it where no other clock is given", () => {
    const upstream = new Upstream(() => ({ text: ["he", "llo"] }))
    return Effect.gen(function* () {
      const llm = yield* LlmProvider
      const pull = yield* openStream(llm.stream(hello), yield* Scope.make())
      yield* pull
      yield* TestClock.adjust(999)
      expect(upstream.inFlight).toBe(1)
      yield* TestClock.adjust(1)
      expect(upstream.inFlight).toBe(0)
    }).pipe(Effect.provide(upstream.layer.pipe(withTimeout({ reader: 1000 }))))
  })
})
