/** What the record of an attempt holds, from its opening to its end, and what comes out of it. */
import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as TestClock from "effect/testing/TestClock"
import { failBefore, refuseAttempt } from "../../src/call/Attempt.ts"
import { CallClock } from "../../src/call/CallClock.ts"
import { FirstPermit } from "../../src/call/FirstPermit.ts"
import { Ledger } from "../../src/call/Ledger.ts"
import { ConfigurationError, RateLimitError, ServerError } from "../../src/model/LlmError.ts"
import { begun, opened } from "./Opened.ts"

const failed = new ServerError({ message: "failed", status: 500 })
const blank = (text: string) => text.replaceAll("secret", "<redacted>")
const usage = { inputTokens: 1_000_000, outputTokens: 1_000_000 }
const prices = { m: { input: 1, output: 2 } }
const clockOf = (permit: FirstPermit) =>
  new CallClock({ name: "total", limitMs: 1000, outer: undefined, permit, from: 0 })

describe("the record of an attempt", () => {
  it.effect("begins with its target, its place, when it began and what the call has waited for it", () =>
    Effect.gen(function* () {
      yield* TestClock.adjust("2 seconds")
      const { fiber } = yield* begun
      const ledger = new Ledger(fiber)
      ledger.waitedInVain(2.4)
      const limits = { ledger, targetIndex: 3, queuedUs: 1300, waitedMs: 7 }
      const { attempt } = yield* opened({}, limits)
      expect(attempt.record()).toStrictEqual({
        provider: "own",
        model: "m",
        targetIndex: 3,
        started: "1970-01-01T00:00:02.000Z",
        queuedMs: 4,
        waitedMs: 7,
        durationMs: 0,
        costUsd: null,
      })
      const second = yield* opened({}, limits)
      expect(second.attempt.record().queuedMs).toBe(1)
      expect(ledger.count).toBe(2)
    }),
  )

  it.effect("names the deployment that was chosen, and by what", () =>
    Effect.gen(function* () {
      const { attempt } = yield* opened({}, { deployment: { name: "eu", chosenBy: "weighted" } })
      expect(attempt.record()).toMatchObject({ deployment: "eu", chosenBy: "weighted" })
    }),
  )

  it.effect("tells the time up to now while the attempt runs, and no longer", () =>
    Effect.gen(function* () {
      const { attempt } = yield* opened()
      yield* TestClock.adjust(30)
      expect(attempt.record().durationMs).toBe(30)
      yield* TestClock.adjust(12)
      attempt.close(Exit.void)
      yield* TestClock.adjust(100)
      expect(attempt.record().durationMs).toBe(42)
    }),
  )

  it.effect("cannot be written to from outside", () =>
    Effect.gen(function* () {
      const { attempt } = yield* opened()
      Object.assign(attempt.record(), { provider: "other" })
      attempt.close(Exit.void)
      Object.assign(attempt.record(), { provider: "other" })
      expect(attempt.record().provider).toBe("own")
    }),
  )

  it.effect("names the clock that ended it, while it runs and when it has ended without an answer", () =>
    Effect.gen(function* () {
      const permit = new FirstPermit()
      const clock = clockOf(permit)
      const { attempt } = yield* opened({}, { clock })
      expect(attempt.record().errorType).toBeUndefined()
      clock.expire()
      expect(attempt.record().errorType).toBe("TimeoutError")
      attempt.close()
      expect(attempt.record().errorType).toBe("TimeoutError")
    }),
  )

  it.effect("names no clock where the answer came before it, or where it failed of itself", () =>
    Effect.gen(function* () {
      const clock = clockOf(new FirstPermit())
      const left = yield* opened({}, { clock })
      left.attempt.close()
      expect(left.attempt.record().errorType).toBeUndefined()
      const answered = yield* opened({}, { clock })
      const broken = yield* opened({}, { clock })
      clock.expire()
      answered.attempt.close(Exit.void)
      expect(answered.attempt.record().errorType).toBeUndefined()
      broken.attempt.fail(failed)
      expect(broken.attempt.record().errorType).toBe("ServerError")
    }),
  )

  it.effect("has the status, the request's id and, where the call asked, the limits and headers of the response", () =>
    Effect.gen(function* () {
      const limits = { requests: { remaining: 1 } }
      const { attempt } = yield* opened({ redact: blank })
      attempt.sawHead({ status: 200, requestId: "req_secret", limits })
      expect(attempt.requestId).toBe("req_<redacted>")
      expect(attempt.record()).toMatchObject({ status: 200, requestId: "req_<redacted>" })
      expect(attempt.record()).not.toHaveProperty("limits")
      expect(attempt.record()).not.toHaveProperty("responseHeaders")
      attempt.sawHead({ status: 200, requestId: undefined, limits, responseHeaders: { "x-a": "1" } })
      expect(attempt.record()).toMatchObject({ requestId: undefined, limits, responseHeaders: { "x-a": "1" } })
    }),
  )

  it.effect("cuts a name above 256 characters, and leaves one of 256 whole", () =>
    Effect.gen(function* () {
      const { attempt } = yield* opened({ redact: blank })
      const whole = "n".repeat(256)
      expect(attempt.nameOf(whole)).toBe(whole)
      expect(attempt.nameOf(`${whole}n`)).toBe(`${whole}…`)
      expect(attempt.nameOf("a secret model")).toBe("a <redacted> model")
      expect(attempt.nameOf(undefined)).toBeUndefined()
      expect((yield* opened()).attempt.nameOf("a secret model")).toBe("a secret model")
    }),
  )
})

describe("a failed attempt", () => {
  it.effect("gives an error with its target and every attempt of the call so far", () =>
    Effect.gen(function* () {
      const first = yield* opened()
      const { ledger } = first.context
      first.attempt.fail(failed)
      const second = yield* opened({ provider: "other" }, { ledger })
      yield* TestClock.adjust(5)
      const reason = new RateLimitError({ message: "too fast", retryAfterMs: 70 })
      const error = second.attempt.fail(reason)
      expect(error).toMatchObject({ reason, provider: "other", model: "m" })
      expect(error.attempts).toMatchObject([
        { provider: "own", errorType: "ServerError", durationMs: 0 },
        { provider: "other", errorType: "RateLimitError", retryAfterMs: 70, durationMs: 5 },
      ])
      expect(error).not.toHaveProperty("text")
      expect(error).not.toHaveProperty("warnings")
    }),
  )

  it.effect("tells the text that had come and what was dropped from the request", () =>
    Effect.gen(function* () {
      const warned = yield* opened({ warnings: ["seed was dropped"] })
      expect(warned.attempt.fail(failed, undefined, "Hel")).toMatchObject({
        text: "Hel",
        warnings: ["seed was dropped"],
      })
      const silent = yield* opened()
      expect(silent.attempt.fail(failed, undefined, "")).not.toHaveProperty("text")
    }),
  )

  it.effect("has no wait to be told where a setting is wrong", () =>
    Effect.gen(function* () {
      const { attempt } = yield* opened()
      const error = attempt.fail(new ConfigurationError({ message: "not set", setting: "KEY" }))
      expect(error.attempts).toMatchObject([{ errorType: "ConfigurationError" }])
      expect(error.attempts[0]).not.toHaveProperty("retryAfterMs")
    }),
  )

  it.effect("is charged with what it had used, and with nothing where that is not known", () =>
    Effect.gen(function* () {
      const used = yield* opened({ pricing: { prices } })
      used.attempt.fail(failed, { usage })
      expect(used.attempt.record()).toMatchObject({ usage, costUsd: 3, priceSource: "custom" })
      const billed = yield* opened()
      billed.attempt.fail(failed, { usage, billing: { costUsd: 9 } })
      expect(billed.attempt.record()).toMatchObject({ usage, costUsd: 9, priceSource: "service" })
      const unknown = yield* opened({ pricing: { prices } })
      unknown.attempt.fail(failed, { usage: {}, billing: { costUsd: 9 } })
      expect(unknown.attempt.record().costUsd).toBeNull()
      expect(unknown.attempt.record()).not.toHaveProperty("usage")
    }),
  )
})

describe("a request that was not sent", () => {
  it.effect("has a record of no duration, with the reason", () =>
    Effect.gen(function* () {
      const { context, fiber } = yield* begun
      const error = refuseAttempt(context, fiber, { provider: "own", model: "m" }, failed)
      expect(error.attempts).toMatchObject([{ provider: "own", errorType: "ServerError", durationMs: 0 }])
    }),
  )

  it.effect("has none where it was wrong before an attempt could begin", () =>
    Effect.gen(function* () {
      const { context } = yield* opened()
      const error = failBefore(context, { provider: "other", model: "n" }, failed)
      expect(error).toMatchObject({ provider: "other", model: "n", reason: failed })
      expect(error.attempts).toMatchObject([{ provider: "own" }])
    }),
  )
})
