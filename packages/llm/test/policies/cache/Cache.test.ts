/** What the cache answers, what it keeps, and who shares a request with whom. */
import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Logger from "effect/Logger"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/testing/TestClock"
import { CallOptions } from "../../../src/call/CallOptions.ts"
import { EmbeddingProvider } from "../../../src/model/EmbeddingProvider.ts"
import { LlmProvider } from "../../../src/model/LlmProvider.ts"
import type { LlmRequest } from "../../../src/model/LlmRequest.ts"
import { withCache } from "../../../src/policies/cache/Cache.ts"
import * as CacheStore from "../../../src/policies/cache/CacheStore.ts"
import { withFallback } from "../../../src/policies/Fallback.ts"
import { UsageLedger, withUsageLedger } from "../../../src/policies/usage/UsageLedger.ts"
import type * as Scripted from "../../../src/testing/Scripted.ts"
import { layerEmbeddings } from "../../../src/testing/ScriptedEmbeddings.ts"
import { ask, callNames, hello, reasons } from "../Calls.ts"
import { Upstream } from "../Upstream.ts"

const whole: Scripted.Answer = {
  reasoning: "It wants a greeting.",
  text: ["Hel", "lo"],
  toolCalls: [{ id: "c1", name: "greet", arguments: { to: ["Ada", "Bo"] } }],
  usage: { inputTokens: 5, outputTokens: 3, totalTokens: 8 },
}

/** What was said, without what belongs to one call. */
const said = ({ finishReason, parts, text, toolCalls }: Effect.Success<ReturnType<typeof ask>>) => ({
  finishReason,
  parts,
  text,
  toolCalls,
})

const other = { generate: "stream", stream: "generate" } as const

describe.each(callNames)("a call (%s) of a question that was answered", (name) => {
  it.effect("gets the same answer without a request, as a whole and as a stream", () => {
    const upstream = new Upstream(() => whole)
    return Effect.gen(function* () {
      const first = yield* ask(name)
      for (const again of [name, other[name]]) {
        yield* TestClock.adjust(1000)
        const second = yield* ask(again)
        expect(said(second)).toEqual(said(first))
        expect(second.metadata).toMatchObject({
          provider: first.metadata.provider,
          servedModel: first.metadata.servedModel,
          usage: first.metadata.usage,
          cached: true,
          attempts: [],
          costUsd: 0,
          latencyMs: 0,
        })
        expect(second.metadata.timestamp).not.toBe(first.metadata.timestamp)
      }
      expect(first.metadata.cached).toBeUndefined()
      expect(first.metadata.attempts).toHaveLength(1)
      expect(upstream.asked).toHaveLength(1)
    }).pipe(Effect.provide(upstream.layer.pipe(withCache())))
  })

  it.effect("makes a request again when the time of the answer is over", () => {
    const upstream = new Upstream(({ index }) => `answer ${index}`)
    return Effect.gen(function* () {
      const texts: Array<string> = []
      for (const passed of [0, 59_999, 1, 59_999, 1]) {
        yield* TestClock.adjust(passed)
        texts.push((yield* ask(name)).text)
      }
      expect(texts).toEqual(["answer 0", "answer 0", "answer 1", "answer 1", "answer 2"])
    }).pipe(Effect.provide(upstream.layer.pipe(withCache({ ttl: "1 minute" }))))
  })

  it.effect("may ask for a new answer, which is kept, or go past the cache", () => {
    const upstream = new Upstream(({ index }) => `answer ${index}`)
    const asking = (cache: boolean | "refresh") => Effect.provideService(ask(name), CallOptions, { cache })
    return Effect.gen(function* () {
      const texts = [
        yield* ask(name),
        yield* asking(false),
        yield* ask(name),
        yield* asking("refresh"),
        yield* ask(name),
      ]
      expect(texts.map(({ text }) => text)).toEqual(["answer 0", "answer 1", "answer 0", "answer 2", "answer 2"])
    }).pipe(Effect.provide(upstream.layer.pipe(withCache())))
  })

  it.effect("with headers of its own is another question", () => {
    const upstream = new Upstream(({ index }) => `answer ${index}`)
    return Effect.gen(function* () {
      const of = (tenant: string) => Effect.provideService(ask(name), CallOptions, { headers: { tenant } })
      const texts = [yield* of("a"), yield* of("b"), yield* of("a")]
      expect(texts.map(({ text }) => text)).toEqual(["answer 0", "answer 1", "answer 0"])
    }).pipe(Effect.provide(upstream.layer.pipe(withCache())))
  })

  it.effect("is told by the program's own key, which may also say that it is not cached", () => {
    const upstream = new Upstream(({ index }) => `answer ${index}`)
    const key = ({ seed }: Partial<LlmRequest>) => (seed === 3 ? undefined : `${(seed ?? 0) % 2}`)
    return Effect.gen(function* () {
      const texts = yield* Effect.forEach([0, 2, 1, 3, 3], (seed) => ask(name, { ...hello, seed }))
      expect(texts.map(({ text }) => text)).toEqual(["answer 0", "answer 0", "answer 1", "answer 2", "answer 3"])
    }).pipe(Effect.provide(upstream.layer.pipe(withCache({ key }))))
  })

  it.effect("counts as a call that cost nothing", () => {
    const ledger = new UsageLedger()
    const upstream = new Upstream(() => whole)
    return Effect.gen(function* () {
      yield* ask(name)
      yield* ask(name)
      expect(ledger.total).toMatchObject({ calls: 2, errors: 0, attempts: 1, usage: { totalTokens: 8 } })
    }).pipe(Effect.provide(upstream.layer.pipe(withCache(), withUsageLedger(ledger))))
  })
})

describe.each(callNames)("an answer (%s) that is not kept", (name) => {
  it.effect.each<readonly [string, Scripted.Answer]>([
    ["a failure", { error: reasons.ServerError() }],
    ["a failure in the middle", { text: ["Hel", "lo"], error: reasons.StreamInterruptedError() }],
    ["one that ended at its limit", { text: "Hel", finishReason: "length" }],
    ["one that was filtered", { text: "Hel", finishReason: "content-filter" }],
    ["one that pauses", { text: "Hel", finishReason: "pause" }],
    ["one that ended for an unknown reason", { text: "Hel", finishReason: "other" }],
  ])("is %s", ([, answer]) => {
    const upstream = new Upstream(({ index }) => (index === 0 ? answer : "hello"))
    let sets = 0
    const memory = CacheStore.memory()
    const store: CacheStore.CacheStore = {
      get: memory.get,
      set: (key, value, ttl) => {
        sets += 1
        return memory.set(key, value, ttl)
      },
    }
    return Effect.gen(function* () {
      yield* Effect.exit(ask(name))
      expect(sets).toBe(0)
      const second = yield* ask(name)
      expect([second.text, second.metadata.cached, upstream.asked.length, sets]).toEqual(["hello", undefined, 2, 1])
    }).pipe(Effect.provide(upstream.layer.pipe(withCache({ store }))))
  })

  it.effect("is one that the call gave up", () => {
    const upstream = new Upstream(({ index }) =>
      index === 0 ? { text: ["a", "b"], pause: 1000, delay: 1000 } : "hello",
    )
    return Effect.gen(function* () {
      const call = yield* Effect.forkChild(ask(name))
      yield* TestClock.adjust(1500)
      yield* Fiber.interrupt(call)
      expect(upstream.inFlight).toBe(0)
      expect((yield* ask(name)).text).toBe("hello")
    }).pipe(Effect.provide(upstream.layer.pipe(withCache())))
  })

  it.effect("is one of another target, or one that the program's own check refuses", () => {
    const upstream = new Upstream(() => "hello")
    const broken = new Upstream(() => ({ error: reasons.ServerError() }))
    return Effect.gen(function* () {
      const twice = Effect.andThen(ask(name), ask(name))
      yield* Effect.provide(twice, broken.layer.pipe(withFallback(upstream.layer), withCache()))
      expect(upstream.asked).toHaveLength(2)
      yield* Effect.provide(twice, upstream.layer.pipe(withCache({ isCacheable: () => false })))
      expect(upstream.asked).toHaveLength(4)
      yield* Effect.provide(twice, broken.layer.pipe(withFallback(upstream.layer.pipe(withCache()))))
      expect(upstream.asked).toHaveLength(5)
    })
  })
})

it.effect("a stream that is not read to its end keeps nothing", () => {
  const upstream = new Upstream(() => ({ text: ["a", "b", "c"], pause: 10 }))
  return Effect.gen(function* () {
    const llm = yield* LlmProvider
    const start = yield* Effect.forkChild(Stream.runDrain(Stream.take(llm.stream(hello), 2)))
    yield* TestClock.adjust(5)
    yield* Fiber.join(start)
    expect(upstream.inFlight).toBe(0)
    const second = yield* Effect.forkChild(ask("stream"))
    yield* TestClock.adjust(100)
    expect((yield* Fiber.join(second)).metadata.cached).toBeUndefined()
  }).pipe(Effect.provide(upstream.layer.pipe(withCache())))
})

describe("a store that fails", () => {
  const never: CacheStore.CacheStore = { get: () => Effect.never, set: () => Effect.never }
  const dying: CacheStore.CacheStore = { get: () => Effect.die("a bug"), set: () => Effect.fail("no space") }
  const throwing: CacheStore.CacheStore = {
    get: () => {
      throw new Error("a bug")
    },
    set: () => {
      throw new Error("a bug")
    },
  }
  it.effect.each([
    ["never answers", never],
    ["dies", dying],
    ["throws", throwing],
  ] as const)("fails no call where it %s, and is logged once", ([, store]) => {
    const upstream = new Upstream(() => "hello")
    const lines: Array<string> = []
    const logger = Logger.make(({ message }) => {
      lines.push(String(message))
    })
    return Effect.gen(function* () {
      for (const name of [...callNames, ...callNames]) {
        const call = yield* Effect.forkChild(ask(name))
        yield* TestClock.adjust(500)
        expect((yield* Fiber.join(call)).text).toBe("hello")
      }
      expect(upstream.asked).toHaveLength(4)
      expect(lines.filter((line) => line.includes("the cache's store fails"))).toHaveLength(1)
    }).pipe(Effect.provide(upstream.layer.pipe(withCache({ store }))), Effect.provide(Logger.layer([logger])))
  })

  it.effect.each([
    ["no JSON", "}"],
    ["another version", JSON.stringify({ version: 0, key: "", answer: {} })],
    ["nothing", ""],
    ["an entry of another key", "other"],
    ["a text that is not that of the parts", "changed"],
  ] as const)("is asked past where it holds %s", ([, held]) => {
    const kept = new Map<string, string>()
    const store: CacheStore.CacheStore = {
      get: (key) => Effect.sync(() => Option.fromNullishOr(kept.get(key))),
      set: (key, value) => Effect.sync(() => void kept.set(key, value)),
    }
    const upstream = new Upstream(({ index }) => `answer ${index}`)
    return Effect.gen(function* () {
      yield* ask("generate")
      const [key = ""] = kept.keys()
      const entry = kept.get(key) ?? ""
      expect((yield* ask("stream")).text).toBe("answer 0")
      kept.set(
        key,
        held === "other"
          ? entry.replace(key, "0".repeat(64))
          : held === "changed"
            ? entry.replace('"text":"answer 0"', '"text":"answer X"')
            : held,
      )
      expect((yield* ask("generate")).text).toBe("answer 1")
    }).pipe(Effect.provide(upstream.layer.pipe(withCache({ store }))))
  })
})

it.effect("embeddings are kept as answers are, each caller with numbers of its own", () => {
  const script = layerEmbeddings()
  return Effect.gen(function* () {
    const embeddings = yield* EmbeddingProvider
    const first = yield* embeddings.embed({ inputs: ["a", "b"] })
    first.embeddings[0]?.fill(0)
    const second = yield* embeddings.embed({ inputs: ["a", "b"] })
    second.embeddings[0]?.fill(1)
    const third = yield* embeddings.embed({ inputs: ["a", "b"] })
    expect(third.embeddings[0]).not.toEqual(second.embeddings[0])
    expect(third.embeddings[1]).toEqual(first.embeddings[1])
    expect(third.metadata.cached).toBe(true)
    yield* embeddings.embed({ inputs: ["b", "a"] })
    expect(script.requests).toHaveLength(2)
  }).pipe(Effect.provide(script.pipe(withCache())))
})
