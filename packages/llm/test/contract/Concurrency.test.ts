/** Laws 8 and 12: the limit on requests in flight, counted by the server. */
import { describe, expect, it } from "@effect/vitest"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Schedule from "effect/Schedule"
import { withConcurrency, withRetry, withTimeout } from "../../src/index.ts"
import { type CallName, callOf, goodAnswer } from "../faults/FaultScenario.ts"
import { type Answer, delay, inTurn, stall } from "../faults/FaultServer.ts"
import { chunk, lastChunk, streamHead, whole } from "../faults/HttpText.ts"
import { fullText, goodStream, type WireText } from "../faults/WireText.ts"
import { ask, hello, open, outcomeOf, patient, serve } from "./Ask.ts"
import { law } from "./Laws.ts"
import { cells } from "./Providers.ts"

const permits = 3

/** An answer that takes a while, the stream between its pieces. */
const unhurried = (wire: WireText, call: CallName): Answer =>
  call === "generate"
    ? [delay(10), ...goodAnswer(wire, call)]
    : [streamHead(), ...goodStream(wire).flatMap((event) => [delay(3), chunk(event)]), lastChunk]

describe.concurrent(law[12], patient, () => {
  it.live.each(cells)(
    "at most 3 of 20 at once, and as many as 3 ($on)",
    Effect.fnUntraced(function* ({ call, provider }) {
      const server = yield* serve((request) => unhurried(provider.wire, callOf(request)))
      const llm = yield* open(provider.layer(server.url).pipe(withConcurrency(permits)))
      const seen = yield* Effect.all(
        Array.from({ length: 20 }, () => ask(llm, call)),
        { concurrency: "unbounded" },
      )
      expect(seen.map(({ text }) => text)).toEqual(Array.from({ length: 20 }, () => fullText))
      expect(server.requests).toHaveLength(20)
      expect(server.peakInFlight).toBe(permits)
    }),
  )

  it.live.each(cells)(
    "generate and stream share one limit ($on)",
    Effect.fnUntraced(function* ({ provider }) {
      const server = yield* serve((request) => unhurried(provider.wire, callOf(request)))
      const llm = yield* open(provider.layer(server.url).pipe(withConcurrency(permits)))
      yield* Effect.all(
        Array.from({ length: 12 }, (_, index) => ask(llm, index % 2 === 0 ? "generate" : "stream")),
        { concurrency: "unbounded" },
      )
      expect(server.peakInFlight).toBe(permits)
    }),
  )

  it.live.each(cells)(
    "first come, first served ($on)",
    Effect.fnUntraced(function* ({ call, provider }) {
      const server = yield* serve((request) => unhurried(provider.wire, callOf(request)))
      const llm = yield* open(provider.layer(server.url).pipe(withConcurrency(1)))
      const users = ["first", "second", "third", "fourth", "fifth"]
      yield* Effect.all(
        users.map((content) => ask(llm, call, { messages: [{ role: "user", content }] })),
        { concurrency: "unbounded" },
      )
      expect(server.requests.map(({ body }) => users.find((user) => body.includes(`"${user}"`)))).toEqual(users)
    }),
  )

  it.live.each(cells)(
    "a waiter that is out of time leaves the queue ($on)",
    Effect.fnUntraced(function* ({ call, provider }) {
      const server = yield* serve(inTurn([stall], goodAnswer(provider.wire, call)))
      const llm = yield* open(provider.layer(server.url).pipe(withConcurrency(1), withTimeout({ queue: 50 })))
      const first = yield* Effect.forkChild(ask(llm, call), { startImmediately: true })
      yield* Effect.promise(() => server.request(0))
      const late = yield* ask(llm, call)
      expect(late.error?.reason).toMatchObject({ _tag: "TimeoutError", clock: "queue", limitMs: 50 })
      expect(late.error?.attempts).toEqual([])
      expect(server.requests).toHaveLength(1)
      yield* Fiber.interrupt(first)
      expect((yield* ask(llm, call)).text).toBe(fullText)
    }),
  )

  it.live.each(cells)(
    "a failed call returns its permit ($on)",
    Effect.fnUntraced(function* ({ call, provider }) {
      const { wire } = provider
      const failed = whole(wire.error("server").body, 500)
      const server = yield* serve(inTurn(failed, failed, goodAnswer(wire, call)))
      const llm = yield* open(provider.layer(server.url).pipe(withConcurrency(1)))
      const outcomes = yield* Effect.all([ask(llm, call), ask(llm, call), ask(llm, call)])
      expect(outcomes.map(outcomeOf)).toEqual(["ServerError", "ServerError", "stop"])
    }),
  )
})

describe.concurrent(law[8], patient, () => {
  it.live.each(cells)(
    "the next call goes at once while one backs off ($on)",
    Effect.fnUntraced(function* ({ call, provider }) {
      const { wire } = provider
      const busy = whole(wire.error("rate-limit").body, 429, { "retry-after": "20" })
      const server = yield* serve(inTurn(busy, goodAnswer(wire, call)))
      const backingOff = yield* Deferred.make<void>()
      const schedule = Schedule.spaced("1 second").pipe(
        Schedule.modifyDelay(({ duration }) => Effect.as(Deferred.succeed(backingOff, undefined), duration)),
      )
      const llm = yield* open(
        provider
          .layer(server.url)
          .pipe(withConcurrency(1), withRetry({ times: 1, schedule }), withTimeout("60 seconds")),
      )
      const waiting = yield* Effect.forkChild(ask(llm, call, hello), { startImmediately: true })
      yield* Deferred.await(backingOff)
      const next = yield* ask(llm, call)
      expect(next.text).toBe(fullText)
      expect(next.response?.metadata.attempts[0]?.queuedMs).toBeLessThan(1000)
      expect(server.requests).toHaveLength(2)
      yield* Fiber.interrupt(waiting)
    }),
  )
})
