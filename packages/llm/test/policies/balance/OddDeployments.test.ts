/** Deployments that die, weights as large as numbers are, and functions of the program that throw: none keeps calls from an answer. */
import { describe, expect, it } from "@effect/vitest"
import * as HttpClient from "effect/http/HttpClient"
import * as HttpClientResponse from "effect/http/HttpClientResponse"
import * as Layer from "effect/Layer"
import * as OpenAi from "../../../src/providers/OpenAi.ts"
import * as Redacted from "effect/Redacted"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Random from "effect/Random"
import * as Stream from "effect/Stream"
import * as Provider from "../../../src/call/Provider.ts"
import { LlmProvider } from "../../../src/model/LlmProvider.ts"
import { type BalanceOptions, withBalance } from "../../../src/policies/balance/Balance.ts"
import { ask, callNames, hello } from "../Calls.ts"
import { quick, servers, within } from "./Servers.ts"

const strategies = ["weighted", "least-in-flight", "latency"] as const

/** Calls one after the other: how many were answered. */
const answered = (count: number, call: Effect.Effect<unknown, unknown, LlmProvider>) =>
  Effect.map(
    Effect.forEach(Array.from({ length: count }), () => within("1 second", Effect.exit(call))),
    (exits) => exits.filter(Exit.isSuccess).length,
  )

describe.each(callNames)("balance of %s", (name) => {
  it.effect.each(strategies)("passes over a deployment that dies: %s", (strategy) => {
    const { deployments } = servers({ well: quick })
    const broken = Provider.layer({ name: "broken", generate: () => Effect.die("a bug") })
    const stack = withBalance([{ name: "broken", layer: broken }, ...deployments], { strategy })
    return Effect.gen(function* () {
      expect(yield* answered(4, ask(name))).toBeGreaterThanOrEqual(1)
      expect(yield* answered(40, ask(name))).toBeGreaterThanOrEqual(30)
    }).pipe(Effect.provide(stack), Random.withSeed("dies"))
  })

  it.effect.each(strategies)("shares calls between weights whose sum is infinite: %s", (strategy) => {
    const { counts, deployments } = servers({ a: quick, b: quick, c: quick })
    const heavy = deployments.map((deployment) => ({ ...deployment, weight: Number.MAX_VALUE }))
    return Effect.gen(function* () {
      yield* answered(300, ask(name))
      for (const asked of Object.values(counts())) expect(asked).toBeGreaterThan(20)
      if (strategy !== "latency") expect(counts()).toEqual({ a: 100, b: 100, c: 100 })
    }).pipe(Effect.provide(withBalance(heavy, { strategy })), Random.withSeed("heavy"))
  })

  it.effect.each<readonly [string, unknown]>([
    [
      "throws",
      () => {
        throw new Error("a bug")
      },
    ],
    ["gives a symbol", () => Symbol("odd")],
    ["gives a number", () => 5],
    ["gives null", () => null],
  ])("answers a call whose stickyBy %s as one without a key", ([, stickyBy]) => {
    const { deployments } = servers({ a: quick, b: quick })
    const options: BalanceOptions = { strategy: "weighted" }
    Object.assign(options, { stickyBy })
    return Effect.gen(function* () {
      const { metadata } = yield* within("1 second", ask(name))
      expect(metadata.attempts[0]?.chosenBy).toBe("weighted")
    }).pipe(Effect.provide(withBalance(deployments, options)))
  })
})

it.effect("a program that dies while it reads says nothing against a deployment", () => {
  const { counts, deployments } = servers({ a: quick, b: quick })
  const dying = Effect.flatMap(LlmProvider, (llm) =>
    Stream.runForEach(llm.stream(hello), ({ type }) => (type === "text-delta" ? Effect.die("a bug") : Effect.void)),
  )
  return Effect.gen(function* () {
    expect(yield* answered(20, dying)).toBe(0)
    expect(counts()).toEqual({ a: 10, b: 10 })
    expect(yield* answered(20, ask("stream"))).toBe(20)
    expect(counts()).toEqual({ a: 20, b: 20 })
  }).pipe(Effect.provide(withBalance(deployments, { strategy: "weighted" })))
})

it.effect.each(callNames)(
  "the failure of a call (%s) that is over first keeps what had been dropped from its request",
  (name) => {
    const busy = (host: string, retryAfter: string) => {
      const client = HttpClient.make((request) =>
        Effect.succeed(
          HttpClientResponse.fromWeb(
            request,
            Response.json({ error: { message: "slow down" } }, { status: 429, headers: { "retry-after": retryAfter } }),
          ),
        ),
      )
      const layer = OpenAi.layerHttpClient({
        apiKey: Redacted.make("key"),
        apiBase: `https://${host}.example/v1`,
        model: "gpt-5-mini",
      })
      return { name: host, layer: Layer.provide(layer, Layer.succeed(HttpClient.HttpClient, client)) }
    }
    const stack = withBalance([busy("soon", "5"), busy("late", "60")], { strategy: "weighted" })
    return Effect.gen(function* () {
      // Reasoning models take no temperature.
      const error = yield* Effect.flip(ask(name, { ...hello, temperature: 0.5 }))
      expect(error.attempts).toHaveLength(2)
      expect(error.reason).toMatchObject({ retryAfterMs: 5000 })
      expect(error.warnings?.join()).toContain("temperature")
    }).pipe(Effect.provide(stack))
  },
)
