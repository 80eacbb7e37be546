/** A flight between two steps: a fiber may yield anywhere, and what happens there must neither hang nor be left behind. */
import { expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Scheduler from "effect/Scheduler"
import * as TestClock from "effect/testing/TestClock"
import { type CallContext, joinCall } from "../../../src/call/CallContext.ts"
import { CallOptions } from "../../../src/call/CallOptions.ts"
import type { LlmEvent } from "../../../src/model/LlmEvent.ts"
import type { LlmProvider } from "../../../src/model/LlmProvider.ts"
import { withCache } from "../../../src/policies/cache/Cache.ts"
import type { CacheStore } from "../../../src/policies/cache/CacheStore.ts"
import { Flight } from "../../../src/policies/cache/Flight.ts"
import { withTimeout } from "../../../src/policies/Timeout.ts"
import { ask } from "../Calls.ts"
import { Upstream } from "../Upstream.ts"
import { YieldingAt } from "../YieldingAt.ts"

const steps = Array.from({ length: 40 }, (_, step) => step + 1)

/** More pieces than a flight reads ahead. */
const pieces: ReadonlyArray<LlmEvent> = Array.from({ length: 300 }, (_, index) => ({
  type: "text-delta",
  index: 0,
  delta: `${index}`,
}))

/** The context of a new call. */
const newCall: Effect.Effect<CallContext> = joinCall((context) => Effect.succeed(context))

it.effect.each(steps)("a reader that catches up at step %s of the request is read on for", (step) =>
  Effect.gen(function* () {
    const context = yield* newCall
    const flight = new Flight(context, () => {})
    const seat = yield* Effect.withFiber((fiber) => Effect.succeed(flight.board(context, fiber, true)))
    const handing = Effect.forEach([pieces, pieces], (events) => flight.hand(events), { discard: true })
    const reading = Effect.as(handing, { _tag: "Unshared" as const })
    yield* Effect.provideService(
      Effect.withFiber((fiber) => Effect.sync(() => flight.start(fiber, reading))),
      Scheduler.Scheduler,
      new YieldingAt(step),
    )
    let count = 0
    for (let turn = 0; turn < 50; turn++) {
      // A reader that waits for news takes nothing until there is some.
      if (flight.events.length > count) count += seat.take().length
      yield* Effect.yieldNow
    }
    expect([count, flight.landing?._tag]).toEqual([2 * pieces.length, "Unshared"])
  }),
)

it.effect("a call that has left its flight does not wait for the flight's permit", () =>
  Effect.gen(function* () {
    const leader = yield* newCall
    const flight = new Flight(leader, () => {})
    const [staying, leaving] = [yield* newCall, yield* newCall]
    yield* Effect.withFiber((fiber) =>
      Effect.sync(() => {
        for (const context of [leader, staying]) flight.board(context, fiber, false)
        flight.leave(flight.board(leaving, fiber, false))
        leader.permit.came(5)
      }),
    )
    expect([staying, leaving].map(({ permit }) => permit.atMs === undefined)).toEqual([false, true])
  }),
)

it.effect("an access to a store that is given up at any step is interrupted", () => {
  const accesses = { begun: 0, interrupted: 0 }
  const store: CacheStore = {
    get: () =>
      Effect.callback(() => {
        accesses.begun += 1
        return Effect.sync(() => accesses.interrupted++)
      }),
    set: () => Effect.void,
  }
  const upstream = new Upstream(() => "hello")
  return Effect.gen(function* () {
    for (const step of Array.from({ length: 150 }, (_, at) => at + 1)) {
      const context = yield* Effect.context<LlmProvider>()
      const call = Effect.provideService(ask("generate"), Scheduler.Scheduler, new YieldingAt(step))
      const fiber = Effect.runForkWith(context)(call)
      fiber.interruptUnsafe()
      yield* Fiber.await(fiber)
      // The access ends in a fiber of its own, which may yield once more.
      yield* Effect.yieldNow
      expect([step, accesses.interrupted]).toEqual([step, accesses.begun])
    }
    expect(accesses.begun).toBeGreaterThan(100)
  }).pipe(Effect.provide(upstream.layer.pipe(withCache({ store }))))
})

it.effect("an answer that comes after the deadline of the call that began its request is no failed attempt", () => {
  const upstream = new Upstream(() => ({ text: "hello", delay: 2000 }))
  return Effect.gen(function* () {
    const calls = yield* Effect.forkChild(
      Effect.all(
        [
          Effect.provideService(Effect.flip(ask("generate")), CallOptions, { timeoutMs: 1000 }),
          ask("generate"),
          ask("stream"),
        ],
        { concurrency: "unbounded" },
      ),
    )
    yield* TestClock.adjust("5 seconds")
    const [hasty, ...answers] = yield* Fiber.join(calls)
    expect(hasty.reason._tag).toBe("TimeoutError")
    expect(answers.flatMap(({ metadata }) => metadata.attempts.map(({ errorType }) => errorType))).toEqual([undefined])
  }).pipe(Effect.provide(upstream.layer.pipe(withCache(), withTimeout("10 seconds"))))
})

it.effect("a flight is read 256 events ahead of its fastest reader, and no further", () =>
  Effect.gen(function* () {
    const context = yield* newCall
    const flight = new Flight(context, () => {})
    yield* Effect.withFiber((fiber) => Effect.sync(() => flight.board(context, fiber, true)))
    yield* flight.hand(pieces.slice(0, 256))
    const waiting = yield* Effect.forkChild(flight.hand(pieces.slice(0, 1)), { startImmediately: true })
    expect(waiting.pollUnsafe()).toBeUndefined()
    yield* Fiber.interrupt(waiting)
  }),
)

it.effect("news come at once where there are some, and the end to those that wait beside one that does not", () =>
  Effect.gen(function* () {
    const context = yield* newCall
    const flight = new Flight(context, () => {})
    const [slow, waiting] = yield* Effect.withFiber((fiber) =>
      Effect.sync(() => [flight.board(context, fiber, true), flight.board(context, fiber, false)] as const),
    )
    yield* flight.hand(pieces.slice(0, 1))
    yield* slow.news
    const end = yield* Effect.forkChild(waiting.end, { startImmediately: true })
    yield* Effect.withFiber((fiber) => Effect.sync(() => flight.start(fiber, Effect.succeed({ _tag: "Unshared" }))))
    expect((yield* Fiber.join(end))._tag).toBe("Unshared")
    slow.take()
    yield* slow.news
  }),
)

it.effect("what one call changes in an event, another one does not see", () =>
  Effect.gen(function* () {
    const context = yield* newCall
    const flight = new Flight(context, () => {})
    const seats = yield* Effect.withFiber((fiber) =>
      Effect.sync(() => [1, 2].map(() => flight.board(context, fiber, true))),
    )
    const part = { type: "reasoning", text: "thought" } as const
    yield* flight.hand([
      { type: "part-end", index: 0, part },
      { type: "tool-call-end", index: 1, id: "c", name: "f", arguments: { to: ["Ada"] } },
    ])
    const [changed, seen] = seats.map((seat) => seat.take())
    for (const event of changed ?? []) {
      if (event.type === "part-end") Object.assign(event.part, { text: "changed" })
      if (event.type === "tool-call-end") Object.assign(Object(event.arguments).to, { 0: "Eve" })
    }
    expect(seen).toMatchObject([{ part: { text: "thought" } }, { arguments: { to: ["Ada"] } }])
  }),
)
