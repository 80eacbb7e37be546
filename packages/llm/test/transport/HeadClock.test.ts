/** The clock of response headers: what a client forks while it waits for the head lives as long as the answer (law 23). */
import { describe, expect, it, vi } from "@effect/vitest"
import * as Cause from "effect/Cause"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as HttpClient from "effect/http/HttpClient"
import * as HttpClientResponse from "effect/http/HttpClientResponse"
import * as Layer from "effect/Layer"
import * as Queue from "effect/Queue"
import * as Redacted from "effect/Redacted"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/testing/TestClock"
import { withRetry } from "../../src/policies/Retry.ts"
import { withTimeout } from "../../src/policies/Timeout.ts"
import { OpenAi } from "../../src/index.ts"
import { withHeadClock } from "../../src/transport/HeadClock.ts"
import { broken, type Exchange } from "../../src/transport/Transport.ts"
import { ask } from "../policies/Calls.ts"
import { chat, fullText, goodStream } from "../faults/WireText.ts"

const calls = ["generate", "stream"] as const

const encoder = new TextEncoder()

/** Waits, in real time, for the client to be asked: before its first request a provider loads its prices. */
const begun = (log: ReadonlyArray<string>) => Effect.promise(() => vi.waitUntil(() => log.length > 0))

/** A client that brings the body in a fiber of its own, forked before the head, and what it did. */
const pumping = (call: (typeof calls)[number], beforeHead: Effect.Effect<void> = Effect.void) => {
  const log: Array<string> = []
  const body = call === "generate" ? [chat.answer(fullText)] : goodStream(chat)
  const client = HttpClient.make((request) =>
    Effect.gen(function* () {
      log.push("asked")
      const chunks = yield* Queue.unbounded<Uint8Array>()
      const pump = Effect.gen(function* () {
        for (const text of body) {
          yield* Effect.sleep("1 second")
          yield* Queue.offer(chunks, encoder.encode(text))
        }
        log.push("brought")
        return yield* Effect.never
      })
      yield* Effect.forkChild(
        Effect.onInterrupt(pump, () => Effect.sync(() => log.push("pump ended"))),
        { startImmediately: true },
      )
      yield* beforeHead
      const type = call === "generate" ? "application/json" : "text/event-stream"
      return HttpClientResponse.fromWeb(
        request,
        new Response(Stream.toReadableStream(Stream.take(Stream.fromQueue(chunks), body.length)), {
          status: 200,
          headers: { "content-type": type },
        }),
      )
    }),
  )
  const provider = OpenAi.layerHttpClient({
    apiKey: Redacted.make("sk-test"),
    apiBase: "http://127.0.0.1:9/v1",
    model: "gpt-5-mini",
  }).pipe(Layer.provide(Layer.succeed(HttpClient.HttpClient, client)))
  return { log, provider }
}

describe.each(calls)("the clock of the headers around a client that forks, in %s", (call) => {
  it.effect("leaves the client's fiber its answer, and the fiber ends with the call", () =>
    Effect.gen(function* () {
      const { log, provider } = pumping(call)
      const fiber = yield* Effect.forkChild(Effect.provide(ask(call), withTimeout({ headers: "1 hour" })(provider)))
      yield* begun(log)
      yield* TestClock.adjust("1 minute")
      expect((yield* Fiber.join(fiber)).text).toBe(fullText)
      expect(log).toEqual(["asked", "brought", "pump ended"])
    }),
  )

  it.effect("ends the client's fiber where the head comes too late, before the next attempt begins", () =>
    Effect.gen(function* () {
      const { log, provider } = pumping(call, Effect.never)
      const stack = provider.pipe(withTimeout({ headers: "500 millis" }), withRetry({ times: 1 }))
      const fiber = yield* Effect.forkChild(Effect.flip(Effect.provide(ask(call), stack)))
      yield* begun(log)
      yield* TestClock.adjust("1 minute")
      const error = yield* Fiber.join(fiber)
      expect(error.reason).toMatchObject({ _tag: "TimeoutError", clock: "headers", limitMs: 500 })
      expect(error.attempts.map(({ errorType }) => errorType)).toEqual(["TimeoutError", "TimeoutError"])
      expect(log).toEqual(["asked", "pump ended", "asked", "pump ended"])
    }),
  )

  it.effect("ends the client's fiber before a call has that is interrupted while it waits for the head", () =>
    Effect.gen(function* () {
      const waiting = yield* Deferred.make<void>()
      const { log, provider } = pumping(call, Effect.andThen(Deferred.succeed(waiting, undefined), Effect.never))
      const fiber = yield* Effect.forkChild(Effect.provide(ask(call), withTimeout({ headers: "1 hour" })(provider)))
      yield* Deferred.await(waiting)
      yield* Fiber.interrupt(fiber)
      expect(log).toEqual(["asked", "pump ended"])
    }),
  )

  it.effect("keeps a defect of the client a defect", () =>
    Effect.gen(function* () {
      const { provider } = pumping(call, Effect.die("broken client"))
      const exit = yield* Effect.exit(Effect.provide(ask(call), withTimeout({ headers: "1 hour" })(provider)))
      expect(String(exit)).toContain("Die")
    }),
  )
})

describe("an exchange with a clock for its head", () => {
  const head = { status: 200, headers: {} }
  const timers = () => process.getActiveResourcesInfo().filter((name) => name === "Timeout").length
  const over = (awaited: Exchange["head"], closing?: Effect.Effect<void>) => {
    const closed: Array<boolean> = []
    const exchange: Exchange = {
      head: awaited,
      read: Cause.done(),
      close: (isComplete) => {
        closed.push(isComplete)
        return closing
      },
    }
    return { closed, exchange: withHeadClock(exchange, 60_000) }
  }

  it.effect("fails with its limit at the limit, and not before", () =>
    Effect.gen(function* () {
      const { exchange } = over(Effect.never)
      const waiting = yield* Effect.forkChild(Effect.flip(exchange.head), { startImmediately: true })
      yield* TestClock.adjust(59_999)
      expect(waiting.pollUnsafe()).toBeUndefined()
      yield* TestClock.adjust(1)
      expect(yield* Fiber.join(waiting)).toEqual({ _tag: "TooLate", limitMs: 60_000 })
    }),
  )

  it.live("leaves no timer once its head has come, has failed, or is no longer waited for", () =>
    Effect.gen(function* () {
      const before = timers()
      expect(yield* over(Effect.succeed(head)).exchange.head).toBe(head)
      expect(timers()).toBe(before)
      expect(yield* Effect.flip(over(Effect.fail(broken("lost"))).exchange.head)).toEqual(broken("lost"))
      expect(timers()).toBe(before)
      const waiting = yield* Effect.forkChild(over(Effect.never).exchange.head, { startImmediately: true })
      expect(timers()).toBe(before + 1)
      yield* Fiber.interrupt(waiting)
      expect(timers()).toBe(before)
    }),
  )

  it.effect("is closed as its exchange is, asked for or not, and waits for what that leaves to do", () =>
    Effect.gen(function* () {
      for (const closing of [undefined, Effect.sleep(70)]) {
        for (const asks of [false, true]) {
          const { closed, exchange } = over(Effect.succeed(head), closing)
          if (asks) yield* exchange.head
          const ending = yield* Effect.forkChild(exchange.close(asks) ?? Effect.void, { startImmediately: true })
          yield* TestClock.adjust(69)
          expect(ending.pollUnsafe() === undefined).toBe(closing !== undefined)
          yield* TestClock.adjust(1)
          yield* Fiber.join(ending)
          expect(closed).toEqual([asks])
        }
      }
    }),
  )
})
