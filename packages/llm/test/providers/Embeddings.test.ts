/** Embeddings of every provider, over loopback HTTP: what is sent, and what comes of every kind of answer. */
import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import type * as Layer from "effect/Layer"
import { inspect } from "node:util"
import {
  AzureOpenAi,
  EmbeddingProvider,
  EmbeddingStack,
  type EmbeddingRequest,
  LiteLlm,
  type LlmError,
  OpenAi,
  ProviderRegistry,
} from "../../src/index.ts"
import { type Answer, delay, end, inTurn, stall } from "../faults/FaultServer.ts"
import { whole } from "../faults/HttpText.ts"
import { chat } from "../faults/WireText.ts"
import { answerTo, asked, serve, vectorOf } from "./EmbeddingUpstream.ts"

const apiKey = "sk-contract-0123456789"
const model = "text-embedding-3-small"

interface Row {
  readonly name: string
  readonly provider: string
  readonly model: string
  readonly path: string
  readonly header: readonly [string, string]
  readonly layer: (url: string) => Layer.Layer<EmbeddingProvider, LlmError>
}

const bearer = ["authorization", `Bearer ${apiKey}`] as const

const rows: ReadonlyArray<Row> = [
  {
    name: "OpenAI",
    provider: "openai",
    model,
    path: "/v1/embeddings",
    header: bearer,
    layer: (url) => OpenAi.layerEmbeddings({ apiKey, model, apiBase: `${url}/v1` }),
  },
  {
    name: "Azure, classic",
    provider: "azure",
    model: "my-embeddings",
    path: "/openai/deployments/my-embeddings/embeddings?api-version=2024-10-21",
    header: ["api-key", apiKey],
    layer: (url) =>
      AzureOpenAi.layerEmbeddings({ apiKey, model: "my-embeddings", apiBase: url, apiVersion: "2024-10-21" }),
  },
  {
    name: "Azure, v1",
    provider: "azure",
    model: "my-embeddings",
    path: "/openai/v1/embeddings",
    header: ["api-key", apiKey],
    layer: (url) => AzureOpenAi.layerEmbeddings({ apiKey, model: "my-embeddings", apiBase: url, apiVersion: "v1" }),
  },
  {
    name: "Azure with a token",
    provider: "azure",
    model: "my-embeddings",
    path: "/openai/v1/embeddings",
    header: bearer,
    layer: (url) =>
      AzureOpenAi.layerEmbeddings({
        entraToken: () => apiKey,
        model: "my-embeddings",
        apiBase: `${url}/openai/v1/embeddings`,
      }),
  },
  {
    name: "LiteLLM",
    provider: "litellm",
    model: "alias",
    path: "/embeddings",
    header: bearer,
    layer: (url) => LiteLlm.layerEmbeddings({ apiKey, model: "alias", apiBase: url }),
  },
  ...(["voyage", "mistral", "gemini", "qwen", "cohere", "ollama", "vllm", "openrouter"] as const).map((provider) => ({
    name: provider,
    provider,
    model: "some-model",
    path: "/v1/embeddings",
    header: bearer,
    layer: (url: string) =>
      EmbeddingStack.layerProvider(provider, { apiKey, model: "some-model", apiBase: `${url}/v1` }),
  })),
]

const embed = (layer: Layer.Layer<EmbeddingProvider, LlmError>, request: Partial<EmbeddingRequest> = {}) =>
  Effect.provide(
    Effect.flatMap(EmbeddingProvider, (provider) => provider.embed({ inputs: ["one", "three"], ...request })),
    layer,
  )

describe("embed", () => {
  it.live.each(rows)(
    "asks $name at its own address with its own key",
    ({ header: [name, value], layer, model, path, provider }) =>
      Effect.gen(function* () {
        const server = yield* serve()
        const { embeddings, metadata } = yield* embed(layer(server.url))
        expect(embeddings).toEqual([vectorOf("one"), vectorOf("three")])
        expect(server.requests).toHaveLength(1)
        const [request] = server.requests
        expect(request).toMatchObject({ method: "POST", path, headers: { [name]: value } })
        expect(request?.json).toMatchObject({ model, input: ["one", "three"] })
        expect(metadata).toMatchObject({
          provider,
          model,
          servedModel: model,
          usage: { inputTokens: 8, outputTokens: 0, totalTokens: 8 },
          usageStatus: "reported",
          warnings: [],
          degraded: false,
        })
        expect(metadata.attempts).toMatchObject([{ provider, model, status: 200, targetIndex: 0 }])
      }).pipe(Effect.scoped),
  )

  it.live.each(rows)("reads vectors of $name as base64 and as numbers, whatever was asked for", ({ layer }) =>
    Effect.gen(function* () {
      const server = yield* serve((request) => whole(answerTo(request, request.index === 0 ? "base64" : "float")))
      const provided = layer(server.url)
      const expected = [vectorOf("one"), vectorOf("three")]
      expect((yield* embed(provided)).embeddings).toEqual(expected)
      expect((yield* embed(provided)).embeddings).toEqual(expected)
    }).pipe(Effect.scoped),
  )

  it.live("asks for base64 where the service documents it, and says nothing where it does not", () =>
    Effect.gen(function* () {
      const server = yield* serve()
      const forms: Record<string, string | undefined> = {}
      for (const { layer, name } of rows) {
        yield* embed(layer(server.url))
        forms[name] = asked(yield* Effect.promise(() => server.request(server.requests.length - 1))).encoding_format
      }
      expect(forms).toEqual({
        OpenAI: "base64",
        "Azure, classic": "base64",
        "Azure, v1": "base64",
        "Azure with a token": "base64",
        LiteLLM: undefined,
        voyage: "base64",
        mistral: "base64",
        gemini: undefined,
        qwen: "float",
        cohere: undefined,
        ollama: "base64",
        vllm: "base64",
        openrouter: undefined,
      })
    }).pipe(Effect.scoped),
  )

  it.live("names the length as Voyage does, and asks it not to cut long texts", () =>
    Effect.gen(function* () {
      const server = yield* serve()
      const layer = EmbeddingStack.layerProvider("voyage", { apiKey, model: "voyage-3.5", apiBase: server.url })
      const { embeddings } = yield* embed(layer, { dimensions: 2 })
      expect(embeddings.map(({ length }) => length)).toEqual([2, 2])
      expect(server.requests[0]?.json).toMatchObject({ output_dimension: 2, truncation: false })
    }).pipe(Effect.scoped),
  )

  it.live("knows the price of a model in the table, also of one with a price for output, and no other", () =>
    Effect.gen(function* () {
      const server = yield* serve()
      // Prices count at a provider's own address only.
      const through = (url: string, init: RequestInit) => fetch(`${server.url}${new URL(url).pathname}`, init)
      const openai = OpenAi.layerEmbeddings({ apiKey, fetch: through })
      expect((yield* embed(openai, { model })).metadata.costUsd).toBeCloseTo((8 * 0.02) / 1e6, 15)
      expect((yield* embed(openai, { model: "text-embedding-9" })).metadata.costUsd).toBeNull()
      const mistral = EmbeddingStack.layerProvider("mistral", { apiKey, fetch: through })
      expect((yield* embed(mistral, { model: "mistral-embed" })).metadata.costUsd).toBeCloseTo((8 * 0.1) / 1e6, 15)
      const elsewhere = OpenAi.layerEmbeddings({ apiKey, apiBase: server.url })
      expect((yield* embed(elsewhere, { model })).metadata.costUsd).toBeNull()
      const own = OpenAi.layerEmbeddings({ apiKey, apiBase: server.url, prices: { [model]: { input: 1, output: 0 } } })
      expect((yield* embed(own, { model })).metadata).toMatchObject({ costUsd: 8 / 1e6, priceSource: "custom" })
    }).pipe(Effect.scoped),
  )

  it.live.each<readonly [string, Answer, string]>([
    ["a service's own error", whole(chat.error("rate-limit").body, 429, { "retry-after": "7" }), "RateLimitError"],
    ["an error under 200", whole(chat.error("rate-limit").body), "RateLimitError"],
    ["a wrong key", whole(chat.error("authentication").body, 401), "AuthenticationError"],
    ["a page", whole("<html>502 Bad Gateway</html>", 502), "ServerError"],
    ["no JSON", whole("hello"), "InvalidResponseError"],
    ["one vector for two inputs", whole('{"data":[{"index":0,"embedding":[1]}]}'), "InvalidResponseError"],
    ["an end before the end", [...whole('{"data":', 200, { "content-length": 99 }), end], "StreamInterruptedError"],
  ])("fails with %s as answers do, and tells the attempt", ([, answer, errorType]) =>
    Effect.gen(function* () {
      const server = yield* serve(() => answer)
      const error = yield* Effect.flip(embed(OpenAi.layerEmbeddings({ apiKey, model, apiBase: server.url })))
      expect(error.reason._tag).toBe(errorType)
      expect(error).toMatchObject({ provider: "openai", model })
      expect(error.attempts).toMatchObject([{ errorType }])
      expect(inspect(error, { depth: 9 }) + JSON.stringify(error)).not.toContain(apiKey)
    }).pipe(Effect.scoped),
  )

  it.live.each([
    [{ inputs: [] }, "inputs"],
    [{ inputs: ["a", ""] }, "inputs[1]"],
    [{ inputs: ["a"], dimensions: 0 }, "dimensions"],
    [{ inputs: ["a"], dimension: 5 }, "dimension"],
    [{ inputs: "a" }, "inputs"],
    [{ inputs: ["a"], providerOptions: { openai: { seed: 1n } } }, "providerOptions.openai.seed"],
    [{ inputs: Array.from({ length: 2049 }, () => "a") }, "inputs"],
  ])("refuses a request that cannot be right before it is sent, by the field (%#)", ([request, parameter]) =>
    Effect.gen(function* () {
      const server = yield* serve()
      const layer = OpenAi.layerEmbeddings({ apiKey, model, apiBase: server.url })
      const error = yield* Effect.flip(embed(layer, request as Partial<EmbeddingRequest>))
      expect(error.reason).toMatchObject({ _tag: "InvalidRequestError", parameter })
      expect(server.requests).toHaveLength(0)
    }).pipe(Effect.scoped),
  )

  it.live("says which model to write where none is named, and shows no key in its place", () =>
    Effect.gen(function* () {
      const layer = OpenAi.layerEmbeddings({ apiKey })
      const { message, reason } = yield* Effect.flip(embed(layer))
      expect(reason).toMatchObject({ _tag: "ConfigurationError", setting: "EMBEDDING_MODEL" })
      expect(message).toContain("EMBEDDING_MODEL=text-embedding-3-small")
      const pasted = yield* Effect.flip(embed(layer, { model: "sk-proj-0123456789abcdefghij" }))
      expect(JSON.stringify(pasted)).not.toContain("0123456789abcdefghij")
    }),
  )

  it.live("sends more than a limit that is only advised, in one request", () =>
    Effect.gen(function* () {
      const server = yield* serve()
      const inputs = Array.from({ length: 200 }, (_, place) => `text ${place}`)
      const { embeddings } = yield* embed(LiteLlm.layerEmbeddings({ model: "alias", apiBase: server.url }), { inputs })
      expect(embeddings).toHaveLength(200)
      expect(server.requests).toHaveLength(1)
    }).pipe(Effect.scoped),
  )

  it.live("closes its connection when it is interrupted", () =>
    Effect.gen(function* () {
      const server = yield* serve(inTurn([delay(1), stall]))
      const fiber = yield* Effect.forkChild(embed(OpenAi.layerEmbeddings({ apiKey, model, apiBase: server.url })))
      const request = yield* Effect.promise(() => server.request(0))
      yield* Fiber.interrupt(fiber)
      yield* Effect.promise(() => request.connection.closed)
      expect(request.connection.closedBy).toBe("client")
    }).pipe(Effect.scoped),
  )
})

describe("a layer of embeddings", () => {
  it.effect("of a provider that serves none says who does", () =>
    Effect.gen(function* () {
      const error = yield* Effect.flip(embed(EmbeddingStack.layerProvider("anthropic", { apiKey, model })))
      expect(error.reason._tag).toBe("ConfigurationError")
      expect(error.message).toContain("voyage")
    }),
  )

  it("of Voyage has its limits by model", () => {
    const voyage = ProviderRegistry.find("voyage")?.embeddings
    const endpoint = voyage === undefined ? undefined : Effect.runSync(voyage.endpoint({ apiKey }))
    expect(endpoint?.batchLimits("voyage-3.5-lite")).toEqual({ inputs: 1000, tokens: 1_000_000 })
    expect(endpoint?.batchLimits("voyage-3.5")).toEqual({ inputs: 1000, tokens: 320_000 })
    expect(endpoint?.batchLimits("voyage-law-2")).toEqual({ inputs: 1000, tokens: 120_000 })
  })

  it("answers nothing at Voyage, which is no provider of answers", () => {
    expect(ProviderRegistry.names).not.toContain("voyage")
    const row = ProviderRegistry.find("voyage")
    const error = row === undefined ? undefined : Effect.runSync(Effect.flip(row.endpoint({ apiKey, model: "m" })))
    expect(error?.message).toContain("serves embeddings only")
  })
})
