/** What each side of a fallback is asked for and within which limits, and what is told of the one that is passed over. */
import { describe, expect, it } from "@effect/vitest"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as References from "effect/References"
import * as TestClock from "effect/testing/TestClock"
import { EmbeddingProvider, type EmbeddingRequest } from "../../src/model/EmbeddingProvider.ts"
import { ConfigurationError, InvalidRequestError, LlmError, TimeoutError } from "../../src/model/LlmError.ts"
import type { LlmRequest } from "../../src/model/LlmRequest.ts"
import { LlmProvider } from "../../src/model/LlmProvider.ts"
import { ModelInfo } from "../../src/model/ModelInfo.ts"
import { withFallback } from "../../src/policies/Fallback.ts"
import { withRetry } from "../../src/policies/Retry.ts"
import { withTimeout } from "../../src/policies/Timeout.ts"
import * as Scripted from "../../src/testing/Scripted.ts"
import { layerEmbeddings } from "../../src/testing/ScriptedEmbeddings.ts"
import { ask, callNames, hello, reasons } from "./Calls.ts"
import { Upstream } from "./Upstream.ts"

const busy = { error: reasons.OverloadedError() }

describe.each(callNames)("fallback of %s", (name) => {
  it.effect("is told as a warning where the first target was passed over for its request, and only there", () => {
    const wrong = new InvalidRequestError({ message: "no pictures", otherTargetMayTake: true })
    const first = Scripted.layer([{ error: wrong }, busy], { name: "one" })
    const second = Scripted.layer(["hello", "hello"], { name: "two" })
    return Effect.gen(function* () {
      const [passed, failed] = [yield* ask(name), yield* ask(name)]
      expect(passed.metadata.warnings).toEqual(["one was passed over: no pictures"])
      expect(failed.metadata.warnings).toEqual([])
    }).pipe(Effect.provide(first.pipe(withFallback(second))))
  })

  it.effect("warns in the log where a key is not allowed to do this", () => {
    const levels: Array<string> = []
    const logger = Logger.make(({ logLevel }) => levels.push(logLevel))
    const first = Scripted.layer([{ error: reasons.PermissionDeniedError() }])
    return Effect.gen(function* () {
      yield* ask(name)
      expect(levels).toEqual(["Warn"])
    }).pipe(
      Effect.provide(first.pipe(withFallback(Scripted.layer(["hello"])))),
      Effect.provide(Logger.layer([logger])),
      Effect.provideService(References.MinimumLogLevel, "Trace"),
    )
  })

  it.effect("follows a deadline that has passed only where it is said so, and follows nothing else for it", () => {
    const late = { error: new TimeoutError({ message: "late", clock: "total", limitMs: 1 }) }
    const own = { error: new ConfigurationError({ message: "not set", setting: "KEY" }) }
    const first = Scripted.layer([late, own])
    return Effect.gen(function* () {
      expect((yield* ask(name)).text).toBe("from the second")
      expect((yield* Effect.flip(ask(name))).reason._tag).toBe("ConfigurationError")
    }).pipe(Effect.provide(first.pipe(withFallback(Scripted.layer(["from the second"]), { onDeadline: true }))))
  })

  it.live(
    "does not ask the second target once the deadline around it has passed, whatever the first failed with",
    () => {
      const failing = new LlmError({ reason: reasons.ServerError(), provider: "blocking", attempts: [] })
      const blocking = Effect.suspend(() => {
        // A loop that is blocked: the deadline has passed, and its timer had no time to ring.
        const endsMs = performance.now() + 30
        while (performance.now() < endsMs);
        return Effect.fail(failing)
      })
      const first = Layer.mock(LlmProvider, { name: "blocking", generate: () => blocking })
      const second = new Upstream(() => "from the second")
      return Effect.gen(function* () {
        const result = yield* Effect.result(ask("generate"))
        expect(result._tag).toBe("Failure")
        expect(second.asked).toEqual([])
      }).pipe(Effect.provide(first.pipe(withFallback(second.layer), withTimeout(10))))
    },
  )

  it.effect("ends each target by a clock that its attempt knows", () => {
    const [first, second] = [new Upstream(() => ({ stall: true })), new Upstream(() => ({ stall: true }))]
    return Effect.gen(function* () {
      const fiber = yield* Effect.forkChild(Effect.flip(ask(name)))
      yield* TestClock.adjust("10 seconds")
      expect((yield* Fiber.join(fiber)).attempts).toMatchObject([
        { errorType: "TimeoutError", durationMs: 5000 },
        { errorType: "TimeoutError", durationMs: 5000 },
      ])
    }).pipe(Effect.provide(first.layer.pipe(withFallback(second.layer), withTimeout("10 seconds"))))
  })

  it.effect("begins no wait that would pass the first target's share of the deadline", () => {
    const first = Scripted.layer([{ error: reasons.RateLimitError({ retryAfterMs: 150_000 }) }])
    const second = Scripted.layer(["from the second"])
    const stack = first.pipe(withRetry(), withFallback(second), withTimeout("200 seconds"))
    return Effect.gen(function* () {
      const { metadata, text } = yield* ask(name)
      expect([text, metadata.latencyMs]).toEqual(["from the second", 0])
    }).pipe(Effect.provide(stack))
  })
})

it.effect("the first target of a stream knows the clocks around the fallback, also where no deadline is shared", () => {
  const first = new Upstream(() => ({ text: "he", stall: true }))
  const stack = first.layer.pipe(withFallback(new Upstream(() => "hello").layer), withTimeout({ idle: 2000 }))
  return Effect.gen(function* () {
    const fiber = yield* Effect.forkChild(Effect.flip(ask("stream")))
    yield* TestClock.adjust("1 minute")
    expect((yield* Fiber.join(fiber)).attempts).toMatchObject([{ errorType: "TimeoutError", durationMs: 2000 }])
  }).pipe(Effect.provide(stack))
})

describe("fallback of embeddings", () => {
  /** A service with limits by model, which fails, and what it was asked. */
  const limited = (name: string, limits: Readonly<Record<string, number>> | undefined) => {
    const asked: Array<EmbeddingRequest> = []
    const failure = new LlmError({ reason: reasons.OverloadedError(), provider: name, attempts: [] })
    const layer = Layer.succeed(EmbeddingProvider, {
      name,
      model: `${name}-default`,
      ...(limits === undefined ? {} : { batchLimits: (model = "") => ({ inputs: limits[model] ?? 100 }) }),
      embed: (request) => {
        asked.push(request)
        return Effect.fail(failure)
      },
    })
    return { asked, layer }
  }

  it.effect("accepts what both sides accept, of the models that each of them would be asked for", () => {
    const one = limited("one", { a: 7, b: 20 })
    const two = limited("two", { "two-default": 9, own: 5 })
    return Effect.gen(function* () {
      const byDefault = yield* Effect.provide(EmbeddingProvider, one.layer.pipe(withFallback(two.layer)))
      expect(["a", "b"].map((model) => byDefault.batchLimits?.(model)?.inputs)).toEqual([7, 9])
      const named = yield* Effect.provide(EmbeddingProvider, one.layer.pipe(withFallback(two.layer, { model: "own" })))
      expect(["a", "b"].map((model) => named.batchLimits?.(model)?.inputs)).toEqual([5, 5])
    })
  })

  it.effect("accepts what the side accepts that says it, and says nothing where neither does", () => {
    const [one, none] = [limited("one", { a: 7 }), limited("none", undefined)]
    return Effect.gen(function* () {
      const stacks = [
        one.layer.pipe(withFallback(none.layer)),
        none.layer.pipe(withFallback(one.layer, { model: "a" })),
        none.layer.pipe(withFallback(limited("other", undefined).layer)),
      ]
      const limits = yield* Effect.forEach(stacks, (stack) => Effect.provide(EmbeddingProvider, stack))
      expect(limits.map(({ batchLimits }) => batchLimits?.("a")?.inputs)).toEqual([7, 7, undefined])
    })
  })

  it.effect("asks the second side for the same texts, by its own model", () => {
    const [one, two] = [limited("one", {}), limited("two", {})]
    return Effect.gen(function* () {
      const provider = yield* Effect.provide(EmbeddingProvider, one.layer.pipe(withFallback(two.layer)))
      yield* Effect.flip(provider.embed({ inputs: ["hello"], model: "a", dimensions: 3 }))
      expect(one.asked).toEqual([{ inputs: ["hello"], model: "a", dimensions: 3 }])
      expect(two.asked).toEqual([{ inputs: ["hello"], model: undefined, dimensions: 3 }])
    })
  })
})

it.effect("a count of tokens is asked of the second side for the same request, by its own model", () => {
  const asked: Array<LlmRequest> = []
  const side = (name: string) => {
    const failure = Effect.fail(new LlmError({ reason: reasons.OverloadedError(), provider: name, attempts: [] }))
    return Layer.succeed(ModelInfo, {
      name,
      models: failure,
      countTokens: (request: LlmRequest) => {
        asked.push(request)
        return failure
      },
    })
  }
  return Effect.gen(function* () {
    const { countTokens } = yield* ModelInfo
    yield* Effect.flip(countTokens({ ...hello, model: "a", maxTokens: 5 }))
    expect(asked).toEqual([
      { ...hello, model: "a", maxTokens: 5 },
      { ...hello, model: "b", maxTokens: 5 },
    ])
  }).pipe(Effect.provide(side("one").pipe(withFallback(side("two"), { model: "b" }))))
})

it.effect("a service that only the first side has stays as it is", () => {
  const both = Layer.merge(Scripted.layer([busy]), layerEmbeddings([[[1]]]))
  // As a program without types may do.
  const first: Layer.Layer<LlmProvider> = both
  return Effect.gen(function* () {
    const services = yield* Layer.build(first.pipe(withFallback(Scripted.layer(["from the second"]))))
    expect((yield* Effect.provideContext(ask("generate"), services)).text).toBe("from the second")
    const embedding = Context.getOrUndefined(services, EmbeddingProvider)
    expect(embedding?.name).toBe("scripted")
  }).pipe(Effect.scoped)
})

it.effect("a service that only the second side has is not provided", () => {
  const second = Layer.merge(Scripted.layer(["from the second"]), layerEmbeddings([]))
  return Effect.gen(function* () {
    const services = yield* Layer.build(Scripted.layer([busy]).pipe(withFallback(second)))
    expect(Context.getOrUndefined(services, EmbeddingProvider)).toBeUndefined()
    expect((yield* Effect.provideContext(ask("generate"), services)).text).toBe("from the second")
  }).pipe(Effect.scoped)
})
