/** A service's word never shuts a client for good: a wait beyond a day is asked about, by one request a minute. */
import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as HttpClient from "effect/http/HttpClient"
import * as HttpClientResponse from "effect/http/HttpClientResponse"
import * as Redacted from "effect/Redacted"
import * as TestClock from "effect/testing/TestClock"
import * as fc from "fast-check"
import { monotonicMs } from "../../../src/call/Time.ts"
import { withRateLimit } from "../../../src/policies/traffic/RateLimit.ts"
import { ToldLimit } from "../../../src/policies/traffic/ToldLimit.ts"
import * as OpenAi from "../../../src/providers/OpenAi.ts"
import { ask, callNames, reasons } from "../Calls.ts"
import { Upstream } from "../Upstream.ts"

const minute = 60_000
const day = 86_400_000

const completion = {
  choices: [{ index: 0, finish_reason: "stop", message: { role: "assistant", content: "hello" } }],
}

/** The headers of each response in turn, those of the last one for all that follow; and when requests came. */
const service = (...headers: ReadonlyArray<Record<string, string>>) => {
  const arrivals: Array<number> = []
  const client = HttpClient.make((request) =>
    Effect.withFiber((fiber) => {
      const told = headers[Math.min(arrivals.length, headers.length - 1)] ?? {}
      arrivals.push(monotonicMs(fiber))
      const status = told["status"] === undefined ? 200 : Number(told["status"])
      return Effect.succeed(HttpClientResponse.fromWeb(request, Response.json(completion, { headers: told, status })))
    }),
  )
  const layer = OpenAi.layerHttpClient({ apiKey: Redacted.make("key"), model: "gpt-5-mini" }).pipe(withRateLimit())
  const run = <A, E>(effect: Effect.Effect<A, E, Effect.Services<ReturnType<typeof ask>>>) =>
    effect.pipe(Effect.provide(layer), Effect.provideService(HttpClient.HttpClient, client))
  return { arrivals, run }
}

const usedUp = (reset: string) => ({ "x-ratelimit-remaining-requests": "0", "x-ratelimit-reset-requests": reset })

/** Five calls after a first one; when they came to the service within a day and a bit. */
const comingAfterOne = (setup: ReturnType<typeof service>) =>
  setup.run(
    Effect.gen(function* () {
      yield* Effect.result(ask("generate"))
      const fibers = yield* Effect.forEach([1, 2, 3, 4, 5], () => Effect.forkChild(Effect.result(ask("generate"))))
      yield* TestClock.adjust(day + minute)
      for (const fiber of fibers) expect(fiber.pollUnsafe()).toBeDefined()
      return setup.arrivals
    }),
  )

describe("a limit that is used up", () => {
  it.effect("for a day is waited for as long as the service says", () =>
    Effect.gen(function* () {
      const setup = service(usedUp("24h"), {})
      expect(yield* comingAfterOne(setup)).toEqual([0, day, day, day, day, day])
    }),
  )

  it.effect("for a year is asked about in a minute, by one request: its answer lets the others go", () =>
    Effect.gen(function* () {
      const setup = service(usedUp("8760h"), {})
      expect(yield* comingAfterOne(setup)).toEqual([0, minute, minute, minute, minute, minute])
    }),
  )

  it.effect("for a year is asked about by one request a minute, as long as the answer is the same", () =>
    Effect.gen(function* () {
      const setup = service(usedUp("8760h"))
      expect(yield* comingAfterOne(setup)).toEqual([0, 1, 2, 3, 4, 5].map((turn) => turn * minute))
    }),
  )

  it.effect("for a year, in tokens, is asked about as well", () =>
    Effect.gen(function* () {
      const setup = service({ "x-ratelimit-remaining-tokens": "3", "x-ratelimit-reset-tokens": "365d" }, {})
      expect(yield* comingAfterOne(setup)).toEqual([0, minute, minute, minute, minute, minute])
    }),
  )

  it.effect("holds on where the request that asks gets no answer", () =>
    Effect.gen(function* () {
      const setup = service(usedUp("8760h"), { status: "500" }, {})
      expect(yield* comingAfterOne(setup)).toEqual([0, minute, 2 * minute, 2 * minute, 2 * minute, 2 * minute])
    }),
  )
})

describe.each(callNames)("a service that asks to wait (%s)", (name) => {
  it.effect.each([day + 1, 365 * day, Number.MAX_VALUE])("%d ms is asked again in a minute", (retryAfterMs) => {
    const upstream = new Upstream(({ index }) =>
      index < 2 ? { error: reasons.RateLimitError({ retryAfterMs }) } : "hello",
    )
    return Effect.gen(function* () {
      yield* Effect.result(ask(name))
      const others = yield* Effect.forEach([1, 2, 3], () => Effect.forkChild(Effect.result(ask(name))))
      yield* TestClock.adjust(2 * minute)
      yield* Effect.forEach(others, Fiber.join)
      expect(upstream.arrivals).toEqual([0, minute, 2 * minute, 2 * minute])
    }).pipe(Effect.provide(upstream.layer.pipe(withRateLimit())))
  })
})

it("no word of a service makes a limit last longer than a day", () => {
  const said = fc.oneof(fc.double(), fc.integer(), fc.constantFrom(undefined, day, day + 1, Number.MAX_VALUE))
  fc.assert(
    fc.property(fc.double(), said, (left, resetMs) => {
      const limit = new ToldLimit(left, resetMs, 0)
      expect(limit.waitMs(1, 0)).toBeLessThanOrEqual(day)
    }),
  )
})
