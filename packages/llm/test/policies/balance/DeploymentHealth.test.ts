/** What is known of a deployment: how fast it is, how long it is passed over and why, and when it may be tried. */
import { describe, expect, it } from "vitest"
import {
  AuthenticationError,
  BudgetExceededError,
  type LlmErrorReason,
  QuotaExceededError,
  RateLimitError,
} from "../../../src/model/LlmError.ts"
import { DeploymentHealth, type DeploymentSettings } from "../../../src/policies/balance/DeploymentHealth.ts"
import { reasons } from "../Calls.ts"

const patience = { failures: 3, rate: 0.5, calls: 20, windowMs: 30_000, openMs: 5000, quotaMs: 60_000 }

const made = (settings: Partial<DeploymentSettings> = {}) =>
  new DeploymentHealth(
    { name: "a", weight: 1, model: undefined, concurrency: Number.POSITIVE_INFINITY, pace: undefined, ...settings },
    patience,
  )

/** A request that is let in and fails. */
const failed = (health: DeploymentHealth, reason: LlmErrorReason, nowMs = 0, isOwnModel = true) =>
  health.fail(health.enter(nowMs), reason, isOwnModel, nowMs)

describe("the expected time of a deployment", () => {
  it("is unknown before an answer, and that of its one answer then, for each kind", () => {
    const health = made()
    expect(health.expectedMs("generate", 0)).toBeUndefined()
    health.answeredAfter(300, "generate", 0)
    health.answeredAfter(50, "stream", 0)
    expect([health.expectedMs("generate", 0), health.expectedMs("stream", 0), health.expectedMs("embed", 0)]).toEqual([
      300,
      50,
      undefined,
    ])
  })

  it("moves by three tenths to a new answer, and by more the older it is", () => {
    const health = made()
    health.answeredAfter(100, "generate", 0)
    health.answeredAfter(200, "generate", 0)
    expect(health.expectedMs("generate", 0)).toBeCloseTo(130, 6)
    health.answeredAfter(230, "generate", 30_000)
    expect(health.expectedMs("generate", 30_000)).toBeCloseTo(130 + 0.65 * 100, 6)
  })

  it("is half as long after half a minute without an answer, and stays where a request is under way", () => {
    const health = made()
    health.answeredAfter(100, "generate", 1000)
    expect([health.expectedMs("generate", 31_000), health.expectedMs("generate", 61_000)]).toEqual([50, 25])
    health.inFlight = 1
    expect(health.expectedMs("generate", 61_000)).toBe(100)
  })

  it("is raised by a request that brought nothing for longer, and not lowered by one that was given up sooner", () => {
    const health = made()
    health.silentFor(100, "generate", 0)
    expect(health.expectedMs("generate", 0)).toBe(100)
    health.silentFor(50, "generate", 0)
    health.silentFor(100, "generate", 10_000)
    expect(health.expectedMs("generate", 30_000)).toBe(50)
    health.answeredAfter(100, "stream", 0)
    health.silentFor(200, "stream", 0)
    expect(health.expectedMs("stream", 0)).toBeCloseTo(130, 6)
  })
})

it("the load of a deployment is what it would have in flight for each unit of weight", () => {
  const health = made({ weight: 0.5 })
  expect(health.load).toBe(2)
  health.inFlight = 4
  expect(health.load).toBe(10)
})

describe("a deployment is passed over", () => {
  it.each<readonly [string, LlmErrorReason, boolean, number | undefined, boolean]>([
    [
      "that asks to slow down, as long as it says",
      new RateLimitError({ message: "", retryAfterMs: 9 }),
      true,
      9,
      false,
    ],
    ["that asks to slow down, for a second where it does not say", reasons.RateLimitError(), true, 1000, true],
    ["with an open circuit of its own", reasons.CircuitOpenError({ retryAfterMs: 70 }), true, 70, false],
    ["with an open circuit that does not say for how long", reasons.CircuitOpenError(), true, 1000, true],
    ["out of quota", reasons.QuotaExceededError(), true, 60_000, true],
    ["out of quota until a time", reasons.QuotaExceededError({ retryAfterMs: 70 }), true, 70, false],
    ["whose key is wrong", reasons.AuthenticationError(), true, 60_000, true],
    ["without its own model", reasons.ModelNotFoundError(), true, 60_000, true],
    ["that may not be asked for its own model", reasons.PermissionDeniedError(), true, 60_000, true],
    ["that has no capacity for as long as it says", reasons.OverloadedError({ retryAfterMs: 70 }), true, 70, false],
    ["that fails and says for how long", reasons.ServerError({ retryAfterMs: 70 }), true, 70, false],
  ])("%s", (_, reason, isOwnModel, remainingMs, isGuess) => {
    const health = made()
    failed(health, reason, 500, isOwnModel)
    expect(health.away(500)).toEqual({ remainingMs, because: reason, isGuess })
    expect(health.away(500 + (remainingMs ?? 0) - 1)?.remainingMs).toBe(1)
    expect(health.away(500 + (remainingMs ?? 0))).toBeUndefined()
  })

  it.each<readonly [string, LlmErrorReason, boolean]>([
    ["one end user's quota", new QuotaExceededError({ message: "", scope: "user", retryAfterMs: 9 }), true],
    ["a key that is being renewed", new AuthenticationError({ message: "", isKeyRenewed: true }), true],
    ["another model that it lacks", reasons.ModelNotFoundError({ retryAfterMs: 9 }), false],
    ["another model that may not be asked for", reasons.PermissionDeniedError(), false],
    ["a budget of the caller's", new BudgetExceededError({ ...budgetFields(), retryAfterMs: 9 }), true],
    ["a mistake of the caller's", reasons.InvalidRequestError(), true],
    ["its configuration", reasons.ConfigurationError(), true],
    ["one failure", reasons.ServerError(), true],
  ])("not for %s", (_, reason, isOwnModel) => {
    const health = made()
    failed(health, reason, 0, isOwnModel)
    expect(health.away(0)).toBeUndefined()
  })

  it.each<readonly [string, LlmErrorReason]>([
    ["its rate", new RateLimitError({ message: "", retryAfterMs: 86_400_001 })],
    ["its quota", new QuotaExceededError({ message: "", retryAfterMs: 31 * 86_400_000 })],
    ["an overload", reasons.OverloadedError({ retryAfterMs: 365 * 86_400_000 })],
    ["a failure", reasons.ServerError({ retryAfterMs: Number.MAX_VALUE })],
  ])("no longer than a day by its own word, and a minute where it says more of %s", (_, because) => {
    const health = made()
    failed(health, because)
    expect(health.away(0)).toEqual({ remainingMs: 60_000, because, isGuess: true })
    failed(health, new RateLimitError({ message: "", retryAfterMs: 86_400_000 }))
    expect(health.away(0)).toMatchObject({ remainingMs: 86_400_000, isGuess: false })
  })

  it("until the last of the times that it said, with what it said it", () => {
    const health = made()
    const [long, short] = [9000, 4000].map((retryAfterMs) => new RateLimitError({ message: "", retryAfterMs }))
    if (long === undefined || short === undefined) return
    failed(health, short)
    failed(health, long)
    failed(health, short)
    expect(health.away(0)).toEqual({ remainingMs: 9000, because: long, isGuess: false })
    // The same time said again changes nothing.
    failed(health, reasons.OverloadedError({ retryAfterMs: 9000 }))
    expect(health.away(0)?.because).toBe(long)
  })

  it("after so many failures in a row, until it has been open for its time", () => {
    const health = made()
    const error = reasons.ServerError()
    failed(health, error, 10)
    failed(health, error, 10)
    expect(health.away(10)).toBeUndefined()
    failed(health, error, 10)
    expect(health.away(10)).toEqual({ remainingMs: 5000, because: error, isGuess: true })
    expect(health.away(5010)).toBeUndefined()
  })

  it("for what is longer: the time that it said, or that for which it is open", () => {
    const open = (retryAfterMs: number) => {
      const health = made()
      failed(health, reasons.ServerError())
      failed(health, reasons.ServerError())
      failed(health, reasons.OverloadedError({ retryAfterMs }))
      return health.away(0)
    }
    expect([open(4999), open(5000), open(9000)]).toMatchObject([
      { remainingMs: 5000, isGuess: true },
      { remainingMs: 5000, isGuess: false },
      { remainingMs: 9000, isGuess: false },
    ])
  })

  it("not where answers come between its failures", () => {
    const health = made()
    for (let turn = 0; turn < 6; turn++) {
      failed(health, reasons.ServerError())
      failed(health, reasons.ServerError())
      health.succeed(health.enter(0), 0)
    }
    // Twelve failures of eighteen; twenty are too few to tell a rate.
    expect(health.away(0)).toBeUndefined()
  })

  it("where nothing was admitted too, as one that is asked in spite of all", () => {
    const health = made()
    health.succeed(undefined, 0)
    health.abandon(undefined, 0)
    health.fail(undefined, reasons.RateLimitError({ retryAfterMs: 50 }), true, 0)
    expect(health.away(0)?.remainingMs).toBe(50)
    for (let turn = 0; turn < 9; turn++) health.fail(undefined, reasons.ServerError(), true, 100)
    expect(health.away(100)).toBeUndefined()
  })
})

describe("one request tries a deployment that kept failing", () => {
  const ill = () => {
    const health = made()
    for (let turn = 0; turn < 3; turn++) failed(health, reasons.ServerError())
    return health
  }

  it("when its time is over, and no second one beside it", () => {
    const health = ill()
    expect(health.enter(4999)).toBeUndefined()
    expect(health.enter(5000)?.isProbe).toBe(true)
    expect(health.enter(5000)).toBeUndefined()
    expect(health.away(5000)?.remainingMs).toBe(5000)
  })

  it("and finds it well where it is answered, or refused for the caller's mistake", () => {
    for (const end of ["answered", "refused"] as const) {
      const health = ill()
      const probe = health.enter(5000)
      if (end === "answered") health.succeed(probe, 5100)
      else health.fail(probe, reasons.InvalidRequestError(), true, 5100)
      expect(health.away(5100)).toBeUndefined()
      expect(health.enter(5100)?.isProbe).toBe(false)
    }
  })

  it("and leaves its place to the next one where it says nothing of it, or only asks to slow down", () => {
    const aborted = ill()
    aborted.abandon(aborted.enter(5000), 5100)
    expect(aborted.enter(5100)?.isProbe).toBe(true)
    const slowed = ill()
    slowed.fail(slowed.enter(5000), reasons.RateLimitError({ retryAfterMs: 300 }), true, 5100)
    expect(slowed.away(5100)).toMatchObject({ remainingMs: 300, isGuess: false })
    expect(slowed.enter(5400)?.isProbe).toBe(true)
  })

  it("and leaves it passed over for as long again where it fails", () => {
    const health = ill()
    health.fail(health.enter(5000), reasons.ServerError(), true, 5100)
    expect(health.away(5100)?.remainingMs).toBe(5000)
  })

  it("while others that were let in before say no more of it", () => {
    const health = made()
    const before = health.enter(0)
    for (let turn = 0; turn < 3; turn++) failed(health, reasons.ServerError())
    health.fail(before, reasons.InvalidRequestError(), true, 0)
    health.abandon(before, 0)
    expect(health.away(0)?.remainingMs).toBe(5000)
  })
})

function budgetFields() {
  return { message: "", budget: "day", unit: "usd", limit: 1, used: 1, reserved: 0 } as const
}
