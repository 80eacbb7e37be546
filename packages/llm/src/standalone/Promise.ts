/**
 * The promise API with all that it needs inside: `@wiseflow/llm/promise`. Built as a bundle with its own copy of effect, so
 * that only plain data, functions, Standard Schema and JSON Schema pass between it and other entries. It adds nothing.
 */
export { unwrap } from "../promises/PromiseResponse.ts"
export { LLMInterface } from "../promises/LLMInterface.ts"
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
} from "../promises/SharedInterface.ts"
export { tool } from "../promises/programs/ToolPromises.ts"
export * as ProviderRegistry from "./ProviderFacts.ts"
export * as Tool from "./ToolContent.ts"
export { type Source, type SourceSpan, sourcesOf } from "../protocols/Sources.ts"
export type { AdaptiveConcurrencyOptions } from "../policies/traffic/AdaptiveConcurrency.ts"
export type { HedgeOptions } from "../policies/traffic/Hedge.ts"
export { HedgeBudget, type HedgeLimits } from "../policies/traffic/HedgeBudget.ts"
export {
  type TagRow,
  type UsageFigures,
  UsageLedger,
  type UsageReport,
  type UsageRow,
  type UsageTotals,
} from "../policies/usage/UsageLedger.ts"
export type { BudgetOptions } from "../policies/usage/Budget.ts"
export type { Tags } from "../call/CallOptions.ts"
export type { LatencySummary } from "../policies/usage/LatencyHistogram.ts"
export { withJsonSchema } from "../tools/schemas/WithJsonSchema.ts"
export {
  type ErrorType,
  isLlmError,
  LlmError,
  type LlmErrorReason,
  type SystemCause,
  type TimeoutClock,
} from "../model/LlmError.ts"
export type { CallEnd, CallEvent, CircuitState } from "../call/CallEvent.ts"
export type * from "../model/LlmRequest.ts"
export type {
  AttemptRecord,
  Billing,
  FinishReason,
  LlmResponse,
  PriceSource,
  RateLimit,
  RateLimits,
  ResponseMetadata,
  ResponsePart,
  ToolCall,
  Usage,
  UsageStatus,
} from "../model/LlmResponse.ts"
export type { CountedTokens, ModelDescription, ModelList, TokenCount } from "../model/ModelInfo.ts"
export type { LlmEvent } from "../model/LlmEvent.ts"
export type { ModelRates, OwnPrices, PricedAnswer } from "../prices/OwnPrices.ts"
export type { ContentKind, Conventions } from "../policies/telemetry/TelemetryOptions.ts"
export type { Credential, Key } from "../providers/Credential.ts"
export type { WireApi } from "../providers/ProviderOptions.ts"
export type { AnySchema, DeepPartial, InputOf, OutputOf } from "../tools/schemas/AnySchema.ts"
export type { JsonSchema } from "../protocols/encoding/JsonSchema.ts"
export type {
  RunToolsFailure,
  RunToolsOptions,
  RunToolsResponse,
  ToolCallContext,
  ToolDescription,
  ToolStream,
  UnnamedTool,
} from "../promises/programs/ToolPromises.ts"
export type { LoopEvent, LoopProgress, LoopResponse, LoopStep, StepChanges } from "../tools/ToolLoop.ts"
export type { ObjectStream } from "../promises/programs/ObjectPromises.ts"
export type { FailureDetails, GenerateFailure, GenerateResponse, GenerateSuccess } from "../promises/PromiseResponse.ts"
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
} from "../promises/Llm.ts"
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
} from "../promises/InterfaceOptions.ts"
export type { EmbeddingProviderName, ProviderName } from "../providers/Registry.ts"
export type { LogLine } from "../promises/LogLines.ts"
export type { EventStream } from "../promises/EventStream.ts"
export type { Fetch, TransportOptions } from "../transport/Transport.ts"
