/** What is worth trying again, what another target may do better, and what is shown of an error. */
import { inspect } from "node:util"
import * as Duration from "effect/Duration"
import { describe, expect, it } from "vitest"
import {
  AuthenticationError,
  BudgetExceededError,
  ConnectionError,
  InvalidRequestError,
  isLlmError,
  LlmError,
  type LlmErrorReason,
  TimeoutError,
  verdict,
  verdicts,
} from "../../src/model/LlmError.ts"
import { errorTypes, reasons } from "../policies/Calls.ts"

const errorOf = (reason: LlmErrorReason, more: Partial<LlmError> = {}) =>
  new LlmError({ reason, provider: "p", model: "m", attempts: [], ...more })

describe.each(errorTypes.map((tag) => [tag] as const))("a %s", (tag) => {
  it("is judged by the table where the service says nothing else", () => {
    expect(verdict(reasons[tag]())).toEqual(verdicts[tag])
  })

  it("is not tried again where the service says that it is of no use", () => {
    const retries = tag === "ConfigurationError" ? verdicts[tag].retries : "never"
    expect(verdict(reasons[tag]({ shouldRetry: false }))).toEqual({ ...verdicts[tag], retries })
  })

  it("is tried again where the service says so, unless waiting brings neither money nor a key", () => {
    const waits = ["QuotaExceededError", "AuthenticationError", "ConfigurationError"].includes(tag)
    const retries = waits ? verdicts[tag].retries : "always"
    expect(verdict(reasons[tag]({ shouldRetry: true }))).toEqual({ ...verdicts[tag], retries })
  })
})

describe("the verdict", () => {
  it("on the call's own deadline is that the call is over", () => {
    const total = new TimeoutError({ message: "late", clock: "total", limitMs: 1, shouldRetry: true })
    expect(verdict(total)).toEqual({ retries: "never", fallsBack: false })
    expect(errorOf(total).isRetryable).toBe(true)
  })

  it("on a key that was renewed meanwhile is one more request", () => {
    const renewed = (isKeyRenewed: boolean) => new AuthenticationError({ message: "wrong key", isKeyRenewed })
    expect(verdict(renewed(true))).toEqual({ ...verdicts.AuthenticationError, retries: "once" })
    expect(verdict(renewed(false))).toEqual(verdicts.AuthenticationError)
  })

  it("on a request that only this target cannot take is another target", () => {
    const refused = (otherTargetMayTake: boolean) => new InvalidRequestError({ message: "no", otherTargetMayTake })
    expect(verdict(refused(true))).toEqual({ retries: "never", fallsBack: true })
    expect(verdict(refused(false))).toEqual({ retries: "never", fallsBack: false })
  })
})

describe("an error", () => {
  it("is retryable where policies retry it, or where only this call is over", () => {
    const retryable = errorTypes.filter((tag) => errorOf(reasons[tag]()).isRetryable)
    const never = errorTypes.filter((tag) => verdicts[tag].retries === "never" && tag !== "CircuitOpenError")
    expect(errorTypes.filter((tag) => !retryable.includes(tag))).toEqual(never)
    const budget = { message: "used up", budget: "day", unit: "usd", limit: 1, used: 1, reserved: 0 } as const
    expect(errorOf(new BudgetExceededError({ ...budget, retryAfterMs: 5 })).isRetryable).toBe(true)
    expect(errorOf(new BudgetExceededError(budget)).isRetryable).toBe(false)
    expect(errorOf(reasons.QuotaExceededError({ retryAfterMs: 5 })).isRetryable).toBe(false)
  })

  it("tells how long the provider asked to wait", () => {
    const waited = errorOf(reasons.RateLimitError({ retryAfterMs: 500 })).retryAfter
    expect(waited === undefined ? undefined : Duration.toMillis(waited)).toBe(500)
    expect(errorOf(reasons.RateLimitError({ retryAfterMs: 0 })).retryAfter).toBeDefined()
    expect(errorOf(reasons.RateLimitError()).retryAfter).toBeUndefined()
    expect(errorOf(reasons.ConfigurationError()).retryAfter).toBeUndefined()
  })

  it("is known by its tag and its reason, across copies of the library", () => {
    expect(isLlmError(errorOf(reasons.ServerError()))).toBe(true)
    expect(isLlmError({ _tag: "LlmError", reason: {} })).toBe(true)
    for (const other of [{ _tag: "LlmError" }, { reason: {} }, { _tag: "Other", reason: {} }, undefined, "LlmError"]) {
      expect(isLlmError(other)).toBe(false)
    }
  })

  it("prints its stack and the fields that matter, and nothing of what is not known", () => {
    const reason = new ConnectionError({
      message: "connection refused",
      code: "ECONNREFUSED",
      status: 502,
      requestId: "req",
      retryAfterMs: 5,
    })
    const lines = inspect(errorOf(reason, { text: "Hello" })).split("\n")
    expect(lines[0]).toContain("connection refused")
    expect(lines.filter((line) => line.startsWith("  ") && !line.includes("at "))).toEqual([
      "  reason: ConnectionError",
      "  provider: p",
      "  model: m",
      "  status: 502",
      "  code: ECONNREFUSED",
      "  requestId: req",
      "  retryAfterMs: 5",
      "  attempts: 0",
      "  text: 5 characters",
    ])
    const bare = inspect(errorOf(reasons.ConfigurationError(), { model: undefined }))
    expect(bare.split("\n").slice(-3)).toEqual(["  reason: ConfigurationError", "  provider: p", "  attempts: 0"])
    expect(bare).toContain("    at ")
  })

  it("prints its message where it has no stack", () => {
    const error = errorOf(reasons.ServerError())
    Object.defineProperty(error, "stack", { value: undefined })
    expect(inspect(error).startsWith("LlmError: failed\n  reason: ServerError")).toBe(true)
  })
})
