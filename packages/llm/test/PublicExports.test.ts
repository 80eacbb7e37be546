/** Every name that users can import: adding one is a line here, and so is taking one away. */
import { readFileSync } from "node:fs"
import { expect, it } from "vitest"
import * as llm from "@wiseflow/llm"
import * as effectAi from "@wiseflow/llm/effect-ai"
import * as aiSdk from "@wiseflow/llm/ai-sdk"
import * as mcp from "@wiseflow/llm/mcp"
import * as promise from "@wiseflow/llm/promise"
import * as promiseMcp from "@wiseflow/llm/promise/mcp"
import * as fakes from "@wiseflow/llm/promise/testing"
import * as testing from "@wiseflow/llm/testing"
import { providers } from "./contract/Providers.ts"
import { LLMInterface } from "../src/promises/LLMInterface.ts"
import * as shared from "../src/promises/SharedInterface.ts"

const manifest: { readonly exports: Record<string, unknown> } = JSON.parse(
  readFileSync(new URL("../package.json", import.meta.url), "utf8"),
)

it("has these entrances", () => {
  expect(Object.keys(manifest.exports)).toEqual([
    ".",
    "./promise",
    "./promise/testing",
    "./promise/mcp",
    "./testing",
    "./effect-ai",
    "./ai-sdk",
    "./mcp",
    "./package.json",
  ])
})

it("@wiseflow/llm exports these names", () => {
  expect(Object.keys(llm).toSorted()).toMatchInlineSnapshot(`
    [
      "Anthropic",
      "AssistantMessage",
      "AttemptRecord",
      "AuthenticationError",
      "AzureOpenAi",
      "BudgetExceededError",
      "CacheMark",
      "CacheStore",
      "CallOptions",
      "CircuitOpenError",
      "ConfigurationError",
      "ConnectionError",
      "ContentFilterError",
      "ContextLengthExceededError",
      "CountedTokens",
      "EmbeddingProvider",
      "EmbeddingRequest",
      "EmbeddingResponse",
      "EmbeddingStack",
      "FilePart",
      "FinishReason",
      "HedgeBudget",
      "HttpProvider",
      "ImagePart",
      "InvalidRequestError",
      "InvalidResponseError",
      "LLMInterface",
      "LiteLlm",
      "LlmConfig",
      "LlmError",
      "LlmErrorReason",
      "LlmEvent",
      "LlmProvider",
      "LlmRequest",
      "LlmResponse",
      "LlmStack",
      "Message",
      "ModelDescription",
      "ModelInfo",
      "ModelList",
      "ModelNotFoundError",
      "ModelStack",
      "OpenAi",
      "OtherPart",
      "OutputLimitError",
      "OverloadedError",
      "PermissionDeniedError",
      "Permits",
      "Policy",
      "PriceSource",
      "ProtocolData",
      "Provider",
      "ProviderRegistry",
      "QuotaExceededError",
      "RateLimitError",
      "ReasoningEffort",
      "ReasoningOptions",
      "ReasoningPart",
      "RefusalPart",
      "ResponseFormat",
      "ResponseMetadata",
      "ResponsePart",
      "ServerError",
      "StreamInterruptedError",
      "StructuredOutput",
      "SystemCause",
      "SystemMessage",
      "TelemetryOptions",
      "TextPart",
      "TimeoutClock",
      "TimeoutError",
      "TokenCount",
      "Tool",
      "ToolCall",
      "ToolCallPart",
      "ToolDefinition",
      "ToolError",
      "ToolLoop",
      "ToolMessage",
      "ToolResultPart",
      "Usage",
      "UsageLedger",
      "UsageStatus",
      "UserMessage",
      "assemble",
      "countTokens",
      "embed",
      "generate",
      "generateObject",
      "isLlmError",
      "models",
      "runTools",
      "sourcesOf",
      "stream",
      "streamObject",
      "streamTools",
      "tagCalls",
      "tagStream",
      "tool",
      "unwrap",
      "verdict",
      "verdicts",
      "withAdaptiveConcurrency",
      "withBalance",
      "withBatches",
      "withBudget",
      "withCache",
      "withCircuitBreaker",
      "withConcurrency",
      "withDefaults",
      "withFallback",
      "withHedge",
      "withJsonSchema",
      "withObserver",
      "withRateLimit",
      "withRetry",
      "withTelemetry",
      "withTimeout",
      "withUsageLedger",
    ]
  `)
})

it.each(providers)(
  "$name is exported, with a Layer from options, one from the environment and one on the program's HttpClient",
  ({ module, row }) => {
    expect(Object.values(llm)).toContain(module)
    const layers = ["layer", "layerConfig", "layerHttpClient"]
    const embeddings = row.embeddings === undefined ? [] : ["layerEmbeddings", "layerEmbeddingsHttpClient"]
    const models = row.models === undefined ? [] : ["layerModels", "layerModelsHttpClient"]
    expect(Object.keys(module)).toEqual(expect.arrayContaining([...layers, ...embeddings, ...models]))
  },
)

it("the whole stack makes a Layer from the environment", () => {
  expect(Object.keys(llm.LlmStack)).toContain("layerConfig")
})

it("@wiseflow/llm/testing exports these names", () => {
  expect(Object.keys(testing).toSorted()).toMatchInlineSnapshot(`
    [
      "Recorded",
      "Scripted",
    ]
  `)
})

it("@wiseflow/llm/promise exports these names", () => {
  expect(Object.keys(promise).toSorted()).toMatchInlineSnapshot(`
    [
      "HedgeBudget",
      "LLMInterface",
      "LlmError",
      "ProviderRegistry",
      "Tool",
      "UsageLedger",
      "countTokens",
      "embed",
      "generate",
      "generateObject",
      "isLlmError",
      "models",
      "runTools",
      "sourcesOf",
      "stream",
      "streamObject",
      "streamTools",
      "tool",
      "unwrap",
      "withJsonSchema",
    ]
  `)
  expect(Object.keys(promise.Tool)).toEqual(["content"])
})

it("@wiseflow/llm/promise has every function of promises, and no other", () => {
  const own = Object.keys(promise).filter((name) => name !== "Tool" && name !== "ProviderRegistry")
  expect([...Object.keys(shared), LLMInterface.name].filter((name) => !own.includes(name))).toEqual([])
  for (const name of own) expect(Reflect.get(promise, name)).toBe(Reflect.get(llm, name))
})

it("@wiseflow/llm/promise/testing exports these names", () => {
  expect(Object.keys(fakes)).toEqual(["Recorded", "Scripted"])
  expect(Object.keys(fakes.Recorded)).toEqual(["llm"])
  expect(Object.keys(fakes.Scripted).toSorted()).toEqual(["failure", "llm", "response", "vectorOf"])
})

it("@wiseflow/llm/mcp has connect for Effect and connectMcp for promises, and @wiseflow/llm/promise/mcp the latter", () => {
  expect(Object.keys(mcp).toSorted()).toEqual(["connect", "connectMcp"])
  expect(Object.keys(promiseMcp)).toEqual(["connectMcp"])
})

it("@wiseflow/llm/ai-sdk exports these names", () => {
  expect(Object.keys(aiSdk).toSorted()).toEqual(["AiCallError", "languageModel"])
})

it("@wiseflow/llm/effect-ai exports these names", () => {
  expect(Object.keys(effectAi).toSorted()).toEqual([
    "RequestOptions",
    "layerEmbeddingModel",
    "layerLanguageModel",
    "layerProvider",
    "llmErrorOf",
    "metadataKey",
    "model",
    "withRequestOptions",
  ])
})
