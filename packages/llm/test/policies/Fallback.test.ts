/** Law 13 (targets in order, each with its model), law 14 (before the first output only), law 15 (the whole story). */
import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Logger from "effect/Logger"
import * as References from "effect/References"
import * as Schema from "effect/Schema"
import * as TestClock from "effect/testing/TestClock"
import { LlmError, TimeoutError, verdict } from "../../src/model/LlmError.ts"
import { isOutput, type LlmEvent } from "../../src/model/LlmEvent.ts"
import { withConcurrency } from "../../src/policies/Concurrency.ts"
import { withFallback } from "../../src/policies/Fallback.ts"
import { withRetry } from "../../src/policies/Retry.ts"
import * as Scripted from "../../src/testing/Scripted.ts"
import { ask, callNames, errorTypes, hello, reasons } from "./Calls.ts"
import { Upstream } from "./Upstream.ts"

const busy = { error: reasons.OverloadedError() }
const textOf = (events: ReadonlyArray<LlmEvent>) =>
  events.reduce((text, event) => (event.type === "text-delta" ? text + event.delta : text), "")

describe.each(callNames)("fallback of %s", (name) => {
  it.effect.each(errorTypes)("after %s does what the table says", (errorType) => {
    const reason = reasons[errorType]()
    const first = Scripted.layer([{ error: reason }])
    const second = Scripted.layer(["from the second"])
    return Effect.gen(function* () {
      const result = yield* Effect.result(ask(name))
      if (verdict(reason).fallsBack) expect(result).toMatchObject({ success: { text: "from the second" } })
      else expect(result).toMatchObject({ failure: { reason } })
      expect(second.requests).toHaveLength(verdict(reason).fallsBack ? 1 : 0)
    }).pipe(Effect.provide(first.pipe(withFallback(second))))
  })

  it.effect("does not follow the call's own deadline", () => {
    const late = new TimeoutError({ message: "late", clock: "total", limitMs: 1 })
    const second = Scripted.layer(["from the second"])
    return Effect.gen(function* () {
      expect((yield* Effect.flip(ask(name))).reason).toEqual(late)
      expect(second.requests).toHaveLength(0)
    }).pipe(Effect.provide(Scripted.layer([{ error: late }]).pipe(withFallback(second))))
  })

  it.effect("keeps a refused prompt from being sent elsewhere where that is switched off, and only that", () => {
    const first = Scripted.layer([{ error: reasons.ContentFilterError() }, busy])
    const second = Scripted.layer(["from the second"])
    return Effect.gen(function* () {
      expect((yield* Effect.flip(ask(name))).reason._tag).toBe("ContentFilterError")
      expect((yield* ask(name)).text).toBe("from the second")
    }).pipe(Effect.provide(first.pipe(withFallback(second, { onContentFilter: false }))))
  })

  it.effect("asks each target for its own model, never for the one meant for the first", () => {
    const first = Scripted.layer([busy], { name: "one", model: "model-1" })
    const second = Scripted.layer([busy], { name: "two", model: "model-2" })
    const third = Scripted.layer(["hello"], { name: "three", model: "default" })
    const stack = first.pipe(withFallback(second), withFallback(third, { model: "model-3" }))
    return Effect.gen(function* () {
      const { metadata } = yield* ask(name, { ...hello, model: "asked-for" })
      expect(metadata.attempts.map(({ model, provider }) => [provider, model])).toEqual([
        ["one", "asked-for"],
        ["two", "model-2"],
        ["three", "model-3"],
      ])
      expect(metadata).toMatchObject({ provider: "three", model: "model-3" })
    }).pipe(Effect.provide(stack))
  })

  it.effect("fails with the last target's error, and attempts tell the whole story", () => {
    const first = new Upstream(() => ({ ...busy, delay: 500 }), "one")
    const second = new Upstream(() => ({ error: reasons.AuthenticationError(), delay: 200 }), "two")
    const third = new Upstream(() => ({ error: reasons.QuotaExceededError(), delay: 100 }), "three")
    const stack = first.layer.pipe(
      withConcurrency(1),
      withRetry({ times: 1 }),
      withFallback(second.layer),
      withFallback(third.layer),
    )
    return Effect.gen(function* () {
      const blocker = yield* Effect.forkChild(Effect.exit(ask(name)))
      const fiber = yield* Effect.forkChild(Effect.flip(ask(name)))
      yield* TestClock.adjust("1 minute")
      yield* Fiber.join(blocker)
      const { attempts, provider, reason } = yield* Fiber.join(fiber)
      expect([provider, reason._tag]).toEqual(["three", "QuotaExceededError"])
      const story = attempts.map((each) => [each.provider, each.targetIndex, each.errorType, each.durationMs])
      expect(story).toEqual([
        ["one", 0, "OverloadedError", 500],
        ["one", 0, "OverloadedError", 500],
        ["two", 1, "AuthenticationError", 200],
        ["three", 2, "QuotaExceededError", 100],
      ])
      expect(attempts[0]).toMatchObject({ queuedMs: 500, waitedMs: 0 })
      expect((attempts[1]?.waitedMs ?? 0) + (attempts[1]?.queuedMs ?? 0)).toBeGreaterThanOrEqual(1000)
      expect(attempts.slice(2)).toMatchObject([
        { queuedMs: 0, waitedMs: 0 },
        { queuedMs: 0, waitedMs: 0 },
      ])
    }).pipe(Effect.provide(stack))
  })

  it.effect("numbers the targets the same on every round of a retry around them", () => {
    const first = new Upstream(() => busy, "one")
    const second = new Upstream(({ index }) => (index < 2 ? busy : "hello"), "two")
    return Effect.gen(function* () {
      const fiber = yield* Effect.forkChild(ask(name))
      yield* TestClock.adjust("1 minute")
      const { attempts } = (yield* Fiber.join(fiber)).metadata
      expect(attempts.map((each) => [each.provider, each.targetIndex])).toEqual(
        [1, 2, 3].flatMap(() => [
          ["one", 0],
          ["two", 1],
        ]),
      )
    }).pipe(Effect.provide(first.layer.pipe(withFallback(second.layer), withRetry())))
  })

  it.effect("warns of a wrong key, although another target saves the call", () => {
    const lines: Array<readonly [string, unknown]> = []
    const logger = Logger.make(({ logLevel, message }) => lines.push([logLevel, message]))
    const first = Scripted.layer([{ error: reasons.AuthenticationError() }, busy], { name: "one" })
    const second = Scripted.layer(["hello", "hello"], { name: "two" })
    return Effect.gen(function* () {
      yield* ask(name)
      yield* ask(name)
      expect(lines.map(([level]) => level)).toEqual(["Warn", "Debug"])
      expect(JSON.stringify(lines[0])).toMatch(/from one to two.*AuthenticationError/)
    }).pipe(
      Effect.provide(first.pipe(withFallback(second))),
      Effect.provide(Logger.layer([logger])),
      Effect.provideService(References.MinimumLogLevel, "Trace"),
    )
  })

  it.effect("asks nobody else once the caller has aborted", () => {
    const first = new Upstream(() => ({ ...busy, delay: 1000 }))
    const second = new Upstream(() => "hello")
    return Effect.gen(function* () {
      const fiber = yield* Effect.forkChild(ask(name))
      yield* TestClock.adjust(500)
      yield* Fiber.interrupt(fiber)
      yield* TestClock.adjust("1 minute")
      expect([first.inFlight, second.asked.length]).toEqual([0, 0])
    }).pipe(Effect.provide(first.layer.pipe(withFallback(second.layer))))
  })
})

/** What a target does with one stream: pieces of its own alphabet, then an end. */
const Act = Schema.Struct({
  pieces: Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 4 })),
  ending: Schema.Literals([
    "whole",
    "StreamInterruptedError",
    "OverloadedError",
    "ServerError",
    "InvalidResponseError",
  ]),
})
const Acts = Schema.Array(Act).check(Schema.isMinLength(1), Schema.isMaxLength(5))

describe("fallback of a stream", () => {
  it.effect("happens before the first output only: afterwards the stream fails with the partial text", () => {
    const first = Scripted.layer([{ text: ["hel", "lo"], error: reasons.StreamInterruptedError() }])
    const second = Scripted.layer(["from the second"])
    const seen: Array<LlmEvent> = []
    return Effect.gen(function* () {
      const error = yield* Effect.flip(ask("stream", hello, (event) => seen.push(event)))
      expect(error.text).toBe("hello")
      expect(textOf(seen)).toBe("hello")
      expect(second.requests).toHaveLength(0)
    }).pipe(Effect.provide(first.pipe(withRetry(), withFallback(second))))
  })

  it.effect.prop(
    "never emits text twice: what is emitted is the beginning of one attempt's answer, or the whole of it",
    { first: Acts, second: Acts, times: Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 3 })) },
    ({ first, second, times }) => {
      const answersOf = (acts: ReadonlyArray<typeof Act.Type>, target: string) =>
        acts.map(({ ending, pieces }, turn) => ({
          text: Array.from({ length: pieces }, (_, piece) => `${target}${turn}.${piece} `),
          ...(ending === "whole" ? {} : { error: reasons[ending]() }),
        }))
      const answers = [...answersOf(first, "a"), ...answersOf(second, "b")]
      const stack = Scripted.layer(answersOf(first, "a"), { name: "a" }).pipe(
        withRetry({ times }),
        withFallback(Scripted.layer(answersOf(second, "b"), { name: "b" }).pipe(withRetry({ times }))),
      )
      const seen: Array<LlmEvent> = []
      return Effect.gen(function* () {
        const fiber = yield* Effect.forkChild(Effect.result(ask("stream", hello, (event) => seen.push(event))))
        yield* TestClock.adjust("1 hour")
        const result = yield* Fiber.join(fiber)
        const emitted = textOf(seen)
        const wholes = answers.map(({ text }) => text.join(""))
        if (result._tag === "Success") {
          expect(wholes).toContain(emitted)
          expect(result.success.text).toBe(emitted)
        } else {
          expect(wholes.some((whole) => whole.startsWith(emitted))).toBe(true)
          expect(result.failure).toBeInstanceOf(LlmError)
          expect(result.failure.text ?? "").toBe(emitted)
        }
        expect(seen.filter(({ type }) => type === "response-start").length).toBeLessThanOrEqual(1)
        if (seen.some(isOutput)) expect(seen[0]?.type).toBe("response-start")
        const finishes = seen.flatMap(({ type }, index) => (type === "response-finish" ? [index] : []))
        expect(finishes).toEqual(result._tag === "Success" ? [seen.length - 1] : [])
      }).pipe(Effect.provide(stack))
    },
    { arbitrary: { runs: 300 } },
  )
})
