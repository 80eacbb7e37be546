/** Splitting: every input once and in order, each request a call of its own to the policies within, one story of attempts. */
import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as TestClock from "effect/testing/TestClock"
import * as fc from "fast-check"
import { openAttempt } from "../../src/call/Attempt.ts"
import { joinCall } from "../../src/call/CallContext.ts"
import {
  type BatchLimits,
  type BatchOptions,
  EmbeddingProvider,
  type EmbeddingRequest,
  type LlmErrorReason,
  RateLimitError,
  ServerError,
  withBatches,
  withConcurrency,
  withRetry,
  withTimeout,
} from "../../src/index.ts"
import { batchesOf, tokensAtMost } from "../../src/policies/Batches.ts"

/** Embeds after `delayMs`, and fails where `fails` says so. It counts what is under way. */
class Embedder {
  readonly asked: Array<ReadonlyArray<string>> = []
  inFlight = 0
  peakInFlight = 0
  aborted = 0
  readonly layer: Layer.Layer<EmbeddingProvider>

  constructor(
    limits: BatchLimits | undefined,
    fails: (inputs: ReadonlyArray<string>, index: number) => LlmErrorReason | undefined = () => undefined,
    { delayMs = 0, dimensionsOf = () => 2 }: { delayMs?: number; dimensionsOf?: (text: string) => number } = {},
  ) {
    const embed = ({ inputs, model }: EmbeddingRequest) =>
      joinCall((context, fiber) => {
        const index = this.asked.push(inputs) - 1
        this.inFlight += 1
        this.peakInFlight = Math.max(this.peakInFlight, this.inFlight)
        const target = { provider: "embedder", model: model ?? "m" }
        const reason = fails(inputs, index)
        const attempt = Result.getOrThrow(openAttempt(context, fiber, target, { inputs }))
        return Effect.sleep(delayMs).pipe(
          Effect.andThen(
            Effect.suspend(() => {
              if (reason !== undefined) return Effect.fail(attempt.fail(reason))
              const usage = { inputTokens: inputs.length }
              const metadata = attempt.finish({ usage, usageStatus: "reported" })
              const embeddings = inputs.map((text) =>
                Array.from({ length: dimensionsOf(text) }, (_, place) => place + text.length),
              )
              return Effect.succeed({ embeddings, metadata })
            }),
          ),
          Effect.onInterrupt(() => Effect.sync(() => void this.aborted++)),
          Effect.ensuring(
            Effect.sync(() => {
              attempt.close()
              this.inFlight -= 1
            }),
          ),
        )
      })
    this.layer = Layer.succeed(EmbeddingProvider, { name: "embedder", model: "m", batchLimits: () => limits, embed })
  }
}

const numbered = (count: number) => Array.from({ length: count }, (_, place) => "x".repeat(place + 1))

const embed = (layer: Layer.Layer<EmbeddingProvider, unknown>, inputs: ReadonlyArray<string>) =>
  Effect.provide(
    Effect.flatMap(EmbeddingProvider, (provider) => provider.embed({ inputs })),
    Layer.orDie(layer),
  )

describe("withBatches", () => {
  it.effect("asks once where one request holds everything", () =>
    Effect.gen(function* () {
      const embedder = new Embedder({ inputs: 3 })
      yield* embed(embedder.layer.pipe(withBatches()), numbered(3))
      expect(embedder.asked).toEqual([numbered(3)])
    }),
  )

  it.effect("asks once where nothing is known of the service", () =>
    Effect.gen(function* () {
      const embedder = new Embedder(undefined)
      yield* embed(embedder.layer.pipe(withBatches()), numbered(30))
      expect(embedder.asked).toHaveLength(1)
    }),
  )

  it.effect("joins vectors in order, sums usage, and tells every attempt", () =>
    Effect.gen(function* () {
      const embedder = new Embedder({ inputs: 2 })
      const { embeddings, metadata } = yield* embed(embedder.layer.pipe(withBatches()), numbered(5))
      expect(embeddings.map(([first]) => first)).toEqual([1, 2, 3, 4, 5])
      expect(embedder.asked.map(({ length }) => length)).toEqual([2, 2, 1])
      expect(metadata.usage).toEqual({ inputTokens: 5 })
      expect(metadata.attempts).toHaveLength(3)
      expect(metadata.costUsd).toBeNull()
    }),
  )

  it.effect("sends at most so many at once, and no more than are permitted within", () =>
    Effect.gen(function* () {
      for (const [options, permits, expected] of [
        [{}, 100, 5],
        [{ concurrency: 3 }, 100, 3],
        [{ concurrency: 10 }, 2, 2],
      ] as const satisfies ReadonlyArray<readonly [BatchOptions, number, number]>) {
        const embedder = new Embedder({ inputs: 1 }, undefined, { delayMs: 100 })
        const layer = embedder.layer.pipe(withConcurrency(permits), withBatches(options))
        const fiber = yield* Effect.forkChild(embed(layer, numbered(12)))
        yield* TestClock.adjust("10 seconds")
        yield* Fiber.join(fiber)
        expect(embedder.peakInFlight).toBe(expected)
      }
    }),
  )

  it.effect("sends the one request again that failed, and no other", () =>
    Effect.gen(function* () {
      const late = new RateLimitError({ message: "slow down", retryAfterMs: 5000 })
      const embedder = new Embedder({ inputs: 2 }, (_, index) => (index === 1 ? late : undefined))
      const layer = embedder.layer.pipe(withRetry({ times: 2 }), withBatches())
      const fiber = yield* Effect.forkChild(embed(layer, numbered(6)))
      yield* TestClock.adjust("4900 millis")
      expect(embedder.asked).toHaveLength(3)
      yield* TestClock.adjust("5 seconds")
      const { embeddings, metadata } = yield* Fiber.join(fiber)
      expect(embeddings.map(([first]) => first)).toEqual([1, 2, 3, 4, 5, 6])
      expect(embedder.asked.slice(3)).toEqual([numbered(6).slice(2, 4)])
      expect(metadata.attempts.map(({ errorType }) => errorType)).toEqual([
        undefined,
        "RateLimitError",
        undefined,
        undefined,
      ])
      expect(metadata.attempts[3]?.waitedMs).toBeGreaterThanOrEqual(5000)
    }),
  )

  it.effect("fails with the error of the request that failed in the end, and aborts the others", () =>
    Effect.gen(function* () {
      const broken = new ServerError({ message: "broken" })
      const embedder = new Embedder({ inputs: 1 }, ([first]) => (first === "xxx" ? broken : undefined), { delayMs: 0 })
      const slow = new Embedder({ inputs: 1 }, ([first]) => (first === "xxx" ? broken : undefined), { delayMs: 1000 })
      const error = yield* Effect.flip(embed(embedder.layer.pipe(withBatches()), numbered(4)))
      expect(error).toMatchObject({ reason: { _tag: "ServerError" } })
      const fiber = yield* Effect.forkChild(
        Effect.flip(embed(slow.layer.pipe(withBatches({ concurrency: 4 })), numbered(9))),
      )
      yield* TestClock.adjust("10 seconds")
      const failed = yield* Fiber.join(fiber)
      expect(failed.attempts.some(({ errorType }) => errorType === "ServerError")).toBe(true)
      expect(failed.attempts.length).toBe(slow.asked.length)
      expect(slow.inFlight).toBe(0)
    }),
  )

  it.effect("ends with the deadline around it, and leaves nothing running", () =>
    Effect.gen(function* () {
      const embedder = new Embedder({ inputs: 1 }, undefined, { delayMs: 1000 })
      const layer = embedder.layer.pipe(withBatches({ concurrency: 2 }), withTimeout("2500 millis"))
      const fiber = yield* Effect.forkChild(Effect.flip(embed(layer, numbered(20))))
      yield* TestClock.adjust("2500 millis")
      const error = yield* Fiber.join(fiber)
      expect(error.reason).toMatchObject({ _tag: "TimeoutError", clock: "total" })
      expect([embedder.inFlight, embedder.aborted, embedder.asked.length]).toEqual([0, 2, 6])
      expect(error.attempts).toHaveLength(6)
    }),
  )

  it.effect("aborts every request when the call is interrupted", () =>
    Effect.gen(function* () {
      const embedder = new Embedder({ inputs: 1 }, undefined, { delayMs: 1000 })
      const fiber = yield* Effect.forkChild(embed(embedder.layer.pipe(withBatches()), numbered(20)))
      yield* TestClock.adjust("10 millis")
      yield* Fiber.interrupt(fiber)
      expect([embedder.inFlight, embedder.aborted]).toEqual([0, 5])
    }),
  )

  it.effect("fails where several models answered, whose vectors have other lengths", () =>
    Effect.gen(function* () {
      const embedder = new Embedder({ inputs: 1 }, undefined, { dimensionsOf: (text) => text.length })
      const error = yield* Effect.flip(embed(embedder.layer.pipe(withBatches()), numbered(2)))
      expect(error.reason._tag).toBe("InvalidResponseError")
      expect(error.attempts).toHaveLength(2)
    }),
  )

  it.effect("refuses settings that cannot be", () =>
    Effect.gen(function* () {
      for (const [setting, options] of [
        ["concurrency", { concurrency: 0 }],
        ["limits.inputs", { limits: { inputs: 0 } }],
        ["limits.tokens", { limits: { inputs: 1, tokens: Number.NaN } }],
      ] as const) {
        const layer = new Embedder({ inputs: 1 }).layer.pipe(withBatches(options))
        const error = yield* Effect.flip(Effect.scoped(Layer.build(layer)))
        expect(error.reason).toMatchObject({ _tag: "ConfigurationError", setting: "withBatches" })
        expect(error.message).toContain(`${setting} must be 1 or more`)
      }
    }),
  )

  it.effect("accepts the smallest settings: one input and one request at a time", () =>
    Effect.gen(function* () {
      const embedder = new Embedder(undefined, undefined, { delayMs: 10 })
      const layer = embedder.layer.pipe(withBatches({ concurrency: 1, limits: { inputs: 1, tokens: 1 } }))
      const fiber = yield* Effect.forkChild(embed(layer, numbered(3)))
      yield* TestClock.adjust(30)
      yield* Fiber.join(fiber)
      expect([embedder.asked.length, embedder.peakInFlight]).toEqual([3, 1])
    }),
  )

  it.effect("says how long the whole took, and of what lengths the vectors were that do not fit together", () =>
    Effect.gen(function* () {
      yield* TestClock.adjust("1 hour")
      const slow = new Embedder({ inputs: 1 }, undefined, { delayMs: 10 })
      const fiber = yield* Effect.forkChild(embed(slow.layer.pipe(withBatches({ concurrency: 1 })), numbered(3)))
      yield* TestClock.adjust(30)
      expect((yield* Fiber.join(fiber)).metadata.latencyMs).toBe(30)
      const mixed = new Embedder({ inputs: 1 }, undefined, { dimensionsOf: ({ length }) => length + 1 })
      const error = yield* Effect.flip(embed(mixed.layer.pipe(withBatches()), numbered(2)))
      expect(error.message).toMatch(/different lengths \(2, 3\)/)
    }),
  )

  it.effect("asks the service for the limits of the model that is asked for", () =>
    Effect.gen(function* () {
      const asked: Array<string | undefined> = []
      const own = Layer.mock(EmbeddingProvider, {
        name: "own",
        model: "standard",
        batchLimits: (model) => {
          asked.push(model)
          return undefined
        },
        embed: () => Effect.die("asked"),
      })
      const { embed } = yield* Effect.provide(EmbeddingProvider, Layer.orDie(own.pipe(withBatches())))
      yield* Effect.exit(embed({ inputs: ["a"], model: "other" }))
      yield* Effect.exit(embed({ inputs: ["a"] }))
      expect(asked).toEqual(["other", "standard"])
    }),
  )

  it.effect("leaves inputs that are no texts to the check of requests", () =>
    Effect.gen(function* () {
      const embedder = new Embedder({ inputs: 2, tokens: 100 })
      const inputs = JSON.parse('["a", 7, null, "b"]')
      yield* Effect.exit(embed(embedder.layer.pipe(withBatches()), inputs))
      expect(embedder.asked).toEqual([
        ["a", 7],
        [null, "b"],
      ])
    }),
  )
})

describe("batches", () => {
  const texts = fc.array(fc.string({ unit: "grapheme", minLength: 1, maxLength: 40 }), { maxLength: 60 })
  const limits = fc.record({
    inputs: fc.integer({ min: 1, max: 20 }),
    tokens: fc.option(fc.integer({ min: 1, max: 60 }), { nil: undefined }),
  })

  it("hold every input once and in order, within the limits unless one input alone is beyond them", () => {
    fc.assert(
      fc.property(texts, limits, (inputs, most) => {
        const batches = batchesOf(inputs, most)
        expect(batches.flat()).toEqual(inputs)
        for (const batch of batches) {
          expect(batch.length).toBeGreaterThan(0)
          expect(batch.length).toBeLessThanOrEqual(most.inputs)
          const tokens = batch.reduce((sum, text) => sum + tokensAtMost(text), 0)
          if (most.tokens !== undefined && batch.length > 1) expect(tokens).toBeLessThanOrEqual(most.tokens)
        }
      }),
    )
  })

  it("are as few as the order permits: no batch has room for the first input of the next", () => {
    fc.assert(
      fc.property(texts, limits, (inputs, most) => {
        const batches = batchesOf(inputs, most)
        batches.slice(1).forEach((next, place) => {
          const before = [...(batches[place] ?? []), ...next.slice(0, 1)]
          const tokens = before.reduce((sum, text) => sum + tokensAtMost(text), 0)
          expect(before.length > most.inputs || (most.tokens !== undefined && tokens > most.tokens)).toBe(true)
        })
      }),
    )
  })

  it("count half the bytes of a text, as UTF-8 has them", () => {
    for (const text of [
      "",
      "a",
      "\x7f",
      "\x80",
      "é",
      "\u07ff",
      "\u0800",
      "中",
      "\uffff",
      "😀",
      "\ud83d",
      "\ude00\ud83d",
      "\x80\x80\x80",
      "\x7f\x7f\x7f",
      "\uffff中中",
      "a😀\ud83d中",
    ]) {
      expect(tokensAtMost(text)).toBe(Math.ceil(Buffer.byteLength(text) / 2))
    }
    const points = fc.oneof(...[0x7f, 0x7ff, 0xffff, 0x10ffff].map((max) => fc.integer({ min: 0, max })))
    const anyText = fc.array(points).map((all) => String.fromCodePoint(...all))
    fc.assert(
      fc.property(anyText, (text) => {
        expect(tokensAtMost(text)).toBe(Math.ceil(Buffer.byteLength(text) / 2))
      }),
    )
  })
})
