/** The one maker of `ResponseMetadata`: of an answer, of a failure, and of a text that no model wrote. */
import type {
  AttemptRecord,
  Billing,
  FinishReason,
  PriceSource,
  ResponseMetadata,
  Usage,
  UsageStatus,
} from "../model/LlmResponse.ts"

/** How an answer ended, once the provider's own terminal signal has been seen. */
export interface AnswerEnd {
  readonly finishReason?: FinishReason | undefined
  readonly rawFinishReason?: string | undefined
  readonly responseId?: string | undefined
  readonly usage: Usage
  readonly usageStatus: UsageStatus
  /** How it was billed, as far as the service told. */
  readonly billing?: Billing | undefined
  readonly servedModel?: string | undefined
  readonly warnings?: ReadonlyArray<string> | undefined
}

/** What is known of a call when it ends. What is left out is not known. */
export interface KnownOfCall {
  readonly provider: string
  readonly model: string | undefined
  readonly servedModel?: string | undefined
  /** What was sent, or would have been. */
  readonly temperature?: number | undefined
  readonly maxTokens?: number | undefined
  readonly usage?: Usage | undefined
  readonly usageStatus?: UsageStatus | undefined
  readonly latencyMs: number
  /** When the call began, in ISO 8601. */
  readonly timestamp: string
  readonly requestId?: string | undefined
  readonly responseId?: string | undefined
  readonly rawFinishReason?: string | undefined
  readonly costUsd?: number | null | undefined
  readonly priceSource?: PriceSource | undefined
  readonly attempts: ReadonlyArray<AttemptRecord>
  readonly warnings?: ReadonlyArray<string> | undefined
  readonly degraded?: boolean | undefined
}

export const metadataOf = (known: KnownOfCall): ResponseMetadata => {
  const { limits, responseHeaders } = known.attempts.at(-1) ?? {}
  const metadata: { -readonly [Name in keyof ResponseMetadata]: ResponseMetadata[Name] } = {
    provider: known.provider,
    model: known.model,
    servedModel: known.servedModel,
    temperature: known.temperature,
    maxTokens: known.maxTokens,
    usage: known.usage ?? {},
    usageStatus: known.usageStatus ?? "unknown",
    latencyMs: known.latencyMs,
    timestamp: known.timestamp,
    requestId: known.requestId,
    rawFinishReason: known.rawFinishReason,
    costUsd: known.costUsd ?? null,
    attempts: known.attempts,
    warnings: known.warnings ?? [],
    degraded: known.degraded ?? false,
  }
  // Absent where nothing is known of them. Assigned, because a spread for each would cost more than the rest.
  if (known.responseId !== undefined) metadata.responseId = known.responseId
  if (known.priceSource !== undefined) metadata.priceSource = known.priceSource
  if (responseHeaders !== undefined) {
    if (limits !== undefined) metadata.limits = limits
    metadata.responseHeaders = responseHeaders
  }
  return metadata
}

/** Finish reasons of an answer that filled the whole context window: no limit of the output cut it. */
const fillsWindow = /context_window|model_length/

/** Says that an answer was cut at a limit that nobody asked for; undefined of any other. */
export const limitWarning = (
  {
    finishReason,
    rawFinishReason = "",
  }: { readonly finishReason?: FinishReason | undefined; readonly rawFinishReason?: string | undefined },
  { asksForLimit, maxTokens }: { readonly asksForLimit?: boolean | undefined; readonly maxTokens?: number | undefined },
): string | undefined => {
  if (finishReason !== "length" || asksForLimit !== false || fillsWindow.test(rawFinishReason)) return undefined
  const limit = maxTokens === undefined ? "a limit of the model or its service" : `${maxTokens} tokens (max_tokens)`
  return `the answer was cut at ${limit}, which the request did not set; set maxTokens to choose the limit`
}
