/** Lists of models and counts of tokens of every provider, over loopback HTTP: what is asked, and what comes of each answer. */
import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as FetchHttpClient from "effect/http/FetchHttpClient"
import * as HttpClient from "effect/http/HttpClient"
import * as Layer from "effect/Layer"
import { inspect } from "node:util"
import {
  Anthropic,
  AzureOpenAi,
  LiteLlm,
  type LlmError,
  ModelInfo,
  ModelStack,
  OpenAi,
  withConcurrency,
  withRetry,
  withTelemetry,
  withTimeout,
} from "../../src/index.ts"
import {
  type Answer,
  delay,
  end,
  FaultServer,
  type RecordedRequest,
  type Script,
  stall,
} from "../faults/FaultServer.ts"
import { whole } from "../faults/HttpText.ts"
import { chat } from "../faults/WireText.ts"

const apiKey = "sk-contract-0123456789"

const serve = (script: Script) =>
  Effect.acquireRelease(
    Effect.promise(() => FaultServer.start(script)),
    (server) => Effect.promise(() => server.close()),
  )

type ModelLayer = Layer.Layer<ModelInfo, LlmError>

const list = (layer: ModelLayer) =>
  Effect.provide(
    Effect.flatMap(ModelInfo, ({ models }) => models),
    layer,
  )
const openAiList = JSON.stringify({
  object: "list",
  data: [
    { id: "gpt-5.4", object: "model", created: 1_772_668_800, owned_by: "system", shutdown_date: "2027-03-05" },
    { id: "gpt-4o", object: "model", created: 1_715_367_049, owned_by: "system", shutdown_date: null },
  ],
})

const openAiModels = [
  { id: "gpt-5.4", createdAt: "2026-03-05T00:00:00.000Z", retiresAt: "2027-03-05T00:00:00.000Z", owner: "system" },
  { id: "gpt-4o", createdAt: "2024-05-10T18:50:49.000Z", owner: "system" },
]

const bearer = ["authorization", `Bearer ${apiKey}`] as const

interface Row {
  readonly name: string
  readonly provider: string
  readonly path: string
  readonly header: readonly [string, string]
  readonly layer: (url: string) => ModelLayer
}

const rows: ReadonlyArray<Row> = [
  {
    name: "OpenAI",
    provider: "openai",
    path: "/v1/models",
    header: bearer,
    layer: (url) => OpenAi.layerModels({ apiKey, apiBase: `${url}/v1` }),
  },
  {
    name: "OpenAI's whole address of a call",
    provider: "openai",
    path: "/v1/models",
    header: bearer,
    layer: (url) => OpenAi.layerModels({ apiKey, apiBase: `${url}/v1/responses`, wireApi: "responses" }),
  },
  {
    name: "Azure, classic",
    provider: "azure",
    path: "/openai/models?api-version=2024-10-21",
    header: ["api-key", apiKey],
    layer: (url) => AzureOpenAi.layerModels({ apiKey, apiBase: url, apiVersion: "2024-10-21" }),
  },
  {
    name: "Azure, v1 and a deployment's address",
    provider: "azure",
    path: "/openai/v1/models",
    header: ["api-key", apiKey],
    layer: (url) => AzureOpenAi.layerModels({ apiKey, apiBase: `${url}/openai/deployments/mine` }),
  },
  {
    name: "Azure with a token",
    provider: "azure",
    path: "/openai/v1/models",
    header: bearer,
    layer: (url) => AzureOpenAi.layerModels({ entraToken: () => apiKey, apiBase: `${url}/openai/v1` }),
  },
  {
    name: "LiteLLM",
    provider: "litellm",
    path: "/models",
    header: bearer,
    layer: (url) => LiteLlm.layerModels({ apiKey, apiBase: url }),
  },
  ...(["groq", "mistral", "openrouter", "ollama", "vllm", "gemini", "together"] as const).map((provider) => ({
    name: provider,
    provider,
    path: "/v1/models",
    header: bearer,
    layer: (url: string) => ModelStack.layerProvider(provider, { apiKey, apiBase: `${url}/v1` }),
  })),
]

describe("models", () => {
  it.live.each(rows)(
    "asks $name at its own address with its own key",
    ({ header: [name, value], layer, path, provider }) =>
      Effect.gen(function* () {
        const server = yield* serve(() => whole(openAiList))
        const { metadata, models } = yield* list(layer(server.url))
        expect(models).toEqual(openAiModels)
        expect(server.requests).toMatchObject([{ method: "GET", path, headers: { [name]: value }, body: "" }])
        expect(metadata).toMatchObject({ provider, model: undefined, usage: {}, costUsd: 0, warnings: [] })
        expect(metadata.attempts).toMatchObject([{ provider, status: 200, costUsd: 0 }])
      }).pipe(Effect.scoped),
  )

  it.live("asks Anthropic page after page, and reads what it says of each model", () =>
    Effect.gen(function* () {
      const entry = (id: string, more: object = {}) => ({
        type: "model",
        id,
        display_name: id.toUpperCase(),
        created_at: "2026-02-04T00:00:00Z",
        max_input_tokens: 1_000_000,
        max_tokens: 128_000,
        lifecycle: "active",
        retires_at: null,
        ...more,
      })
      const pages = [
        { data: [entry("claude-a"), entry("claude-b")], has_more: true, first_id: "claude-a", last_id: "claude-b" },
        {
          data: [entry("claude-c", { created_at: "1970-01-01T00:00:00Z", retires_at: "2027-01-01T00:00:00Z" })],
          has_more: false,
          first_id: "claude-c",
          last_id: "claude-c",
        },
      ]
      const server = yield* serve(({ index }) => whole(JSON.stringify(pages[index])))
      const { metadata, models } = yield* list(Anthropic.layerModels({ apiKey, apiBase: server.url }))
      const known = { createdAt: "2026-02-04T00:00:00.000Z", contextTokens: 1_000_000, maxOutputTokens: 128_000 }
      expect(models).toEqual([
        { id: "claude-a", displayName: "CLAUDE-A", ...known },
        { id: "claude-b", displayName: "CLAUDE-B", ...known },
        {
          id: "claude-c",
          displayName: "CLAUDE-C",
          retiresAt: "2027-01-01T00:00:00.000Z",
          contextTokens: 1_000_000,
          maxOutputTokens: 128_000,
        },
      ])
      expect(server.requests.map(({ path }) => path)).toEqual([
        "/v1/models?limit=1000",
        "/v1/models?limit=1000&after_id=claude-b",
      ])
      expect(server.requests[1]).toMatchObject({
        headers: { "x-api-key": apiKey, "anthropic-version": "2023-06-01" },
      })
      expect(metadata.attempts).toHaveLength(2)
    }).pipe(Effect.scoped),
  )

  it.live.each([
    ["comes back to a page", () => ({ data: [{ id: "a" }], has_more: true, last_id: "a" }), "comes back", 2],
    [
      "never ends",
      ({ index }: RecordedRequest) => ({ data: [{ id: `m${index}` }], has_more: true, last_id: `m${index}` }),
      "goes on after 100 pages",
      101,
    ],
  ] as const)("fails where a list %s", ([, page, said, requests]) =>
    Effect.gen(function* () {
      const server = yield* serve((request) => whole(JSON.stringify(page(request))))
      const error = yield* Effect.flip(list(Anthropic.layerModels({ apiKey, apiBase: server.url })))
      expect(error.reason._tag).toBe("InvalidResponseError")
      expect(error.message).toContain(said)
      expect(server.requests).toHaveLength(requests)
    }).pipe(Effect.scoped),
  )

  it.live("reads the words of other services, and a bare array", () =>
    Effect.gen(function* () {
      const entries = [
        { id: "router", name: "Router: One", context_length: 200_000, top_provider: { max_completion_tokens: 64_000 } },
        { id: "groq", context_window: 131_072, max_completion_tokens: 32_768, owned_by: "Meta", created: 0 },
        { id: "mistral", max_context_length: 32_768, name: "mistral" },
        { id: "vllm", max_model_len: 4096, created: "soon", owned_by: 5 },
        { id: "odd", context_length: -1, max_tokens: "many", created: 1e300 },
      ]
      const server = yield* serve(() => whole(JSON.stringify(entries)))
      const { models } = yield* list(ModelStack.layerProvider("together", { apiKey, apiBase: server.url }))
      expect(models).toEqual([
        { id: "router", displayName: "Router: One", contextTokens: 200_000, maxOutputTokens: 64_000 },
        { id: "groq", contextTokens: 131_072, maxOutputTokens: 32_768, owner: "Meta" },
        { id: "mistral", contextTokens: 32_768 },
        { id: "vllm", contextTokens: 4096 },
        { id: "odd" },
      ])
    }).pipe(Effect.scoped),
  )

  it.live("leaves out what names no model, and says so", () =>
    Effect.gen(function* () {
      const server = yield* serve(() => whole('{"data":[{"id":"a"},{"id":""},{"object":"model"},null,5]}'))
      const { metadata, models } = yield* list(OpenAi.layerModels({ apiKey, apiBase: server.url }))
      expect(models).toEqual([{ id: "a" }])
      expect(metadata.warnings).toEqual(["4 entries of the list name no model"])
    }).pipe(Effect.scoped),
  )

  it.live("is empty where a service lists none", () =>
    Effect.gen(function* () {
      const server = yield* serve(() => whole('{"object":"list","data":[]}'))
      expect((yield* list(OpenAi.layerModels({ apiKey, apiBase: server.url }))).models).toEqual([])
    }).pipe(Effect.scoped),
  )

  it.live.each<readonly [string, Answer, string]>([
    ["a wrong key", whole(chat.error("authentication").body, 401), "AuthenticationError"],
    ["a rate limit", whole(chat.error("rate-limit").body, 429), "RateLimitError"],
    ["an error under 200", whole(chat.error("rate-limit").body), "RateLimitError"],
    ["no such address", whole("<html>404</html>", 404), "ModelNotFoundError"],
    ["a page", whole("<html>502 Bad Gateway</html>", 502), "ServerError"],
    ["no JSON", whole("hello"), "InvalidResponseError"],
    ["nothing", whole(""), "InvalidResponseError"],
    ["another object", whole('{"models":"none"}'), "InvalidResponseError"],
    ["entries without ids", whole('{"data":[{"name":"a"}]}'), "InvalidResponseError"],
    ["deep JSON", whole(`{"data":${"[".repeat(100_000)}${"]".repeat(100_000)}}`), "InvalidResponseError"],
    ["too many models", whole(`{"data":[${'{"id":"a"},'.repeat(20_000)}{"id":"a"}]}`), "InvalidResponseError"],
    ["an end before the end", [...whole('{"data":', 200, { "content-length": 99 }), end], "StreamInterruptedError"],
  ])("fails with %s, and tells no key", ([, answer, errorType]) =>
    Effect.gen(function* () {
      const server = yield* serve(() => answer)
      const error = yield* Effect.flip(list(OpenAi.layerModels({ apiKey, apiBase: server.url })))
      expect(error.reason._tag).toBe(errorType)
      expect(error).toMatchObject({ provider: "openai" })
      expect(error.attempts).toMatchObject([{ errorType }])
      expect(inspect(error, { depth: 9 }) + JSON.stringify(error)).not.toContain(apiKey)
    }).pipe(Effect.scoped),
  )

  it.live("blanks a key that the service repeats, in an error and in a list", () =>
    Effect.gen(function* () {
      const named = { id: `model-of-${apiKey}`, name: `${apiKey} model`, owned_by: apiKey }
      const server = yield* serve(({ index }) =>
        index === 0
          ? whole(`{"error":{"message":"no access for ${apiKey}"}}`, 403)
          : whole(JSON.stringify({ data: [named] })),
      )
      const layer = OpenAi.layerModels({ apiKey, apiBase: server.url })
      const error = yield* Effect.flip(list(layer))
      expect(error.message).toContain("no access for")
      const { models } = yield* list(layer)
      expect(models).toHaveLength(1)
      expect(models[0]?.id).toContain("model-of-")
      expect(JSON.stringify([error, models])).not.toContain(apiKey)
    }).pipe(Effect.scoped),
  )

  it.live("goes through the program's own HttpClient, and counts through it too", () =>
    Effect.gen(function* () {
      const server = yield* serve(({ path }) => whole(path.includes("tokens") ? '{"input_tokens":3}' : openAiList))
      const asked: Array<string> = []
      const client = Layer.effect(
        HttpClient.HttpClient,
        Effect.map(HttpClient.HttpClient, (inner) =>
          HttpClient.tapRequest(inner, ({ url }) => Effect.sync(() => asked.push(new URL(url).pathname))),
        ),
      ).pipe(Layer.provide(FetchHttpClient.layer))
      const layers = [
        OpenAi.layerModelsHttpClient({ apiKey, apiBase: `${server.url}/v1`, wireApi: "responses", model: "gpt-5" }),
        Anthropic.layerModelsHttpClient({ apiKey, apiBase: server.url, model: "claude-sonnet-5" }),
        AzureOpenAi.layerModelsHttpClient({ apiKey, apiBase: server.url, model: "gpt-4o" }),
        LiteLlm.layerModelsHttpClient({ apiKey, apiBase: server.url }),
        ModelStack.layerProviderHttpClient("groq", { apiKey, apiBase: server.url }),
      ]
      for (const layer of layers) yield* list(layer.pipe(Layer.provide(client)))
      for (const layer of layers.slice(0, 2)) {
        const counted = Effect.flatMap(ModelInfo, ({ countTokens }) =>
          countTokens({ messages: [{ role: "user", content: "Hello." }] }),
        )
        expect((yield* Effect.provide(counted, layer.pipe(Layer.provide(client)))).count).toMatchObject({
          inputTokens: 3,
        })
      }
      expect(asked).toEqual([
        "/v1/models",
        "/v1/models",
        "/openai/v1/models",
        "/models",
        "/models",
        "/v1/responses/input_tokens",
        "/v1/messages/count_tokens",
      ])
    }).pipe(Effect.scoped),
  )

  it.live("is asked again, in time and in turn, by the policies around it", () =>
    Effect.gen(function* () {
      const server = yield* serve(({ index }) =>
        index === 0 ? whole(chat.error("rate-limit").body, 429, { "retry-after-ms": "5" }) : whole(openAiList),
      )
      const layer = OpenAi.layerModels({ apiKey, apiBase: server.url }).pipe(
        withTimeout({ attempt: "5 seconds" }),
        withConcurrency(1),
        withRetry({ times: 2 }),
        withTelemetry,
      )
      const { metadata, models } = yield* list(layer)
      expect(models).toEqual(openAiModels)
      expect(metadata.attempts).toMatchObject([{ errorType: "RateLimitError" }, { status: 200 }])
    }).pipe(Effect.scoped),
  )

  it.live("ends at its deadline, and closes its connection", () =>
    Effect.gen(function* () {
      const server = yield* serve(() => [delay(1), stall])
      const layer = OpenAi.layerModels({ apiKey, apiBase: server.url }).pipe(withTimeout("100 millis"))
      const error = yield* Effect.flip(list(layer))
      expect(error.reason._tag).toBe("TimeoutError")
      const request = yield* Effect.promise(() => server.request(0))
      yield* Effect.promise(() => request.connection.closed)
      expect(request.connection.closedBy).toBe("client")
    }).pipe(Effect.scoped),
  )

  it.live("closes its connection when it is interrupted", () =>
    Effect.gen(function* () {
      const server = yield* serve(() => [delay(1), stall])
      const fiber = yield* Effect.forkChild(list(OpenAi.layerModels({ apiKey, apiBase: server.url })))
      const request = yield* Effect.promise(() => server.request(0))
      yield* Fiber.interrupt(fiber)
      yield* Effect.promise(() => request.connection.closed)
      expect(request.connection.closedBy).toBe("client")
    }).pipe(Effect.scoped),
  )

  it.live("goes through the program's own fetch", () =>
    Effect.gen(function* () {
      const asked: Array<string> = []
      const fetch = async (url: string) => {
        asked.push(url)
        return new Response(openAiList, { headers: { "content-type": "application/json" } })
      }
      const { models } = yield* list(OpenAi.layerModels({ apiKey, fetch }))
      expect([asked, models]).toEqual([["https://api.openai.com/v1/models"], openAiModels])
    }),
  )
})
