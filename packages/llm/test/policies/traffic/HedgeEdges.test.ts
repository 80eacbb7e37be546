/** A hedge at its edges: which settings it takes, when no second request is sent, what one costs, and what is learnt. */
import { describe, expect, it } from "@effect/vitest"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as HttpClient from "effect/http/HttpClient"
import * as HttpClientResponse from "effect/http/HttpClientResponse"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import * as TestClock from "effect/testing/TestClock"
import type { CallEvent } from "../../../src/call/CallEvent.ts"
import * as Provider from "../../../src/call/Provider.ts"
import { withConcurrency } from "../../../src/policies/Concurrency.ts"
import { withFallback } from "../../../src/policies/Fallback.ts"
import { withObserver } from "../../../src/policies/Observer.ts"
import { withTimeout } from "../../../src/policies/Timeout.ts"
import { type HedgeOptions, withHedge } from "../../../src/policies/traffic/Hedge.ts"
import { type Asking, race, type Second } from "../../../src/policies/traffic/Race.ts"
import { joinCall } from "../../../src/call/CallContext.ts"
import { HedgeBudget } from "../../../src/policies/traffic/HedgeBudget.ts"
import * as OpenAi from "../../../src/providers/OpenAi.ts"
import * as Scripted from "../../../src/testing/Scripted.ts"
import { ask, type CallName, callNames, hello } from "../Calls.ts"
import { Upstream } from "../Upstream.ts"
import { type Act, BilledUpstream } from "./BilledUpstream.ts"

const untyped = (value: unknown): any => value

const call = (name: CallName, seed: number) => ask(name, { ...hello, seed })

/** Calls one after the other, a day for all of them. */
const calls = (name: CallName, count: number, first = 0) =>
  Effect.gen(function* () {
    const fiber = yield* Effect.forkChild(
      Effect.forEach(Array.from({ length: count }), (_, index) => Effect.exit(call(name, first + index))),
    )
    yield* TestClock.adjust("1 day")
    return yield* Fiber.join(fiber)
  })

/** A server that does so with each request in turn, and then answers in 100 ms for a quarter of a dollar. */
const acting = (...acts: ReadonlyArray<Act>) =>
  new BilledUpstream((index) => acts[index] ?? { delayMs: 100, costUsd: 0.25 })

const quick: Act = { delayMs: 100, costUsd: 0.25 }
const stalled: Act = { delayMs: 1e9 }

/** When second requests were sent, as the events say. */
const watching = () => {
  const afterMs: Array<number> = []
  const watched = withObserver((event: CallEvent) => {
    if (event.type === "hedge") afterMs.push(event.afterMs)
  })
  return { afterMs, watched }
}

describe("settings of a hedge", () => {
  const built = (options: unknown) =>
    Effect.result(Effect.scoped(Layer.build(Scripted.layer([]).pipe(withHedge(untyped(options))))))

  it.effect.each<unknown>([
    {},
    { after: 0 },
    { after: "2 seconds", samples: 1 },
    { after: Duration.seconds(1) },
    { after: { seconds: 2 } },
    { after: "p5" },
    { after: "p99.95" },
    { budget: new HedgeBudget() },
    { maxRequests: 1, maxCostUsd: 0, maxCostShare: 0 },
  ])("that are right: %j", (options) =>
    Effect.gen(function* () {
      expect((yield* built(options))._tag).toBe("Success")
    }),
  )

  it.effect.each<readonly [unknown, string]>([
    [{ delay: 5 }, "delay"],
    [{ after: -1 }, 'after must be a duration or a percentile, for example "2 seconds" or "p95", not -1'],
    [{ after: Number.NaN }, "after must be"],
    [{ after: {} }, "after must be"],
    [{ after: Duration.infinity }, "after must be"],
    [{ after: "xp95" }, "after must be"],
    [{ after: "p95x" }, "after must be"],
    [{ after: "p100" }, "after must be"],
    [{ after: "p9.x" }, "after must be"],
    [{ after: ["p95"] }, "after must be"],
    [{ samples: 0 }, "samples must be a whole number above 0, not 0"],
    [{ samples: 1.5 }, "samples must be a whole number above 0, not 1.5"],
    [{ budget: {} }, "budget must be a HedgeBudget"],
    [{ budget: new HedgeBudget({ maxRequests: 2 }) }, "maxRequests must be a share"],
    [{ maxCostUsd: -1 }, "maxCostUsd must be a number"],
  ])("that are wrong: %j", ([options, problem]) =>
    Effect.gen(function* () {
      const result = yield* built(options)
      expect(result).toMatchObject({ _tag: "Failure", failure: { reason: { setting: "withHedge" } } })
      expect(result._tag === "Failure" ? result.failure.message : "").toContain(problem)
    }),
  )
})

describe.each(callNames)("a second request (%s)", (name) => {
  it.effect("is sent after the duration that was given, whatever answers take", () => {
    const upstream = new BilledUpstream((index) => ({ delayMs: index < 25 ? 100 : 1000 }))
    const { afterMs, watched } = watching()
    return Effect.gen(function* () {
      yield* calls(name, 26)
      expect(afterMs).toEqual([250])
    }).pipe(Effect.provide(upstream.layer.pipe(withHedge({ after: 250 }), watched)))
  })

  it.effect.each([
    ["p50", 11],
    ["p95", 20],
    ["p97.5", 21],
  ] as const)("is sent a millisecond after the percentile of the answers: %s", ([after, expected]) => {
    // Twenty answers, of one to twenty milliseconds.
    const upstream = new BilledUpstream((index) => ({ delayMs: index < 20 ? index + 1 : 1000 }))
    const { afterMs, watched } = watching()
    return Effect.gen(function* () {
      yield* calls(name, 21)
      expect(afterMs).toEqual([expected])
    }).pipe(Effect.provide(upstream.layer.pipe(withHedge({ after }), watched)))
  })

  it.effect("counts answers of its own kind alone, and no failures", () => {
    const other = name === "generate" ? "stream" : "generate"
    const upstream = new BilledUpstream((index) =>
      index < 20 ? quick : index < 40 ? { delayMs: 1, fails: "ServerError" } : { delayMs: 1000 },
    )
    return Effect.gen(function* () {
      yield* calls(other, 20)
      yield* calls(name, 21)
      expect(upstream.arrivals).toHaveLength(41)
    }).pipe(Effect.provide(upstream.layer.pipe(withHedge({ maxRequests: 1 }))))
  })

  it.effect("counts answers without output too", () => {
    let asked = 0
    const empty = Provider.layer({
      name: "empty",
      model: "m",
      generate: () =>
        Effect.suspend(() => {
          asked += 1
          return Effect.delay(
            Effect.succeed({ parts: [], finishReason: "stop" as const }),
            asked > 20 && asked < 22 ? 10_000 : 100,
          )
        }),
    })
    const { afterMs, watched } = watching()
    return Effect.gen(function* () {
      yield* calls(name, 21)
      expect(afterMs).toEqual([101])
    }).pipe(Effect.provide(empty.pipe(withHedge(), watched)))
  })

  it.effect(
    "learns from the one that was given up that it took at least so long, and not from one given up sooner",
    () => {
      const saving = Array.from({ length: 5 }, () => quick)
      const upstream = acting(...saving, stalled, quick, stalled, quick, stalled, stalled)
      const { afterMs, watched } = watching()
      return Effect.gen(function* () {
        yield* calls(name, 6)
        // Given up after 201 ms, when the second one had answered.
        yield* calls(name, 1, 6)
        expect(afterMs).toEqual([101, 202])
        // The one before was given up after 302 ms; this one after 100, and says nothing.
        const hasty = yield* Effect.forkChild(call(name, 7))
        yield* TestClock.adjust(100)
        yield* Fiber.interrupt(hasty)
        const last = yield* Effect.forkChild(call(name, 8))
        yield* TestClock.adjust(303)
        expect(afterMs).toEqual([101, 202, 303])
        yield* Fiber.interrupt(last)
        expect(upstream.inFlight).toBe(0)
      }).pipe(Effect.provide(upstream.layer.pipe(withHedge({ after: "p99", samples: 1, maxRequests: 1 }), watched)))
    },
  )

  it.effect("learns nothing from one that was given up sooner, nor from one that failed later", () => {
    const saving = Array.from({ length: 5 }, () => quick)
    const upstream = acting(...saving, stalled, { delayMs: 500, fails: "ServerError" }, stalled, stalled)
    const { afterMs, watched } = watching()
    return Effect.gen(function* () {
      yield* calls(name, 5)
      const hasty = yield* Effect.forkChild(call(name, 5))
      yield* TestClock.adjust(10)
      yield* Fiber.interrupt(hasty)
      // The second one stalls: the call fails when it is given up.
      const failing = yield* Effect.forkChild(call(name, 6))
      yield* TestClock.adjust(600)
      yield* Fiber.interrupt(failing)
      const last = yield* Effect.forkChild(call(name, 7))
      yield* TestClock.adjust(101)
      yield* Fiber.interrupt(last)
      expect(afterMs).toEqual([101, 101])
    }).pipe(Effect.provide(upstream.layer.pipe(withHedge({ after: "p10", samples: 1, maxRequests: 1 }), watched)))
  })

  it.effect("learns nothing from one that failed, however long it took", () => {
    const fails = "ServerError"
    const upstream = acting(quick, quick, quick, { delayMs: 500, fails }, { delayMs: 10, fails }, stalled)
    const { afterMs, watched } = watching()
    return Effect.gen(function* () {
      yield* calls(name, 4)
      const last = yield* Effect.forkChild(call(name, 9))
      yield* TestClock.adjust(101)
      yield* Fiber.interrupt(last)
      expect(afterMs).toEqual([101, 101])
    }).pipe(Effect.provide(upstream.layer.pipe(withHedge({ after: "p99", samples: 1, maxRequests: 1 }), watched)))
  })

  it.effect("learns from a first one that was given up at the very moment", () => {
    const saving = Array.from({ length: 5 }, () => quick)
    const upstream = acting(...saving, stalled, stalled, stalled)
    const { afterMs, watched } = watching()
    return Effect.gen(function* () {
      yield* calls(name, 5)
      const first = yield* Effect.forkChild(call(name, 5))
      yield* TestClock.adjust(101)
      yield* Fiber.interrupt(first)
      const second = yield* Effect.forkChild(call(name, 6))
      yield* TestClock.adjust(101)
      yield* Fiber.interrupt(second)
      expect([afterMs, upstream.arrivals.length]).toEqual([[101], 8])
    }).pipe(Effect.provide(upstream.layer.pipe(withHedge({ after: "p99", samples: 1, maxRequests: 1 }), watched)))
  })

  it.effect("costs nothing, and can be sent another time, where it got no permit", () => {
    const budget = new HedgeBudget({ maxRequests: 1 })
    const upstream = acting(quick, { ...quick, delayMs: 300 })
    return Effect.gen(function* () {
      yield* calls(name, 2)
      expect([upstream.arrivals.length, budget.spentUsd]).toEqual([2, 0])
      // Earned twice, by both answers, and not used.
      expect([budget.take(0), budget.take(0), budget.take(0)]).toEqual([true, true, false])
    }).pipe(Effect.provide(upstream.layer.pipe(withConcurrency(1), withHedge({ after: 150, budget }))))
  })

  it.effect("is paid for by what first ones have cost, where that limits it", () => {
    const counts = (maxCostShare: number) => {
      const upstream = acting(quick, quick, { delayMs: 1000, costUsd: 0.25 })
      return Effect.as(
        Effect.provide(calls(name, 3), upstream.layer.pipe(withHedge({ after: 150, maxRequests: 1, maxCostShare }))),
        upstream,
      )
    }
    return Effect.gen(function* () {
      // The two before cost half a dollar, of which a half is what this one may cost.
      expect([(yield* counts(0.5)).arrivals.length, (yield* counts(0.49)).arrivals.length]).toEqual([4, 3])
    })
  })

  it.effect.each<readonly [string, Act, Act, number]>([
    ["answers, as it was billed", { delayMs: 10_000 }, { delayMs: 10, costUsd: 0.125 }, 0.125],
    ["answers at a price that is not known", { delayMs: 10_000 }, { delayMs: 10 }, 0.25],
    ["is refused in no time", { delayMs: 10_000 }, { delayMs: 0, fails: "ConnectionError" }, 0],
    ["fails after a while without a status", { delayMs: 10_000 }, { delayMs: 10, fails: "ConnectionError" }, 0.25],
    ["is given up, as the first one answers", { delayMs: 160 }, stalled, 0.25],
  ])("that %s costs what it may have cost at most", ([, first, second, expected]) => {
    const budget = new HedgeBudget({ maxRequests: 1 })
    const upstream = acting(quick, first, second)
    return Effect.gen(function* () {
      yield* calls(name, 2)
      expect([upstream.arrivals.length, budget.spentUsd]).toEqual([3, expected])
    }).pipe(Effect.provide(upstream.layer.pipe(withHedge({ after: 150, budget }))))
  })

  it.effect("that goes to a second target counts as two", () => {
    const budget = new HedgeBudget({ maxRequests: 1 })
    const first = acting(quick, { delayMs: 5000, costUsd: 0.25 }, { delayMs: 10, fails: "ServerError" })
    const second = acting({ delayMs: 10, costUsd: 0.125 })
    return Effect.gen(function* () {
      yield* calls(name, 2)
      expect([first.arrivals.length, second.arrivals.length, budget.spentUsd]).toEqual([3, 1, 0.25 + 0.125])
      // One was earned by an answer and one by the other; both are used.
      expect(budget.take(0)).toBe(false)
    }).pipe(Effect.provide(first.layer.pipe(withFallback(second.layer), withHedge({ after: 150, budget }))))
  })

  it.effect("is not sent for a call that has ended", () => {
    const upstream = acting(quick, stalled)
    return Effect.gen(function* () {
      yield* calls(name, 1)
      const given = yield* Effect.forkChild(call(name, 1))
      yield* TestClock.adjust(100)
      yield* Fiber.interrupt(given)
      yield* TestClock.adjust("1 hour")
      expect(upstream.arrivals).toHaveLength(2)
    }).pipe(Effect.provide(upstream.layer.pipe(withHedge({ after: 150, maxRequests: 1 }))))
  })

  it.live("is not sent while nothing is known of the model, and not after the deadline that a busy loop missed", () => {
    const upstream = new Upstream(({ index }) => (index < 2 ? { text: "hello", delay: 20 } : { stall: true }))
    const budget = new HedgeBudget({ maxRequests: 1 })
    const stack = (options: HedgeOptions) => upstream.layer.pipe(withHedge({ budget, ...options }))
    return Effect.gen(function* () {
      yield* Effect.provide(Effect.andThen(ask(name), ask(name)), stack({}))
      expect(upstream.asked).toHaveLength(2)
      const late = Effect.provide(Effect.flip(ask(name)), stack({ after: 20 }).pipe(withTimeout(50)))
      const fiber = yield* Effect.forkChild(late, { startImmediately: true })
      const sinceMs = performance.now()
      while (performance.now() - sinceMs < 100);
      expect((yield* Fiber.join(fiber)).reason._tag).toBe("TimeoutError")
      expect(upstream.asked).toHaveLength(3)
    })
  })
})

it.live(
  "a second request that is refused with a status costs nothing, and one whose answer cannot be read what it may have",
  () => {
    const usage = { prompt_tokens: 1000, completion_tokens: 1000, total_tokens: 2000 }
    const choices = [{ index: 0, finish_reason: "stop", message: { role: "assistant", content: "hello" } }]
    const spent = (response: () => Response) => {
      const budget = new HedgeBudget({ maxRequests: 1 })
      let asked = 0
      const client = HttpClient.make((request) =>
        Effect.suspend(() => {
          asked += 1
          const answer = asked === 3 ? response() : Response.json({ choices, usage })
          return Effect.delay(Effect.succeed(HttpClientResponse.fromWeb(request, answer)), asked === 2 ? 400 : 1)
        }),
      )
      const stack = OpenAi.layerHttpClient({ apiKey: Redacted.make("key"), model: "gpt-5-mini" }).pipe(
        withHedge({ after: 50, budget }),
      )
      return Effect.gen(function* () {
        yield* Effect.andThen(ask("generate"), ask("generate"))
        expect(asked).toBe(3)
        return budget.spentUsd
      }).pipe(Effect.provide(Layer.provide(stack, Layer.succeed(HttpClient.HttpClient, client))))
    }
    return Effect.gen(function* () {
      expect(yield* spent(() => new Response("", { status: 400 }))).toBe(0)
      expect(yield* spent(() => new Response("{", { status: 200 }))).toBeGreaterThan(0)
      // It used tokens that are known, of a model whose price is not.
      const odd = Response.json({ choices, usage, model: "of-nobody" })
      expect(yield* spent(() => odd)).toBeGreaterThan(0)
    })
  },
)

describe("a race", () => {
  const asking = (effect: Asking<string>["effect"], close: Effect.Effect<void> = Effect.void): Asking<string> => ({
    effect,
    close,
  })

  it.effect("that is decided begins no second asking, and says at once that it has ended", () =>
    Effect.gen(function* () {
      const context = yield* joinCall((each) => Effect.succeed(each))
      const seen: Array<string> = []
      const seconds: Array<Second> = []
      const answer = yield* race({
        ask: () => {
          seen.push("asked")
          return asking((won) => Effect.sync(() => won("first")))
        },
        first: (second) => {
          seconds.push(second)
          return context
        },
      })
      for (const second of seconds) second(context, () => seen.push("ended"))
      expect([answer, seen]).toEqual(["first", ["asked", "ended"]])
    }),
  )

  it.effect("that is given up interrupts both askings at the same time, and closes them when they have ended", () =>
    Effect.gen(function* () {
      const context = yield* joinCall((each) => Effect.succeed(each))
      const seen: Array<string> = []
      const seconds: Array<Second> = []
      let asked = 0
      const racing = race({
        ask: () => {
          asked += 1
          const name = String(asked)
          const lingering = Effect.onInterrupt(Effect.never, () =>
            Effect.andThen(
              Effect.sleep(100),
              Effect.sync(() => seen.push(`${name} ended`)),
            ),
          )
          return asking(
            () => lingering,
            Effect.sync(() => void seen.push(`${name} closed`)),
          )
        },
        first: (second) => {
          seconds.push(second)
          return context
        },
      })
      const fiber = yield* Effect.forkChild(racing, { startImmediately: true })
      for (const second of seconds) second(context, () => {})
      yield* TestClock.adjust(0)
      const given = yield* Effect.forkChild(Fiber.interrupt(fiber), { startImmediately: true })
      yield* TestClock.adjust(100)
      expect(seen.toSorted()).toEqual(["1 closed", "1 ended", "2 closed", "2 ended"])
      yield* Fiber.join(given)
    }),
  )
})
