/**
 * Dependable calls to large language models: an Effect service (`LlmProvider` and its Layers), and promises (`generate`,
 * `stream`, `LLMInterface`).
 */
export { LlmProvider } from "./model/LlmProvider.ts"
export { CountedTokens, ModelDescription, ModelInfo, ModelList, TokenCount } from "./model/ModelInfo.ts"
export { type BatchLimits, EmbeddingProvider, EmbeddingRequest, EmbeddingResponse } from "./model/EmbeddingProvider.ts"
export * from "./model/LlmRequest.ts"
export {
  AttemptRecord,
  type Billing,
  FinishReason,
  LlmResponse,
  PriceSource,
  ResponseMetadata,
  ResponsePart,
  ToolCall,
  Usage,
  UsageStatus,
} from "./model/LlmResponse.ts"
export type { RateLimit, RateLimits } from "./model/LlmResponse.ts"
export { assemble, LlmEvent } from "./model/LlmEvent.ts"
export * from "./model/LlmError.ts"
export * as OpenAi from "./providers/OpenAi.ts"
export * as Anthropic from "./providers/Anthropic.ts"
export * as AzureOpenAi from "./providers/AzureOpenAi.ts"
export * as ProviderRegistry from "./providers/Registry.ts"
export type { Credential, Key } from "./providers/Credential.ts"
export type { Overrides } from "./providers/Overrides.ts"
export type { ModelRates, OwnPrices, PricedAnswer } from "./prices/OwnPrices.ts"
export type { EmbeddingOptions, ProviderOptions, WireApi } from "./providers/ProviderOptions.ts"
export type { EmbeddingEndpoint, Endpoint, ModelEndpoint, ServiceAddress, TokenCounter } from "./transport/Endpoint.ts"
export type {
  Answer,
  EncodedRequest,
  EncodeOptions,
  Ending,
  Fault,
  Protocol,
  StreamDecoder,
} from "./protocols/Protocol.ts"
export { type Source, type SourceSpan, sourcesOf } from "./protocols/Sources.ts"
export type { Target } from "./compose/Target.ts"
export * as LiteLlm from "./compose/LiteLlm.ts"
export * as LlmStack from "./compose/LlmStack.ts"
export * as EmbeddingStack from "./compose/embeddings/EmbeddingStack.ts"
export * as ModelStack from "./compose/ModelStack.ts"
export * as LlmConfig from "./compose/LlmConfig.ts"
export { withRetry } from "./policies/Retry.ts"
export { withTimeout } from "./policies/Timeout.ts"
export { withConcurrency } from "./policies/Concurrency.ts"
export { type AdaptiveConcurrencyOptions, withAdaptiveConcurrency } from "./policies/traffic/AdaptiveConcurrency.ts"
export { type CacheOptions, withCache } from "./policies/cache/Cache.ts"
export * as CacheStore from "./policies/cache/CacheStore.ts"
export { type HedgeOptions, withHedge } from "./policies/traffic/Hedge.ts"
export { HedgeBudget, type HedgeLimits } from "./policies/traffic/HedgeBudget.ts"
export { type RateLimitOptions, withRateLimit } from "./policies/traffic/RateLimit.ts"
export { type BalanceOptions, type Deployment, type DeploymentLayer, withBalance } from "./policies/balance/Balance.ts"
export type { BalanceStrategy } from "./policies/balance/BalanceCheck.ts"
export { withFallback } from "./policies/Fallback.ts"
export { withCircuitBreaker } from "./policies/CircuitBreaker.ts"
export { withDefaults } from "./policies/Defaults.ts"
export { type BatchOptions, withBatches } from "./policies/Batches.ts"
export { withTelemetry } from "./policies/Telemetry.ts"
export { type ContentKind, type Conventions, TelemetryOptions } from "./policies/telemetry/TelemetryOptions.ts"
export { withObserver } from "./policies/Observer.ts"
export {
  type TagRow,
  type UsageFigures,
  UsageLedger,
  type UsageReport,
  type UsageRow,
  type UsageTotals,
  withUsageLedger,
} from "./policies/usage/UsageLedger.ts"
export { type BudgetOptions, withBudget } from "./policies/usage/Budget.ts"
export type { LatencySummary } from "./policies/usage/LatencyHistogram.ts"
export type { CircuitBreakerOptions } from "./policies/CircuitBreaker.ts"
export type { RequestDefaults } from "./policies/Defaults.ts"
export type { FallbackOptions } from "./policies/Fallback.ts"
export type { RetryOptions, RetrySchedule } from "./policies/Retry.ts"
export type { Clocks } from "./policies/Timeout.ts"
export * as Policy from "./policies/Policy.ts"
export * as Permits from "./policies/mechanisms/Permits.ts"
export * as Provider from "./call/Provider.ts"
export * as HttpProvider from "./transport/ProviderLayer.ts"
export type { CallEnd, CallEvent, CallObserver, CircuitState } from "./call/CallEvent.ts"
export type { CallContext } from "./call/CallContext.ts"
export type { AttemptGate, AttemptLeave, AttemptPlan } from "./call/AttemptGate.ts"
export { CallOptions, type Tags, tagStream, tagCalls } from "./call/CallOptions.ts"
export * as Tool from "./tools/Tool.ts"
export * as ToolLoop from "./tools/ToolLoop.ts"
export * as StructuredOutput from "./tools/StructuredOutput.ts"
export { withJsonSchema } from "./tools/schemas/WithJsonSchema.ts"
export type { AnySchema, DeepPartial, InputOf, OutputOf } from "./tools/schemas/AnySchema.ts"
export type { JsonSchema } from "./protocols/encoding/JsonSchema.ts"
export { LLMInterface } from "./promises/LLMInterface.ts"
export {
  countTokens,
  embed,
  generate,
  generateObject,
  models,
  runTools,
  stream,
  streamObject,
  streamTools,
} from "./promises/SharedInterface.ts"
export { tool } from "./promises/programs/ToolPromises.ts"
export type {
  RunToolsFailure,
  RunToolsOptions,
  RunToolsResponse,
  ToolCallContext,
  ToolDescription,
  ToolStream,
  UnnamedTool,
} from "./promises/programs/ToolPromises.ts"
export type { LoopEvent, LoopProgress, LoopResponse, LoopStep, StepChanges } from "./tools/ToolLoop.ts"
export type { ObjectStream } from "./promises/programs/ObjectPromises.ts"
export type { ProgramStream } from "./promises/programs/ProgramStream.ts"
export { unwrap } from "./promises/PromiseResponse.ts"
export type { FailureDetails, GenerateFailure, GenerateResponse, GenerateSuccess } from "./promises/PromiseResponse.ts"
export type {
  BytesInput,
  CallSettings,
  CountTokensResponse,
  EmbedOptions,
  EmbedResponse,
  EmbedSuccess,
  FileInput,
  GenerateObjectOptions,
  GenerateObjectResponse,
  GenerateObjectSuccess,
  GenerateOptions,
  ImageInput,
  Llm,
  LlmStream,
  MessageInput,
  ModelsOptions,
  ModelsResponse,
  SpendingOptions,
  ToolMessageInput,
  ToolResultInput,
  UserMessageInput,
  WithPrompt,
} from "./promises/Llm.ts"
export type {
  BalanceSettings,
  CacheSettings,
  DeploymentTarget,
  FallbackTarget,
  InterfaceOptions,
  ListenOptions,
  LogLevel,
  LogOptions,
  OwnCacheStore,
  ProviderAccess,
  TrafficOptions,
} from "./promises/InterfaceOptions.ts"
export type { EmbeddingProviderName, ProviderName } from "./providers/Registry.ts"
export type { LogLine } from "./promises/LogLines.ts"
export type { EventStream } from "./promises/EventStream.ts"
export type { Fetch, TransportOptions } from "./transport/Transport.ts"
