/** The embedding stack from settings: which provider is asked for which model, with which key, under which limits. */
import { describe, expect, it } from "@effect/vitest"
import * as ConfigProvider from "effect/ConfigProvider"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { EmbeddingProvider, type EmbeddingRequest, EmbeddingStack } from "../../../src/index.ts"
import { inTurn, type RecordedRequest } from "../../faults/FaultServer.ts"
import { whole } from "../../faults/HttpText.ts"
import { chat } from "../../faults/WireText.ts"
import { answerTo, asked, embeds, serve, vectorOf } from "../../providers/EmbeddingUpstream.ts"

const embed = (
  settings: Readonly<Record<string, string>>,
  request: Partial<EmbeddingRequest> = {},
  overrides: Parameters<typeof EmbeddingStack.layerConfig>[0] = {},
) =>
  Effect.provide(
    Effect.flatMap(EmbeddingProvider, (provider) => provider.embed({ inputs: ["one"], ...request })),
    Layer.provide(
      EmbeddingStack.layerConfig(overrides),
      Layer.succeed(ConfigProvider.ConfigProvider, ConfigProvider.fromEnvRecord(settings)),
    ),
  )

/** Keys of three providers, each at a path of its own of one server. */
const keys = (url: string) => ({
  OPENAI_API_KEY: "sk-openai-0123456789",
  OPENAI_API_BASE: `${url}/openai`,
  VOYAGE_API_KEY: "pa-voyage-0123456789",
  VOYAGE_API_BASE: `${url}/voyage`,
  MISTRAL_API_KEY: "mistral-0123456789",
  MISTRAL_API_BASE: `${url}/mistral`,
})

const seen = (request: RecordedRequest | undefined) =>
  request === undefined ? undefined : `${request.path} ${asked(request).model}`

describe("EMBEDDING_MODEL and the model of a request", () => {
  it.live.each([
    [{ EMBEDDING_MODEL: "text-embedding-3-small" }, undefined, "/openai/embeddings text-embedding-3-small"],
    [{ EMBEDDING_MODEL: "voyage/voyage-3.5" }, undefined, "/voyage/embeddings voyage-3.5"],
    [{ EMBEDDING_MODEL: "voyage-3.5" }, undefined, "/voyage/embeddings voyage-3.5"],
    [{ EMBEDDING_MODEL: "voyage/voyage-3.5" }, "mistral/mistral-embed", "/mistral/embeddings mistral-embed"],
    [{}, "mistral-embed", "/mistral/embeddings mistral-embed"],
    [
      { LLM_PROVIDER: "mistral", EMBEDDING_MODEL: "text-embedding-3-small" },
      undefined,
      "/mistral/embeddings text-embedding-3-small",
    ],
    [{ LLM_PROVIDER: "mistral" }, "openai/text-embedding-3-large", "/openai/embeddings text-embedding-3-large"],
    [
      { LLM_PROVIDER: "anthropic", ANTHROPIC_API_KEY: "sk-ant-0123456789" },
      "voyage-3.5",
      "/voyage/embeddings voyage-3.5",
    ],
    [{ LLM_PROVIDER: "openai" }, "BAAI/bge-m3", "/openai/embeddings BAAI/bge-m3"],
  ] as ReadonlyArray<readonly [Record<string, string>, string | undefined, string]>)(
    "%j with %s is asked of %s",
    ([settings, model, expected]) =>
      Effect.gen(function* () {
        const server = yield* serve()
        const { metadata } = yield* embed({ ...keys(server.url), ...settings }, model === undefined ? {} : { model })
        expect(server.requests.map(seen)).toEqual([expected])
        expect(metadata.model).toBe(expected.split(" ")[1])
      }).pipe(Effect.scoped),
  )

  it.live("reach a LiteLLM proxy as they are written", () =>
    Effect.gen(function* () {
      const server = yield* serve()
      yield* embed({ ...keys(server.url), LLM_API_BASE: server.url, EMBEDDING_MODEL: "voyage/voyage-3.5" })
      expect(server.requests.map(seen)).toEqual(["/embeddings voyage/voyage-3.5"])
    }).pipe(Effect.scoped),
  )

  it.live("of OpenAI are asked of Azure where only Azure has a key, as its deployment", () =>
    Effect.gen(function* () {
      const server = yield* serve()
      const settings = { AZURE_API_KEY: "azure-0123456789", AZURE_API_BASE: server.url, AZURE_API_VERSION: "v1" }
      yield* embed({ ...settings, EMBEDDING_MODEL: "text-embedding-3-small" })
      expect(server.requests.map(seen)).toEqual(["/openai/v1/embeddings text-embedding-3-small"])
    }).pipe(Effect.scoped),
  )

  it.live.each([
    [{}, undefined, "EMBEDDING_MODEL", "EMBEDDING_MODEL=text-embedding-3-small"],
    [{ EMBEDDING_MODEL: "text-embedding-3-small" }, undefined, "OPENAI_API_KEY", "is not set"],
    [{ EMBEDDING_MODEL: "my-model" }, undefined, "EMBEDDING_MODEL", "does not say which provider"],
    [{}, "my-model", "model", "openai/my-model"],
    [{ EMBEDDING_MODEL: "anthropic/claude-embed" }, undefined, "EMBEDDING_MODEL", "serves no embeddings"],
  ] as ReadonlyArray<readonly [Record<string, string>, string | undefined, string, string]>)(
    "%j with %s fails by the setting",
    ([settings, model, setting, words]) =>
      Effect.gen(function* () {
        const error = yield* Effect.flip(embed(settings, model === undefined ? {} : { model }))
        expect(error.reason).toMatchObject({ _tag: "ConfigurationError", setting })
        expect(error.message).toContain(words)
      }),
  )

  it.live("that is no text fails the request, and nothing else", () =>
    Effect.gen(function* () {
      const server = yield* serve()
      const request: Record<string, unknown> = { model: 7 }
      const error = yield* Effect.flip(embed(keys(server.url), request as Partial<EmbeddingRequest>))
      expect(error.reason).toMatchObject({ _tag: "InvalidRequestError", parameter: "model" })
    }).pipe(Effect.scoped),
  )
})

describe("the embedding stack", () => {
  it.live("splits many inputs by the service's limit, retries the part that failed, and tells one story", () =>
    Effect.gen(function* () {
      const server = yield* serve((request) =>
        request.index === 1
          ? whole(chat.error("rate-limit").body, 429, { "retry-after-ms": "1" })
          : whole(answerTo(request)),
      )
      const inputs = Array.from({ length: 5000 }, (_, place) => `text ${place}`)
      const { embeddings, metadata } = yield* embed(
        { ...keys(server.url), EMBEDDING_MODEL: "text-embedding-3-small" },
        { inputs },
        { prices: { "text-embedding-3-small": { input: 0.02, output: 0 } } },
      )
      expect(embeddings).toEqual(inputs.map((text) => vectorOf(text)))
      expect(server.requests).toHaveLength(4)
      expect(metadata.attempts.filter(({ errorType }) => errorType === "RateLimitError")).toHaveLength(1)
      const tokens = inputs.reduce((sum, text) => sum + text.length, 0)
      expect(metadata.usage.inputTokens).toBe(tokens)
      expect(metadata.costUsd).toBeCloseTo((tokens * 0.02) / 1e6, 9)
    }).pipe(Effect.scoped),
  )

  it.live("keeps to LLM_CONCURRENT_NUMBER and LLM_MAX_RETRIES", () =>
    Effect.gen(function* () {
      const server = yield* serve()
      const inputs = Array.from({ length: 90 }, (_, place) => `text ${place}`)
      const settings = {
        DASHSCOPE_API_KEY: "sk-0123456789",
        DASHSCOPE_API_BASE: server.url,
        LLM_CONCURRENT_NUMBER: "2",
      }
      yield* embed({ ...settings, EMBEDDING_MODEL: "qwen/text-embedding-v4" }, { inputs })
      expect(server.requests).toHaveLength(9)
      expect(server.peakInFlight).toBeLessThanOrEqual(2)
      const failing = yield* serve(() => whole(chat.error("server").body, 500))
      const error = yield* Effect.flip(
        embed({ ...keys(failing.url), LLM_MAX_RETRIES: "0" }, {}, { embeddingModel: "text-embedding-3-small" }),
      )
      expect([error.reason._tag, failing.requests.length]).toEqual(["ServerError", 1])
    }).pipe(Effect.scoped),
  )

  it.live("asks no other provider where the one of the model fails", () =>
    Effect.gen(function* () {
      const server = yield* serve(inTurn(whole(chat.error("authentication").body, 401)))
      const settings = {
        ...keys(server.url),
        LLM_PROVIDER: "fallback",
        EMBEDDING_MODEL: "openai/text-embedding-3-small",
      }
      const error = yield* Effect.flip(embed(settings))
      expect(error.reason._tag).toBe("AuthenticationError")
      expect(server.requests).toHaveLength(1)
    }).pipe(Effect.scoped),
  )

  it.live("reads the answers of several models side by side on one Layer", () =>
    Effect.gen(function* () {
      const server = yield* serve(embeds)
      const both = Effect.flatMap(EmbeddingProvider, (provider) =>
        Effect.all(
          [
            provider.embed({ inputs: ["one"] }),
            provider.embed({ inputs: ["one"], model: "voyage/voyage-3.5" }),
            provider.embed({ inputs: ["one"], model: "voyage/voyage-3.5-lite" }),
          ],
          { concurrency: 3 },
        ),
      )
      const settings = ConfigProvider.fromEnvRecord({ ...keys(server.url), EMBEDDING_MODEL: "text-embedding-3-small" })
      const layer = Layer.provide(EmbeddingStack.layerConfig(), Layer.succeed(ConfigProvider.ConfigProvider, settings))
      const answers = yield* Effect.provide(both, layer)
      expect(answers.map(({ metadata }) => metadata.provider)).toEqual(["openai", "voyage", "voyage"])
    }).pipe(Effect.scoped),
  )
})
