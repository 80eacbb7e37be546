/** Pace: never above the limit and near to it, first come first served, corrected by what was used and told. */
import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as HttpClient from "effect/http/HttpClient"
import * as HttpClientResponse from "effect/http/HttpClientResponse"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import * as TestClock from "effect/testing/TestClock"
import { withCircuitBreaker } from "../../../src/policies/CircuitBreaker.ts"
import { withFallback } from "../../../src/policies/Fallback.ts"
import { withConcurrency } from "../../../src/policies/Concurrency.ts"
import { withCache } from "../../../src/policies/cache/Cache.ts"
import { withBudget } from "../../../src/policies/usage/Budget.ts"
import { Pace } from "../../../src/policies/traffic/Pace.ts"
import { isOwnRefusal, reservedTokens, withRateLimit } from "../../../src/policies/traffic/RateLimit.ts"
import { withRetry } from "../../../src/policies/Retry.ts"
import { withTimeout } from "../../../src/policies/Timeout.ts"
import { EmbeddingProvider } from "../../../src/model/EmbeddingProvider.ts"
import * as OpenAi from "../../../src/providers/OpenAi.ts"
import * as ScriptedEmbeddings from "../../../src/testing/ScriptedEmbeddings.ts"
import { ask, callNames, hello, reasons } from "../Calls.ts"
import { Upstream } from "../Upstream.ts"

/** The most that arrived within any 60 seconds, each arrival weighing so much. */
const mostInAMinute = (arrivals: ReadonlyArray<number>, weight = 1): number => {
  let most = 0
  let first = 0
  for (const [index, atMs] of arrivals.entries()) {
    while ((arrivals[first] ?? 0) + 60_000 <= atMs) first += 1
    most = Math.max(most, (index - first + 1) * weight)
  }
  return most
}

const numbered = (seed: number) => ({ ...hello, seed })

describe.each(callNames)("the pace of %s", (name) => {
  it.effect("of 1,000 calls at once is never above the limit in any minute, and at it until the last", () => {
    const upstream = new Upstream(() => ({ text: "hello", delay: 700 }))
    return Effect.gen(function* () {
      const fibers = yield* Effect.forEach(
        Array.from({ length: 1000 }, (_, seed) => seed),
        (seed) => Effect.forkChild(ask(name, numbered(seed))),
      )
      yield* TestClock.adjust("20 minutes")
      yield* Effect.forEach(fibers, Fiber.join)
      expect(mostInAMinute(upstream.arrivals)).toBe(60)
      expect(upstream.asked.map(({ request }) => request.seed)).toEqual(Array.from({ length: 1000 }, (_, seed) => seed))
      // 1,000 calls at 60 a minute begin within 16 whole minutes.
      expect(upstream.arrivals.at(-1)).toBe(16 * 60_000)
    }).pipe(Effect.provide(upstream.layer.pipe(withRateLimit({ rpm: 60 }))))
  })

  it.effect("of calls that come and go is at least 95 % of the limit while more come than may go", () => {
    const upstream = new Upstream(() => ({ text: "hello", delay: 300 }))
    return Effect.gen(function* () {
      const coming = Effect.forEach(Array.from({ length: 1000 }), () =>
        Effect.flatMap(Effect.forkChild(ask(name)), (fiber) => Effect.as(Effect.sleep(370), fiber)),
      )
      const fiber = yield* Effect.forkChild(
        Effect.flatMap(
          coming,
          Effect.forEach((call) => Fiber.join(call)),
        ),
      )
      yield* TestClock.adjust("15 minutes")
      yield* Fiber.join(fiber)
      expect(mostInAMinute(upstream.arrivals)).toBeLessThanOrEqual(100)
      const inFiveMinutes = upstream.arrivals.filter((atMs) => atMs >= 60_000 && atMs < 6 * 60_000).length
      expect(inFiveMinutes).toBeGreaterThanOrEqual(0.95 * 500)
    }).pipe(Effect.provide(upstream.layer.pipe(withRateLimit({ rpm: 100 }))))
  })

  it.effect("counts what was reserved, until the answer says what was used", () => {
    const usage = { inputTokens: 50, outputTokens: 50 }
    const upstream = new Upstream(() => ({ text: "hello", usage, delay: 1000 }))
    return Effect.gen(function* () {
      const fibers = yield* Effect.forEach(Array.from({ length: 20 }), () =>
        Effect.forkChild(ask(name, { ...hello, maxTokens: 480 })),
      )
      yield* TestClock.adjust("5 minutes")
      yield* Effect.forEach(fibers, Fiber.join)
      // Two fit as reserved (about 490 each); what their answers did not need lets the next ones go.
      expect(upstream.arrivals.slice(0, 4)).toEqual([0, 0, 1000, 2000])
      expect(mostInAMinute(upstream.arrivals, 100)).toBeLessThanOrEqual(1000)
    }).pipe(Effect.provide(upstream.layer.pipe(withRateLimit({ tpm: 1000 }))))
  })

  it.effect("gives back the tokens of a request that failed, and counts the request", () => {
    const upstream = new Upstream(({ index }) => (index === 0 ? { error: reasons.ServerError() } : "hello"))
    return Effect.gen(function* () {
      const long = { ...hello, maxTokens: 900 }
      yield* Effect.result(ask(name, long))
      yield* ask(name, { ...hello, maxTokens: 100 })
      const third = yield* Effect.forkChild(ask(name, { ...hello, maxTokens: 10 }))
      yield* TestClock.adjust("2 minutes")
      yield* Fiber.join(third)
      expect(upstream.arrivals).toEqual([0, 0, 60_000])
    }).pipe(Effect.provide(upstream.layer.pipe(withRateLimit({ rpm: 2, tpm: 1000 }))))
  })

  it.effect("passes a call that cannot wait to the next target at once, with a record that says why", () => {
    const first = new Upstream(() => "first")
    const second = new Upstream(() => "second")
    return Effect.gen(function* () {
      yield* ask(name)
      const response = yield* ask(name)
      expect(response.text).toBe("second")
      expect(first.asked).toHaveLength(1)
      expect(response.metadata.attempts[0]).toMatchObject({
        provider: "upstream",
        errorType: "RateLimitError",
        retryAfterMs: 60_000,
        durationMs: 0,
      })
    }).pipe(
      Effect.provide(
        first.layer.pipe(withRateLimit({ rpm: 1 }), withRetry(), withFallback(second.layer), withTimeout("30 seconds")),
      ),
    )
  })

  it.effect("waits within the deadline, and charges the wait to the attempt", () => {
    const upstream = new Upstream(() => "hello")
    return Effect.gen(function* () {
      yield* ask(name)
      const second = yield* Effect.forkChild(ask(name))
      yield* TestClock.adjust("1 minute")
      expect((yield* Fiber.join(second)).metadata.attempts).toMatchObject([{ queuedMs: 60_000 }])
    }).pipe(Effect.provide(upstream.layer.pipe(withRateLimit({ rpm: 1 }), withTimeout("90 seconds"))))
  })

  it.effect("fails a call that would wait longer than it may, behind all that are in the line already", () => {
    const upstream = new Upstream(() => "hello")
    return Effect.gen(function* () {
      const fibers = yield* Effect.forEach([1, 2, 3, 4], () => Effect.forkChild(Effect.result(ask(name))))
      yield* TestClock.adjust("1 millis")
      expect(fibers.map((fiber) => fiber.pollUnsafe() !== undefined)).toEqual([true, false, false, true])
      yield* TestClock.adjust("3 minutes")
      const ends = yield* Effect.forEach(fibers, Fiber.join)
      expect(ends.map(({ _tag }) => _tag)).toEqual(["Success", "Success", "Success", "Failure"])
    }).pipe(Effect.provide(upstream.layer.pipe(withRateLimit({ rpm: 1, maxWait: "2 minutes" }))))
  })

  it.effect("holds everybody back while the service asks to wait", () => {
    const upstream = new Upstream(({ index }) =>
      index === 0 ? { error: reasons.RateLimitError({ retryAfterMs: 20_000 }) } : "hello",
    )
    return Effect.gen(function* () {
      yield* Effect.result(ask(name))
      const others = yield* Effect.forEach([1, 2], () => Effect.forkChild(ask(name)))
      yield* TestClock.adjust("1 minute")
      yield* Effect.forEach(others, Fiber.join)
      expect(upstream.arrivals).toEqual([0, 20_000, 20_000])
    }).pipe(Effect.provide(upstream.layer.pipe(withRateLimit())))
  })
})

describe.each(callNames)("a request (%s) at a rate", (name) => {
  it.effect("that is not made says who lets it go when, of which model, and is known as this library's own", () => {
    const upstream = new Upstream(({ index }) =>
      index === 0 ? "hello" : { error: reasons.RateLimitError({ retryAfterMs: 1 }) },
    )
    const model = { ...hello, model: "large" }
    return Effect.gen(function* () {
      yield* ask(name)
      yield* TestClock.adjust(1000)
      const { attempts, message, reason } = yield* Effect.flip(ask(name, model))
      expect(message).toContain(
        "no request made: the rate limit of upstream lets it go in 59000 ms, later than the call can wait",
      )
      expect(reason).toMatchObject({ _tag: "RateLimitError", retryAfterMs: 59_000 })
      expect(attempts).toMatchObject([{ model: "large", queuedMs: 0 }])
      expect(isOwnRefusal(reason)).toBe(true)
      yield* TestClock.adjust("1 minute")
      expect(isOwnRefusal((yield* Effect.flip(ask(name, model))).reason)).toBe(false)
    }).pipe(Effect.provide(upstream.layer.pipe(withRateLimit({ rpm: 1, maxWait: 0 }))))
  })

  it.effect("is charged what it waited for it, from a millisecond on, also where it is refused then", () => {
    const upstream = new Upstream(({ index }) =>
      index === 0
        ? { error: reasons.RateLimitError({ retryAfterMs: 1 }) }
        : index === 1
          ? { error: reasons.RateLimitError({ retryAfterMs: 90_000 }), delay: 500 }
          : "hello",
    )
    return Effect.gen(function* () {
      yield* TestClock.adjust(7000)
      yield* Effect.flip(ask(name))
      const second = yield* Effect.forkChild(Effect.flip(ask(name)))
      yield* TestClock.adjust(1)
      const third = yield* Effect.forkChild(Effect.flip(ask(name)))
      yield* TestClock.adjust(500)
      expect((yield* Fiber.join(second)).attempts).toMatchObject([{ queuedMs: 1 }])
      const { attempts, reason } = yield* Fiber.join(third)
      expect([reason._tag, attempts]).toMatchObject(["RateLimitError", [{ queuedMs: 500, retryAfterMs: 90_000 }]])
    }).pipe(Effect.provide(upstream.layer.pipe(withRateLimit({ rpm: 2, maxWait: "70 seconds" }))))
  })

  it.effect("waits no longer than its queue clock, once it has a permit no longer than its deadline", () => {
    const upstream = new Upstream(() => "hello")
    const admitted = upstream.layer.pipe(withRateLimit({ rpm: 1 }), withConcurrency(1), withTimeout({ queue: 1000 }))
    return Effect.gen(function* () {
      yield* TestClock.adjust(5000)
      yield* ask(name)
      expect((yield* Effect.flip(ask(name))).reason._tag).toBe("RateLimitError")
      expect(upstream.asked).toHaveLength(1)
      const both = yield* Effect.forkChild(Effect.provide(Effect.andThen(ask(name), ask(name)), admitted))
      yield* TestClock.adjust("1 minute")
      expect((yield* Fiber.join(both)).text).toBe("hello")
    }).pipe(Effect.provide(upstream.layer.pipe(withRateLimit({ rpm: 1 }), withTimeout({ queue: 59_000 }))))
  })

  it.effect("is left alone by a call that an open breaker refuses: nothing was sent", () => {
    let isWell = false
    const upstream = new Upstream(() => (isWell ? "hello" : { error: reasons.ServerError() }))
    const guarded = upstream.layer.pipe(
      withCircuitBreaker({ failures: 1, openFor: "5 seconds" }),
      withRateLimit({ rpm: 2 }),
    )
    return Effect.gen(function* () {
      expect((yield* Effect.flip(ask(name))).reason._tag).toBe("ServerError")
      for (let refused = 0; refused < 5; refused++) {
        expect((yield* Effect.flip(ask(name))).reason._tag).toBe("CircuitOpenError")
      }
      isWell = true
      yield* TestClock.adjust("6 seconds")
      yield* ask(name)
      expect(upstream.arrivals).toEqual([0, 6000])
    }).pipe(Effect.provide(guarded))
  })

  it.effect("counts to nothing where a cache or a budget within sent none, after attempts elsewhere too", () => {
    const upstream = new Upstream(() => "hello")
    const failing = new Upstream(() => ({ error: reasons.ServerError() }))
    const paced = upstream.layer.pipe(withCache(), withRateLimit({ rpm: 2 }))
    return Effect.gen(function* () {
      for (let call = 0; call < 5; call++) yield* ask(name)
      yield* ask(name, numbered(1))
      expect(upstream.arrivals).toEqual([0, 0])
      const budgeted = upstream.layer.pipe(withRateLimit({ rpm: 1 }), withBudget({ tokens: 50 }))
      yield* Effect.gen(function* () {
        expect((yield* Effect.flip(ask(name, { ...hello, maxTokens: 100 }))).reason._tag).toBe("BudgetExceededError")
        yield* ask(name, { ...hello, maxTokens: 5 })
      }).pipe(Effect.provide(budgeted))
      // The one that the budget refused came to this server of a test, too.
      expect(upstream.arrivals).toEqual([0, 0, 0, 0])
    }).pipe(Effect.provide(failing.layer.pipe(withFallback(paced))))
  })
})

it.each([
  ["an answer: its text and its maxTokens", { messages: hello.messages, maxTokens: 7 }, 4 + 7],
  ["an answer without maxTokens: a thousand", hello, 4 + 1000],
  ["vectors: their texts alone", { inputs: ["x".repeat(40)] }, 10],
  ["a list of models: nothing", { about: "models" } as const, 0],
  ["a count of tokens: nothing", { about: "tokens", messages: hello.messages } as const, 0],
  ["more than fits into a minute: as much as fits", { messages: hello.messages, maxTokens: 1e6 }, 5000],
])("a request reserves for %s", (_, request, tokens) => {
  expect(reservedTokens(request, new Pace(undefined, 5000))).toBe(tokens)
})

describe("what the headers tell", () => {
  const completion = {
    choices: [{ index: 0, finish_reason: "stop", message: { role: "assistant", content: "hello" } }],
  }
  const formats: ReadonlyArray<readonly [string, Record<string, string>]> = [
    ["OpenAI", { "x-ratelimit-remaining-requests": "0", "x-ratelimit-reset-requests": "30s" }],
    ["OpenAI, tokens", { "x-ratelimit-remaining-tokens": "0", "x-ratelimit-reset-tokens": "30s" }],
    [
      "Anthropic",
      {
        "anthropic-ratelimit-input-tokens-remaining": "0",
        "anthropic-ratelimit-input-tokens-reset": "1970-01-01T00:00:30Z",
      },
    ],
    ["the IETF's draft", { "ratelimit-remaining": "0", "ratelimit-reset": "30" }],
  ]

  it.effect.each(formats)("is waited for: %s", ([, headers]) => {
    let asked = 0
    const client = HttpClient.make((request) =>
      Effect.sync(() => {
        asked += 1
        return HttpClientResponse.fromWeb(request, Response.json(completion, { headers }))
      }),
    )
    const stack = OpenAi.layerHttpClient({ apiKey: Redacted.make("key"), model: "gpt-5-mini" }).pipe(withRateLimit())
    return Effect.gen(function* () {
      yield* ask("generate")
      const second = yield* Effect.forkChild(ask("generate"))
      yield* TestClock.adjust(29_000)
      expect(asked).toBe(1)
      yield* TestClock.adjust(1000)
      yield* Fiber.join(second)
      expect(asked).toBe(2)
    }).pipe(Effect.provide(Layer.provide(stack, Layer.succeed(HttpClient.HttpClient, client))))
  })
})

it.effect("embeddings keep the same pace", () =>
  Effect.gen(function* () {
    const embeddings = yield* EmbeddingProvider
    yield* embeddings.embed({ inputs: ["one"] })
    const second = yield* Effect.forkChild(embeddings.embed({ inputs: ["two"] }))
    yield* TestClock.adjust("1 minute")
    expect((yield* Fiber.join(second)).metadata.attempts).toMatchObject([{ queuedMs: 60_000 }])
  }).pipe(Effect.provide(ScriptedEmbeddings.layerEmbeddings().pipe(withRateLimit({ rpm: 1 })))),
)
