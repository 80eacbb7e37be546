/** Answers that processes share over a true Redis, and what becomes of them while it is away. */
import { assert, describe, it } from "@effect/vitest"
import { LlmProvider, withCache } from "@wiseflow/llm"
import { Scripted } from "@wiseflow/llm/testing"
import { SharedStore, sharedCacheStore } from "@wiseflow/llm-cluster"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
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

describe.skipIf(missing("redis") !== undefined)("a cache over Redis", () => {
  it.live.each(["soon", 0, 0.2, Infinity])("refuses a lease of %s when the layer is built", (leaseFor) =>
    Effect.gen(function* () {
      const redis = yield* server
      const stack = Scripted.layer(["never"]).pipe(
        // Programs without types pass anything.
        withCache({ store: sharedCacheStore({ lease: true, leaseFor: leaseFor as number }) }),
        Layer.provide(SharedStore.layer({ url: redis.url })),
      )
      const error = yield* Effect.flip(Effect.scoped(Layer.build(stack)))
      assert.include(String(error), "leaseFor must be a duration")
    }),
  )

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

  describe("with a lease", () => {
    /** A stack of one process with a lease, at a provider that all processes share. */
    const leasing = (url: string, script: Layer.Layer<LlmProvider>) =>
      script.pipe(
        withCache({ store: sharedCacheStore({ lease: true, leaseFor: "600 millis" }), storeTimeout: "5 seconds" }),
        Layer.provide(SharedStore.layer({ url, timeout: "2 seconds" })),
      )
    const streamed = Effect.gen(function* () {
      const llm = yield* LlmProvider
      const events = yield* Stream.runCollect(llm.stream(request))
      return events.flatMap((event) => (event.type === "text-delta" ? [event.delta] : [])).join("")
    })
    const text = Effect.map(ask, (answer) => answer.text)

    it.live("calls of several processes at once make one request, however long it takes", () =>
      Effect.gen(function* () {
        const redis = yield* server
        const script = Scripted.layer([{ text: "first", delay: 2000 }, "second"])
        const calls = Array.from({ length: 4 }, (_, index) =>
          Effect.provide(
            Effect.all(
              Array.from({ length: 10 }, (__, at) => (at % 2 === 0 ? text : streamed)),
              { concurrency: "unbounded" },
            ),
            leasing(redis.url, script),
          ).pipe(Effect.delay(index * 10)),
        )
        const answers = yield* Effect.all(calls, { concurrency: "unbounded" })
        assert.deepStrictEqual(new Set(answers.flat()), new Set(["first"]))
        assert.strictEqual(script.requests.length, 1)
      }),
    )

    it.live("a failure lets the next process ask at once, and a lease whose process died after its time", () =>
      Effect.gen(function* () {
        const redis = yield* server
        const script = Scripted.layer([{ error: "ServerError", delay: 300 }, "second", "third"])
        const one = yield* Effect.forkChild(Effect.exit(Effect.provide(ask, leasing(redis.url, script))))
        while (script.requests.length === 0) yield* Effect.sleep(5)
        const two = yield* Effect.provide(text, leasing(redis.url, script))
        yield* Fiber.join(one)
        assert.deepStrictEqual([two, script.requests.length], ["second", 2])

        yield* Effect.gen(function* () {
          const { redis: client } = yield* SharedStore.SharedStore
          const [key = ""] = yield* client.send<Array<string>>("KEYS", "wiseflow:cache:*")
          yield* client.send("DEL", key)
          yield* client.send("SET", `${key}:lease`, "of a dead process", "PX", "600")
        }).pipe(Effect.provide(SharedStore.layer({ url: redis.url })))
        assert.strictEqual(yield* Effect.provide(text, leasing(redis.url, script)), "third")
      }),
    )

    it.live("a call that is given up lets the next process ask, and Redis away holds nobody up", () =>
      Effect.gen(function* () {
        const redis = yield* server
        const script = Scripted.layer([{ stall: true }, "second", "third"])
        const one = yield* Effect.forkChild(Effect.provide(ask, leasing(redis.url, script)))
        while (script.requests.length === 0) yield* Effect.sleep(5)
        yield* Fiber.interrupt(one)
        assert.strictEqual(yield* Effect.provide(text, leasing(redis.url, script)), "second")
        yield* Effect.promise(() => redis.kill())
        assert.strictEqual(yield* Effect.provide(text, leasing(redis.url, script)), "third")
      }),
    )
  })
})
