/**
 * A service whose key has a header of its own: as a row of the service table, and as the option `keyHeader` of a service that is
 * not listed.
 */
import { describe, expect, it } from "@effect/vitest"
import * as ConfigProvider from "effect/ConfigProvider"
import * as Effect from "effect/Effect"
import * as FetchHttpClient from "effect/http/FetchHttpClient"
import * as Layer from "effect/Layer"
import {
  CallOptions,
  EmbeddingProvider,
  type InterfaceOptions,
  type LlmError,
  LLMInterface,
  LlmStack,
  ModelInfo,
  OpenAi,
  ProviderRegistry,
  unwrap,
} from "../../src/index.ts"
import * as EmbeddingService from "../../src/providers/EmbeddingService.ts"
import type { TargetOptions } from "../../src/providers/ProviderOptions.ts"
import * as ProviderLayer from "../../src/transport/ProviderLayer.ts"
import { ask, hello, open, patient, quickRetry, serve } from "../contract/Ask.ts"
import { useBareEnvironment } from "../contract/BareEnvironment.ts"
import { Exposure } from "../contract/Exposure.ts"
import { defaultKey } from "../contract/Providers.ts"
import { callOf, goodAnswer } from "../faults/FaultScenario.ts"
import type { RecordedRequest } from "../faults/FaultServer.ts"
import { whole } from "../faults/HttpText.ts"
import { chat, fullText } from "../faults/WireText.ts"
import { answerTo } from "./EmbeddingUpstream.ts"

useBareEnvironment("none")

/** A service of the test's own, written as a row of the table is. */
const acme = EmbeddingService.row({
  name: "acme",
  title: "Acme",
  apiBase: "https://api.acme.invalid/v1",
  keyHeader: "X-Acme-Key",
  embeddings: { exampleModel: "acme-embed" },
})

const acmeAt = (url: string, options: TargetOptions = {}): TargetOptions => ({
  apiKey: defaultKey,
  apiBase: `${url}/v1`,
  model: "large",
  ...options,
})

const acmeLayer = (url: string, options: TargetOptions = {}) => ProviderLayer.layer(acme.endpoint(acmeAt(url, options)))

const listed = JSON.stringify({ object: "list", data: [{ id: "large", object: "model" }] })

/** What a service with chat, embeddings and a list of models answers. */
const answerOf = (request: RecordedRequest) => {
  if (request.path.endsWith("/embeddings")) return whole(answerTo(request))
  return request.path.endsWith("/models") ? whole(listed) : goodAnswer(chat, callOf(request))
}

/** The headers that hold a key, and what each says. */
const holding = (key: string) => (request: RecordedRequest) =>
  Object.fromEntries(Object.entries(request.headers).filter(([, value]) => value?.includes(key) === true))

const embedAndList = (embeddings: Layer.Layer<EmbeddingProvider, LlmError>, models: Layer.Layer<ModelInfo, LlmError>) =>
  Effect.gen(function* () {
    yield* (yield* EmbeddingProvider).embed({ inputs: ["a"] })
    yield* (yield* ModelInfo).models
  }).pipe(Effect.provide(Layer.merge(embeddings, models)))

const calls = ["generate", "stream"] as const

describe("a service whose key has a header of its own", patient, () => {
  it.live(
    "carries it there and nowhere else: answers, streams, embeddings and the list of models",
    Effect.fnUntraced(function* () {
      const server = yield* serve(answerOf)
      const { embeddings, models } = acme
      if (embeddings === undefined || models === undefined) return yield* Effect.die("a row without them")
      const options = acmeAt(server.url)
      const llm = yield* open(acmeLayer(server.url))
      for (const call of calls) expect((yield* ask(llm, call)).text).toBe(fullText)
      yield* embedAndList(
        ProviderLayer.layerEmbeddings(embeddings.endpoint(options)),
        ProviderLayer.layerModels(models.endpoint(options)),
      )
      expect(server.requests.map(({ path }) => path)).toEqual([
        "/v1/chat/completions",
        "/v1/chat/completions",
        "/v1/embeddings",
        "/v1/models",
      ])
      for (const request of server.requests) {
        expect(holding(defaultKey)(request)).toEqual({ "x-acme-key": defaultKey })
        expect(request.headers).not.toHaveProperty("authorization")
      }
    }),
  )

  it.live.each(calls.map((call) => ({ call })))(
    "keeps it beside the caller's headers, of the layer and of the call ($call)",
    Effect.fnUntraced(function* ({ call }) {
      const server = yield* serve(answerOf)
      const headers = {
        "X-Team": "blue",
        "x-acme-key": "other",
        "X-ACME-KEY": "another",
        authorization: "Bearer gateway",
      }
      const llm = yield* open(acmeLayer(server.url, { headers }))
      yield* Effect.provideService(ask(llm, call), CallOptions, { headers: { "X-Acme-Key": "third", "x-call": "1" } })
      expect(server.requests).toMatchObject([
        { headers: { "x-acme-key": defaultKey, "x-team": "blue", "x-call": "1", authorization: "Bearer gateway" } },
      ])
    }),
  )

  it.live.each(
    calls.flatMap((call) => [
      { call, keys: ["key-old", "key-new"] },
      { call, keys: ["key-old"] },
    ]),
  )(
    "asks again for one that was refused: $keys ($call)",
    Effect.fnUntraced(function* ({ call, keys }) {
      const server = yield* serve((request) =>
        request.headers["x-acme-key"] === "key-new" ? answerOf(request) : whole("{}", 401),
      )
      let asked = 0
      const apiKey = () => keys[Math.min(asked++, keys.length - 1)] ?? ""
      const layer = acmeLayer(server.url, { apiKey, headers: { "X-Team": "blue" } })
      yield* ask(yield* open(layer.pipe(quickRetry)), call)
      expect(server.requests.map(({ headers }) => headers["x-acme-key"])).toEqual(keys)
    }),
  )

  it.live.each(calls.map((call) => ({ call })))(
    "shows it in no error ($call)",
    Effect.fnUntraced(function* ({ call }) {
      const server = yield* serve(({ headers }) =>
        whole(JSON.stringify({ error: { message: headers["x-acme-key"] } }), 403),
      )
      const exposure = new Exposure()
      const seen = yield* exposure.watch(Effect.flatMap(open(acmeLayer(server.url)), (llm) => ask(llm, call)))
      exposure.showFailure(seen.error)
      expect(seen.error?.message).toContain("<redacted>")
      expect(exposure.all()).not.toContain(defaultKey)
    }),
  )

  it.live(
    "sends through the program's fetch, its proxy and its HttpClient",
    Effect.fnUntraced(function* () {
      const server = yield* serve(answerOf)
      const sent: Array<string> = []
      const fetch = async (url: string) => {
        sent.push(url)
        return new Response(chat.answer(fullText))
      }
      const llm = yield* open(acmeLayer("http://upstream.invalid", { fetch }))
      expect((yield* ask(llm, "generate")).text).toBe(fullText)
      expect(sent).toEqual(["http://upstream.invalid/v1/chat/completions"])
      const proxied = yield* open(acmeLayer("http://upstream.invalid", { proxy: server.url }))
      expect((yield* ask(proxied, "stream")).text).toBe(fullText)
      const layer = ProviderLayer.layerHttpClient(acme.endpoint(acmeAt(server.url)))
      expect((yield* ask(yield* open(Layer.provide(layer, FetchHttpClient.layer)), "generate")).text).toBe(fullText)
      expect(server.requests).toMatchObject([
        { path: "http://upstream.invalid/v1/chat/completions", headers: { "x-acme-key": defaultKey } },
        { path: "/v1/chat/completions", headers: { "x-acme-key": defaultKey } },
      ])
    }),
  )

  it("names its key where there is none", () => {
    const { message } = Effect.runSync(Effect.flip(acme.endpoint({ model: "large" })))
    expect(message).toContain("ACME_API_KEY: is not set")
  })
})

describe("keyHeader, for a service that is not listed", patient, () => {
  const keyHeader = "X-Acme-Key"

  it.live(
    "is an option of OpenAi's Layers, and of layerConfig",
    Effect.fnUntraced(function* () {
      const server = yield* serve(answerOf)
      const options = { name: "acme", keyHeader, ...acmeAt(server.url) }
      expect((yield* ask(yield* open(OpenAi.layer(options)), "stream")).text).toBe(fullText)
      expect((yield* ask(yield* open(OpenAi.layerConfig(options)), "generate")).text).toBe(fullText)
      yield* embedAndList(OpenAi.layerEmbeddings(options), OpenAi.layerModels(options))
      expect(server.requests.map(holding(defaultKey))).toEqual(
        Array.from({ length: 4 }, () => ({ "x-acme-key": defaultKey })),
      )
    }),
  )

  it.live(
    "is an option of LLMInterface: of the provider, of several, of fallbacks and of deployments",
    Effect.fnUntraced(function* () {
      const server = yield* serve(({ headers, ...request }) =>
        headers["x-acme-key"] === "sk-refused" ? whole("{}", 401) : answerOf({ ...request, headers }),
      )
      const apiBase = `${server.url}/v1`
      const own = { apiKey: defaultKey, apiBase, keyHeader }
      const target = { ...own, provider: "openai", model: "large" } as const
      const refused = { ...target, apiKey: "sk-refused" }
      const rest = { logger: false, maxRetries: 0 } as const
      const asked: ReadonlyArray<InterfaceOptions> = [
        target,
        { model: "openai/large", providers: { openai: own } },
        { ...refused, fallbacks: [target] },
        { provider: "openai", model: "large", deployments: [{ ...own, name: "one" }] },
        // What they leave open is their provider's.
        {
          ...refused,
          provider: "groq",
          providers: { openai: own },
          fallbacks: [{ provider: "openai", model: "large" }],
        },
        { model: "openai/large", providers: { openai: own }, deployments: [{ name: "one" }] },
      ]
      for (const options of asked) {
        yield* Effect.promise(async () => {
          await using llm = new LLMInterface({ ...options, ...rest })
          expect(unwrap(await llm.generate(hello)).text).toBe(fullText)
        })
      }
      yield* Effect.promise(async () => {
        await using llm = new LLMInterface({ ...target, ...rest, embeddingModel: "openai/embed" })
        expect(unwrap(await llm.embed({ inputs: ["a"] })).embeddings).toHaveLength(1)
        expect(unwrap(await llm.models()).models).toMatchObject([{ id: "large" }])
      })
      const accepted = server.requests.filter(({ headers }) => headers["x-acme-key"] !== "sk-refused")
      expect(accepted.map(holding(defaultKey))).toEqual(Array.from({ length: 8 }, () => ({ "x-acme-key": defaultKey })))
      expect(server.requests.filter(({ headers }) => "authorization" in headers)).toEqual([])
    }),
  )

  it.live(
    "is not for another address than its own: a target with an address of its own names its own",
    Effect.fnUntraced(function* () {
      const server = yield* serve(answerOf)
      const elsewhere = { provider: "openai", model: "large", apiKey: defaultKey, apiBase: `${server.url}/v1` } as const
      const providers = { openai: { apiKey: "sk-own", apiBase: "http://127.0.0.1:1", keyHeader } }
      const rest = { model: "openai/large", providers, maxRetries: 0, logger: false } as const
      for (const options of [{ fallbacks: [elsewhere] }, { deployments: [{ ...elsewhere, name: "one" }] }]) {
        yield* Effect.promise(async () => {
          await using llm = new LLMInterface({ ...rest, ...options })
          expect(unwrap(await llm.generate(hello)).text).toBe(fullText)
        })
      }
      const bearer = { authorization: `Bearer ${defaultKey}` }
      expect(server.requests.map(holding(defaultKey))).toEqual([bearer, bearer])
    }),
  )

  it.live(
    "is a field of DEPLOYMENTS",
    Effect.fnUntraced(function* () {
      const server = yield* serve(answerOf)
      const entry = {
        name: "one",
        provider: "openai",
        api_key: defaultKey,
        api_base: server.url,
        key_header: keyHeader,
      }
      const settings = ConfigProvider.fromEnvRecord({ PRIMARY_MODEL: "large", DEPLOYMENTS: JSON.stringify([entry]) })
      const layer = Layer.provide(LlmStack.layerConfig(), ConfigProvider.layer(settings))
      expect((yield* ask(yield* open(layer), "generate")).text).toBe(fullText)
      expect(server.requests.map(holding(defaultKey))).toEqual([{ "x-acme-key": defaultKey }])
    }),
  )

  it.each(["", "two words", "x-é", "user-agent", "X-Request-Id"])(
    "%j is refused: it is no header's name, or a header that errors show",
    async (given) => {
      const reason = { _tag: "ConfigurationError", setting: "keyHeader" }
      for (const { endpoint } of ProviderRegistry.rows) {
        const options = { apiKey: defaultKey, apiBase: "http://127.0.0.1:1", model: "m", keyHeader: given }
        expect(Effect.runSync(Effect.flip(endpoint(options))).reason).toMatchObject(reason)
      }
      await using llm = new LLMInterface({ provider: "openai", apiKey: defaultKey, model: "m", keyHeader: given })
      expect(await llm.generate(hello)).toMatchObject({ errorType: "ConfigurationError" })
    },
  )

  it.each<[string, InterfaceOptions]>([
    ["keyHeader: it is not known", { provider: "fallback", model: "own", keyHeader }],
    [
      "deployments[0].keyHeader: is",
      { model: "openai/m", deployments: [{ name: "a", apiKey: "k", keyHeader: "a b" }] },
    ],
  ])("is named where it is wrong, by its place: %s", async (said, options) => {
    await using llm = new LLMInterface({ ...options, logger: false })
    expect(await llm.generate(hello)).toMatchObject({ error: expect.stringContaining(said) })
  })
})
