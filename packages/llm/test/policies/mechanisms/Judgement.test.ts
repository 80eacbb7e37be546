/** What policies do with the end of a clock, as against a timeout that a provider told. */
import { describe, expect, it } from "vitest"
import { CallClock } from "../../../src/call/CallClock.ts"
import { FirstPermit } from "../../../src/call/FirstPermit.ts"
import { LlmError, type LlmErrorReason, type TimeoutClock, TimeoutError } from "../../../src/model/LlmError.ts"
import { isUnhealthy, mayFallBack, retriesOf } from "../../../src/policies/mechanisms/Judgement.ts"
import { reasons } from "../Calls.ts"

const clocks: ReadonlyArray<TimeoutClock> = ["queue", "headers", "attempt", "first-output", "idle", "reader", "total"]

const expiry = (name: TimeoutClock): LlmErrorReason =>
  new CallClock({ name, limitMs: 1000, outer: undefined, permit: new FirstPermit(), from: 0 }).expire()

const told = (clock: TimeoutClock): LlmErrorReason => new TimeoutError({ message: "too late", clock, limitMs: 1000 })

const retries = (reason: LlmErrorReason) => retriesOf(new LlmError({ reason, provider: "p", attempts: [] }))

describe.each(clocks)("the end of the %s clock", (clock) => {
  it("is retried and falls back where the policy stands around the clock", () => {
    expect([retries(expiry(clock)), mayFallBack(expiry(clock))]).toEqual(["always", true])
  })

  it("is of a call that is over where a provider tells it of its own whole call, and only there", () => {
    const isOver = clock === "total"
    expect([retries(told(clock)), mayFallBack(told(clock))]).toEqual(isOver ? ["never", false] : ["always", true])
  })

  it("says that the target is unhealthy, unless the time was the caller's", () => {
    const isCallers = clock === "queue" || clock === "reader"
    expect([isUnhealthy(expiry(clock)), isUnhealthy(told(clock))]).toEqual([!isCallers, !isCallers])
  })
})

describe("a reason that is no timeout", () => {
  it("is judged by the error table", () => {
    expect([retries(reasons.InvalidResponseError()), mayFallBack(reasons.InvalidResponseError())]).toEqual([
      "once",
      true,
    ])
    expect([retries(reasons.InvalidRequestError()), mayFallBack(reasons.InvalidRequestError())]).toEqual([
      "never",
      false,
    ])
    expect(isUnhealthy(reasons.InvalidResponseError())).toBe(true)
    expect(isUnhealthy(reasons.RateLimitError())).toBe(false)
  })
})
