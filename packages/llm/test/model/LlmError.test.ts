/** The one error: what it keeps, and that it comes back whole from JSON. */
import * as Schema from "effect/Schema"
import { describe, expect, it } from "vitest"
import {
  ConnectionError,
  LlmError,
  LlmErrorReason,
  QuotaExceededError,
  TimeoutClock,
  TimeoutError,
  verdicts,
} from "../../src/model/LlmError.ts"

const told = { message: "It failed.", status: 429, code: "c", type: "t", requestId: "r", retryAfterMs: 5, body: "{}" }

/** What the reasons that need more than the provider's words need. */
const own: Readonly<Record<string, object>> = {
  TimeoutError: { clock: "attempt", limitMs: 5 },
  ContentFilterError: { categories: ["hate"] },
  ConfigurationError: { setting: "PRIMARY_MODEL" },
  QuotaExceededError: { scope: "user" },
  BudgetExceededError: {
    budget: "day",
    unit: "tokens",
    limit: 9,
    used: 1,
    reserved: 8,
    tag: { name: "user", value: "a" },
  },
  ToolError: { tool: "weather", toolCallId: "call_1" },
  ConnectionError: { cause: { name: "Error", message: "connect ECONNREFUSED", code: "ECONNREFUSED" } },
}

const throughJson = (error: LlmError): LlmError =>
  Schema.decodeUnknownSync(LlmError)(JSON.parse(JSON.stringify(Schema.encodeSync(LlmError)(error))))

describe("an LlmError", () => {
  it.each(Object.keys(verdicts))("of a %s comes back whole from JSON", (tag) => {
    const reason = Schema.decodeUnknownSync(LlmErrorReason)({ _tag: tag, ...told, ...own[tag] })
    const error = new LlmError({ reason, provider: "openai", model: "m", attempts: [], text: "Hel" })
    const back = throughJson(error)
    expect(back).toBeInstanceOf(LlmError)
    expect(back).toEqual(error)
    expect([back.message, back.isRetryable, back.cause]).toEqual([error.message, error.isRetryable, error.cause])
  })

  it("keeps what the system said of a failed connection as its cause", () => {
    const cause = { name: "Error", message: "unable to verify the first certificate", code: "UNABLE_TO_VERIFY" }
    const error = new LlmError({
      reason: new ConnectionError({ message: "no response", cause }),
      provider: "p",
      attempts: [],
    })
    expect(error.cause).toEqual(cause)
    const other = new LlmError({ reason: new QuotaExceededError({ message: "no money" }), provider: "p", attempts: [] })
    expect(other.cause).toBeUndefined()
  })

  it("names seven clocks, of which one is for a single request", () => {
    expect(TimeoutClock.literals).toEqual(["queue", "attempt", "headers", "first-output", "idle", "reader", "total"])
    const reason = new TimeoutError({ clock: "attempt", limitMs: 5, message: "late" })
    expect(new LlmError({ reason, provider: "p", attempts: [] }).isRetryable).toBe(true)
  })
})
