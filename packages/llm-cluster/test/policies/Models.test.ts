/** What shared limits make of lists of models and counts of tokens: each is a request, and none takes a token or money. */
import { assert, describe, it } from "@effect/vitest"
import { type LlmError, LlmProvider, ModelInfo, type ResponseMetadata } from "@wiseflow/llm"
import { SharedStore, type SharedRateLimitOptions, withSharedBudget, withSharedRateLimit } from "@wiseflow/llm-cluster"
import { Scripted } from "@wiseflow/llm/testing"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Result from "effect/Result"
import { fake, metadata } from "../programs/Fake.ts"
import { missing } from "../servers/Binaries.ts"
import { RedisServer } from "../servers/RedisServer.ts"

const request = { messages: [{ role: "user" as const, content: "hello" }] }

const server = Effect.acquireRelease(
  Effect.promise(() => RedisServer.start()),
  (redis) => Effect.promise(() => redis[Symbol.asyncDispose]()),
)

/** Both services within one limit, over a Redis of its own. */
const limited = (
  url: string,
  options: Omit<SharedRateLimitOptions, "key">,
  models: Layer.Layer<ModelInfo> = Scripted.layerModels(),
) =>
  Effect.map(
    Layer.build(
      Layer.merge(fake(Effect.void, { usage: { inputTokens: 1, outputTokens: 1 } }), models).pipe(
        withSharedRateLimit({ key: "models", ...options }),
        Layer.provide(SharedStore.layer({ url, timeout: "1 second" })),
      ),
    ),
    (context) => ({ llm: Context.get(context, LlmProvider), info: Context.get(context, ModelInfo) }),
  )

const ends = (call: Effect.Effect<unknown, LlmError>, times: number) =>
  Effect.map(
    Effect.forEach(Array.from({ length: times }), () => Effect.result(call)),
    (results) => results.map((result) => (Result.isSuccess(result) ? "answered" : result.failure.reason._tag)),
  )

/** A service whose counts are told as its usage, as a program's own may do. */
const telling = (usage: ResponseMetadata["usage"]) =>
  Layer.succeed(ModelInfo, {
    name: "telling",
    models: Effect.succeed({ models: [], metadata: metadata({ usage }) }),
    countTokens: () =>
      Effect.succeed({ count: { type: "exact" as const, inputTokens: 900 }, metadata: metadata({ usage }) }),
  })

describe.skipIf(missing("redis") !== undefined)("a shared rate limit", () => {
  // Of 1,000 tokens an hour 11 are there at once, and another one comes in 3.75 seconds.
  const few = { tokens: 1000, per: "1 hour", maxWait: 0 } as const

  it.live.each(["models", "countTokens"] as const)("of tokens lets any number of %s pass", (method) =>
    Effect.gen(function* () {
      const { url } = yield* server
      const estimated = yield* limited(url, { ...few, estimate: () => 11 })
      const call = method === "models" ? estimated.info.models : estimated.info.countTokens(request)
      assert.deepStrictEqual(new Set(yield* ends(call, 50)), new Set(["answered"]))
      // All is there for an answer still, and nothing for the one after it.
      assert.deepStrictEqual(yield* ends(estimated.llm.generate(request), 1), ["answered"])
      const byDefault = yield* limited(url, few)
      const other = method === "models" ? byDefault.info.models : byDefault.info.countTokens(request)
      assert.deepStrictEqual(new Set(yield* ends(other, 50)), new Set(["answered"]))
    }),
  )

  it.live("of tokens takes none for an answer about models that says what was used", () =>
    Effect.gen(function* () {
      const { url } = yield* server
      const { info, llm } = yield* limited(url, { ...few, estimate: () => 11 }, telling({ inputTokens: 900 }))
      yield* ends(info.countTokens(request), 3)
      yield* ends(info.models, 3)
      assert.deepStrictEqual(yield* ends(llm.generate(request), 1), ["answered"])
    }),
  )

  it.live("of requests counts lists, counts and answers together", () =>
    Effect.gen(function* () {
      const { url } = yield* server
      const { info, llm } = yield* limited(url, { requests: 200, per: "1 hour", maxWait: 0 })
      const calls = [info.models, info.countTokens(request), llm.generate(request), info.models]
      const all = yield* Effect.forEach(calls, (call) => ends(call, 1))
      assert.deepStrictEqual(all.flat(), ["answered", "answered", "answered", "RateLimitError"])
    }),
  )

  it.live("of tokens is not asked about models, so that they need no store", () =>
    Effect.gen(function* () {
      const redis = yield* server
      const { info } = yield* limited(redis.url, few)
      const before = yield* Effect.promise(() => redis.scripts())
      yield* ends(info.models, 5)
      yield* ends(info.countTokens(request), 5)
      assert.strictEqual(yield* Effect.promise(() => redis.scripts()), before)
    }),
  )
})

describe.skipIf(missing("redis") !== undefined)("a shared budget", () => {
  it.live("of which nothing is left lets lists and counts pass, and takes nothing for them", () =>
    Effect.gen(function* () {
      const redis = yield* server
      const context = yield* Layer.build(
        Layer.merge(fake(Effect.void, { costUsd: 1 }), Scripted.layerModels()).pipe(
          withSharedBudget({ key: "models", usd: 2, reserve: 1 }),
          Layer.provide(SharedStore.layer({ url: redis.url, timeout: "1 second" })),
        ),
      )
      const llm = Context.get(context, LlmProvider)
      const info = Context.get(context, ModelInfo)
      const before = yield* Effect.promise(() => redis.scripts())
      assert.deepStrictEqual(new Set(yield* ends(info.models, 5)), new Set(["answered"]))
      assert.strictEqual(yield* Effect.promise(() => redis.scripts()), before)
      assert.deepStrictEqual(yield* ends(llm.generate(request), 3), ["answered", "answered", "BudgetExceededError"])
      assert.deepStrictEqual(yield* ends(info.models, 1), ["answered"])
      assert.deepStrictEqual(yield* ends(info.countTokens(request), 1), ["answered"])
    }),
  )
})
