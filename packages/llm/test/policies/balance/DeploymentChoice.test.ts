/** Stickiness as a property: one key, one deployment; and where one is away or gone, only its keys move. */
import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { CallOptions } from "../../../src/call/CallOptions.ts"
import { withBalance } from "../../../src/policies/balance/Balance.ts"
import { type Choosing, choose } from "../../../src/policies/balance/DeploymentChoice.ts"
import { DeploymentHealth } from "../../../src/policies/balance/DeploymentHealth.ts"
import { ask, callNames, hello, reasons } from "../Calls.ts"
import { quick, servers, story, within } from "./Servers.ts"

const patience = { failures: 1, rate: 0.5, calls: 20, windowMs: 30_000, openMs: 5000, quotaMs: 60_000 }

const deployment = (name: string, weight = 1) => ({
  health: new DeploymentHealth(
    { name, weight, model: undefined, concurrency: Number.POSITIVE_INFINITY, pace: undefined },
    patience,
  ),
})

const withKey = (key: string, nowMs = 0): Choosing => ({
  strategy: "latency",
  key,
  kind: "generate",
  nowMs,
  tokensAt: () => 0,
  random: () => 0.5,
})

const nameOf = (all: ReadonlyArray<ReturnType<typeof deployment>>, choosing: Choosing) =>
  choose(all, choosing)?.deployment.health.settings.name

const keys = Array.from({ length: 2000 }, (_, index) => `session-${index}`)

describe("a caller's key", () => {
  it.effect.prop(
    "leads to the same deployment whatever else is in flight, and moves only where its own is away",
    {
      names: Schema.Array(Schema.String).check(Schema.isMinLength(3), Schema.isMaxLength(8)),
      own: Schema.Array(Schema.String).check(Schema.isMinLength(1), Schema.isMaxLength(30)),
      away: Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 7 })),
    },
    ({ away, names, own }) =>
      Effect.sync(() => {
        const all = [...new Set(names)].map((name) => deployment(name))
        if (all.length < 3) return
        const before = own.map((key) => nameOf(all, withKey(key)))
        for (const { health } of all) health.inFlight = health.settings.name.length
        expect(own.map((key) => nameOf(all.toReversed(), withKey(key)))).toEqual(before)
        const gone = all[away % all.length]
        gone?.health.fail(undefined, reasons.RateLimitError({ retryAfterMs: 1000 }), true, 0)
        for (const [index, key] of own.entries()) {
          const now = nameOf(all, withKey(key))
          if (before[index] === gone?.health.settings.name) expect(now).not.toBe(before[index])
          else expect(now).toBe(before[index])
        }
        // Its keys come back when it does.
        expect(own.map((key) => nameOf(all, withKey(key, 1000)))).toEqual(before)
      }),
  )

  it("falls on the deployments by their weights", () => {
    const all = [deployment("a", 1), deployment("b", 1), deployment("c", 2)]
    const counts: Record<string, number> = {}
    for (const key of keys) {
      const name = nameOf(all, withKey(key)) ?? "none"
      counts[name] = (counts[name] ?? 0) + 1
    }
    expect(Math.abs((counts["a"] ?? 0) - 500)).toBeLessThan(75)
    expect(Math.abs((counts["b"] ?? 0) - 500)).toBeLessThan(75)
    expect(Math.abs((counts["c"] ?? 0) - 1000)).toBeLessThan(75)
  })
})

describe.each(callNames)("the key of %s", (name) => {
  it.effect("is that of the call, or what the options make of its request", () => {
    const { deployments } = servers({ a: quick, b: quick, c: quick, d: quick })
    const stack = withBalance(deployments, { stickyBy: ({ user }) => user })
    return Effect.gen(function* () {
      const asked = (effect: ReturnType<typeof ask>) =>
        Effect.map(within("1 second", effect), (answer) => story(answer)[0])
      for (const key of keys.slice(0, 20)) {
        const first = yield* asked(ask(name, { ...hello, user: key }))
        expect(first?.[1]).toBe("sticky")
        expect(yield* asked(ask(name, { ...hello, user: key }))).toEqual(first)
        const byCall = Effect.provideService(ask(name, { ...hello, user: "another" }), CallOptions, { stickyKey: key })
        expect(yield* asked(byCall)).toEqual(first)
      }
      expect((yield* asked(ask(name)))?.[1]).toBe("latency")
    }).pipe(Effect.provide(stack))
  })

  it.effect("is none where the program's own function throws", () => {
    const { deployments } = servers({ a: quick, b: quick })
    const stack = withBalance(deployments, {
      stickyBy: () => {
        throw new Error("a bug")
      },
    })
    return Effect.gen(function* () {
      expect(story(yield* within("1 second", ask(name)))[0]?.[1]).toBe("latency")
    }).pipe(Effect.provide(stack))
  })
})
