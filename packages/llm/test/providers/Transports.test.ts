/**
 * Law 22: a Layer sends through the transport that it names. `layer` never touches an `HttpClient` that happens to be in the
 * context; `layerHttpClient` sends through the one it is given, and each provider's key reaches its own client alone.
 */
import * as NodeHttpClient from "@effect/platform-node/NodeHttpClient"
import { describe, expect, it } from "@effect/vitest"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as FetchHttpClient from "effect/http/FetchHttpClient"
import * as HttpClient from "effect/http/HttpClient"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import { Anthropic, LlmProvider, LlmStack, OpenAi, withConcurrency, withFallback } from "../../src/index.ts"
import { ask, open, patient, serve } from "../contract/Ask.ts"
import { cells, defaultKey, keyOf, providers } from "../contract/Providers.ts"
import { type CallName, callOf, goodAnswer } from "../faults/FaultScenario.ts"
import type { FaultServer } from "../faults/FaultServer.ts"
import { whole } from "../faults/HttpText.ts"
import { chat, fullText, messages, type WireText } from "../faults/WireText.ts"

const clients: Readonly<Record<string, Layer.Layer<HttpClient.HttpClient>>> = {
  fetch: FetchHttpClient.layer,
  undici: NodeHttpClient.layerUndici,
  "node:http": NodeHttpClient.layerNodeHttp,
}

const calls = ["generate", "stream"] as const

/** A client that notes the keys that pass through it. */
const recorder = (through: Layer.Layer<HttpClient.HttpClient> = FetchHttpClient.layer) => {
  const keys: Array<string> = []
  const layer = Layer.effect(
    HttpClient.HttpClient,
    Effect.map(HttpClient.HttpClient, (client) =>
      HttpClient.tapRequest(client, ({ headers }) => Effect.sync(() => keys.push(keyOf({ headers }) ?? "none"))),
    ),
  ).pipe(Layer.provide(through))
  return { keys, layer }
}

class First extends Context.Service<First, LlmProvider["Service"]>()("test/First") {}
class Second extends Context.Service<Second, LlmProvider["Service"]>()("test/Second") {}

const as = <Self, E, R>(
  tag: Context.Service<Self, LlmProvider["Service"]>,
  layer: Layer.Layer<LlmProvider, E, R>,
): Layer.Layer<Self, E, R> => Layer.provide(Layer.effect(tag, LlmProvider), layer)

const options = ({ url }: FaultServer, apiKey: string) => ({
  apiKey: Redacted.make(apiKey),
  apiBase: `${url}/v1`,
  model: "gpt-5-mini",
})

const answers = (wire: WireText = chat) => serve((request) => goodAnswer(wire, callOf(request)))

const textOf = (service: LlmProvider["Service"], call: CallName) => Effect.map(ask(service, call), ({ text }) => text)

describe("layerHttpClient", patient, () => {
  const rows = providers.flatMap((provider) =>
    Object.entries(clients).flatMap(([name, client]) =>
      calls.map((call) => ({ provider, client, call, on: `${call}, ${provider.name}, ${name}` })),
    ),
  )

  it.live.each(rows)(
    "sends through the client that it is given ($on)",
    Effect.fnUntraced(function* ({ call, client, provider }) {
      const server = yield* answers(provider.wire)
      const { keys, layer } = recorder(client)
      const built = provider.module.layerHttpClient({ ...provider.optionsAt(server.url), apiKey: defaultKey })
      yield* Effect.gen(function* () {
        expect(yield* textOf(yield* LlmProvider, call)).toBe(fullText)
      }).pipe(Effect.provide(Layer.provide(built, layer)))
      expect(keys).toEqual([defaultKey])
      expect(server.requests).toHaveLength(1)
    }),
  )

  it.live.each(calls.map((call) => ({ call })))(
    "of two providers in one build, each with a recorder, lets each see its own key alone, in both orders ($call)",
    Effect.fnUntraced(function* ({ call }) {
      const server = yield* answers()
      for (const order of ["first, second", "second, first"]) {
        const [one, two] = [recorder(), recorder(NodeHttpClient.layerUndici)]
        const first = as(First, OpenAi.layerHttpClient(options(server, "sk-first"))).pipe(Layer.provide(one.layer))
        const second = as(Second, OpenAi.layerHttpClient(options(server, "sk-second"))).pipe(Layer.provide(two.layer))
        yield* Effect.gen(function* () {
          yield* textOf(yield* First, call)
          yield* textOf(yield* Second, call)
        }).pipe(Effect.provide(order.startsWith("first") ? Layer.merge(first, second) : Layer.merge(second, first)))
        expect([one.keys, two.keys], order).toEqual([["sk-first"], ["sk-second"]])
      }
    }),
  )

  it.live.each(calls.map((call) => ({ call })))(
    "in nested Effect.provide lets each see its own key alone ($call)",
    Effect.fnUntraced(function* ({ call }) {
      const server = yield* answers()
      const [inner, outer] = [recorder(), recorder()]
      const asked = Effect.gen(function* () {
        yield* textOf(yield* First, call)
        yield* textOf(yield* Second, call)
      })
      yield* asked.pipe(
        Effect.provide(as(First, OpenAi.layerHttpClient(options(server, "sk-inner"))).pipe(Layer.provide(inner.layer))),
        Effect.provide(as(Second, OpenAi.layerHttpClient(options(server, "sk-outer")))),
        Effect.provide(outer.layer),
      )
      expect([inner.keys, outer.keys]).toEqual([["sk-inner"], ["sk-outer"]])
    }),
  )

  it.live.each(calls.map((call) => ({ call })))(
    "inside a fallback lets each side see its own key alone ($call)",
    Effect.fnUntraced(function* ({ call }) {
      const { body, status } = chat.error("quota")
      const poor = yield* serve(() => whole(body, status))
      const rich = yield* answers(messages)
      const [one, two] = [recorder(), recorder(NodeHttpClient.layerNodeHttp)]
      const second = Anthropic.layerHttpClient({ apiKey: "sk-second", apiBase: rich.url, model: "claude-sonnet-5" })
      const stack = OpenAi.layerHttpClient(options(poor, "sk-first")).pipe(
        Layer.provide(one.layer),
        withFallback(second.pipe(Layer.provide(two.layer))),
      )
      yield* Effect.gen(function* () {
        expect(yield* textOf(yield* LlmProvider, call)).toBe(fullText)
      }).pipe(Effect.provide(stack))
      expect([one.keys, two.keys]).toEqual([["sk-first"], ["sk-second"]])
    }),
  )

  it.live.each(calls.map((call) => ({ call })))(
    "of the whole stack sends every target's requests through the client ($call)",
    Effect.fnUntraced(function* ({ call }) {
      const { body, status } = chat.error("quota")
      const poor = yield* serve(() => whole(body, status))
      const rich = yield* answers(messages)
      const { keys, layer } = recorder()
      const stack = LlmStack.layerHttpClient({
        targets: [
          { provider: "openai", apiKey: "sk-first", apiBase: poor.url, model: "gpt-5-mini" },
          { provider: "anthropic", apiKey: "sk-second", apiBase: rich.url, model: "claude-sonnet-5" },
        ],
        concurrency: 5,
        maxRetries: 0,
        timeout: "10 seconds",
        idleTimeout: "5 seconds",
        firstOutputTimeout: undefined,
        temperature: undefined,
        maxTokens: undefined,
        fallbackText: undefined,
      })
      yield* Effect.gen(function* () {
        expect(yield* textOf(yield* LlmProvider, call)).toBe(fullText)
      }).pipe(Effect.provide(Layer.provide(stack, layer)))
      expect(keys).toEqual(["sk-first", "sk-second"])
    }),
  )
})

describe("layer", patient, () => {
  const elsewhere = "http://upstream.invalid"

  it.live.each(cells)(
    "sends through the fetch that it is given, and through nothing else ($on)",
    Effect.fnUntraced(function* ({ call, provider }) {
      const server = yield* answers(provider.wire)
      const asked: Array<string> = []
      const fetch = (url: string, init: RequestInit) => {
        asked.push(url)
        return globalThis.fetch(url.replace(elsewhere, server.url), init)
      }
      const layer = provider.layerOf(elsewhere, { fetch })
      expect(yield* textOf(yield* open(layer), call)).toBe(fullText)
      expect(asked).toEqual([`${elsewhere}${provider.path}`])
      expect(server.requests.map(keyOf)).toEqual([defaultKey])
    }),
  )

  it.live.each(cells)(
    "sends through the proxy that it is given ($on)",
    Effect.fnUntraced(function* ({ call, provider }) {
      const proxy = yield* answers(provider.wire)
      const layer = provider.layerOf(elsewhere, { proxy: proxy.url })
      expect(yield* textOf(yield* open(layer), call)).toBe(fullText)
      expect(proxy.requests.map((request) => [request.path, keyOf(request)])).toEqual([
        [`${elsewhere}${provider.path}`, defaultKey],
      ])
    }),
  )

  it.live.each(cells)(
    "uses no client that is around: none of the context, none built beside it ($on)",
    Effect.fnUntraced(function* ({ call, provider }) {
      const server = yield* answers(provider.wire)
      const { keys, layer } = recorder()
      const asked = Effect.gen(function* () {
        yield* HttpClient.HttpClient
        expect(yield* textOf(yield* LlmProvider, call)).toBe(fullText)
      })
      const plain = provider.layer(server.url)
      yield* asked.pipe(Effect.provide(plain), Effect.provide(layer))
      yield* asked.pipe(Effect.provide(Layer.provideMerge(plain, layer)))
      yield* asked.pipe(Effect.provide(Layer.merge(layer, plain)))
      expect(keys).toEqual([])
      expect(server.requests).toHaveLength(3)
    }),
  )

  it.live.each(calls.map((call) => ({ call })))(
    "beside layerHttpClient in one build keeps its key from the other's client, in both orders ($call)",
    Effect.fnUntraced(function* ({ call }) {
      const server = yield* answers()
      for (const order of ["own first", "given first"]) {
        const { keys, layer } = recorder()
        const own = as(First, OpenAi.layer(options(server, "sk-own")))
        const given = as(Second, OpenAi.layerHttpClient(options(server, "sk-given"))).pipe(Layer.provide(layer))
        yield* Effect.gen(function* () {
          yield* textOf(yield* First, call)
          yield* textOf(yield* Second, call)
        }).pipe(Effect.provide(order === "own first" ? Layer.merge(own, given) : Layer.merge(given, own)))
        expect(keys, order).toEqual(["sk-given"])
      }
    }),
  )

  it.live(
    "has connections of its own: closing one provider leaves the other's open",
    Effect.fnUntraced(function* () {
      const server = yield* answers()
      const layer = () => OpenAi.layer(options(server, "sk"))
      yield* Effect.gen(function* () {
        const outer = yield* LlmProvider
        yield* ask(outer, "generate")
        yield* Effect.scoped(
          Effect.gen(function* () {
            const inner = Context.get(yield* Layer.build(layer()), LlmProvider)
            yield* ask(inner, "generate")
          }),
        )
        yield* ask(outer, "generate")
      }).pipe(Effect.provide(layer()))
      // One of the outer's, used twice, and one of the inner's.
      expect(server.requests.map(({ connection }) => connection.index)).toEqual([0, 1, 0])
    }),
  )
})

describe("a layer that is used twice", patient, () => {
  it.live(
    "is built once on both sides of a fallback: a limit of one is never exceeded",
    Effect.fnUntraced(function* () {
      let builds = 0
      const server = yield* answers()
      const counted = Layer.unwrap(
        Effect.sync(() => {
          builds += 1
          return OpenAi.layer(options(server, "sk"))
        }),
      ).pipe(withConcurrency(1))
      const stack = Layer.merge(as(First, counted.pipe(withFallback(counted))), as(Second, counted))
      yield* Effect.gen(function* () {
        const [first, second] = [yield* First, yield* Second]
        const asked = [first, second, first, second].map((service) => textOf(service, "generate"))
        expect(yield* Effect.all(asked, { concurrency: "unbounded" })).toEqual(Array.from(asked, () => fullText))
      }).pipe(Effect.provide(stack))
      expect(builds).toBe(1)
      expect(server.peakInFlight).toBe(1)
    }),
  )
})
