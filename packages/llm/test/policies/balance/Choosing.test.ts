/** Which deployment is asked, and what it is said to be chosen by: each strategy, limits, and what is away. */
import { describe, expect, it } from "vitest"
import type { BalanceStrategy } from "../../../src/policies/balance/BalanceCheck.ts"
import { type Choosing, choose } from "../../../src/policies/balance/DeploymentChoice.ts"
import { DeploymentHealth, type DeploymentSettings } from "../../../src/policies/balance/DeploymentHealth.ts"
import { Pace } from "../../../src/policies/traffic/Pace.ts"
import { reasons } from "../Calls.ts"

const patience = { failures: 1, rate: 0.5, calls: 20, windowMs: 30_000, openMs: 5000, quotaMs: 60_000 }

interface State extends Partial<DeploymentSettings> {
  readonly inFlight?: number
  /** The time of its last answer. */
  readonly ms?: number
  /** How long it said to be away. */
  readonly awayMs?: number
  /** Since when it is away without having said for how long; it is for five seconds. */
  readonly illSinceMs?: number
}

const made = (states: Readonly<Record<string, State>>) =>
  Object.entries(states).map(([name, { awayMs, illSinceMs, inFlight = 0, ms, ...settings }]) => {
    const health = new DeploymentHealth(
      { name, weight: 1, model: undefined, concurrency: Number.POSITIVE_INFINITY, pace: undefined, ...settings },
      patience,
    )
    health.inFlight = inFlight
    if (ms !== undefined) health.answeredAfter(ms, "generate", 0)
    if (awayMs !== undefined) {
      health.fail(health.enter(0), reasons.RateLimitError({ retryAfterMs: awayMs }), true, 0)
    }
    if (illSinceMs !== undefined) health.fail(health.enter(illSinceMs), reasons.ServerError(), true, illSinceMs)
    return { health }
  })

/** The choice among deployments, as the one's name and what it is chosen by. */
const chosen = (all: ReturnType<typeof made>, choosing: Partial<Choosing> = {}) => {
  const choice = choose(all, {
    strategy: "latency",
    key: undefined,
    kind: "generate",
    nowMs: 0,
    tokensAt: () => 0,
    random: () => 0,
    ...choosing,
  })
  return choice === undefined ? undefined : [choice.deployment.health.settings.name, choice.chosenBy]
}

/** Random numbers in turn. */
const drawing = (...numbers: ReadonlyArray<number>) => {
  let turn = 0
  return () => numbers[turn++ % numbers.length] ?? 0
}

const inTurn = (all: ReturnType<typeof made>, strategy: BalanceStrategy, count: number) =>
  Array.from({ length: count }, () => chosen(all, { strategy })?.[0]).join("")

describe("among deployments", () => {
  it("the only one that can be asked is chosen without a strategy or a key", () => {
    expect(chosen(made({ a: {} }))).toEqual(["a", "only"])
    expect(chosen(made({ a: { awayMs: 10 }, b: {} }), { key: "k" })).toEqual(["b", "only"])
    expect(chosen(made({ a: { concurrency: 2, inFlight: 2 }, b: {} }))).toEqual(["b", "only"])
    expect(chosen(made({ a: { concurrency: 2, inFlight: 1 }, b: {} }), { strategy: "weighted" })?.[1]).toBe("weighted")
  })

  it("none is chosen where each said until when it is away, and none is there", () => {
    expect(chosen([])).toBeUndefined()
    expect(chosen(made({ a: { awayMs: 10 }, b: { awayMs: 20 } }))).toBeUndefined()
    expect(chosen(made({ a: { awayMs: 10 }, b: { awayMs: 20 } }), { nowMs: 10 })).toEqual(["a", "only"])
  })

  it("the one that comes back first is chosen where none said itself for how long it is away", () => {
    const all = made({ a: { illSinceMs: 200 }, b: { illSinceMs: 100 }, c: { illSinceMs: 300 }, d: { awayMs: 1000 } })
    expect(chosen(all, { nowMs: 400 })).toEqual(["b", "soonest"])
  })

  it("a key leads to one, and a strategy to another", () => {
    const all = made({ a: {}, b: {}, c: {} })
    const byKey = new Set(Array.from({ length: 50 }, (_, index) => chosen(all, { key: `k${index}` })?.join()))
    expect([...byKey].toSorted()).toEqual(["a,sticky", "b,sticky", "c,sticky"])
  })

  it("keys lead where they have always led, so that caches of prompts outlive an update", () => {
    const all = made({ europe: {}, america: { weight: 0.5 }, asia: {} })
    const keys = ["", "a", "b", "c", "user-1", "user-2", "user-3", "\u4f60\u597d", "x".repeat(100)]
    expect(keys.map((key) => chosen(all, { key })?.[0])).toEqual([
      "europe",
      "europe",
      "asia",
      "asia",
      "asia",
      "asia",
      "asia",
      "asia",
      "europe",
    ])
  })
})

describe("by weight", () => {
  it("each gets its turns, evenly spread", () => {
    expect(inTurn(made({ a: {}, b: {}, c: {} }), "weighted", 6)).toBe("abcabc")
    expect(inTurn(made({ a: { weight: 1 }, b: { weight: 0.5 } }), "weighted", 6)).toBe("abaaba")
  })

  it("turns count among those that can be asked", () => {
    const all = made({ a: {}, b: {}, c: { awayMs: 10 } })
    expect(inTurn(all, "weighted", 4)).toBe("abab")
  })
})

describe("by what is in flight", () => {
  it("the one with the least for its weight is asked", () => {
    expect(chosen(made({ a: { inFlight: 2 }, b: { inFlight: 1 } }), { strategy: "least-in-flight" })).toEqual([
      "b",
      "least-in-flight",
    ])
    const weighed = made({ a: { inFlight: 2, weight: 1 }, b: { inFlight: 1, weight: 0.5 } })
    expect(chosen(weighed, { strategy: "least-in-flight" })?.[0]).toBe("a")
  })

  it("those that have equally little are asked in turns", () => {
    const all = made({ a: { inFlight: 1 }, b: {}, c: {} })
    expect(inTurn(all, "least-in-flight", 4)).toBe("bcbc")
    expect(inTurn(made({ b: {}, c: {}, a: { inFlight: 1 } }), "least-in-flight", 4)).toBe("bcbc")
  })
})

describe("by latency", () => {
  it("of two at random the faster one is asked", () => {
    const all = made({ a: { ms: 300 }, b: { ms: 200 }, c: { ms: 100 } })
    expect([
      chosen(all, { random: drawing(0, 0) }),
      chosen(all, { random: drawing(0, 0.99) }),
      chosen(all, { random: drawing(0.5, 0.99) }),
      chosen(all, { random: drawing(0.99, 0) }),
      chosen(all, { random: drawing(0.5, 0) }),
    ]).toEqual([
      ["b", "latency"],
      ["c", "latency"],
      ["c", "latency"],
      ["c", "latency"],
      ["b", "latency"],
    ])
  })

  it("one is drawn by its weight", () => {
    const all = made({ a: { weight: 0.25 }, b: { weight: 0.75 }, c: { weight: 1, awayMs: 10 } })
    // The first of the two that are drawn is the one that is asked where all else is equal.
    const first = (random: number) => chosen(all, { random: drawing(random, 0) })?.[0]
    for (const { health } of all) health.inFlight = health.settings.name === "a" ? 0 : 2
    expect([first(0), first(0.249), first(0.25), first(0.99)]).toEqual(["a", "a", "b", "b"])
  })

  it("the less loaded one is asked of two whose times differ by less than a tenth", () => {
    const pair = (ms: number, inFlight: number) => made({ a: { ms: 1000, inFlight }, b: { ms, inFlight: 1 } })
    const asked = (ms: number, inFlight: number) => chosen(pair(ms, inFlight))?.[0]
    expect([asked(900, 0), asked(899, 0), asked(1100, 2), asked(1112, 2)]).toEqual(["a", "b", "b", "a"])
    // Where both have as much in flight, that which was drawn first.
    expect([asked(950, 1), chosen(pair(950, 1), { random: drawing(0.99, 0) })?.[0]]).toEqual(["a", "b"])
  })

  it("one that nothing is known of is tried by one request at a time", () => {
    for (const random of [0, 0.99]) {
      const asked = (inFlight: number) =>
        chosen(made({ a: { ms: 100 }, b: { inFlight } }), { random: drawing(random, 0) })?.[0]
      expect([asked(0), asked(1)]).toEqual(["b", "a"])
    }
  })

  it("the less loaded one is asked of two of which nothing is known", () => {
    for (const random of [0, 0.99]) {
      expect(chosen(made({ a: { inFlight: 1 }, b: {} }), { random: drawing(random, 0) })?.[0]).toBe("b")
      expect(chosen(made({ a: {}, b: { inFlight: 1 } }), { random: drawing(random, 0) })?.[0]).toBe("a")
    }
    // By their weights: one of 1 is half as much as two of 4.
    const weighed = made({ a: { weight: 0.25, inFlight: 0 }, b: { weight: 1, inFlight: 2 } })
    expect(chosen(weighed)?.[0]).toBe("b")
  })
})

describe("where all have to let a request wait", () => {
  const full = { concurrency: 2, inFlight: 2 }

  it("the one whose rate lets it go first is asked", () => {
    const slow = (told: number) => {
      const pace = new Pace()
      pace.told({ requests: { remaining: 0, resetMs: told } }, { tokens: 0, endsMs: 0 }, 0)
      return { pace }
    }
    expect(chosen(made({ a: slow(300), b: slow(200), c: slow(400) }))).toEqual(["b", "soonest"])
    expect(chosen(made({ a: { ...slow(300), inFlight: 5 }, b: { ...slow(300), inFlight: 1 } }))).toEqual([
      "b",
      "soonest",
    ])
    expect(chosen(made({ a: slow(300), b: full }))).toEqual(["b", "soonest"])
  })

  it("the rate counts by the tokens that the request would reserve there", () => {
    const pace = new Pace(undefined, 100)
    pace.told({ tokens: { remaining: 50, resetMs: 300 } }, { tokens: 0, endsMs: 0 }, 0)
    const all = made({ a: { pace }, b: full })
    expect(chosen(all, { tokensAt: () => 50 })).toEqual(["a", "only"])
    expect(chosen(all, { tokensAt: () => 51 })).toEqual(["b", "soonest"])
  })

  it("the one with the fewest turns for each permit is asked, and with its time where those of all are known", () => {
    expect(chosen(made({ a: full, b: { concurrency: 4, inFlight: 4 } }))?.[0]).toBe("b")
    expect(chosen(made({ a: { ...full, ms: 100 }, b: { concurrency: 4, inFlight: 4, ms: 1000 } }))?.[0]).toBe("a")
    expect(chosen(made({ a: { ...full, ms: 100 }, b: { concurrency: 4, inFlight: 4 } }))?.[0]).toBe("b")
    expect(chosen(made({ a: full, b: { concurrency: 4, inFlight: 4, ms: 1000 } }))?.[0]).toBe("b")
    // Two turns of 300 ms against one and a half of 500.
    const pair = made({ a: { concurrency: 2, inFlight: 3, ms: 300 }, b: { concurrency: 2, inFlight: 2, ms: 500 } })
    expect(chosen(pair)?.[0]).toBe("a")
  })
})
