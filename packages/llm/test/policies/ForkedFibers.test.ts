/** Law 23: what a provider forks lives as long as its answer, whatever policies are around, and ends before the call has. */
import { describe, expect, it } from "@effect/vitest"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import type * as Layer from "effect/Layer"
import * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/testing/TestClock"
import * as Provider from "../../src/call/Provider.ts"
import type { LlmError } from "../../src/model/LlmError.ts"
import { LlmProvider } from "../../src/model/LlmProvider.ts"
import { withBalance } from "../../src/policies/balance/Balance.ts"
import { withCache } from "../../src/policies/cache/Cache.ts"
import { withCircuitBreaker } from "../../src/policies/CircuitBreaker.ts"
import { withAdaptiveConcurrency } from "../../src/policies/traffic/AdaptiveConcurrency.ts"
import { withConcurrency } from "../../src/policies/Concurrency.ts"
import { withDefaults } from "../../src/policies/Defaults.ts"
import { withFallback } from "../../src/policies/Fallback.ts"
import { withObserver } from "../../src/policies/Observer.ts"
import { openStream } from "../../src/policies/Policy.ts"
import { withRateLimit } from "../../src/policies/traffic/RateLimit.ts"
import { withHedge } from "../../src/policies/traffic/Hedge.ts"
import { withRetry } from "../../src/policies/Retry.ts"
import { withTelemetry } from "../../src/policies/Telemetry.ts"
import { withTimeout } from "../../src/policies/Timeout.ts"
import { withBudget } from "../../src/policies/usage/Budget.ts"
import { UsageLedger, withUsageLedger } from "../../src/policies/usage/UsageLedger.ts"
import { ask, hello } from "./Calls.ts"

type Stack = Layer.Layer<LlmProvider, LlmError>

const stacks: ReadonlyArray<readonly [string, (provider: Stack) => Stack]> = [
  ["a deadline", withTimeout("1 hour")],
  ["the clocks of a stream", withTimeout({ idle: "1 hour", firstOutput: "1 hour", attempt: "1 hour" })],
  ["the reader's clock", withTimeout({ reader: "1 hour" })],
  ["the clock of the headers", withTimeout({ headers: "1 hour" })],
  ["a rate limit", withRateLimit({ rpm: 1000 })],
  ["a fallback", (provider) => provider.pipe(withFallback(provider))],
  ["a share of a deadline", (provider) => provider.pipe(withFallback(provider), withTimeout("1 hour"))],
  ["a queue", (provider) => provider.pipe(withConcurrency(1), withTimeout({ queue: "1 hour" }))],
  ["a retry", withRetry()],
  ["a limit that is found", withAdaptiveConcurrency()],
  ["a hedge", withHedge({ after: "1 hour" })],
  ["a breaker", withCircuitBreaker()],
  ["telemetry", (provider) => withTelemetry(provider)],
  ["an observer", withObserver(() => {})],
  ["defaults", withDefaults({ temperature: 0 })],
  ["a usage ledger", withUsageLedger(new UsageLedger())],
  ["a budget", withBudget({ tokens: 1_000_000 })],
  ["a cache", withCache()],
  [
    "a balance",
    (provider) =>
      withBalance([
        { name: "one", layer: provider },
        { name: "other", layer: provider },
      ]),
  ],
]

const pieces: ReadonlyArray<Provider.ReplyPiece> = [
  { type: "text-delta", index: 0, delta: "he" },
  { type: "text-delta", index: 0, delta: "llo" },
  { type: "end", finishReason: "stop" },
]

/** A provider that forks a fiber at its beginning and with each piece, and what became of them. */
const forking = () => {
  const log: Array<string> = []
  const lasting = (name: string) => Effect.onInterrupt(Effect.never, () => Effect.sync(() => log.push(`${name} ended`)))
  const layer = Provider.layer({
    name: "forking",
    model: "m",
    generate: () =>
      Effect.gen(function* () {
        yield* Effect.forkChild(lasting("child"))
        yield* Effect.sleep(1000)
        log.push("answer")
        return { parts: [{ type: "text", text: "hello" }], finishReason: "stop" }
      }),
    stream: () =>
      Stream.unwrap(
        Effect.gen(function* () {
          yield* Effect.forkChild(lasting("child"))
          yield* Effect.forkScoped(lasting("scoped"))
          return Stream.fromIterable(pieces).pipe(
            Stream.rechunk(1),
            Stream.mapEffect((piece) =>
              Effect.gen(function* () {
                yield* Effect.forkChild(lasting("child of a pull"))
                yield* Effect.sleep(1000)
                log.push(piece.type)
                return piece
              }),
            ),
          )
        }),
      ),
  })
  return { layer, log }
}

const ends = ["child ended", "scoped ended", "child of a pull ended", "child of a pull ended", "child of a pull ended"]

describe.each(stacks)("what a provider forks under %s", (_, around) => {
  it.effect("lives as long as its stream", () =>
    Effect.gen(function* () {
      const { layer, log } = forking()
      const fiber = yield* Effect.forkChild(Effect.provide(ask("stream"), around(layer)))
      yield* TestClock.adjust("1 minute")
      expect((yield* Fiber.join(fiber)).text).toBe("hello")
      expect(log.slice(0, 3)).toEqual(["text-delta", "text-delta", "end"])
      expect(log.slice(3).toSorted()).toEqual(ends.toSorted())
    }),
  )

  it.effect("lives as long as its answer", () =>
    Effect.gen(function* () {
      const { layer, log } = forking()
      const fiber = yield* Effect.forkChild(Effect.provide(ask("generate"), around(layer)))
      yield* TestClock.adjust("1 minute")
      expect((yield* Fiber.join(fiber)).text).toBe("hello")
      expect(log).toEqual(["answer", "child ended"])
    }),
  )

  it.effect("ends before an unstreamed call has that is interrupted", () =>
    Effect.gen(function* () {
      const { layer, log } = forking()
      const fiber = yield* Effect.forkChild(Effect.provide(ask("generate"), around(layer)))
      yield* TestClock.adjust(500)
      yield* Fiber.interrupt(fiber)
      expect(log).toEqual(["child ended"])
    }),
  )

  it.effect("ends before a call has that is interrupted", () =>
    Effect.gen(function* () {
      const { layer, log } = forking()
      const fiber = yield* Effect.forkChild(Effect.provide(ask("stream"), around(layer)))
      yield* TestClock.adjust(1500)
      yield* Fiber.interrupt(fiber)
      expect(log.slice(1).toSorted()).toEqual(ends.slice(0, 4).toSorted())
    }),
  )

  it.effect("a stream that is opened in one fiber and read in others is read whole", () =>
    Effect.gen(function* () {
      const plain = Provider.layer({
        name: "plain",
        model: "m",
        stream: () => Stream.rechunk(Stream.fromIterable(pieces), 1),
      })
      const llm = yield* Effect.provide(LlmProvider, around(plain))
      const scope = yield* Scope.make()
      const opened = yield* Deferred.make<Effect.Success<ReturnType<typeof openStream>>>()
      yield* Fiber.join(
        yield* Effect.forkChild(
          Effect.flatMap(openStream(llm.stream(hello), scope), (pull) => Deferred.succeed(opened, pull)),
        ),
      )
      const pull = yield* Deferred.await(opened)
      const types: Array<string> = []
      while (types.at(-1) !== "response-finish") {
        const events = yield* Fiber.join(yield* Effect.forkChild(pull))
        types.push(...events.map(({ type }) => type))
      }
      expect(types).toEqual(["response-start", "text-delta", "text-delta", "response-finish"])
    }),
  )
})
