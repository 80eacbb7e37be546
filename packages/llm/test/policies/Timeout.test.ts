/** Law 10: five clocks, each tested by what it measures and by what it leaves alone. */
import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/testing/TestClock"
import { LlmProvider } from "../../src/model/LlmProvider.ts"
import { withCircuitBreaker } from "../../src/policies/CircuitBreaker.ts"
import { withConcurrency } from "../../src/policies/Concurrency.ts"
import { withFallback } from "../../src/policies/Fallback.ts"
import { openStream, streamFrom } from "../../src/policies/mechanisms/StreamStart.ts"
import { withRetry } from "../../src/policies/Retry.ts"
import { withTimeout } from "../../src/policies/Timeout.ts"
import * as Scripted from "../../src/testing/Scripted.ts"
import { ask, type CallName, callNames, hello, reasons, startsOf } from "./Calls.ts"
import { Upstream } from "./Upstream.ts"

const stalling = { stall: true }
const busy = { error: reasons.OverloadedError() }

/** The failure of one call. */
const failure = (name: CallName) =>
  Effect.gen(function* () {
    const fiber = yield* Effect.forkChild(Effect.flip(ask(name)))
    yield* TestClock.adjust("1 day")
    return yield* Fiber.join(fiber)
  })

describe.each(callNames)("the total clock of %s", (name) => {
  it.effect("ends a call that gets no answer, and says so", () => {
    const upstream = new Upstream(() => stalling)
    return Effect.gen(function* () {
      const fiber = yield* Effect.forkChild(Effect.flip(ask(name)))
      yield* TestClock.adjust(59_999)
      expect(upstream.inFlight).toBe(1)
      yield* TestClock.adjust(1)
      const error = yield* Fiber.join(fiber)
      expect(error.reason).toMatchObject({ _tag: "TimeoutError", clock: "total", limitMs: 60_000 })
      expect(error.attempts).toMatchObject([{ durationMs: 60_000, errorType: "TimeoutError" }])
      expect(upstream.inFlight).toBe(0)
    }).pipe(Effect.provide(upstream.layer.pipe(withTimeout("60 seconds"))))
  })

  it.effect("runs over queue, attempts, waits and fallbacks together", () => {
    const first = new Upstream(() => ({ ...busy, delay: 10_000 }))
    const second = new Upstream(() => ({ text: "hello", delay: 40_000 }))
    const stack = first.layer.pipe(
      withConcurrency(1),
      withRetry({ times: 2 }),
      withFallback(second.layer),
      withTimeout("55 seconds"),
    )
    return Effect.gen(function* () {
      yield* Effect.forkChild(Effect.exit(ask(name)))
      const error = yield* failure(name)
      expect(error.reason).toMatchObject({ clock: "total", limitMs: 55_000 })
      const spentMs = error.attempts.reduce(
        (sum, attempt) => sum + attempt.queuedMs + attempt.waitedMs + attempt.durationMs,
        0,
      )
      expect(spentMs).toBe(55_000)
    }).pipe(Effect.provide(stack))
  })

  it.effect("is neither retried nor falls back inside itself", () => {
    const first = new Upstream(() => stalling)
    const second = new Upstream(() => stalling)
    const stack = first.layer.pipe(withRetry(), withFallback(second.layer), withTimeout(1000))
    return Effect.gen(function* () {
      const error = yield* failure(name)
      expect(error.reason).toMatchObject({ clock: "total" })
      expect([first.asked.length, second.asked.length]).toEqual([1, 1])
    }).pipe(Effect.provide(stack))
  })

  it.effect("inside a retry and a fallback is one attempt's: it is retried, then the next target is asked", () => {
    const first = new Upstream(() => stalling)
    const second = new Upstream(() => "hello")
    const stack = first.layer.pipe(withTimeout(1000), withRetry({ times: 2 }), withFallback(second.layer))
    return Effect.gen(function* () {
      const fiber = yield* Effect.forkChild(ask(name))
      yield* TestClock.adjust("1 minute")
      const { attempts } = (yield* Fiber.join(fiber)).metadata
      expect(attempts).toMatchObject([
        { errorType: "TimeoutError", durationMs: 1000, targetIndex: 0 },
        { errorType: "TimeoutError", durationMs: 1000, targetIndex: 0 },
        { errorType: "TimeoutError", durationMs: 1000, targetIndex: 0 },
        { targetIndex: 1 },
      ])
      expect([first.asked.length, second.asked.length]).toEqual([3, 1])
    }).pipe(Effect.provide(stack))
  })

  it.effect("bounds each attempt when put inside the retry, and no other", () => {
    const upstream = new Upstream(({ index }) => (index < 3 ? { ...busy, delay: 900 } : { text: "hello", delay: 900 }))
    return Effect.gen(function* () {
      const fiber = yield* Effect.forkChild(ask(name))
      yield* TestClock.adjust("1 minute")
      expect((yield* Fiber.join(fiber)).metadata.attempts).toHaveLength(4)
    }).pipe(Effect.provide(upstream.layer.pipe(withTimeout(1000), withRetry())))
  })

  it.effect("bounds one target when put around it, and not the next", () => {
    const first = new Upstream(() => ({ ...busy, delay: 900 }))
    const second = new Upstream(({ index }) => (index === 0 ? busy : { text: ["he", "llo"], pause: 5000 }))
    const stack = first.layer.pipe(
      withTimeout(1000),
      withFallback(second.layer.pipe(withTimeout("30 seconds"), withRetry())),
    )
    return Effect.gen(function* () {
      const fiber = yield* Effect.forkChild(ask(name))
      yield* TestClock.adjust("1 minute")
      expect((yield* Fiber.join(fiber)).text).toBe("hello")
    }).pipe(Effect.provide(stack))
  })

  it.effect("counts the shortest of several deadlines", () => {
    const upstream = new Upstream(() => stalling)
    return Effect.gen(function* () {
      const error = yield* failure(name)
      expect(error.reason).toMatchObject({ clock: "total", limitMs: 1000 })
    }).pipe(Effect.provide(upstream.layer.pipe(withTimeout(1000), withTimeout(60_000))))
  })

  it.effect("never cuts an answer that is in time", () => {
    const script = Scripted.layer([{ text: "hello", delay: 59_999 }])
    return Effect.gen(function* () {
      const fiber = yield* Effect.forkChild(ask(name))
      yield* TestClock.adjust("1 hour")
      expect((yield* Fiber.join(fiber)).text).toBe("hello")
    }).pipe(Effect.provide(script.pipe(withTimeout("60 seconds"))))
  })
})

describe("the total clock of a stream", () => {
  it.effect("runs over the whole of it: pieces do not reset it, and the text so far is kept", () => {
    const upstream = new Upstream(() => ({ text: Array<string>(100).fill("x"), pause: 1000 }))
    return Effect.gen(function* () {
      const error = yield* failure("stream")
      expect(error.reason).toMatchObject({ clock: "total" })
      expect(error.text).toBe("x".repeat(10))
      expect(upstream.inFlight).toBe(0)
    }).pipe(Effect.provide(upstream.layer.pipe(withTimeout("10 seconds"))))
  })

  it.effect.each([[["he", "llo"], 5000] as const, [["hello"], 0] as const])(
    "ends it while nobody reads, however it came (%s)",
    ([text, pause]) => {
      const upstream = new Upstream(() => ({ text, pause, stall: true }))
      return Effect.gen(function* () {
        const llm = yield* LlmProvider
        const slowReader = Stream.runForEach(llm.stream(hello), () => Effect.sleep("1 hour"))
        const fiber = yield* Effect.forkChild(Effect.flip(slowReader))
        yield* TestClock.adjust("9 seconds")
        expect(upstream.inFlight).toBe(1)
        yield* TestClock.adjust("1 second")
        expect(upstream.inFlight).toBe(0)
        yield* TestClock.adjust("1 day")
        expect((yield* Fiber.join(fiber)).reason).toMatchObject({ clock: "total", limitMs: 10_000 })
      }).pipe(Effect.provide(upstream.layer.pipe(withConcurrency(1), withRetry(), withTimeout("10 seconds"))))
    },
  )
})

describe("the reader clock", () => {
  const upstream = () => new Upstream(() => ({ text: ["he", "llo", "!"] }))

  it.effect("gives back the permit of a stream that is held and not read on, and says so to a later reader", () => {
    const held = upstream()
    const stack = held.layer.pipe(withConcurrency(1), withTimeout({ reader: "1 minute", idle: "1 second" }))
    return Effect.gen(function* () {
      const llm = yield* LlmProvider
      const pull = yield* openStream(llm.stream(hello), yield* Scope.make())
      yield* pull
      yield* pull
      yield* TestClock.adjust(59_999)
      expect(held.inFlight).toBe(1)
      yield* TestClock.adjust(1)
      expect(held.inFlight).toBe(0)
      expect((yield* ask("stream")).text).toBe("hello!")
      const error = yield* Effect.flip(pull)
      expect(error).toMatchObject({ reason: { _tag: "TimeoutError", clock: "reader", limitMs: 60_000 }, text: "he" })
    }).pipe(Effect.provide(stack), Effect.scoped)
  })

  it.effect("begins anew with every read: a slow reader is no forgotten stream", () => {
    const slow = upstream()
    return Effect.gen(function* () {
      const llm = yield* LlmProvider
      const read = Stream.runForEach(llm.stream(hello), () => Effect.sleep("59 seconds"))
      const fiber = yield* Effect.forkChild(Effect.result(read))
      yield* TestClock.adjust("1 hour")
      expect((yield* Fiber.join(fiber))._tag).toBe("Success")
    }).pipe(Effect.provide(slow.layer.pipe(withTimeout({ reader: "1 minute" }))))
  })

  it.effect("does not run while somebody waits for a piece", () => {
    const silent = new Upstream(() => ({ text: "hello", delay: 600_000 }))
    return Effect.gen(function* () {
      const fiber = yield* Effect.forkChild(ask("stream"))
      yield* TestClock.adjust("1 hour")
      expect((yield* Fiber.join(fiber)).text).toBe("hello")
    }).pipe(Effect.provide(silent.layer.pipe(withTimeout({ reader: "1 minute" }))))
  })

  it.effect("says nothing of the target: its circuit stays closed", () => {
    const held = upstream()
    const stack = held.layer.pipe(withCircuitBreaker({ failures: 1 }), withTimeout({ reader: 1000 }))
    return Effect.gen(function* () {
      const llm = yield* LlmProvider
      const pull = yield* openStream(llm.stream(hello), yield* Scope.make())
      yield* pull
      yield* TestClock.adjust(1000)
      expect((yield* ask("stream")).text).toBe("hello!")
    }).pipe(Effect.provide(stack), Effect.scoped)
  })
})

describe("the idle clock", () => {
  it.effect("ends a stream that falls silent, with the text so far", () => {
    const upstream = new Upstream(() => ({ text: ["he", "llo"], pause: 1000, stall: true }))
    return Effect.gen(function* () {
      const error = yield* failure("stream")
      expect(error.reason).toMatchObject({ _tag: "TimeoutError", clock: "idle", limitMs: 2000 })
      expect(error.text).toBe("hello")
      expect(error.attempts).toMatchObject([{ durationMs: 3000, errorType: "TimeoutError" }])
      expect(upstream.inFlight).toBe(0)
    }).pipe(Effect.provide(upstream.layer.pipe(withTimeout({ idle: 2000 }))))
  })

  it.effect("begins anew with every piece", () => {
    const script = Scripted.layer([{ text: Array<string>(50).fill("x"), pause: 1999 }])
    return Effect.gen(function* () {
      const fiber = yield* Effect.forkChild(ask("stream"))
      yield* TestClock.adjust("1 hour")
      expect((yield* Fiber.join(fiber)).text).toHaveLength(50)
    }).pipe(Effect.provide(script.pipe(withTimeout({ idle: 2000 }))))
  })

  it.effect("does not count the silence before the first piece: that is another clock's", () => {
    const script = Scripted.layer([{ text: "hello", delay: "5 minutes" }])
    return Effect.gen(function* () {
      const fiber = yield* Effect.forkChild(ask("stream"))
      yield* TestClock.adjust("1 hour")
      expect((yield* Fiber.join(fiber)).text).toBe("hello")
    }).pipe(Effect.provide(script.pipe(withTimeout({ idle: 2000 }))))
  })

  it.effect("does not count the time that a slow reader takes", () => {
    const script = Scripted.layer([{ text: Array<string>(20).fill("x"), pause: 1500 }])
    return Effect.gen(function* () {
      const llm = yield* LlmProvider
      let pieces = 0
      const read = Stream.runForEach(llm.stream(hello), ({ type }) => {
        if (type === "text-delta") pieces += 1
        return Effect.sleep("10 seconds")
      })
      const fiber = yield* Effect.forkChild(read)
      yield* TestClock.adjust("1 hour")
      yield* Fiber.join(fiber)
      expect(pieces).toBe(20)
    }).pipe(Effect.provide(script.pipe(withTimeout({ idle: 2000 }))))
  })
})

describe("the first-output clock", () => {
  it.effect("gives up a stream that does not begin, and leads to the next attempt and the next target", () => {
    const first = new Upstream(() => ({ text: "late", delay: 10_000 }))
    const second = new Upstream(() => "hello")
    const stack = first.layer.pipe(
      withTimeout({ firstOutput: 5000 }),
      withRetry({ times: 1 }),
      withFallback(second.layer),
    )
    return Effect.gen(function* () {
      const fiber = yield* Effect.forkChild(ask("stream"))
      yield* TestClock.adjust("1 hour")
      const { metadata, text } = yield* Fiber.join(fiber)
      expect(text).toBe("hello")
      expect(metadata.attempts).toMatchObject([
        { targetIndex: 0, durationMs: 5000, errorType: "TimeoutError" },
        { targetIndex: 0, durationMs: 5000, errorType: "TimeoutError" },
        { targetIndex: 1 },
      ])
      expect(first.inFlight).toBe(0)
    }).pipe(Effect.provide(stack))
  })

  it.effect("stops with the first output", () => {
    const script = Scripted.layer([{ text: ["he", "llo"], delay: 4999, pause: 60_000 }])
    return Effect.gen(function* () {
      const fiber = yield* Effect.forkChild(ask("stream"))
      yield* TestClock.adjust("1 hour")
      expect((yield* Fiber.join(fiber)).text).toBe("hello")
    }).pipe(Effect.provide(script.pipe(withTimeout({ firstOutput: 5000 }))))
  })
})

describe.each(callNames)("the queue clock of %s", (name) => {
  it.effect("counts each wait for a permit, is retried, and is no concern of the next target", () => {
    const first = new Upstream(() => stalling)
    const second = new Upstream(() => ({ text: "hello", delay: 20_000 }))
    const stack = first.layer.pipe(
      withConcurrency(1),
      withTimeout({ queue: 3000 }),
      withRetry({ times: 1 }),
      withFallback(second.layer.pipe(withConcurrency(1))),
    )
    return Effect.gen(function* () {
      const blocker = yield* Effect.forkChild(ask(name))
      const two = yield* Effect.forEach([1, 2], () => Effect.forkChild(ask(name)))
      yield* TestClock.adjust("1 hour")
      const responses = yield* Effect.forEach(two, Fiber.join)
      const attempts = responses.map(({ metadata }) => metadata.attempts)
      expect(attempts.map((each) => each.map(({ targetIndex }) => targetIndex))).toEqual([[1], [1]])
      expect(startsOf({ attempts: attempts.flat() }).map((atMs) => atMs >= 7000)).toEqual([true, true])
      yield* Fiber.interrupt(blocker)
    }).pipe(Effect.provide(stack))
  })
})

describe("a stream that is whole", () => {
  it.effect("stays whole however long its reader takes over the last event", () => {
    const upstream = new Upstream(() => "hello")
    return Effect.gen(function* () {
      const llm = yield* LlmProvider
      const read = Stream.runForEach(llm.stream(hello), ({ type }) =>
        type === "response-finish" ? Effect.sleep("2 minutes") : Effect.void,
      )
      const fiber = yield* Effect.forkChild(Effect.result(read))
      yield* TestClock.adjust("3 minutes")
      expect((yield* Fiber.join(fiber))._tag).toBe("Success")
    }).pipe(Effect.provide(upstream.layer.pipe(withTimeout({ total: "1 minute", idle: "1 second" }))))
  })

  it.effect.each(["total", "idle"] as const)("ends when its provider does not end it within the %s clock", (clock) => {
    const upstream = new Upstream(() => "hello")
    const unending = Layer.effect(
      LlmProvider,
      Effect.map(LlmProvider, (inner) => ({
        ...inner,
        stream: (request) => inner.stream(request).pipe(Stream.concat(Stream.never)),
      })),
    ).pipe(Layer.provide(upstream.layer))
    return Effect.gen(function* () {
      const fiber = yield* Effect.forkChild(ask("stream"))
      yield* TestClock.adjust("1 minute")
      expect(fiber.pollUnsafe()).toBeDefined()
      const { metadata, text } = yield* Fiber.join(fiber)
      expect([text, metadata.attempts[0]?.errorType]).toEqual(["hello", undefined])
    }).pipe(Effect.provide(unending.pipe(withTimeout({ [clock]: "1 minute" }))))
  })
})

describe("the idle clock beside the clock of the first output", () => {
  it.effect.each([undefined, "1 hour" as const])("begins with the first output (total: %s)", (total) => {
    const upstream = new Upstream(() => ({ text: "hello", delay: 1000, stall: true }))
    return Effect.gen(function* () {
      const fiber = yield* Effect.forkChild(Effect.flip(ask("stream")))
      yield* TestClock.adjust("5 seconds")
      expect(fiber.pollUnsafe()).toBeDefined()
      expect((yield* Fiber.join(fiber)).reason).toMatchObject({ clock: "idle", limitMs: 2000 })
    }).pipe(Effect.provide(upstream.layer.pipe(withTimeout({ total, idle: "2 seconds", firstOutput: "1 minute" }))))
  })
})

it.effect("the total clock closes a stream whose reader gave up a read and never came back", () => {
  let closed = false
  const source = streamFrom((scope) =>
    Effect.as(
      Scope.addFinalizer(
        scope,
        Effect.sync(() => {
          closed = true
        }),
      ),
      Effect.never,
    ),
  )
  const silent = Layer.succeed(LlmProvider, { name: "silent", generate: () => Effect.never, stream: () => source })
  return Effect.gen(function* () {
    const llm = yield* LlmProvider
    const pull = yield* openStream(llm.stream(hello), yield* Scope.make())
    const reading = yield* Effect.forkChild(pull, { startImmediately: true })
    yield* TestClock.adjust(1000)
    yield* Fiber.interrupt(reading)
    expect(closed).toBe(false)
    yield* TestClock.adjust(60_000)
    expect(closed).toBe(true)
  }).pipe(Effect.provide(silent.pipe(withTimeout("60 seconds"))))
})
