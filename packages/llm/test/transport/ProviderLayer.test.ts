/** Which transport a layer sends through: its own, a fetch of the program's, or the program's client, and never two of them. */
import { describe, expect, it } from "@effect/vitest"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as HttpClient from "effect/http/HttpClient"
import * as HttpClientResponse from "effect/http/HttpClientResponse"
import * as Layer from "effect/Layer"
import { EmbeddingProvider } from "../../src/model/EmbeddingProvider.ts"
import type { LlmError } from "../../src/model/LlmError.ts"
import { LlmProvider } from "../../src/model/LlmProvider.ts"
import { ModelInfo } from "../../src/model/ModelInfo.ts"
import * as Embeddings from "../../src/protocols/embeddings/Embeddings.ts"
import * as ModelPage from "../../src/protocols/models/ModelPage.ts"
import type { EmbeddingEndpoint, ModelEndpoint } from "../../src/transport/Endpoint.ts"
import * as ProviderLayer from "../../src/transport/ProviderLayer.ts"
import type { TransportOptions } from "../../src/transport/Transport.ts"
import { whole } from "../faults/HttpText.ts"
import { chat, fullText } from "../faults/WireText.ts"
import { endpoint } from "./Replies.ts"
import { hello, serve } from "../contract/Ask.ts"

const address = (transport: TransportOptions | undefined, url: string) => ({
  provider: "test",
  model: "m",
  url: () => url,
  headers: Effect.succeed({}),
  transport,
})
const embeddings = (transport: TransportOptions | undefined, url: string): EmbeddingEndpoint => ({
  ...address(transport, url),
  protocol: Embeddings.protocol,
  batchLimits: () => ({ inputs: 9 }),
})
const models = (transport: TransportOptions | undefined, url: string): ModelEndpoint => ({
  ...address(transport, url),
  protocol: ModelPage.protocol,
  estimate: () => Effect.succeed({ type: "unknown", reason: "none" }),
})

/** What each service answers with, and what a caller reads of it. */
const bodies = {
  answers: chat.answer(fullText),
  embeddings: JSON.stringify({ data: [{ embedding: [0.5] }] }),
  models: JSON.stringify({ data: [{ id: "a" }] }),
}
const names = ["answers", "embeddings", "models"] as const
type Name = (typeof names)[number]
const expected = { answers: fullText, embeddings: [[0.5]], models: [{ id: "a" }] }

/** What is read through the layer of a service, on a transport of its own or on the client of the context. */
const read = (name: Name, transport: TransportOptions | undefined, url = "https://api.test", own = true) => {
  const made = {
    answers: endpoint({ transport, url: () => url }),
    embeddings: embeddings(transport, url),
    models: models(transport, url),
  }
  const layers = {
    answers: (own ? ProviderLayer.layer : ProviderLayer.layerHttpClient)(Effect.succeed(made.answers)),
    embeddings: (own ? ProviderLayer.layerEmbeddings : ProviderLayer.layerEmbeddingsHttpClient)(
      Effect.succeed(made.embeddings),
    ),
    models: (own ? ProviderLayer.layerModels : ProviderLayer.layerModelsHttpClient)(Effect.succeed(made.models)),
  }
  const services = {
    answers: Effect.flatMap(LlmProvider, (llm) => Effect.map(llm.generate(hello), ({ text }): unknown => text)).pipe(
      Effect.provide(layers.answers),
    ),
    embeddings: Effect.flatMap(EmbeddingProvider, (service) =>
      Effect.map(service.embed({ inputs: ["a"] }), (answer): unknown => answer.embeddings),
    ).pipe(Effect.provide(layers.embeddings)),
    models: Effect.flatMap(ModelInfo, (info) => Effect.map(info.models, (list): unknown => list.models)).pipe(
      Effect.provide(layers.models),
    ),
  }
  return services[name] as Effect.Effect<unknown, LlmError, HttpClient.HttpClient>
}

/** A client that answers each request so, and counts them. */
const counting = (body: string) => {
  const seen = { requests: 0 }
  const client = HttpClient.make((request) =>
    Effect.sync(() => {
      seen.requests++
      return HttpClientResponse.fromWeb(request, new Response(body))
    }),
  )
  return { seen, layer: Layer.succeed(HttpClient.HttpClient, client) }
}

/** What the layers of a service are called after `layer`. */
const suffixes: Readonly<Record<Name, string>> = { answers: "", embeddings: "Embeddings", models: "Models" }

it("every layer there is sends here: of its own, and on the program's client", () => {
  const exported = Object.keys(ProviderLayer).filter((each) => each.startsWith("layer"))
  const sent = Object.values(suffixes).flatMap((suffix) => [`layer${suffix}`, `layer${suffix}HttpClient`])
  expect(sent.toSorted()).toEqual(exported.toSorted())
})

describe.each(names)("a layer of %s", (name) => {
  it.live("sends through connections of its own, and through no client that happens to be there", () =>
    Effect.gen(function* () {
      const server = yield* serve(() => whole(bodies[name]))
      for (const transport of [undefined, {}, { proxy: false as const }]) {
        const { layer, seen } = counting(bodies[name])
        expect(yield* Effect.provide(read(name, transport, server.url), layer)).toEqual(expected[name])
        expect(seen.requests).toBe(0)
      }
      expect(server.requests).toHaveLength(3)
    }).pipe(Effect.scoped),
  )

  it.live("sends through a fetch of the program's own where it has one", () =>
    Effect.gen(function* () {
      for (const proxy of [undefined, false] as const) {
        const { layer, seen } = counting("{}")
        const fetch = () => Promise.resolve(new Response(bodies[name]))
        expect(yield* Effect.provide(read(name, { fetch, proxy }), layer)).toEqual(expected[name])
        expect(seen.requests).toBe(0)
      }
    }),
  )

  it.live("on the program's client sends through that alone", () =>
    Effect.gen(function* () {
      const { layer, seen } = counting(bodies[name])
      expect(yield* Effect.provide(read(name, undefined, undefined, false), layer)).toEqual(expected[name])
      expect(seen.requests).toBe(1)
    }),
  )

  it.live("is refused with two ways to send, or with a fetch that is none, by the setting's name", () =>
    Effect.gen(function* () {
      const fetch = () => Promise.resolve(new Response(bodies[name]))
      const proxy = "http://p.test:1"
      const cases: ReadonlyArray<readonly [TransportOptions, boolean, string, string]> = [
        [{ fetch: "fetch" as unknown as typeof fetch }, true, "fetch", "is not a function"],
        [{ fetch, proxy }, true, "proxy", "a fetch of your own connects by itself; give one of the two"],
        [{ fetch }, false, "fetch", "layerHttpClient sends through its HttpClient alone"],
        [{ proxy }, false, "proxy", "layerHttpClient sends through its HttpClient alone"],
        [{ proxy: false }, false, "proxy", "layerHttpClient sends through its HttpClient alone"],
        [{ fetch, proxy }, false, "fetch", "layerHttpClient sends through its HttpClient alone"],
      ]
      for (const [transport, own, setting, message] of cases) {
        const { layer, seen } = counting(bodies[name])
        const error = yield* Effect.flip(Effect.provide(read(name, transport, undefined, own), layer))
        expect(error.reason).toMatchObject({ _tag: "ConfigurationError", setting })
        expect(error.message).toContain(message)
        expect(seen.requests).toBe(0)
      }
    }),
  )
})

describe("a layer", () => {
  it.live("shares no connection with another one, and closes its own with its scope", () =>
    Effect.gen(function* () {
      const server = yield* serve(() => whole(bodies.answers))
      const built = () => Layer.build(ProviderLayer.layer(Effect.succeed(endpoint({ url: () => server.url }))))
      yield* Effect.scoped(
        Effect.gen(function* () {
          for (const context of [yield* built(), yield* built()]) {
            yield* Context.get(context, LlmProvider).generate(hello)
          }
        }),
      )
      expect(server.connections).toHaveLength(2)
      yield* Effect.promise(() => Promise.all(server.connections.map(({ closed }) => closed)))
      expect(server.connections.map(({ closedBy }) => closedBy)).toEqual(["client", "client"])
    }).pipe(Effect.scoped),
  )
})
