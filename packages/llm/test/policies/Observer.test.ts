/** What a program is told of its calls, in order. */
import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/testing/TestClock"
import type { CallEvent } from "../../src/call/CallEvent.ts"
import { LlmProvider } from "../../src/model/LlmProvider.ts"
import { withCircuitBreaker } from "../../src/policies/CircuitBreaker.ts"
import { withConcurrency } from "../../src/policies/Concurrency.ts"
import { withFallback } from "../../src/policies/Fallback.ts"
import { withObserver } from "../../src/policies/Observer.ts"
import { withRetry } from "../../src/policies/Retry.ts"
import { ask, callNames, reasons } from "./Calls.ts"
import { Upstream } from "./Upstream.ts"

const told = (event: CallEvent): string => {
  switch (event.type) {
    case "attempt-start":
      return `start ${event.attempt} ${event.record.provider}`
    case "attempt-end":
      return `end ${event.attempt} ${event.record.errorType ?? "answered"}`
    case "retry":
      return `retry after ${event.error.reason._tag}`
    case "fallback":
      return `fallback to ${event.provider}`
    case "circuit":
      return `circuit ${event.from} to ${event.to}`
    case "call-end":
      return `call ${event.end}`
    default:
      return event.type
  }
}

describe.each(callNames)("an observer of %s", (name) => {
  it.effect("is told the queue, permits, attempts, retries, circuits, fallbacks and the end, in order", () => {
    const first = new Upstream(() => ({ error: reasons.ServerError() }), "first")
    const second = new Upstream(() => "hello", "second")
    const events: Array<string> = []
    const stack = first.layer.pipe(
      withConcurrency(1),
      withRetry({ times: 1 }),
      withCircuitBreaker({ failures: 1 }),
      withFallback(second.layer),
      withObserver((event) => events.push(told(event))),
    )
    return Effect.gen(function* () {
      const fiber = yield* Effect.forkChild(Effect.provide(ask(name), stack))
      yield* TestClock.adjust("1 minute")
      yield* Fiber.join(fiber)
      expect(events).toEqual([
        "queued",
        "permit",
        "start 0 first",
        "end 0 ServerError",
        "retry after ServerError",
        "queued",
        "permit",
        "start 1 first",
        "end 1 ServerError",
        "circuit Closed to Open",
        "fallback to second",
        "start 2 second",
        "first-output",
        "end 2 answered",
        "call answered",
      ])
    })
  })

  it.effect("is told failures, defects and aborts as what they are, and cannot break a call by throwing", () => {
    const ends: Array<string> = []
    const observe = withObserver((event) => {
      if (event.type === "call-end") ends.push(`${event.end}: ${event.exit._tag}`)
      throw new Error("a broken observer")
    })
    const failing = new Upstream(() => ({ error: reasons.ServerError() }))
    const stalling = new Upstream(() => ({ stall: true }))
    const dying = Layer.succeed(LlmProvider, {
      name: "dying",
      generate: () => Effect.die("bug"),
      stream: () => Stream.die("bug"),
    })
    return Effect.gen(function* () {
      yield* Effect.exit(Effect.provide(ask(name), failing.layer.pipe(observe)))
      yield* Effect.exit(Effect.provide(ask(name), dying.pipe(observe)))
      const fiber = yield* Effect.forkChild(Effect.provide(ask(name), stalling.layer.pipe(observe)))
      yield* TestClock.adjust(1000)
      yield* Fiber.interrupt(fiber)
      expect(ends).toEqual(["failed: Failure", "died: Failure", "aborted: Failure"])
    })
  })

  it.effect("has no effect on the call, whether it throws, rejects, never settles, or returns an odd thenable", () => {
    const observers: ReadonlyArray<() => unknown> = [
      () => {
        throw new Error("thrown")
      },
      () => Promise.reject(new Error("rejected")),
      () => new Promise(() => {}),
      () => Effect.die("never run"),
      () => ({
        // oxlint-disable-next-line unicorn/no-thenable -- a program may return anything
        then: () => {
          throw new Error("thrown by then")
        },
      }),
    ]
    const rejections: Array<unknown> = []
    const note = (reason: unknown) => rejections.push(reason)
    process.on("unhandledRejection", note)
    return Effect.gen(function* () {
      for (const observer of observers) {
        const upstream = new Upstream(({ index }) => (index === 0 ? { error: reasons.ServerError() } : "hello"))
        const stack = upstream.layer.pipe(withConcurrency(1), withRetry({ times: 1 }), withObserver(observer))
        const fiber = yield* Effect.forkChild(Effect.provide(ask(name), stack))
        yield* TestClock.adjust("1 minute")
        const { metadata, text } = yield* Fiber.join(fiber)
        expect([text, metadata.attempts.length, upstream.inFlight]).toEqual(["hello", 2, 0])
      }
      // Node reports rejections that nobody handles after the microtasks.
      yield* Effect.promise(() => new Promise((resolve) => setImmediate(resolve)))
      expect(rejections).toEqual([])
    }).pipe(Effect.ensuring(Effect.sync(() => process.off("unhandledRejection", note))))
  })
})
