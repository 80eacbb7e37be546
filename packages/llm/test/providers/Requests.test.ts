/** What each provider sends: where to, with which headers, and nothing that says more than it must. */
import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import type * as Layer from "effect/Layer"
import {
  Anthropic,
  EmbeddingProvider,
  EmbeddingStack,
  LiteLlm,
  type LlmError,
  ModelInfo,
  ModelStack,
  OpenAi,
  withTelemetry,
} from "../../src/index.ts"
import { ask, open, serve } from "../contract/Ask.ts"
import { anthropic, cells, defaultKey, keyOf, providers } from "../contract/Providers.ts"
import { callOf, goodAnswer } from "../faults/FaultScenario.ts"
import { whole } from "../faults/HttpText.ts"
import { chat, fullText, messages } from "../faults/WireText.ts"
import { answerTo } from "./EmbeddingUpstream.ts"

const list = (layer: Layer.Layer<ModelInfo, LlmError>) =>
  Effect.provide(
    Effect.flatMap(ModelInfo, ({ models }) => models),
    layer,
  )
const embed = (layer: Layer.Layer<EmbeddingProvider, LlmError>) =>
  Effect.provide(
    Effect.flatMap(EmbeddingProvider, (service) => service.embed({ inputs: ["Hello."] })),
    layer,
  )

describe("a request", () => {
  it.live.each(cells)(
    "carries its key in one header, and JSON ($on)",
    Effect.fnUntraced(function* ({ call, provider }) {
      const server = yield* serve(() => goodAnswer(provider.wire, call))
      yield* ask(yield* open(provider.layer(server.url)), call)
      const { headers, json, method, path } = yield* Effect.promise(() => server.request(0))
      expect([method, path]).toEqual(["POST", provider.path])
      expect(headers).toMatchObject({ ...provider.headers, "content-type": "application/json" })
      const credentials = Object.entries(headers).filter(
        ([name, value]) => name === "authorization" || value.includes(defaultKey),
      )
      expect(Object.fromEntries(credentials)).toEqual(provider.headerOf(defaultKey))
      expect(json).toMatchObject({ model: provider.model })
      expect((json as { stream?: boolean }).stream ?? false).toBe(call === "stream")
    }),
  )

  it.live.each(cells)(
    "carries no trace of the caller's spans ($on)",
    Effect.fnUntraced(function* ({ call, provider }) {
      const server = yield* serve(() => goodAnswer(provider.wire, call))
      const llm = yield* open(provider.layer(server.url).pipe(withTelemetry))
      yield* Effect.withSpan(ask(llm, call), "caller")
      const { headers } = yield* Effect.promise(() => server.request(0))
      expect(Object.keys(headers).filter((name) => /trace|b3|baggage/.test(name))).toEqual([])
    }),
  )

  it.live.each(providers.map((provider) => ({ provider, on: provider.name })))(
    "is the first and only one: nothing is asked before it, and its connection is used again ($on)",
    Effect.fnUntraced(function* ({ provider }) {
      const server = yield* serve((request) => goodAnswer(provider.wire, callOf(request)))
      const llm = yield* open(provider.layer(server.url))
      expect(server.connections).toEqual([])
      for (let turn = 0; turn < 10; turn++) yield* ask(llm, turn % 2 === 0 ? "generate" : "stream")
      expect(server.requests).toHaveLength(10)
      // A call that follows at once may find the connection of the one before not free yet.
      expect(server.connections.length).toBeLessThanOrEqual(2)
    }),
  )
})

describe("a request for embeddings and for the list of models", () => {
  it.live.each(providers.map((provider) => ({ provider, on: provider.name })))(
    "carries the same headers, where the provider has them ($on)",
    Effect.fnUntraced(function* ({ provider: { headerOf, headers, optionsAt, provider, row } }) {
      const server = yield* serve((request) => whole(request.method === "GET" ? '{"data":[]}' : answerTo(request)))
      const options = { ...optionsAt(server.url), apiKey: defaultKey }
      const asked = [
        ...(row.models === undefined ? [] : [list(ModelStack.layerProvider(provider, options))]),
        ...(row.embeddings === undefined ? [] : [embed(EmbeddingStack.layerProvider(provider, options))]),
      ]
      for (const one of asked) yield* one
      const wanted = { ...headers, ...headerOf(defaultKey) }
      expect(server.requests).toMatchObject(asked.map(() => ({ headers: wanted })))
    }),
  )
})

describe("an API base", () => {
  it.live.each(["/v1", "/v1/", "/v1//", "/v1/chat/completions", "/v1/chat/completions/"].map((base) => ({ base })))(
    "of OpenAI's kind may be written $base",
    Effect.fnUntraced(function* ({ base }) {
      const server = yield* serve((request) => goodAnswer(chat, callOf(request)))
      const llm = yield* open(OpenAi.layer({ apiKey: "key", apiBase: `${server.url}${base}`, model: "m" }))
      expect((yield* ask(llm, "generate")).text).toBe(fullText)
      expect(server.requests[0]?.path).toBe("/v1/chat/completions")
    }),
  )

  it.live.each([
    { base: "/openai/v1", path: "/openai/v1/chat/completions" },
    { base: "/api/v1", path: "/api/v1/chat/completions" },
    { base: "", path: "/chat/completions" },
  ])(
    "of a compatible service is taken as it is: $base",
    Effect.fnUntraced(function* ({ base, path }) {
      const server = yield* serve((request) => goodAnswer(chat, callOf(request)))
      yield* ask(yield* open(OpenAi.layer({ apiKey: "key", apiBase: `${server.url}${base}`, model: "m" })), "stream")
      expect(server.requests[0]?.path).toBe(path)
    }),
  )

  it.live.each(["", "/", "/v1", "/v1/", "/v1/messages"].map((base) => ({ base })))(
    "of Anthropic may be written {host}$base",
    Effect.fnUntraced(function* ({ base }) {
      const server = yield* serve((request) => goodAnswer(messages, callOf(request)))
      const llm = yield* open(Anthropic.layer({ apiKey: "key", apiBase: `${server.url}${base}`, model: "m" }))
      expect((yield* ask(llm, "generate")).text).toBe(fullText)
      expect(server.requests[0]?.path).toBe("/v1/messages")
    }),
  )

  it.live.each([
    { base: "", path: "/chat/completions" },
    { base: "/", path: "/chat/completions" },
    { base: "/v1", path: "/v1/chat/completions" },
    { base: "/proxy/v1/", path: "/proxy/v1/chat/completions" },
  ])(
    "of a LiteLLM proxy may be written {host}$base",
    Effect.fnUntraced(function* ({ base, path }) {
      const server = yield* serve((request) => goodAnswer(chat, callOf(request)))
      yield* ask(yield* open(LiteLlm.layer({ apiBase: `${server.url}${base}`, model: "alias" })), "generate")
      expect(server.requests[0]?.path).toBe(path)
      expect(server.requests.map(keyOf)).toEqual([undefined])
    }),
  )
})

describe("a provider's own headers", () => {
  it.live.each(cells)(
    "are added to every request, and do not replace the key ($on)",
    Effect.fnUntraced(function* ({ call, provider }) {
      const server = yield* serve(() => goodAnswer(provider.wire, call))
      const [keyHeader] = provider.keyHeader
      const headers = { "X-Team": "blue", [keyHeader]: "other", [keyHeader.toUpperCase()]: "another" }
      const llm = yield* open(provider.layerOf(server.url, { headers }))
      for (let turn = 0; turn < 2; turn++) expect((yield* ask(llm, call)).text).toBe(fullText)
      const wanted = { ...provider.headers, ...provider.headerOf(defaultKey), "x-team": "blue" }
      expect(server.requests).toMatchObject([{ headers: wanted }, { headers: wanted }])
    }),
  )

  it.live.each(cells)(
    "may name another one for the key: keyHeader ($on)",
    Effect.fnUntraced(function* ({ call, provider }) {
      const server = yield* serve(() => goodAnswer(provider.wire, call))
      yield* ask(yield* open(provider.layerOf(server.url, { keyHeader: "X-Gateway-Key" })), call)
      expect(server.requests).toMatchObject([{ headers: { ...provider.headers, "x-gateway-key": defaultKey } }])
      expect(server.requests.map(keyOf)).toEqual([undefined])
    }),
  )

  it.live(
    "of Anthropic add a feature, and do not replace the version",
    Effect.fnUntraced(function* () {
      const server = yield* serve((request) => goodAnswer(messages, callOf(request)))
      const headers = { "anthropic-beta": "files", "anthropic-version": "2020-01-01" }
      yield* ask(yield* open(anthropic.layerOf(server.url, { apiVersion: "2026-10-21", headers })), "generate")
      expect(server.requests).toMatchObject([
        { headers: { "anthropic-beta": "files", "anthropic-version": "2026-10-21" } },
      ])
    }),
  )
})
