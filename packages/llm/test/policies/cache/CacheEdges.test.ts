/** The cache at its edges: which settings it takes, what is never shared, odd providers within it, and slow stores. */
import { describe, expect, it } from "@effect/vitest"
import * as Cause from "effect/Cause"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/testing/TestClock"
import { CallOptions } from "../../../src/call/CallOptions.ts"
import { ModelInfo } from "../../../src/model/ModelInfo.ts"
import { LlmProvider } from "../../../src/model/LlmProvider.ts"
import type { LlmResponse } from "../../../src/model/LlmResponse.ts"
import { withCache } from "../../../src/policies/cache/Cache.ts"
import * as CacheStore from "../../../src/policies/cache/CacheStore.ts"
import { withFallback } from "../../../src/policies/Fallback.ts"
import { withRetry } from "../../../src/policies/Retry.ts"
import { layerModels } from "../../../src/testing/ScriptedModels.ts"
import { ask, callNames, hello, reasons } from "../Calls.ts"
import { Upstream } from "../Upstream.ts"

const untyped = (value: unknown): any => value

/** All at once, and a minute. */
const together = <A, E, R>(effects: ReadonlyArray<Effect.Effect<A, E, R>>) =>
  Effect.gen(function* () {
    const fiber = yield* Effect.forkChild(Effect.all(effects, { concurrency: "unbounded" }))
    yield* TestClock.adjust("1 minute")
    return yield* Fiber.join(fiber)
  })

const slow = () => new Upstream(({ index }) => ({ text: `answer ${index}`, delay: 1000 }))

/** What is logged while an effect runs. */
const logging = <A, E, R>(effect: Effect.Effect<A, E, R>) => {
  const lines: Array<string> = []
  const logger = Logger.make(({ message }) => {
    lines.push(String(message))
  })
  return Effect.as(Effect.provide(effect, Logger.layer([logger])), lines)
}

describe("settings of a cache", () => {
  const built = (options: object) =>
    Effect.result(Effect.scoped(Layer.build(new Upstream(() => "hello").layer.pipe(withCache(untyped(options))))))

  it.effect.each<object>([
    {},
    { maxEntries: 1, maxBytes: 1 },
    { maxEntries: Number.POSITIVE_INFINITY },
    { store: CacheStore.memory() },
    { ttl: 5, storeTimeout: "1 second" },
  ])("that are right: %j", (options) =>
    Effect.gen(function* () {
      expect((yield* built(options))._tag).toBe("Success")
    }),
  )

  it.effect.each<readonly [object, string]>([
    [{ maxEntries: 0.9 }, "maxEntries must be a number, 1 or more, not 0.9"],
    [{ maxBytes: Number.NaN }, "maxBytes must be a number, 1 or more, not NaN"],
    [{ maxEntries: "5" }, "maxEntries must be a number, 1 or more"],
    [{ maxBytes: 5, store: CacheStore.memory() }, "maxBytes is a limit of the default store: leave it out"],
  ])("that are wrong: %j", ([options, problem]) =>
    Effect.gen(function* () {
      const result = yield* built(options)
      expect(result._tag === "Failure" ? result.failure.message : "").toContain(problem)
    }),
  )
})

describe.each(callNames)("a call (%s)", (name) => {
  it.effect("has the store that its settings describe", () => {
    const upstream = new Upstream(({ index }) => `answer ${index}`)
    return Effect.gen(function* () {
      for (const seed of [0, 1, 0]) yield* ask(name, { ...hello, seed })
      expect(upstream.asked).toHaveLength(3)
    }).pipe(Effect.provide(upstream.layer.pipe(withCache({ maxEntries: 1 }))))
  })

  it.effect(
    "shares nothing where it is not cached, and renewed ones only among themselves, each question by itself",
    () => {
      const upstream = slow()
      const asking = (cache: boolean | "refresh", seed = 0) =>
        Effect.provideService(ask(name, { ...hello, seed }), CallOptions, { cache })
      return Effect.gen(function* () {
        yield* together([asking(false), asking(false)])
        expect(upstream.asked).toHaveLength(2)
        const answers = yield* together([
          asking("refresh", 1),
          asking("refresh", 1),
          asking("refresh", 2),
          asking(true, 1),
        ])
        expect([new Set(answers.map(({ text }) => text)).size, upstream.asked.length]).toEqual([3, 5])
      }).pipe(Effect.provide(upstream.layer.pipe(withCache())))
    },
  )

  it.effect("is kept where the program's own check says so", () => {
    const upstream = slow()
    return Effect.gen(function* () {
      yield* together([ask(name)])
      expect((yield* ask(name)).metadata.cached).toBe(true)
    }).pipe(
      Effect.provide(
        upstream.layer.pipe(withCache({ isCacheable: ({ metadata }) => metadata.provider === "upstream" })),
      ),
    )
  })

  it.effect("is not kept where the program's own check throws", () => {
    const upstream = slow()
    const isCacheable = () => {
      throw new Error("a bug")
    }
    return Effect.gen(function* () {
      yield* together([ask(name)])
      yield* together([ask(name)])
      expect(upstream.asked).toHaveLength(2)
    }).pipe(Effect.provide(upstream.layer.pipe(withCache({ isCacheable }))))
  })

  it.effect("that another target answered after retries is not kept", () => {
    const broken = new Upstream(() => ({ error: reasons.ServerError() }))
    const upstream = slow()
    const stack = broken.layer.pipe(withRetry({ times: 1 }), withFallback(upstream.layer), withCache())
    return Effect.gen(function* () {
      const [first] = yield* together([ask(name)])
      expect(first?.metadata.attempts).toHaveLength(3)
      yield* together([ask(name)])
      expect(upstream.asked).toHaveLength(2)
    }).pipe(Effect.provide(stack))
  })

  it.effect("joins the request that is under way, though one before it is still being given up", () => {
    const upstream = new Upstream(({ index }) => ({ text: `answer ${index}`, delay: 1000 }))
    const lingering = Layer.effect(
      LlmProvider,
      Effect.map(LlmProvider, (llm) => ({
        ...llm,
        generate: (request: typeof hello) =>
          Effect.onInterrupt(llm.generate(request), () => Effect.uninterruptible(Effect.sleep(100))),
        stream: (request: typeof hello) =>
          Stream.ensuring(llm.stream(request), Effect.uninterruptible(Effect.sleep(100))),
      })),
    ).pipe(Layer.provide(upstream.layer))
    return Effect.gen(function* () {
      const given = yield* Effect.forkChild(ask(name))
      yield* TestClock.adjust(500)
      yield* Effect.forkChild(Fiber.interrupt(given))
      yield* TestClock.adjust(10)
      const second = yield* Effect.forkChild(ask(name))
      yield* TestClock.adjust(300)
      const third = yield* Effect.forkChild(ask(name))
      yield* TestClock.adjust("1 minute")
      expect([(yield* Fiber.join(second)).text, (yield* Fiber.join(third)).text]).toEqual(["answer 1", "answer 1"])
      expect(upstream.arrivals).toEqual([0, 510])
    }).pipe(Effect.provide(lingering.pipe(withCache())))
  })

  it.effect(
    "that has left its request to another one leaves it the attempts of the request, and keeps its own before",
    () => {
      const broken = new Upstream(() => ({ error: reasons.ServerError() }), "broken")
      const upstream = slow()
      return Effect.gen(function* () {
        const leader = yield* Effect.forkChild(ask(name))
        yield* TestClock.adjust(100)
        const other = yield* Effect.forkChild(ask(name))
        yield* TestClock.adjust(100)
        yield* Fiber.interrupt(leader)
        yield* TestClock.adjust("1 minute")
        const { attempts } = (yield* Fiber.join(other)).metadata
        expect(attempts.map(({ errorType, provider }) => [provider, errorType])).toEqual([
          ["broken", "ServerError"],
          ["upstream", undefined],
        ])
      }).pipe(Effect.provide(broken.layer.pipe(withFallback(upstream.layer.pipe(withCache())))))
    },
  )
})

const metadata: LlmResponse["metadata"] = {
  provider: "hand",
  usage: {},
  usageStatus: "unknown",
  latencyMs: 0,
  timestamp: "",
  costUsd: null,
  attempts: [],
  warnings: [],
  degraded: false,
}

/** A provider written by hand, which keeps no record of its requests. */
const byHand = (answer: LlmResponse, events: ReturnType<LlmProvider["Service"]["stream"]> = Stream.empty) => {
  const asked = { count: 0 }
  const layer = Layer.succeed(LlmProvider, {
    name: "hand",
    generate: () =>
      Effect.delay(
        Effect.sync(() => {
          asked.count += 1
          return answer
        }),
        10,
      ),
    stream: () =>
      Stream.suspend(() => {
        asked.count += 1
        return events
      }),
  })
  return { asked, layer: layer.pipe(withCache()) }
}

const whole: LlmResponse = {
  finishReason: "stop",
  text: "a",
  parts: [{ type: "text", text: "a" }],
  toolCalls: [],
  metadata,
}

describe("a provider that keeps no records", () => {
  it.effect("is cached as others are", () => {
    const { asked, layer } = byHand(whole)
    return Effect.gen(function* () {
      yield* together([ask("generate")])
      expect((yield* ask("generate")).metadata.cached).toBe(true)
      expect(asked.count).toBe(1)
    }).pipe(Effect.provide(layer))
  })

  it.effect("gives each call an answer of its own where JSON cannot hold it", () => {
    const { asked, layer } = byHand({
      ...whole,
      toolCalls: untyped([{ id: "c", name: "f", arguments: 5n }]),
    })
    return Effect.gen(function* () {
      const answers = yield* together([ask("generate"), ask("generate")])
      expect([answers.map(({ text }) => text), asked.count]).toEqual([["a", "a"], 2])
    }).pipe(Effect.provide(layer))
  })

  it.effect("may say more after the end of its stream, or never stop", () => {
    const { layer } = byHand(
      whole,
      Stream.concat(
        Stream.make(
          { type: "text-delta" as const, index: 0, delta: "a" },
          { type: "response-finish" as const, finishReason: "stop" as const, metadata },
        ),
        Stream.never,
      ),
    )
    return Effect.gen(function* () {
      const [answer] = yield* together([ask("stream")])
      expect(answer?.text).toBe("a")
      expect((yield* ask("stream")).metadata.cached).toBe(true)
    }).pipe(Effect.provide(layer))
  })

  it.effect("fails where its stream ends without an end", () => {
    const { layer } = byHand(whole, Stream.make({ type: "text-delta" as const, index: 0, delta: "a" }))
    return Effect.gen(function* () {
      const error = yield* Effect.flip(ask("stream"))
      expect(error.reason).toMatchObject({
        _tag: "StreamInterruptedError",
        message: "the stream ended before the answer did",
      })
      expect(error.provider).toBe("hand")
    }).pipe(Effect.provide(layer))
  })
})

it.effect("what a service tells of its models is asked for each time", () => {
  const script = layerModels()
  return Effect.gen(function* () {
    const { countTokens } = yield* ModelInfo
    const counts = yield* together([countTokens(hello), countTokens(hello)])
    expect(counts.map(({ metadata: { cached } }) => cached)).toEqual([undefined, undefined])
    expect(counts.map(({ metadata: { attempts } }) => attempts.length)).toEqual([1, 1])
  }).pipe(Effect.provide(script.pipe(withCache())))
})

describe("a store", () => {
  const delayed = (ms: number): CacheStore.CacheStore => {
    const memory = CacheStore.memory()
    return {
      get: (key) => Effect.delay(memory.get(key), ms),
      set: (key, value, ttl) => Effect.delay(memory.set(key, value, ttl), ms),
    }
  }

  it.effect.each<readonly [number, Duration.Input | undefined, number]>([
    [249, undefined, 1],
    [251, undefined, 2],
    [900, "1 second", 1],
    [50, 40, 2],
  ])("that takes %s ms within %s makes of two calls so many requests: %s", ([ms, storeTimeout, requests]) => {
    const upstream = slow()
    return Effect.gen(function* () {
      const lines = yield* logging(
        Effect.gen(function* () {
          yield* together([ask("generate")])
          yield* together([ask("generate")])
        }),
      )
      expect(upstream.asked).toHaveLength(requests)
      expect(lines.filter((line) => line.includes("it did not answer in time"))).toHaveLength(requests - 1)
    }).pipe(Effect.provide(upstream.layer.pipe(withCache({ store: delayed(ms), storeTimeout }))))
  })

  it.effect("is logged again where it fails after it had worked, and not while it works", () => {
    const now = { fails: false }
    const memory = CacheStore.memory()
    const store: CacheStore.CacheStore = {
      ...memory,
      get: (key) => (now.fails ? Effect.fail("broken") : memory.get(key)),
    }
    return Effect.gen(function* () {
      const lines = yield* logging(
        Effect.gen(function* () {
          for (const [seed, fails] of [false, true, true, false, true].entries()) {
            now.fails = fails
            yield* ask("generate", { ...hello, seed })
          }
        }),
      )
      expect(lines.filter((line) => line.includes("the cache's store fails"))).toHaveLength(3)
      expect(lines.filter((line) => line.includes("broken"))).toHaveLength(3)
    }).pipe(Effect.provide(new Upstream(() => "hello").layer.pipe(withCache({ store }))))
  })

  it.effect("with leases gives a waiting process the answer that another one has kept", () => {
    const upstream = slow()
    const taken = new Set<string>()
    const memory = CacheStore.memory()
    const store: CacheStore.CacheStore = {
      ...memory,
      lease: (key) =>
        Effect.sync(() => {
          if (taken.has(key)) return Option.none()
          taken.add(key)
          return Option.some({
            renew: Effect.void,
            renewEvery: Duration.seconds(1),
            release: Effect.sync(() => void taken.delete(key)),
          })
        }),
    }
    const process = () => Effect.provide(ask("stream"), upstream.layer.pipe(withCache({ store })))
    return Effect.gen(function* () {
      const answers = yield* together([process(), process()])
      expect(answers.map(({ text }) => text)).toEqual(["answer 0", "answer 0"])
      expect([upstream.asked.length, taken.size]).toEqual([1, 0])
    })
  })
})

it.effect.each(callNames)(
  "a call (%s) whose request is interrupted from within ends, and the next one asks again",
  (name) => {
    let asked = 0
    const within = Effect.withFiber((fiber) => {
      asked += 1
      fiber.interruptUnsafe()
      return Effect.never
    })
    const layer = Layer.succeed(LlmProvider, {
      name: "hand",
      generate: () => within,
      stream: () => Stream.fromEffect(within),
    })
    return Effect.gen(function* () {
      for (const _ of [1, 2]) {
        const [exit] = yield* together([Effect.exit(ask(name))])
        expect(exit?._tag === "Failure" && Cause.hasInterruptsOnly(exit.cause)).toBe(true)
      }
      expect(asked).toBe(2)
    }).pipe(Effect.provide(layer.pipe(withCache())))
  },
)

it.effect("a call for a whole answer is not held up by a stream beside it whose reader has stopped", () => {
  const texts = Array.from({ length: 600 }, (_, index) => `${index} `)
  const upstream = new Upstream(() => ({ text: texts }))
  return Effect.gen(function* () {
    const llm = yield* LlmProvider
    const stopped = yield* Effect.forkChild(Stream.runForEach(llm.stream(hello), () => Effect.never))
    yield* TestClock.adjust(10)
    const [answer] = yield* together([ask("generate")])
    expect([answer?.text, upstream.asked.length]).toEqual([texts.join(""), 1])
    yield* Fiber.interrupt(stopped)
  }).pipe(Effect.provide(upstream.layer.pipe(withCache())))
})

it.effect("a call's changes to what a model thought reach no other call", () => {
  const upstream = new Upstream(() => ({ reasoning: "It wants a greeting.", text: "Hello", delay: 1000 }))
  return Effect.gen(function* () {
    const changing = ask("stream", hello, (event) => {
      if (event.type === "part-end") Object.assign(event.part, { text: "changed" })
    })
    const [, beside] = yield* together([changing, ask("stream")])
    expect(JSON.stringify(beside?.parts)).toContain("It wants a greeting.")
    expect(JSON.stringify(beside?.parts)).not.toContain("changed")
  }).pipe(Effect.provide(upstream.layer.pipe(withCache())))
})

it.effect("a stream gives its reader what is no JSON as it came", () => {
  const odd = { type: "tool-call-end" as const, index: 0, id: "c", name: "f", arguments: () => 5 }
  const { layer } = byHand(
    whole,
    Stream.make(untyped(odd), { type: "response-finish" as const, finishReason: "tool-calls" as const, metadata }),
  )
  return Effect.gen(function* () {
    const llm = yield* LlmProvider
    const events = yield* Stream.runCollect(llm.stream(hello))
    expect(Array.from(events)[0]).toStrictEqual(odd)
  }).pipe(Effect.provide(layer))
})
