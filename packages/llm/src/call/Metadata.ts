/** The one maker of `ResponseMetadata`: of an answer, of a failure, and of a text that no model wrote. */
import type { AttemptRecord, PriceSource, ResponseMetadata, Usage, UsageStatus } from "../model/LlmResponse.ts"

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

const shownOf = (attempts: ReadonlyArray<AttemptRecord>): Pick<AttemptRecord, "limits" | "responseHeaders"> => {
  const { limits, responseHeaders } = attempts.at(-1) ?? {}
  return responseHeaders === undefined ? {} : { ...(limits === undefined ? {} : { limits }), responseHeaders }
}

export const metadataOf = (known: KnownOfCall): ResponseMetadata => ({
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
  ...(known.responseId === undefined ? {} : { responseId: known.responseId }),
  rawFinishReason: known.rawFinishReason,
  costUsd: known.costUsd ?? null,
  ...(known.priceSource === undefined ? {} : { priceSource: known.priceSource }),
  attempts: known.attempts,
  warnings: known.warnings ?? [],
  degraded: known.degraded ?? false,
  ...shownOf(known.attempts),
})
