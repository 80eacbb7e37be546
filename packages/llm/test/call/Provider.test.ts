/** A provider from functions: whichever of the two it is made of, both calls give the same, and its story is told. */
import { describe, expect, it } from "@effect/vitest"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import type * as Layer from "effect/Layer"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/testing/TestClock"
import type { CallEvent } from "../../src/call/CallEvent.ts"
import * as Provider from "../../src/call/Provider.ts"
import type { LlmEvent } from "../../src/model/LlmEvent.ts"
import { LlmProvider } from "../../src/model/LlmProvider.ts"
import type { ResponsePart } from "../../src/model/LlmResponse.ts"
import { withObserver } from "../../src/policies/Observer.ts"
import { ask, callNames, hello, reasons } from "../policies/Calls.ts"

const parts: ReadonlyArray<ResponsePart> = [
  { type: "reasoning", text: "They greet me.", signature: "s" },
  { type: "text", text: "Hello" },
  { type: "tool-call", id: "c", name: "wave", arguments: { hand: "left" } },
  { type: "refusal", text: "no" },
]
const pieces: ReadonlyArray<Exclude<Provider.ReplyPiece, { readonly type: "end" }>> = [
  { type: "part-end", index: 0, part: { type: "reasoning", text: "They greet me.", signature: "s" } },
  { type: "text-delta", index: 1, delta: "Hel" },
  { type: "text-delta", index: 1, delta: "lo" },
  { type: "tool-call-start", index: 2, id: "c", name: "wave" },
  { type: "tool-call-end", index: 2, id: "c", name: "wave", arguments: { hand: "left" } },
  { type: "refusal-delta", index: 3, delta: "no" },
]
const stop: Provider.ReplyEnd = { finishReason: "stop" }

/** Both ways to define a provider whose answers end so. */
const kinds = ["generate", "stream"] as const
const defined = (kind: (typeof kinds)[number], end: Provider.ReplyEnd = stop, more: object = {}) =>
  Provider.layer({
    name: "own",
    model: "m",
    ...(kind === "generate"
      ? { generate: () => Effect.succeed({ parts, ...end }) }
      : { stream: () => Stream.fromIterable<Provider.ReplyPiece>([...pieces, { type: "end", ...end }]) }),
    ...more,
  })

const both = callNames.flatMap((name) => kinds.map((kind) => [name, kind] as const))

/** A layer whose calls write down what happens. */
const watched = (layer: Layer.Layer<LlmProvider>) => {
  const events: Array<CallEvent> = []
  return { events, layer: layer.pipe(withObserver((event) => void events.push(event))) }
}
const endsOf = (events: ReadonlyArray<CallEvent>) => events.filter((event) => event.type === "attempt-end")

describe.each(both)("%s of a provider that is made of %s", (name, kind) => {
  it.effect("is the answer, with everything that was told of its end", () =>
    Effect.gen(function* () {
      const end: Provider.ReplyEnd = {
        finishReason: "length",
        usage: { inputTokens: 3, outputTokens: 0 },
        billing: { costUsd: 0 },
        servedModel: "m-1",
        rawFinishReason: "max",
        warnings: ["seed was dropped"],
      }
      const response = yield* Effect.provide(ask(name), defined(kind, end))
      expect(response).toMatchObject({ text: "Hello", parts, finishReason: "length" })
      expect(response.metadata).toMatchObject({
        provider: "own",
        model: "m",
        usage: { inputTokens: 3, outputTokens: 0 },
        usageStatus: "reported",
        costUsd: 0,
        priceSource: "service",
        servedModel: "m-1",
        rawFinishReason: "max",
        warnings: ["seed was dropped"],
      })
      expect(response.metadata.attempts).toMatchObject([{ provider: "own", firstOutputMs: 0, costUsd: 0 }])
    }),
  )

  it.effect("asks the request's model before its own, and tells what the request set", () =>
    Effect.gen(function* () {
      const request = { ...hello, model: "other", temperature: 0.5, maxTokens: 9 }
      const { metadata } = yield* Effect.provide(ask(name, request), defined(kind))
      expect(metadata).toMatchObject({ model: "other", temperature: 0.5, maxTokens: 9, costUsd: null })
      expect(metadata).toMatchObject({ usage: {}, usageStatus: "unknown" })
    }),
  )

  it.effect("has its price by the provider's own prices", () =>
    Effect.gen(function* () {
      const end = { ...stop, usage: { inputTokens: 1_000_000, outputTokens: 0 }, billing: { serviceTier: "default" } }
      const { metadata } = yield* Effect.provide(
        ask(name),
        defined(kind, end, { prices: { m: { input: 2, output: 1 } } }),
      )
      expect(metadata).toMatchObject({ costUsd: 2, priceSource: "custom" })
    }),
  )

  it.effect("leaves out what of the usage makes no sense, and keeps the rest", () =>
    Effect.gen(function* () {
      const odd = {
        inputTokens: -1,
        outputTokens: 4,
        totalTokens: Number.NaN,
        reasoningTokens: Number.POSITIVE_INFINITY,
      }
      const some = yield* Effect.provide(ask(name), defined(kind, { ...stop, usage: odd, billing: { costUsd: -1 } }))
      expect(some.metadata.usage).toStrictEqual({ outputTokens: 4 })
      expect(some.metadata).toMatchObject({ usageStatus: "reported", costUsd: null })
      const none = yield* Effect.provide(ask(name), defined(kind, { ...stop, usage: { inputTokens: -1 } }))
      const empty = yield* Effect.provide(ask(name), defined(kind, { ...stop, usage: {} }))
      for (const { metadata } of [none, empty]) expect(metadata).toMatchObject({ usage: {}, usageStatus: "unknown" })
    }),
  )

  it.effect("refuses a request that is wrong before the function sees it", () =>
    Effect.gen(function* () {
      let asked = 0
      const count = () => {
        asked += 1
        return kind === "generate" ? Effect.succeed({ parts, ...stop }) : Stream.empty
      }
      const error = yield* Effect.flip(
        Effect.provide(ask(name, { messages: [] }), defined(kind, stop, { [kind]: count })),
      )
      expect(error).toMatchObject({ provider: "own", model: "m", attempts: [], reason: { parameter: "messages" } })
      expect(asked).toBe(0)
    }),
  )

  it.effect("fails with the function's reason, and the attempt that failed", () =>
    Effect.gen(function* () {
      const reason = reasons.RateLimitError({ retryAfterMs: 9 })
      const failing = { [kind]: () => (kind === "generate" ? Effect.fail(reason) : Stream.fail(reason)) }
      const { events, layer } = watched(defined(kind, stop, failing))
      const error = yield* Effect.flip(Effect.provide(ask(name), layer))
      expect(error).toMatchObject({ reason, provider: "own", model: "m" })
      expect(error).not.toHaveProperty("text")
      expect(error.attempts).toMatchObject([{ errorType: "RateLimitError", retryAfterMs: 9 }])
      expect(endsOf(events)).toMatchObject([{ exit: Exit.fail(reason) }])
    }),
  )

  it.effect("dies of the function's defect, and the attempt ends with it", () =>
    Effect.gen(function* () {
      const defect = new Error("a bug")
      const dying = { [kind]: () => (kind === "generate" ? Effect.die(defect) : Stream.die(defect)) }
      const { events, layer } = watched(defined(kind, stop, dying))
      const exit = yield* Effect.exit(Effect.provide(ask(name), layer))
      expect(Exit.isFailure(exit) && Cause.squash(exit.cause)).toBe(defect)
      const [end] = endsOf(events)
      expect(end?.type === "attempt-end" && Exit.isFailure(end.exit) && Cause.squash(end.exit.cause)).toBe(defect)
    }),
  )

  it.effect("dies of what the function throws, and the attempt ends", () =>
    Effect.gen(function* () {
      const throwing = {
        [kind]: () => {
          throw new Error("a bug")
        },
      }
      const { events, layer } = watched(defined(kind, stop, throwing))
      const exit = yield* Effect.exit(Effect.provide(ask(name), layer))
      expect(Exit.hasDies(exit)).toBe(true)
      expect(endsOf(events)).toHaveLength(1)
    }),
  )

  it.effect("ends its attempt when nobody waits any more", () =>
    Effect.gen(function* () {
      const never = { [kind]: () => (kind === "generate" ? Effect.never : Stream.never) }
      const { events, layer } = watched(defined(kind, stop, never))
      const fiber = yield* Effect.forkChild(Effect.provide(ask(name), layer))
      yield* TestClock.adjust(40)
      yield* Fiber.interrupt(fiber)
      const [end] = endsOf(events)
      expect(end).toMatchObject({ record: { durationMs: 40 } })
      expect(end?.type === "attempt-end" && Exit.hasInterrupts(end.exit)).toBe(true)
    }),
  )
})

describe.each(callNames)("%s of a provider from a stream", (name) => {
  const streaming = (...given: ReadonlyArray<Provider.ReplyPiece>) =>
    Provider.layer({ name: "own", stream: () => Stream.fromIterable(given) })

  it.effect("did not succeed without its end: the error has the text that came", () =>
    Effect.gen(function* () {
      const error = yield* Effect.flip(Effect.provide(ask(name), streaming(...pieces)))
      expect(error).toMatchObject({ text: "Hello", reason: { _tag: "StreamInterruptedError" } })
      expect(error.message).toBe("the stream ended before the answer did")
      expect(error.attempts).toMatchObject([{ errorType: "StreamInterruptedError" }])
    }),
  )

  it.effect("has the text that came before it failed", () =>
    Effect.gen(function* () {
      const broken = Stream.concat(Stream.fromIterable<Provider.ReplyPiece>(pieces), Stream.fail(reasons.ServerError()))
      const error = yield* Effect.flip(Effect.provide(ask(name), Provider.layer({ name: "own", stream: () => broken })))
      expect(error).toMatchObject({ text: "Hello", reason: { _tag: "ServerError" } })
    }),
  )

  it.effect("is over with its end, whatever follows", () =>
    Effect.gen(function* () {
      const end: Provider.ReplyPiece = { type: "end", finishReason: "stop" }
      const late: Provider.ReplyPiece = { type: "text-delta", index: 9, delta: "!" }
      const { metadata, text } = yield* Effect.provide(ask(name), streaming(...pieces, end, late, end))
      expect(text).toBe("Hello")
      expect(metadata.attempts).toHaveLength(1)
    }),
  )
})

describe("a provider from functions", () => {
  it.effect("uses each of two functions for its own call", () =>
    Effect.gen(function* () {
      const layer = Provider.layer({
        name: "own",
        generate: () => Effect.succeed({ parts: [{ type: "text", text: "whole" }], ...stop }),
        stream: () =>
          Stream.fromIterable<Provider.ReplyPiece>([
            { type: "text-delta", index: 0, delta: "pieces" },
            { type: "end", ...stop },
          ]),
      })
      const texts = yield* Effect.forEach(callNames, (name) => Effect.map(ask(name), ({ text }) => text)).pipe(
        Effect.provide(layer),
      )
      expect(texts).toEqual(["whole", "pieces"])
    }),
  )

  it.effect.each(callNames)("fails %s where it has neither, by its name", (name) =>
    Effect.gen(function* () {
      const error = yield* Effect.flip(Effect.provide(ask(name), Provider.layer({ name: "empty" })))
      expect(error).toMatchObject({
        reason: { _tag: "InvalidResponseError", message: "the provider empty has neither generate nor stream" },
      })
    }),
  )

  it.effect.each(kinds)("streams events from response-start to response-finish, made of %s", (kind) =>
    Effect.gen(function* () {
      const seen: Array<LlmEvent["type"]> = []
      yield* Effect.provide(
        ask("stream", hello, ({ type }) => void seen.push(type)),
        defined(kind),
      )
      expect(seen[0]).toBe("response-start")
      expect(seen.filter((type) => type.startsWith("response-"))).toEqual(["response-start", "response-finish"])
      expect(seen.at(-1)).toBe("response-finish")
      expect(seen).toContain("tool-call-end")
    }),
  )

  it.effect("ends the attempt of a stream that is not read to its end", () =>
    Effect.gen(function* () {
      const { events, layer } = watched(defined("stream"))
      const read = Effect.flatMap(LlmProvider, (llm) => Stream.runCollect(Stream.take(llm.stream(hello), 2)))
      expect(yield* Effect.provide(read, layer)).toHaveLength(2)
      expect(endsOf(events)).toHaveLength(1)
    }),
  )

  it.effect("says what it is called and which model it asks", () =>
    Effect.gen(function* () {
      const { model, name } = yield* Effect.provide(LlmProvider, defined("generate"))
      expect([name, model]).toEqual(["own", "m"])
    }),
  )

  it.effect("tells the model of the request to its functions", () =>
    Effect.gen(function* () {
      const asked: Array<string | undefined> = []
      const failing = (model: string | undefined): Effect.Effect<never, ReturnType<typeof reasons.ServerError>> => {
        asked.push(model)
        return Effect.fail(reasons.ServerError())
      }
      const layer = Provider.layer({ name: "own", model: "m", generate: (_, model) => failing(model) })
      for (const name of callNames) {
        yield* Effect.flip(Effect.provide(ask(name), layer))
        yield* Effect.flip(Effect.provide(ask(name, { ...hello, model: "n" }), layer))
      }
      expect(asked).toEqual(["m", "n", "m", "n"])
    }),
  )
})
