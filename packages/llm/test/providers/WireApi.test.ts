/** `wireApi`: the same provider over Chat Completions or over Responses, from options and from settings. */
import { describe, expect, it } from "@effect/vitest"
import * as ConfigProvider from "effect/ConfigProvider"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { AzureOpenAi, LiteLlm, LLMInterface, type LlmError, type LlmProvider, OpenAi } from "../../src/index.ts"
import { layerOf } from "../../src/compose/Target.ts"
import { ask, open, outcomeOf, serve } from "../contract/Ask.ts"
import { callOf, goodAnswer } from "../faults/FaultScenario.ts"
import { responses } from "../faults/ResponsesText.ts"
import { fullText } from "../faults/WireText.ts"

const server = serve((request) => goodAnswer(responses, callOf(request)))

/** The path that a stack asks on its way to a good answer. */
const pathOf = (layer: (url: string) => Layer.Layer<LlmProvider, LlmError>) =>
  Effect.gen(function* () {
    const { requests, url } = yield* server
    expect((yield* ask(yield* open(layer(url)), "generate")).text).toBe(fullText)
    return requests[0]?.path
  })

const withSettings = (settings: Record<string, string>) =>
  Layer.provide(ConfigProvider.layer(ConfigProvider.fromEnvRecord(settings)))

describe("wireApi", () => {
  it.live.each(["/v1", "/v1/", "/v1/responses", "/v1/chat/completions"])(
    "reaches Responses at a base written %s",
    Effect.fnUntraced(function* (base) {
      const path = yield* pathOf((url) =>
        OpenAi.layer({ apiKey: "key", apiBase: `${url}${base}`, model: "m", wireApi: "responses" }),
      )
      expect(path).toBe("/v1/responses")
    }),
  )

  it.live(
    "is the same for a LiteLLM proxy and for a service that speaks both",
    Effect.fnUntraced(function* () {
      const proxy = yield* pathOf((url) => LiteLlm.layer({ apiBase: url, model: "alias", wireApi: "responses" }))
      expect(proxy).toBe("/responses")
      const xai = yield* pathOf((url) =>
        layerOf({ provider: "xai", apiKey: "key", apiBase: `${url}/v1`, model: "grok-4", wireApi: "responses" }),
      )
      expect(xai).toBe("/v1/responses")
    }),
  )

  it.live(
    "is read from OPENAI_WIRE_API and AZURE_WIRE_API",
    Effect.fnUntraced(function* () {
      const openai = yield* pathOf((url) =>
        OpenAi.layerConfig({ model: "m" }).pipe(
          withSettings({ OPENAI_API_KEY: "key", OPENAI_API_BASE: `${url}/v1`, OPENAI_WIRE_API: "responses" }),
        ),
      )
      expect(openai).toBe("/v1/responses")
      const azure = yield* pathOf((url) =>
        AzureOpenAi.layerConfig({ model: "m" }).pipe(
          withSettings({ AZURE_API_KEY: "key", AZURE_API_BASE: url, AZURE_WIRE_API: "Responses" }),
        ),
      )
      expect(azure).toBe("/openai/v1/responses")
    }),
  )

  it.live(
    "is refused by name where it is neither of the two, or the provider speaks one",
    Effect.fnUntraced(function* () {
      const failed = (layer: Layer.Layer<LlmProvider, LlmError>) =>
        Effect.map(Effect.flip(Effect.scoped(open(layer))), ({ reason }) => reason)
      const odd = OpenAi.layerConfig().pipe(withSettings({ OPENAI_API_KEY: "key", OPENAI_WIRE_API: "assistants" }))
      expect(yield* failed(odd)).toMatchObject({ _tag: "ConfigurationError", setting: "OPENAI_WIRE_API" })
      for (const provider of ["anthropic", "groq"]) {
        const reason = yield* failed(layerOf({ provider, apiKey: "key", model: "m", wireApi: "responses" }))
        expect(reason).toMatchObject({ _tag: "ConfigurationError", setting: "wireApi" })
      }
    }),
  )

  it.live(
    "wants a version of Azure's that has it",
    Effect.fnUntraced(function* () {
      const layer = AzureOpenAi.layer({
        apiKey: "key",
        apiBase: "https://my-resource.openai.azure.com",
        apiVersion: "2024-10-21",
        model: "m",
        wireApi: "responses",
      })
      const { reason } = yield* Effect.flip(Effect.scoped(open(layer)))
      expect(reason).toMatchObject({ _tag: "ConfigurationError", setting: "AZURE_API_VERSION" })
      expect(reason.message).toContain("2025-03-01-preview")
    }),
  )

  it.live(
    "is an option of LLMInterface",
    Effect.fnUntraced(function* () {
      const { requests, url } = yield* server
      const ask = (provider: "anthropic" | "openai") =>
        Effect.promise(async () => {
          await using llm = new LLMInterface({
            provider,
            apiKey: "key",
            apiBase: `${url}/v1`,
            model: "m",
            wireApi: "responses",
          })
          return await llm.generate({ messages: [{ role: "user", content: "Hi" }] })
        })
      expect(yield* ask("openai")).toMatchObject({ text: fullText })
      expect(requests.map(({ path }) => path)).toEqual(["/v1/responses"])
      expect(yield* ask("anthropic")).toMatchObject({ errorType: "ConfigurationError" })
      expect(requests).toHaveLength(1)
    }),
  )

  it.live(
    "tells the id of an answer, from which the next request goes on",
    Effect.fnUntraced(function* () {
      const { requests, url } = yield* server
      const llm = yield* open(OpenAi.layer({ apiKey: "key", apiBase: `${url}/v1`, model: "m", wireApi: "responses" }))
      const first = yield* ask(llm, "generate")
      const previousResponseId = first.response?.metadata.responseId
      expect(previousResponseId).toBe("resp_fault")
      const second = yield* ask(llm, "stream", { messages: [{ role: "user", content: "And?" }], previousResponseId })
      expect(second.response?.metadata.responseId).toBe("resp_fault")
      expect(requests[1]?.json).toMatchObject({ previous_response_id: "resp_fault" })
    }),
  )

  it.live(
    "chat stays the default",
    Effect.fnUntraced(function* () {
      const { requests, url } = yield* server
      const llm = yield* open(OpenAi.layer({ apiKey: "key", apiBase: `${url}/v1`, model: "m" }))
      expect(outcomeOf(yield* ask(llm, "generate"))).toBe("InvalidResponseError")
      expect(requests[0]?.path).toBe("/v1/chat/completions")
    }),
  )
})
