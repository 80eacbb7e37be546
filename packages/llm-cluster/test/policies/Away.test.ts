/** What calls do while Redis is absent, silent, or killed in the middle of them: none hangs, and the choice is kept. */
import { assert, describe, it } from "@effect/vitest"
import { LlmProvider, ServerError, LlmError } from "@wiseflow/llm"
import { SharedStore, withSharedBudget, withSharedCircuitBreaker, withSharedRateLimit } from "@wiseflow/llm-cluster"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as Result from "effect/Result"
import * as Stream from "effect/Stream"
import { fake } from "../programs/Fake.ts"
import { freePort, missing } from "../servers/Binaries.ts"
import { RedisServer } from "../servers/RedisServer.ts"

const reason = missing("redis")

const policies = {
  "rate limit": withSharedRateLimit({ key: "a", requests: 100_000, tokens: 1_000_000_000 }),
  "circuit breaker": withSharedCircuitBreaker({ key: "a" }),
  budget: withSharedBudget({ key: "a", usd: 1000, reserve: 0.01 }),
}

const request = { messages: [{ role: "user" as const, content: "hello" }] }

/** How each of many calls, half of them streams, ended; and what was logged. */
const calls = (
  policy: (typeof policies)[keyof typeof policies],
  options: SharedStore.SharedStoreOptions,
  meanwhile: Effect.Effect<void>,
  count = 200,
) =>
  Effect.suspend(() => {
    const lines: Array<string> = []
    const logger = Logger.make(({ message }) => {
      lines.push(String(message))
    })
    const layer = fake(Effect.sleep(20), { costUsd: 0.001 }).pipe(policy, Layer.provide(SharedStore.layer(options)))
    return Effect.gen(function* () {
      const llm = yield* LlmProvider
      yield* llm.generate(request).pipe(Effect.result)
      const call = (index: number) =>
        Effect.delay(
          Effect.result(index % 2 === 0 ? llm.generate(request) : Stream.runDrain(llm.stream(request))),
          index * 5,
        )
      const [ends] = yield* Effect.all(
        [
          Effect.all(
            Array.from({ length: count }, (_, index) => call(index)),
            { concurrency: "unbounded" },
          ),
          meanwhile,
        ],
        { concurrency: "unbounded" },
      )
      return { failures: ends.filter(Result.isFailure).map(({ failure }) => failure), lines }
    }).pipe(Effect.provide(layer), Effect.provide(Logger.layer([logger])), Effect.timeout("20 seconds"))
  })

const spoken = "the shared store does not answer: "

describe.skipIf(reason !== undefined)("a store that is away", () => {
  for (const [name, policy] of Object.entries(policies)) {
    for (const [how, end] of [
      ["is killed in the middle of calls", (redis: RedisServer) => redis.kill()],
      ["falls silent in the middle of calls", (redis: RedisServer) => Promise.resolve(redis.signal("SIGSTOP"))],
    ] as const) {
      it.live(`${name}: every call is answered with local limits where Redis ${how}, said once`, () =>
        Effect.gen(function* () {
          const redis = yield* Effect.acquireRelease(
            Effect.promise(() => RedisServer.start()),
            (server) => Effect.promise(() => server[Symbol.asyncDispose]()),
          )
          const { failures, lines } = yield* calls(
            policy,
            { url: redis.url, whenAway: "local" },
            Effect.delay(
              Effect.promise(() => end(redis)),
              300,
            ),
          )
          assert.deepStrictEqual(failures, [])
          assert.deepStrictEqual(lines, [`${spoken}calls go on with the limits of this process`])
        }),
      )
      it.live(`${name}: calls are refused, and none hangs, where Redis ${how} and that was chosen`, () =>
        Effect.gen(function* () {
          const redis = yield* Effect.acquireRelease(
            Effect.promise(() => RedisServer.start()),
            (server) => Effect.promise(() => server[Symbol.asyncDispose]()),
          )
          const { failures, lines } = yield* calls(
            policy,
            { url: redis.url, whenAway: "refuse" },
            Effect.delay(
              Effect.promise(() => end(redis)),
              300,
            ),
          )
          assert.isAbove(failures.length, 20)
          assert.isBelow(failures.length, 200)
          assert.deepStrictEqual([...new Set(failures.map((failure) => failure.reason._tag))], ["OverloadedError"])
          assert.deepStrictEqual(lines, [`${spoken}calls are refused`])
        }),
      )
    }

    it.live(`${name}: a Redis that comes later is used when it is there, and that is said once`, () =>
      Effect.gen(function* () {
        const redis = yield* Effect.acquireRelease(
          Effect.promise(() => RedisServer.start()),
          (server) => Effect.promise(() => server[Symbol.asyncDispose]()),
        )
        yield* Effect.promise(() => redis.kill())
        const { failures, lines } = yield* calls(
          policy,
          { url: redis.url, pause: "100 millis" },
          Effect.delay(
            Effect.promise(() => redis.up()),
            300,
          ),
          800,
        )
        assert.deepStrictEqual(failures, [])
        // An access may take longer than its time-out on a busy machine: that is a change too, and said as one.
        const changes = [`${spoken}calls go on with the limits of this process`, "the shared store answers again"]
        assert.deepStrictEqual(
          lines,
          lines.map((_, place) => changes[place % 2]),
        )
        assert.isAtLeast(lines.length, 2)
        assert.strictEqual(lines.length % 2, 0)
      }),
    )
  }
})

describe("a store that was never there", () => {
  it.live("delays the first call by its time-out, and no other", () =>
    Effect.gen(function* () {
      const port = yield* Effect.promise(freePort)
      const { failures, lines } = yield* calls(policies.budget, { url: `redis://127.0.0.1:${port}` }, Effect.void, 20)
      assert.deepStrictEqual(failures, [])
      assert.strictEqual(lines.length, 1)
    }),
  )

  it.live("a failure of the provider stays its own", () =>
    Effect.gen(function* () {
      const error = new LlmError({ reason: new ServerError({ message: "broken" }), provider: "fake", attempts: [] })
      const port = yield* Effect.promise(freePort)
      const layer = fake(Effect.fail(error)).pipe(
        policies["circuit breaker"],
        Layer.provide(SharedStore.layer({ url: `redis://127.0.0.1:${port}`, timeout: 10 })),
      )
      const end = yield* LlmProvider.pipe(
        Effect.flatMap((llm) => Effect.flip(llm.generate(request))),
        Effect.provide(layer),
      )
      assert.strictEqual(end.reason._tag, "ServerError")
    }),
  )
})
