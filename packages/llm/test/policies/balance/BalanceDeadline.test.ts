/** A deadline over a balance whose timer has not rung yet: no deployment is begun once it is over. */
import { expect, it } from "@effect/vitest"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import { withBalance } from "../../../src/policies/balance/Balance.ts"
import { withTimeout } from "../../../src/policies/Timeout.ts"
import { ask, callNames, reasons } from "../Calls.ts"
import { Upstream } from "../Upstream.ts"

/** A clock that the test sets, whose timers never ring: a process that was busy, or asleep. */
const settable = () => {
  let nowMs = 0
  const nanos = () => BigInt(nowMs) * 1_000_000n
  const clock: Clock.Clock = {
    currentTimeMillisUnsafe: () => nowMs,
    currentTimeMillis: Effect.sync(() => nowMs),
    currentTimeNanosUnsafe: nanos,
    currentTimeNanos: Effect.sync(nanos),
    monotonicTimeNanosUnsafe: nanos,
    monotonicTimeNanos: Effect.sync(nanos),
    sleep: () => Effect.never,
  }
  const set = (ms: number) => {
    nowMs = ms
  }
  return { clock, set }
}

it.effect.each(callNames.flatMap((name) => [[name, 999] as const, [name, 1000] as const]))(
  "another deployment is begun within the deadline alone: %s that fails after %d of 1000 ms",
  ([name, failsAtMs]) => {
    const { clock, set } = settable()
    const first = new Upstream(() => {
      set(failsAtMs)
      return { error: reasons.ServerError() }
    }, "first")
    const second = new Upstream(() => "hello", "second")
    const stack = withBalance(
      [
        { name: "first", layer: first.layer },
        { name: "second", layer: second.layer },
      ],
      { strategy: "weighted" },
    ).pipe(withTimeout({ total: 1000 }))
    return Effect.gen(function* () {
      const result = yield* Effect.result(ask(name))
      const isInTime = failsAtMs < 1000
      expect(result._tag).toBe(isInTime ? "Success" : "Failure")
      expect([first.asked.length, second.asked.length]).toEqual([1, isInTime ? 1 : 0])
    }).pipe(Effect.provide(stack), Effect.provideService(Clock.Clock, clock))
  },
)
