/** What one call or one store may not do to the other calls of a cache: change their answer, end them, or hold them up. */
import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Option from "effect/Option"
import * as TestClock from "effect/testing/TestClock"
import { CallOptions } from "../../../src/call/CallOptions.ts"
import { LlmProvider } from "../../../src/model/LlmProvider.ts"
import { withCache } from "../../../src/policies/cache/Cache.ts"
import type { CacheStore } from "../../../src/policies/cache/CacheStore.ts"
import { openStream } from "../../../src/policies/Policy.ts"
import { withRetry } from "../../../src/policies/Retry.ts"
import { withTimeout } from "../../../src/policies/Timeout.ts"
import { ask, callNames, hello, reasons } from "../Calls.ts"
import { Upstream } from "../Upstream.ts"

const called = () => ({
  text: ["Hel", "lo"],
  toolCalls: [{ id: "c1", name: "greet", arguments: { to: ["Ada"] } }],
  delay: 1000,
  pause: 1000,
})

describe.each(callNames)("a call (%s) beside a stream whose reader changes its events", (name) => {
  it.effect("gets the answer as it came, and so does a later one", () => {
    const upstream = new Upstream(called)
    return Effect.gen(function* () {
      const changing = ask("stream", hello, (event) => {
        if (event.type === "text-delta") Object.assign(event, { delta: "changed" })
        if (event.type === "tool-call-end") Object.assign(Object(event.arguments).to, { 0: "Eve", length: 2 })
      })
      const calls = yield* Effect.forkChild(Effect.all([changing, ask(name)], { concurrency: "unbounded" }))
      yield* TestClock.adjust("1 minute")
      const [, beside] = yield* Fiber.join(calls)
      for (const { text, toolCalls } of [beside, yield* ask(name)]) {
        expect(text).toBe("Hello")
        expect(toolCalls).toEqual([{ id: "c1", name: "greet", arguments: { to: ["Ada"] } }])
      }
      expect(upstream.asked).toHaveLength(1)
    }).pipe(Effect.provide(upstream.layer.pipe(withCache())))
  })
})

describe.each(callNames)("a call (%s) with more time than the one that began the request", (name) => {
  const within = (timeoutMs?: number) =>
    Effect.provideService(ask(name), CallOptions, timeoutMs === undefined ? {} : { timeoutMs })

  it.effect.each<readonly [string, number | undefined, number]>([
    ["a deadline of its own", 1000, 500],
    ["a deadline that has nearly passed", undefined, 9500],
  ])("asks anew where that failed for want of time: %s", ([, timeoutMs, delay]) => {
    const upstream = new Upstream(({ index }) =>
      index === 0 ? { error: reasons.RateLimitError({ retryAfterMs: 2000 }), delay } : "hello",
    )
    return Effect.gen(function* () {
      const hasty = yield* Effect.forkChild(Effect.flip(within(timeoutMs)))
      yield* TestClock.adjust(delay - 1)
      const patient = yield* Effect.forkChild(within())
      yield* TestClock.adjust("1 minute")
      expect((yield* Fiber.join(hasty)).reason._tag).toBe("RateLimitError")
      expect((yield* Fiber.join(patient)).text).toBe("hello")
    }).pipe(Effect.provide(upstream.layer.pipe(withRetry(), withCache(), withTimeout("10 seconds"))))
  })

  it.effect("shares a failure that no time would mend", () => {
    const upstream = new Upstream(() => ({ error: reasons.InvalidRequestError(), delay: 500 }))
    return Effect.gen(function* () {
      const calls = yield* Effect.forkChild(
        Effect.all([Effect.flip(within(1000)), Effect.flip(within())], { concurrency: "unbounded" }),
      )
      yield* TestClock.adjust("1 minute")
      expect((yield* Fiber.join(calls)).map(({ reason }) => reason._tag)).toEqual(Array(2).fill("InvalidRequestError"))
      expect(upstream.asked).toHaveLength(1)
    }).pipe(Effect.provide(upstream.layer.pipe(withRetry(), withCache(), withTimeout("10 seconds"))))
  })
})

const nested = (depth: number) => (key: string) => {
  const call = `{"id":"a","name":"b","arguments":${"[".repeat(depth)}${"]".repeat(depth)}}`
  const metadata = `{"provider":"p","usage":{},"usageStatus":"unknown","warnings":[],"degraded":false}`
  return Option.some(
    `{"version":1,"key":"${key}","answer":{"finishReason":"tool-calls","text":"","parts":[{"type":"tool-call",${call.slice(1)}],"toolCalls":[${call}],"metadata":${metadata}}}`,
  )
}

/** What a program without types may have written. */
const giving = (value: (key: string) => unknown): CacheStore => ({
  get: (key) => Effect.sync(() => Object(value(key))),
  set: () => Effect.void,
})

const hanging = (method: keyof CacheStore): CacheStore => {
  const forever = () => Effect.uninterruptible(Effect.never)
  return { get: () => Effect.succeedNone, set: () => Effect.void, [method]: forever }
}

describe.each(callNames)("a call (%s) is answered beside a store", (name) => {
  it.effect.each<readonly [string, CacheStore]>([
    ["that gives nothing at all", { get: () => Effect.sync(() => JSON.parse("null")), set: () => Effect.void }],
    ["that gives an answer too deep to read", giving(nested(100_000))],
    ["that gives an answer deeper than a request may be", giving(nested(3000))],
    ["that never answers and cannot be interrupted", hanging("get")],
    ["that never keeps and cannot be interrupted", hanging("set")],
  ])("%s", ([, store]) => {
    const upstream = new Upstream(() => "hello")
    return Effect.gen(function* () {
      const call = yield* Effect.forkChild(ask(name))
      yield* TestClock.adjust("1 second")
      expect((yield* Fiber.join(call)).text).toBe("hello")
      expect(upstream.asked).toHaveLength(1)
    }).pipe(Effect.provide(upstream.layer.pipe(withCache({ store }))))
  })
})

describe.each(callNames)("a call (%s) of a cache without a store of the program's own", (name) => {
  it.effect("gets no answer of another Layer, nor of one that was closed", () => {
    const [east, west] = [new Upstream(() => "east"), new Upstream(() => "west")]
    const cached = withCache()
    return Effect.gen(function* () {
      for (const { layer } of [east, west, east]) yield* Effect.provide(ask(name), layer.pipe(cached))
      expect((yield* Effect.provide(ask(name), west.layer.pipe(cached))).text).toBe("west")
      expect([east.asked.length, west.asked.length]).toEqual([2, 2])
    })
  })
})

it.effect("a stream that was opened in a fiber that has ended asks anew as the one that reads it", () => {
  const upstream = new Upstream(({ index }) =>
    index === 0 ? { error: reasons.RateLimitError(), delay: 500 } : { text: "hello", delay: 500 },
  )
  return Effect.gen(function* () {
    const llm = yield* LlmProvider
    const leader = Effect.flip(Effect.provideService(ask("stream"), CallOptions, { maxRetries: 0 }))
    const first = yield* Effect.forkChild(leader)
    yield* TestClock.adjust(100)
    const scope = yield* Effect.scope
    const pull = yield* Fiber.join(yield* Effect.forkChild(openStream(llm.stream(hello), scope)))
    // One read boards in a fiber that ends at once; the next one reads on.
    const reading = yield* Effect.forkChild(pull)
    yield* TestClock.adjust(2000)
    const events = [...(yield* Fiber.join(reading))]
    while (events.at(-1)?.type !== "response-finish") events.push(...(yield* pull))
    expect((yield* Fiber.join(first)).reason._tag).toBe("RateLimitError")
    const finish = events.at(-1)
    expect(finish?.type === "response-finish" && finish.metadata.latencyMs).toBe(900)
    expect(upstream.asked).toHaveLength(2)
  }).pipe(Effect.scoped, Effect.provide(upstream.layer.pipe(withRetry(), withCache())))
})
