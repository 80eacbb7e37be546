/** What two programs with stores of their own share, over one Redis. */
import { assert, describe, it } from "@effect/vitest"
import { LlmError, LlmProvider, type LlmErrorReason, type ResponseMetadata, ServerError } from "@wiseflow/llm"
import {
  type SharedBudgetOptions,
  SharedStore,
  withSharedBudget,
  withSharedCircuitBreaker,
  withSharedRateLimit,
} from "@wiseflow/llm-cluster"
import * as Effect from "effect/Effect"
import * as Context from "effect/Context"
import * as Layer from "effect/Layer"
import * as Result from "effect/Result"
import * as Stream from "effect/Stream"
import { fake } from "../programs/Fake.ts"
import { missing } from "../servers/Binaries.ts"
import { RedisServer } from "../servers/RedisServer.ts"

const request = { messages: [{ role: "user" as const, content: "hello" }] }

const server = Effect.acquireRelease(
  Effect.promise(() => RedisServer.start()),
  (redis) => Effect.promise(() => redis[Symbol.asyncDispose]()),
)

type Build = (layer: Layer.Layer<LlmProvider>) => Layer.Layer<LlmProvider, LlmError, SharedStore.SharedStore>

/** A program with a connection of its own. */
const program = (
  { url }: RedisServer,
  policy: Build,
  asked: Effect.Effect<void, LlmError> = Effect.void,
  changes: Partial<ResponseMetadata> = {},
) =>
  Effect.map(
    Layer.build(
      Layer.fresh(policy(fake(asked, changes)).pipe(Layer.provide(SharedStore.layer({ url, timeout: "2 seconds" })))),
    ),
    (context) => Context.get(context, LlmProvider),
  )

type Llm = LlmProvider["Service"]

/** How a call ends, whole or as a stream: the tag of its reason, or `answered`. */
const end = (llm: Llm, isStream = false) =>
  Effect.map(
    Effect.result<unknown, LlmError, never>(isStream ? Stream.runDrain(llm.stream(request)) : llm.generate(request)),
    (result): LlmErrorReason["_tag"] | "answered" =>
      Result.isSuccess(result) ? "answered" : result.failure.reason._tag,
  )

const broken = Effect.fail(
  new LlmError({ reason: new ServerError({ message: "broken" }), provider: "fake", attempts: [] }),
)

describe.skipIf(missing("redis") !== undefined)("programs that share a Redis", () => {
  it.live("a circuit that one opens is open for the other, and one call of both tries it again", () =>
    Effect.gen(function* () {
      const redis = yield* server
      const policy = withSharedCircuitBreaker({ key: "circuit", failures: 3, openFor: "400 millis" })
      const first = yield* program(redis, policy, broken)
      const second = yield* program(redis, policy, Effect.sleep(100))
      assert.deepStrictEqual(
        [yield* end(first), yield* end(first, true), yield* end(first)],
        ["ServerError", "ServerError", "ServerError"],
      )
      assert.deepStrictEqual([yield* end(second), yield* end(second, true)], ["CircuitOpenError", "CircuitOpenError"])
      yield* Effect.sleep(450)
      const ends = yield* Effect.all([end(second), end(second), end(second, true)], { concurrency: 3 })
      assert.deepStrictEqual(ends.sort(), ["CircuitOpenError", "CircuitOpenError", "answered"])
      assert.strictEqual(yield* end(second), "answered")
    }),
  )

  const spending = (options: Omit<SharedBudgetOptions, "key" | "usd">) =>
    Effect.gen(function* () {
      const redis = yield* server
      const policy = withSharedBudget({ key: "money", usd: 1, ...options })
      const both = [
        yield* program(redis, policy, Effect.sleep(5), { costUsd: 0.03 }),
        yield* program(redis, policy, Effect.sleep(5), { costUsd: 0.03 }),
      ]
      const ends = yield* Effect.all(
        both.flatMap((llm) => Array.from({ length: 40 }, (_, index) => end(llm, index % 2 === 0))),
        { concurrency: "unbounded" },
      )
      const later = yield* Effect.all(both.map((llm) => end(llm)))
      for (const llm of both) {
        const { reason } = yield* Effect.flip(llm.generate(request))
        assert.include(reason, { budget: "money", unit: "usd", limit: 1, reserved: 0, estimate: options.reserve ?? 0 })
        const { retryAfterMs, used } = reason._tag === "BudgetExceededError" ? reason : {}
        assert.isTrue(used !== undefined && used > 1 - 0.03 && retryAfterMs !== undefined)
      }
      return { answered: ends.filter((how) => how === "answered").length, ends: new Set(ends), later }
    })

  it.live("a budget with what the dearest call costs in reserve is never passed", () =>
    Effect.gen(function* () {
      const { answered, ends, later } = yield* spending({ reserve: 0.03 })
      assert.strictEqual(answered, 33)
      assert.deepStrictEqual([...ends].sort(), ["BudgetExceededError", "answered"])
      assert.deepStrictEqual(later, ["BudgetExceededError", "BudgetExceededError"])
    }),
  )

  it.live("a budget without a reserve is passed by calls in flight alone", () =>
    Effect.gen(function* () {
      const { answered, later } = yield* spending({})
      assert.strictEqual(answered, 80)
      assert.deepStrictEqual(later, ["BudgetExceededError", "BudgetExceededError"])
    }),
  )

  it.live("a limit of tokens counts what calls used, not what was estimated", () =>
    Effect.gen(function* () {
      const redis = yield* server
      const usage = { inputTokens: 5, outputTokens: 5, totalTokens: 10 }
      // 1001 tokens at once: two estimates have no place beside each other, two answers have.
      const policy = withSharedRateLimit({ key: "t", tokens: 1e5, per: "1 hour", maxWait: 0, estimate: () => 900 })
      const both = [
        yield* program(redis, policy, Effect.sleep(100), { usage }),
        yield* program(redis, policy, Effect.sleep(100), { usage }),
      ]
      const atOnce = yield* Effect.all(
        both.map((llm) => end(llm)),
        { concurrency: 2 },
      )
      assert.deepStrictEqual(atOnce.sort(), ["RateLimitError", "answered"])
      assert.deepStrictEqual(yield* Effect.all(both.map((llm) => end(llm, true))), ["answered", "answered"])
    }),
  )

  it.live("a call costs one access to the limit, two to the circuit and two to the budget", () =>
    Effect.gen(function* () {
      const redis = yield* server
      const count = 200
      for (const [policy, accesses] of [
        [withSharedRateLimit({ key: "cost", requests: 1e9 }), 1],
        [withSharedCircuitBreaker({ key: "cost" }), 2],
        [withSharedBudget({ key: "cost", usd: 1e6, reserve: 0.02 }), 2],
      ] as const) {
        const llm = yield* program(redis, policy, Effect.void, { costUsd: 0.01 })
        yield* end(llm)
        const before = yield* Effect.promise(() => redis.scripts())
        for (let index = 0; index < count; index++) assert.strictEqual(yield* end(llm, index % 2 === 0), "answered")
        assert.strictEqual((yield* Effect.promise(() => redis.scripts())) - before, count * accesses)
      }
    }),
  )
})
