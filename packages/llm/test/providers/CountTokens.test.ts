/** Tokens of a request at every provider, over loopback HTTP: exact where the service counts, an estimate or unknown elsewhere. */
import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import type * as Layer from "effect/Layer"
import { inspect } from "node:util"
import {
  Anthropic,
  AzureOpenAi,
  LiteLlm,
  type LlmError,
  type LlmRequest,
  ModelInfo,
  ModelStack,
  OpenAi,
  withBudget,
  withRateLimit,
  withRetry,
  withTelemetry,
  withTimeout,
} from "../../src/index.ts"
import { type Answer, delay, FaultServer, type Script, stall } from "../faults/FaultServer.ts"
import { whole } from "../faults/HttpText.ts"
import { chat } from "../faults/WireText.ts"

const apiKey = "sk-contract-0123456789"

const serve = (script: Script) =>
  Effect.acquireRelease(
    Effect.promise(() => FaultServer.start(script)),
    (server) => Effect.promise(() => server.close()),
  )

type ModelLayer = Layer.Layer<ModelInfo, LlmError>

const request: LlmRequest = {
  messages: [
    { role: "system", content: "You are terse." },
    { role: "user", content: "What is the weather in Paris?" },
  ],
  tools: [{ name: "weather", parameters: { type: "object", properties: { city: { type: "string" } } } }],
  temperature: 0,
  maxTokens: 100,
}

const count = (layer: ModelLayer, more: object = {}) =>
  Effect.provide(
    Effect.flatMap(ModelInfo, ({ countTokens }) => countTokens({ ...request, ...more })),
    layer,
  )

const openAi = (url: string) =>
  OpenAi.layerModels({ apiKey, model: "gpt-5", apiBase: `${url}/v1`, wireApi: "responses" })
const anthropic = (url: string) => Anthropic.layerModels({ apiKey, model: "claude-sonnet-5", apiBase: url })
const liteLlm = (url: string) => LiteLlm.layerModels({ apiKey, model: "alias", apiBase: `${url}/v1` })

const openAiAnswer = whole('{"object":"response.input_tokens","input_tokens":42}')

describe("countTokens", () => {
  it.live("asks OpenAI for a request of Responses, without what only an answer needs", () =>
    Effect.gen(function* () {
      const server = yield* serve(() => openAiAnswer)
      const { count: counted, metadata } = yield* count(openAi(server.url), {
        responseFormat: { type: "json-schema", schema: { type: "object" } },
        providerOptions: { openai: { truncation: "auto", metadata: { a: "b" } } },
      })
      expect(counted).toEqual({ type: "exact", inputTokens: 42 })
      expect(server.requests).toMatchObject([
        { method: "POST", path: "/v1/responses/input_tokens", headers: { authorization: `Bearer ${apiKey}` } },
      ])
      const body = server.requests[0]?.json as Readonly<Record<string, unknown>>
      expect(Object.keys(body).toSorted()).toEqual(["input", "model", "text", "tools", "truncation"])
      expect(body).toMatchObject({ model: "gpt-5", tools: [{ type: "function", name: "weather" }] })
      expect(metadata).toMatchObject({ provider: "openai", model: "gpt-5", usage: {}, costUsd: 0 })
      expect(metadata.attempts).toMatchObject([{ status: 200, model: "gpt-5" }])
    }).pipe(Effect.scoped),
  )

  it.live("asks Anthropic, without a limit of output", () =>
    Effect.gen(function* () {
      const server = yield* serve(() => whole('{"input_tokens":403}'))
      const { count: counted } = yield* count(anthropic(server.url), { model: "claude-opus-5" })
      expect(counted).toEqual({ type: "exact", inputTokens: 403 })
      expect(server.requests).toMatchObject([
        { method: "POST", path: "/v1/messages/count_tokens", headers: { "x-api-key": apiKey } },
      ])
      const body = server.requests[0]?.json as Readonly<Record<string, unknown>>
      expect(Object.keys(body).toSorted()).toEqual(["messages", "model", "system", "tools"])
      expect(body).toMatchObject({ model: "claude-opus-5", messages: [{ role: "user" }] })
    }).pipe(Effect.scoped),
  )

  it.live("asks the LiteLLM proxy to ask the service, and takes the word of no other tokenizer for it", () =>
    Effect.gen(function* () {
      const told = { total_tokens: 77, request_model: "alias", model_used: "claude-sonnet-5" }
      const server = yield* serve(({ index }) =>
        whole(
          JSON.stringify(
            index === 0
              ? { ...told, tokenizer_type: "anthropic_api", original_response: { input_tokens: 77 } }
              : { ...told, tokenizer_type: "openai_tokenizer", original_response: null },
          ),
        ),
      )
      const layer = liteLlm(server.url)
      expect((yield* count(layer)).count).toEqual({ type: "exact", inputTokens: 77 })
      expect((yield* count(layer)).count).toEqual({
        type: "unknown",
        reason: expect.stringContaining("counted 77 with openai_tokenizer"),
      })
      expect(server.requests[0]).toMatchObject({ method: "POST", path: "/utils/token_counter?call_endpoint=true" })
      const body = server.requests[0]?.json as Readonly<Record<string, unknown>>
      expect(Object.keys(body).toSorted()).toEqual(["messages", "model", "tools"])
    }).pipe(Effect.scoped),
  )

  it.live("estimates for Chat Completions at OpenAI and at Azure, and asks nobody", () =>
    Effect.gen(function* () {
      const server = yield* serve(() => openAiAnswer)
      const layers = [
        OpenAi.layerModels({ apiKey, model: "gpt-4o", apiBase: server.url }),
        AzureOpenAi.layerModels({ apiKey, model: "gpt-4o", apiBase: server.url }),
        AzureOpenAi.layerModels({ apiKey, model: "gpt-4o", apiBase: server.url, wireApi: "responses" }),
      ]
      for (const layer of layers) {
        const { count: counted, metadata } = yield* count(layer)
        expect(counted).toMatchObject({ type: "estimate", tokenizer: "o200k_base" })
        expect(counted.type === "estimate" && counted.inputTokens > 30 && counted.errorBound < 0.4).toBe(true)
        expect(metadata).toMatchObject({ model: "gpt-4o", costUsd: 0, attempts: [] })
      }
      expect(server.requests).toHaveLength(0)
    }).pipe(Effect.scoped),
  )

  it.live("does not know the tokens of other services and of deployments with names of their own", () =>
    Effect.gen(function* () {
      const layers = [
        ModelStack.layerProvider("groq", { apiKey, model: "gpt-4o" }),
        OpenAi.layerModels({
          apiKey,
          model: "gpt-4o",
          name: "mine",
          apiBase: "http://127.0.0.1:9",
          wireApi: "responses",
        }),
        AzureOpenAi.layerModels({ apiKey, model: "my-deployment", apiBase: "http://127.0.0.1:9" }),
      ]
      const reasons = yield* Effect.forEach(layers, (layer) => Effect.map(count(layer), ({ count: { type } }) => type))
      expect(reasons).toEqual(["unknown", "unknown", "unknown"])
    }),
  )

  it.live.each<readonly [string, Answer, string]>([
    ["a wrong key", whole(chat.error("authentication").body, 401), "AuthenticationError"],
    ["a rate limit", whole(chat.error("rate-limit").body, 429), "RateLimitError"],
    ["an error under 200", whole(chat.error("rate-limit").body), "RateLimitError"],
    ["no such address", whole("<html>404</html>", 404), "ModelNotFoundError"],
    ["no JSON", whole("hello"), "InvalidResponseError"],
    ["no number", whole('{"input_tokens":"42","total_tokens":"42"}'), "InvalidResponseError"],
    ["half a token", whole('{"input_tokens":4.2,"total_tokens":4.2}'), "InvalidResponseError"],
    ["less than nothing", whole('{"input_tokens":-1,"total_tokens":-1}'), "InvalidResponseError"],
    ["a list", whole("[42]"), "InvalidResponseError"],
  ])("fails with %s as answers do, and tells no key", ([, answer, errorType]) =>
    Effect.gen(function* () {
      const server = yield* serve(() => answer)
      for (const layer of [openAi(server.url), anthropic(server.url), liteLlm(server.url)]) {
        const error = yield* Effect.flip(count(layer))
        expect(error.reason._tag).toBe(errorType)
        expect(error.attempts).toMatchObject([{ errorType }])
        expect(inspect(error, { depth: 9 }) + JSON.stringify(error)).not.toContain(apiKey)
      }
    }).pipe(Effect.scoped),
  )

  it.live.each<readonly [object, string]>([
    [{ messages: [] }, "messages"],
    [{ messages: "Hello." }, "messages"],
    [{ maxToken: 5 }, "maxToken"],
    [{ about: "tokens" }, "about"],
    [{ tools: [{ name: "a", parameters: { a: 1n } }] }, "tools[0].parameters.a"],
  ])("refuses a request that cannot be right, by the field (%#)", ([more, parameter]) =>
    Effect.gen(function* () {
      const server = yield* serve(() => openAiAnswer)
      const layers = [openAi(server.url), openAi(server.url).pipe(withRetry(), withTelemetry)]
      for (const layer of layers) {
        const error = yield* Effect.flip(count(layer, more))
        expect(error.reason).toMatchObject({ _tag: "InvalidRequestError", parameter })
      }
      expect(server.requests).toHaveLength(0)
    }).pipe(Effect.scoped),
  )

  it.live("refuses a request that cannot be read under a policy too", () =>
    Effect.gen(function* () {
      const server = yield* serve(() => openAiAnswer)
      const throwing = {
        get messages(): never {
          throw new Error("no")
        },
      }
      const layer = openAi(server.url).pipe(withRetry(), withTelemetry, withRateLimit({ rpm: 10 }))
      const asked = Effect.flatMap(ModelInfo, ({ countTokens }) => countTokens(throwing))
      const error = yield* Effect.flip(Effect.provide(asked, layer))
      expect(error.reason).toMatchObject({ _tag: "InvalidRequestError", parameter: "messages" })
    }).pipe(Effect.scoped),
  )

  it.live("is asked again by a retry, and ended by a deadline", () =>
    Effect.gen(function* () {
      const server = yield* serve(({ index }) =>
        index === 0
          ? whole(chat.error("rate-limit").body, 429, { "retry-after-ms": "5" })
          : index === 1
            ? openAiAnswer
            : [delay(1), stall],
      )
      const layer = openAi(server.url).pipe(withRetry({ times: 1 }), withTimeout("500 millis"))
      const { metadata } = yield* count(layer)
      expect(metadata.attempts).toMatchObject([{ errorType: "RateLimitError" }, { status: 200 }])
      const late = yield* Effect.flip(count(layer))
      expect(late.reason._tag).toBe("TimeoutError")
    }).pipe(Effect.scoped),
  )

  it.live("takes no tokens of a rate, only a request", () =>
    Effect.gen(function* () {
      const server = yield* serve(() => openAiAnswer)
      const layer = openAi(server.url).pipe(withRateLimit({ tpm: 10, maxWait: 0 }))
      const twice = Effect.flatMap(ModelInfo, ({ countTokens }) =>
        Effect.all([countTokens(request), countTokens(request)]),
      )
      expect(yield* Effect.provide(twice, layer)).toHaveLength(2)
    }).pipe(Effect.scoped),
  )

  it.live("takes nothing of a budget", () =>
    Effect.gen(function* () {
      const server = yield* serve(() => openAiAnswer)
      const layer = openAi(server.url).pipe(withBudget({ tokens: 1, usd: 0.000001 }))
      expect((yield* count(layer)).count).toEqual({ type: "exact", inputTokens: 42 })
    }).pipe(Effect.scoped),
  )

  it.live("says which model to write where none is named", () =>
    Effect.gen(function* () {
      const error = yield* Effect.flip(count(OpenAi.layerModels({ apiKey })))
      expect(error.reason).toMatchObject({ _tag: "ConfigurationError", setting: "PRIMARY_MODEL" })
    }),
  )
})
