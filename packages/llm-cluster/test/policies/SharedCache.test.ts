/** Answers that processes share over a true Redis, and what becomes of them while it is away. */
import { assert, describe, it } from "@effect/vitest"
import { LlmProvider, withCache } from "@wiseflow/llm"
import { Scripted } from "@wiseflow/llm/testing"
import { SharedStore, sharedCacheStore } from "@wiseflow/llm-cluster"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Stream from "effect/Stream"
import { missing } from "../servers/Binaries.ts"
import { RedisServer } from "../servers/RedisServer.ts"

const request = { messages: [{ role: "user" as const, content: "hello" }] }

const server = Effect.acquireRelease(
  Effect.promise(() => RedisServer.start()),
  (redis) => Effect.promise(() => redis[Symbol.asyncDispose]()),
)

/** A process of its own: a stack with a connection of its own. */
const process = (options: SharedStore.SharedStoreOptions) => {
  const script = Scripted.layer(["first", "second", "third", "fourth"])
  const stack = script.pipe(
    withCache({ store: sharedCacheStore(), storeTimeout: "5 seconds" }),
    Layer.provide(SharedStore.layer({ timeout: "1 second", ...options })),
  )
  return { script, stack }
}

const ask = Effect.flatMap(LlmProvider, (llm) => llm.generate(request))

/** Asks twice. */
const twice = Effect.gen(function* () {
  const first = yield* ask
  const second = yield* ask
  return [first, second] as const
})

describe.skipIf(missing("redis") !== undefined)("a cache over Redis", { timeout: 60_000 }, () => {
  it.live("answers in one process what another has asked, as a whole and as a stream", () =>
    Effect.gen(function* () {
      const redis = yield* server
      const one = process({ url: redis.url })
      const two = process({ url: redis.url })
      const first = yield* Effect.provide(ask, one.stack)
      const second = yield* Effect.provide(ask, two.stack)
      const events = yield* Effect.provide(
        Effect.flatMap(LlmProvider, (llm) => Stream.runCollect(llm.stream(request))),
        process({ url: redis.url }).stack,
      )
      assert.deepStrictEqual([first.text, second.text, second.metadata.cached], ["first", "first", true])
      assert.deepStrictEqual(second.parts, first.parts)
      assert.deepStrictEqual(
        events.flatMap((event) => (event.type === "text-delta" ? [event.delta] : [])),
        ["first"],
      )
      assert.deepStrictEqual([one.script.requests.length, two.script.requests.length], [1, 0])
    }),
  )

  it.live("keeps an answer in Redis for its time", () =>
    Effect.gen(function* () {
      const redis = yield* server
      const { stack } = process({ url: redis.url })
      const texts = yield* Effect.gen(function* () {
        const first = yield* ask
        const again = yield* ask
        return [first.text, again.text]
      }).pipe(Effect.provide(stack))
      assert.deepStrictEqual(texts, ["first", "first"])
      const left = yield* Effect.provide(
        Effect.gen(function* () {
          const { redis: client } = yield* SharedStore.SharedStore
          const [key = ""] = yield* client.send<Array<string>>("KEYS", "wiseflow:cache:*")
          return yield* client.send<number>("PTTL", key)
        }),
        SharedStore.layer({ url: redis.url }),
      )
      assert.isAtMost(left, 3_600_000)
      assert.isAbove(left, 3_500_000)
    }),
  )

  it.live.each([
    ["local", true],
    ["refuse", undefined],
  ] as const)("goes on without Redis, with answers of this process where that was chosen: %s", ([whenAway, cached]) =>
    Effect.gen(function* () {
      const redis = yield* server
      yield* Effect.promise(() => redis.kill())
      const { stack } = process({ url: redis.url, whenAway, timeout: "50 millis", pause: "10 seconds" })
      const [first, second] = yield* Effect.provide(twice, stack)
      assert.deepStrictEqual([first.text, second.metadata.cached], ["first", cached])
    }),
  )

  it.live("is used again when Redis is back", () =>
    Effect.gen(function* () {
      const redis = yield* server
      yield* Effect.promise(() => redis.kill())
      const options = { url: redis.url, whenAway: "refuse", timeout: "100 millis", pause: "10 millis" } as const
      const script = Scripted.layer(Array.from({ length: 300 }, (_, index) => `answer ${index}`))
      const stack = script.pipe(
        withCache({ store: sharedCacheStore(), storeTimeout: "5 seconds" }),
        Layer.provide(SharedStore.layer(options)),
      )
      yield* Effect.gen(function* () {
        assert.isUndefined((yield* ask).metadata.cached)
        yield* Effect.promise(() => redis.up())
        const last = yield* Effect.repeat(Effect.delay(ask, 50), {
          until: ({ metadata }) => metadata.cached === true,
          times: 250,
        })
        assert.isTrue(last.metadata.cached)
      }).pipe(Effect.provide(stack))
      assert.isTrue((yield* Effect.provide(ask, process({ url: redis.url }).stack)).metadata.cached)
    }),
  )
})
