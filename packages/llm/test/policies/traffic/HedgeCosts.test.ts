/** What a second request costs that is over in the millisecond in which it was sent: nothing only where that is known. */
import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/testing/TestClock"
import { openAttempt, type Spent } from "../../../src/call/Attempt.ts"
import { joinCall, joins } from "../../../src/call/CallContext.ts"
import { ServerError } from "../../../src/model/LlmError.ts"
import { LlmProvider } from "../../../src/model/LlmProvider.ts"
import { fromParts } from "../../../src/model/LlmResponse.ts"
import { withHedge } from "../../../src/policies/traffic/Hedge.ts"
import { HedgeBudget } from "../../../src/policies/traffic/HedgeBudget.ts"
import { ask, callNames } from "../Calls.ts"
import { BilledUpstream } from "./BilledUpstream.ts"

describe.each(callNames)("a second request (%s)", (name) => {
  it.effect("that is given up in the millisecond in which it was sent costs what it may have", () => {
    const budget = new HedgeBudget({ maxRequests: 1 })
    // The first one answers in the moment in which the second one is sent.
    const upstream = new BilledUpstream((index) =>
      index === 0 ? { delayMs: 100, costUsd: 0.25 } : { delayMs: index === 1 ? 150 : 1e9 },
    )
    return Effect.gen(function* () {
      const calls = yield* Effect.forkChild(Effect.andThen(ask(name), ask(name)))
      yield* TestClock.adjust("1 minute")
      yield* Fiber.join(calls)
      expect(upstream.arrivals.map(({ atMs, endedAtMs }) => [atMs, endedAtMs])).toEqual([
        [0, 100],
        [100, 250],
        [250, 250],
      ])
      expect(budget.spentUsd).toBe(0.25)
    }).pipe(Effect.provide(upstream.layer.pipe(withHedge({ after: 150, budget }))))
  })
})

it.effect.each<readonly [string, Spent | undefined, number]>([
  ["costs nothing", undefined, 0],
  ["and told what it used costs what it may have, where no price is known", { usage: { outputTokens: 5 } }, 0.25],
  [
    "and told what it used costs what it was billed",
    { usage: { outputTokens: 5 }, billing: { costUsd: 0.125 } },
    0.125,
  ],
])("a second request that fails in that millisecond %s", ([, spent, expected]) => {
  const budget = new HedgeBudget({ maxRequests: 1 })
  const reason = new ServerError({ message: "it broke off" })
  let asked = 0
  const service = joins<LlmProvider["Service"]>({
    name: "billed",
    generate: () =>
      joinCall((context, fiber) =>
        Effect.flatMap(
          Effect.fromResult(openAttempt(context, fiber, { provider: "billed", model: "m" }, {})),
          (sent) => {
            asked += 1
            if (asked === 3) return Effect.fail(sent.fail(reason, spent))
            const answer = Effect.sync(() => {
              const metadata = sent.finish({ usage: {}, usageStatus: "unknown", billing: { costUsd: 0.25 } })
              return fromParts([{ type: "text", text: "hello" }], "stop", metadata)
            })
            return Effect.delay(answer, asked === 1 ? 100 : 1000)
          },
        ),
      ),
    stream: () => Stream.die("not asked for"),
  })
  return Effect.gen(function* () {
    const calls = yield* Effect.forkChild(Effect.andThen(ask("generate"), ask("generate")))
    yield* TestClock.adjust("1 minute")
    yield* Fiber.join(calls)
    expect([asked, budget.spentUsd]).toEqual([3, expected])
  }).pipe(Effect.provide(Layer.succeed(LlmProvider, service).pipe(withHedge({ after: 150, budget }))))
})
