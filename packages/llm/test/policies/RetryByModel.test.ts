/** What the calls of one model take from its retry budget and give back, each retry at once. */
import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as References from "effect/References"
import * as Schedule from "effect/Schedule"
import * as Stream from "effect/Stream"
import { metadataOf } from "../../src/call/Metadata.ts"
import { LlmError } from "../../src/model/LlmError.ts"
import type { LlmEvent } from "../../src/model/LlmEvent.ts"
import { LlmProvider } from "../../src/model/LlmProvider.ts"
import { fromParts } from "../../src/model/LlmResponse.ts"
import { withRetry } from "../../src/policies/Retry.ts"
import { ask, type CallName, callNames, hello, reasons } from "./Calls.ts"

/** A provider of the model `m` that fails as it is told, and how often it was asked. */
const changing = (fails: (request: number) => boolean) => {
  const now = { fails, requests: 0 }
  const metadata = metadataOf({ provider: "p", model: "m", latencyMs: 0, timestamp: "", attempts: [] })
  const finish: LlmEvent = { type: "response-finish", finishReason: "stop", metadata }
  const answer = <A>(value: A): Effect.Effect<A, LlmError> =>
    Effect.suspend(() => {
      now.requests += 1
      return now.fails(now.requests)
        ? Effect.fail(new LlmError({ reason: reasons.OverloadedError(), provider: "p", attempts: [] }))
        : Effect.succeed(value)
    })
  const layer = Layer.succeed(LlmProvider, {
    name: "p",
    model: "m",
    generate: () => answer(fromParts([], "stop", metadata)),
    stream: () => Stream.fromEffect(answer(finish)),
  })
  return { layer, now }
}

/** Calls of one model, one after another; how many requests they took. */
const calls = (name: CallName, now: { requests: number }, count: number, model?: string) =>
  Effect.gen(function* () {
    const before = now.requests
    for (let call = 0; call < count; call++) yield* Effect.exit(ask(name, { ...hello, model }))
    return now.requests - before
  })

const once = withRetry(Schedule.recurs(1))

describe.each(callNames)("the retry budget of a model, in %s", (name) => {
  it.effect("gives a hundred retries while everything fails, and comes back with successes", () => {
    const { layer, now } = changing(() => true)
    return Effect.gen(function* () {
      expect(yield* calls(name, now, 150)).toBe(250)
      now.fails = () => false
      expect(yield* calls(name, now, 5)).toBe(5)
      now.fails = () => true
      expect(yield* calls(name, now, 3)).toBe(4)
    }).pipe(Effect.provide(layer.pipe(once)))
  })

  it.effect("is never used up by retries that succeed", () => {
    const { layer, now } = changing((request) => request % 2 === 1)
    return Effect.gen(function* () {
      expect(yield* calls(name, now, 500)).toBe(1000)
    }).pipe(Effect.provide(layer.pipe(once)))
  })

  it.effect("is its own, whether a request names the model or leaves it to the provider", () => {
    const { layer, now } = changing(() => true)
    return Effect.gen(function* () {
      yield* calls(name, now, 120, "m")
      expect(yield* calls(name, now, 1)).toBe(1)
      expect(yield* calls(name, now, 1, "other")).toBe(2)
    }).pipe(Effect.provide(layer.pipe(once)))
  })

  it.effect("is said at DEBUG to be used up", () => {
    const lines: Array<string> = []
    const logger = Logger.make(({ message }) => lines.push(String(message)))
    const { layer, now } = changing(() => true)
    return Effect.gen(function* () {
      yield* calls(name, now, 101)
      expect(lines.at(-1)).toMatch(/not retrying: the retry budget is used up/)
      expect(lines.filter((line) => line.includes("used up")).length).toBe(1)
    }).pipe(
      Effect.provide(layer.pipe(once)),
      Effect.provide(Logger.layer([logger])),
      Effect.provideService(References.MinimumLogLevel, "Debug"),
    )
  })
})
