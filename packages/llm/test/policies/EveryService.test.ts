/**
 * Every policy of the library serves every service: each exported `with…` has its row here (ExportedPolicies.test.ts), and each
 * kind of request its call, so that none is forgotten.
 */
import { describe, expect, it } from "@effect/vitest"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as TestClock from "effect/testing/TestClock"
import * as library from "../../src/index.ts"
import { EmbeddingProvider } from "../../src/model/EmbeddingProvider.ts"
import type { LlmError } from "../../src/model/LlmError.ts"
import { LlmProvider } from "../../src/model/LlmProvider.ts"
import type { Message } from "../../src/model/Message.ts"
import { ModelInfo } from "../../src/model/ModelInfo.ts"
import { type AskedKind, kinds } from "../../src/policies/mechanisms/Around.ts"
import { type AnyService, overServices } from "../../src/policies/mechanisms/ServiceTable.ts"
import { identityOf } from "../../src/policies/mechanisms/Surround.ts"
import * as ScriptedEmbeddings from "../../src/testing/ScriptedEmbeddings.ts"
import * as ScriptedModels from "../../src/testing/ScriptedModels.ts"
import { ask, reasons } from "./Calls.ts"
import { Upstream } from "./Upstream.ts"

class Beside extends Context.Service<Beside, { readonly name: string }>()("test/Beside") {}

type Services = Layer.Layer<AnyService, LlmError>

/** Each policy as it is put around a Layer of several services. */
const everywhere: Readonly<Record<string, (layer: Services) => Services>> = {
  withBudget: (layer) => layer.pipe(library.withBudget({ tokens: 1_000_000 })),
  withAdaptiveConcurrency: (layer) => layer.pipe(library.withAdaptiveConcurrency()),
  withCache: (layer) => layer.pipe(library.withCache()),
  withBalance: (layer) =>
    library.withBalance([
      { name: "one", layer },
      { name: "other", layer },
    ]),
  withCircuitBreaker: (layer) => layer.pipe(library.withCircuitBreaker()),
  withConcurrency: (layer) => layer.pipe(library.withConcurrency(1)),
  withDefaults: (layer) => layer.pipe(library.withDefaults({ temperature: 0 })),
  withFallback: (layer) => layer.pipe(library.withFallback(layer)),
  withHedge: (layer) => layer.pipe(library.withHedge()),
  withObserver: (layer) => layer.pipe(library.withObserver(() => {})),
  withRateLimit: (layer) => layer.pipe(library.withRateLimit({ rpm: 100 })),
  withRetry: (layer) => layer.pipe(library.withRetry()),
  withTelemetry: (layer) => layer.pipe(library.withTelemetry),
  withTimeout: (layer) => layer.pipe(library.withTimeout("1 minute")),
  withUsageLedger: (layer) => layer.pipe(library.withUsageLedger(new library.UsageLedger())),
}

/** Those that are for one service, as their type says. */
const forEmbeddings: Readonly<Record<string, library.Policy.EmbeddingPolicy<LlmError>>> = {
  withBatches: library.withBatches(),
}

/** Every service as a script: `failures` of each, then its answers. */
const scripts = (failures = 0) => {
  const error = "OverloadedError" as const
  const failed = Array.from({ length: failures }, () => ({ error }))
  const answers = new Upstream(({ index }) => (index < failures ? { error: reasons[error]() } : { text: "hello" }))
  const embeddings = ScriptedEmbeddings.layerEmbeddings([...failed, [[1]], [[1]]])
  const models = ScriptedModels.layerModels({
    counts: [...failed, 7, 8],
    models: failures > 0 ? { error } : [{ id: "scripted" }],
  })
  return { answers, embeddings, models, layer: Layer.mergeAll(answers.layer, embeddings, models) }
}

/** What a call passes, which a program may change afterwards. */
const given = (model?: string) => ({
  messages: [{ role: "user", content: "hello" }] as Array<Message>,
  inputs: ["hello"],
  model,
})

const unreadable: PropertyDescriptor = {
  enumerable: true,
  get: () => {
    throw new Error("not now")
  },
}

/** The same, where what is said cannot be read. */
const unreadableGiven = (): ReturnType<typeof given> => ({
  messages: [Object.defineProperty({ role: "user", content: "" }, "content", unreadable)],
  inputs: Object.defineProperty([""], 0, unreadable),
  model: undefined,
})

interface Call {
  readonly kind: AskedKind
  readonly tag: Context.Key<AnyService, library.Policy.Identity>
  readonly ask: (said: ReturnType<typeof given>) => Effect.Effect<unknown, LlmError, AnyService>
  /** What it says the first time and the second. */
  readonly says: readonly [unknown, unknown]
  /** The field of its request that says what is asked; absent where it is asked without one. */
  readonly field?: "messages" | "inputs"
  /** The requests that came to the service; absent as `field` is. */
  readonly arrived?: (script: ReturnType<typeof scripts>) => ReadonlyArray<library.Policy.Asked>
}

const answer = {
  kind: "answer",
  tag: LlmProvider,
  says: ["hello", "hello"],
  field: "messages",
  arrived: ({ answers }) => answers.asked.map(({ request }) => request),
} as const satisfies Omit<Call, "ask">

/** One call of each kind; a kind without one is refused by the compiler. */
const calls: Readonly<Record<AskedKind | "streamed answer", Call>> = {
  answer: {
    ...answer,
    ask: ({ messages, model }) => Effect.map(ask("generate", { messages, model }), ({ text }) => text),
  },
  "streamed answer": {
    ...answer,
    ask: ({ messages, model }) => Effect.map(ask("stream", { messages, model }), ({ text }) => text),
  },
  embeddings: {
    kind: "embeddings",
    tag: EmbeddingProvider,
    ask: ({ inputs, model }) =>
      Effect.flatMap(EmbeddingProvider, ({ embed }) => Effect.map(embed({ inputs, model }), (said) => said.embeddings)),
    says: [[[1]], [[1]]],
    field: "inputs",
    arrived: ({ embeddings }) => embeddings.requests,
  },
  models: {
    kind: "models",
    tag: ModelInfo,
    ask: () => Effect.flatMap(ModelInfo, (info) => Effect.map(info.models, ({ models }) => models)),
    says: [[{ id: "scripted" }], [{ id: "scripted" }]],
  },
  tokens: {
    kind: "tokens",
    tag: ModelInfo,
    ask: ({ messages, model }) =>
      Effect.flatMap(ModelInfo, ({ countTokens }) =>
        Effect.map(countTokens({ messages, model }), ({ count }) => count),
      ),
    says: [
      { type: "exact", inputTokens: 7 },
      { type: "exact", inputTokens: 8 },
    ],
    field: "messages",
    arrived: ({ models }) => models.requests,
  },
}

/** The services of the library, by its table. */
const rows = overServices<ReadonlyArray<Context.Key<AnyService, library.Policy.Identity>>>([], (into, { tag }) => [
  ...into,
  tag,
])

it("every service of the library is asked by a call here", () => {
  const asked = new Set(Object.values(calls).map(({ tag }) => tag.key))
  expect([...asked].toSorted()).toEqual(rows.map(({ key }) => key).toSorted())
})

describe.each(Object.entries(everywhere))("%s", (_, policy) => {
  it.effect.each(Object.values(calls))("lets $kind through by $tag.key", ({ ask: call, says }) =>
    Effect.gen(function* () {
      const both = yield* Effect.forkChild(Effect.all([call(given()), call(given())]))
      // A policy may let the second one wait.
      yield* TestClock.adjust("1 second")
      expect(yield* Fiber.join(both)).toEqual(says)
    }).pipe(Effect.provide(policy(scripts().layer))),
  )

  it.effect.each(Object.values(calls).filter(({ arrived }) => arrived !== undefined))(
    "refuses a request for $kind that cannot be read, before it looks at it",
    ({ ask: call }) => {
      const script = scripts()
      return Effect.gen(function* () {
        const { attempts, reason } = yield* Effect.flip(call(unreadableGiven()))
        expect(reason).toMatchObject({
          _tag: "InvalidRequestError",
          parameter: expect.stringMatching(/^(messages\[0\]\.content|inputs\[0\])$/),
          message: expect.stringContaining("cannot be read: not now"),
        })
        expect(attempts).toEqual([])
        expect(script.answers.asked).toEqual([])
      }).pipe(Effect.provide(policy(script.layer)))
    },
  )

  it.effect("stands around each service, and leaves what else a Layer provides as it is", () =>
    Effect.gen(function* () {
      const bare = Context.add(yield* Layer.build(scripts().layer), Beside, { name: "beside" })
      const layer: Layer.Layer<AnyService | Beside> = Layer.succeedContext(bare)
      // A policy's type knows the services of this library alone.
      const around = (yield* Layer.build(policy(layer as Services))) as typeof bare
      for (const tag of rows) expect(Context.get(around, tag)).not.toBe(Context.get(bare, tag))
      expect(Context.get(around, Beside)).toBe(Context.get(bare, Beside))
    }).pipe(Effect.scoped),
  )
})

describe.each(Object.entries(calls))("a call for %s", (_, { arrived, ask: call, field, kind, says, tag }) => {
  const { isKept } = kinds[kind]

  it.effect(isKept ? "is kept by a cache" : "goes past a cache each time, and asks nothing of its store", () => {
    let asked = 0
    let looked = 0
    const memory = library.CacheStore.memory()
    const store: library.CacheStore.CacheStore = {
      ...memory,
      get: (key) => {
        looked += 1
        return memory.get(key)
      },
    }
    const counted = scripts().layer.pipe(
      library.withObserver(({ type }) => {
        if (type === "attempt-start") asked += 1
      }),
    )
    return Effect.gen(function* () {
      expect([yield* call(given()), yield* call(given())]).toEqual(isKept ? [says[0], says[0]] : says)
      expect([asked, looked > 0]).toEqual(isKept ? [1, true] : [2, false])
    }).pipe(Effect.provide(counted.pipe(library.withCache({ store }))))
  })

  if (isKept) {
    it.effect("takes no answer of another kind from a store", () => {
      let kept = ""
      const memory = library.CacheStore.memory()
      const keeping = { ...memory, set: (_: string, entry: string) => Effect.sync(() => void (kept = entry)) }
      const misleading = {
        ...memory,
        get: (key: string) => Effect.sync(() => Option.some(JSON.stringify({ ...JSON.parse(kept), key }))),
      }
      const askWith = (store: library.CacheStore.CacheStore, asked: Call["ask"]) =>
        Effect.provide(asked(given()), scripts().layer.pipe(library.withCache({ store })))
      const others = Object.values(calls).filter((other) => kinds[other.kind].isKept && other.kind !== kind)
      return Effect.forEach(others, (other) =>
        Effect.gen(function* () {
          yield* askWith(keeping, other.ask)
          expect(yield* askWith(misleading, call)).toEqual(says[0])
        }),
      )
    })
  }

  it.effect("falls back to the second side, with the model for it", () => {
    const [first, second] = [scripts(1), scripts()]
    const stack = first.layer.pipe(library.withFallback(second.layer, { model: "second" }))
    return Effect.gen(function* () {
      expect(yield* call(given("first"))).toEqual(says[0])
      if (arrived === undefined) return
      expect([arrived(first), arrived(second)].map((all) => all.map(({ model }) => model))).toEqual([
        ["first"],
        ["second"],
      ])
    }).pipe(Effect.provide(stack))
  })

  it.effect("goes on to the next deployment, by the name that the model has there", () => {
    const [first, second] = [scripts(1), scripts()]
    const stack = library.withBalance(
      [
        { name: "first", layer: first.layer, model: "a", weight: 1_000_000_000 },
        { name: "second", layer: second.layer, model: "b", weight: 0.001 },
      ],
      { model: "m", strategy: "weighted" },
    )
    return Effect.gen(function* () {
      expect(yield* call(given("m"))).toEqual(says[0])
      if (arrived === undefined) return
      expect([arrived(first), arrived(second)].map((all) => all.map(({ model }) => model))).toEqual([["a"], ["b"]])
    }).pipe(Effect.provide(stack))
  })

  it.effect("is named by its service where a Layer provides no other", () =>
    Effect.gen(function* () {
      const service = Context.get(yield* Layer.build(scripts().layer), tag)
      expect(identityOf(Context.make(tag, { ...service, name: "alone" })).name).toBe("alone")
    }).pipe(Effect.scoped),
  )

  if (arrived !== undefined) {
    it.effect("sends what was passed, whatever the program changes meanwhile", () => {
      const script = scripts(1)
      return Effect.gen(function* () {
        const said = given()
        const fiber = yield* Effect.forkChild(call(said), { startImmediately: true })
        said.messages.push({ role: "user", content: "more" })
        said.inputs.push("more")
        yield* TestClock.adjust("10 minutes")
        expect(yield* Fiber.join(fiber)).toEqual(says[0])
        const sent = arrived?.(script).map((request) => field && request[field])
        const asked = field && given()[field]
        expect(sent).toEqual([asked, asked])
      }).pipe(Effect.provide(script.layer.pipe(library.withRetry())))
    })
  }
})

describe.each(Object.entries(forEmbeddings))("%s", (_, policy) => {
  it.effect("lets embeddings through", () =>
    Effect.gen(function* () {
      const { embed } = yield* EmbeddingProvider
      expect((yield* embed({ inputs: ["one", "two"] })).embeddings.length).toBe(2)
    }).pipe(Effect.provide(policy(ScriptedEmbeddings.layerEmbeddings()))),
  )
})
