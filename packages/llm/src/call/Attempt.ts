/**
 * One request to one provider: its record in the call's ledger, and the two things that come out of it, metadata or an
 * error. It measures and writes down; it sends nothing and decides nothing.
 */
import type * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import type * as Fiber from "effect/Fiber"
import { hearsDebug, type LlmCall, openAttempt, type OpenAttempt } from "./LlmCall.ts"
import { LlmError, type LlmErrorReason } from "../model/LlmError.ts"
import type { LlmRequest } from "../model/LlmRequest.ts"
import type { ResponseMetadata, Usage } from "../model/LlmResponse.ts"
import { costUsd } from "../prices/Prices.ts"
import type { Ending } from "../protocols/Protocol.ts"
import type { Redact } from "../settings/Redactor.ts"

/** Names of models, requests and finish reasons are short; a longer one is cut. */
const nameLength = 256

/** What is known of a provider beside its name: see `Endpoint`. */
interface PricedEndpoint {
  readonly telemetryName?: string | undefined
  readonly priceList?: string | undefined
  readonly pricesModelAsked?: boolean | undefined
}

export class Attempt {
  readonly call: LlmCall
  readonly provider: string
  readonly model: string
  readonly record: OpenAttempt
  readonly warnings: ReadonlyArray<string>
  /** Blanks the secrets that the request was sent with: for every word of the server's. */
  readonly redact: Redact
  private readonly endpoint: PricedEndpoint
  /** The price a proxy named itself; it wins over the table (law 19). */
  reportedCostUsd: number | undefined
  /** As they were sent: the request is the caller's, who may change it meanwhile. */
  private readonly temperature: number | undefined
  private readonly maxTokens: number | undefined
  private readonly startedMs: number
  private readonly clock: Clock.Clock
  private closed = false

  constructor(options: {
    readonly call: LlmCall
    readonly request: LlmRequest
    readonly endpoint: PricedEndpoint
    readonly provider: string
    readonly model: string
    readonly warnings: ReadonlyArray<string>
    readonly clock: Clock.Clock
    readonly redact: Redact
  }) {
    this.call = options.call
    this.temperature = options.request.temperature
    this.maxTokens = options.request.maxTokens
    this.provider = options.provider
    this.model = options.model
    this.warnings = options.warnings
    this.endpoint = options.endpoint
    this.clock = options.clock
    this.redact = options.redact
    this.startedMs = this.nowMs()
    const { model, provider } = options
    const { telemetryName } = options.endpoint
    this.record = openAttempt(options.call, this.startedMs, { provider, model, telemetryName })
  }

  /** The call's clock. */
  nowMs(): number {
    return this.clock.currentTimeMillisUnsafe()
  }

  /** Notes the first piece of the answer. */
  sawOutput(): void {
    this.record.firstOutputMs ??= this.nowMs() - this.startedMs
  }

  /** Ends the record, once; for an attempt that nobody waits for any more this is all that happens. */
  close(): void {
    if (this.closed) return
    this.closed = true
    this.record.durationMs = this.nowMs() - this.startedMs
    this.call.openSinceMs = undefined
  }

  /** Ends the record, and logs it where somebody listens: for the end of a scope or of a fiber. */
  end(fiber: Fiber.Fiber<unknown, unknown>): Effect.Effect<void> | undefined {
    this.close()
    if (!hearsDebug(fiber)) return undefined
    const { durationMs, errorType, requestId, status } = this.record
    const { model, provider } = this
    return Effect.logDebug("API call", { provider, model, status, errorType, durationMs, requestId })
  }

  /** The attempt failed: its record says so, and the error tells every attempt of the call so far. */
  fail(reason: LlmErrorReason, usage: Usage | undefined, text: string | undefined): LlmError {
    this.record.errorType = reason._tag
    if (reason._tag !== "ConfigurationError") this.record.retryAfterMs = reason.retryAfterMs
    if (usage !== undefined && Object.keys(usage).length > 0) this.account(usage)
    this.close()
    return new LlmError({
      reason,
      provider: this.provider,
      model: this.model,
      attempts: [...this.call.attempts],
      ...(text === undefined || text === "" ? {} : { text }),
      ...(this.warnings.length === 0 ? {} : { warnings: this.warnings }),
    })
  }

  /** The attempt succeeded: what surrounds the answer. */
  finish(ending: Ending): ResponseMetadata {
    const { rawFinishReason, servedModel, warnings } = this.clean(ending)
    this.record.servedModel = servedModel
    if (ending.usageStatus !== "unknown") this.account(ending.usage)
    this.record.costUsd = this.reportedCostUsd ?? this.record.costUsd
    this.close()
    const { call, maxTokens, record, temperature } = this
    return {
      provider: this.provider,
      model: this.model,
      servedModel,
      temperature,
      maxTokens,
      usage: ending.usage,
      usageStatus: ending.usageStatus,
      latencyMs: this.nowMs() - call.startedMs,
      timestamp: call.started,
      requestId: record.requestId,
      rawFinishReason,
      costUsd: record.costUsd,
      attempts: [...call.attempts],
      warnings: warnings.length === 0 ? this.warnings : [...this.warnings, ...warnings],
      degraded: false,
    }
  }

  /** A name that the server told: a model's, a request's. */
  name(text: string): string {
    return this.redact(text.length > nameLength ? `${text.slice(0, nameLength)}…` : text)
  }

  /** The words of the ending that are the server's, without a secret that it may have put there. */
  private clean({ rawFinishReason, servedModel, warnings }: Ending) {
    return {
      rawFinishReason: rawFinishReason === undefined ? undefined : this.name(rawFinishReason),
      servedModel: servedModel === undefined ? undefined : this.name(servedModel),
      warnings: warnings.map(this.redact),
    }
  }

  /** The answer's price: by the model that served where its price is known, else by the one asked for. */
  private account(usage: Usage): void {
    const { record } = this
    record.usage = usage
    const at = this.startedMs
    const billed = billedUsage(usage)
    const { priceList, pricesModelAsked } = this.endpoint
    if (priceList === undefined) return
    record.costUsd =
      costUsd(priceList, record.servedModel, billed, at) ??
      (pricesModelAsked === false ? null : costUsd(priceList, this.model, billed, at))
  }
}

/** Reasoning that a service counts beside its output is billed as output all the same. */
const billedUsage = (usage: Usage): Usage => {
  const { inputTokens = 0, outputTokens = 0, reasoningTokens = 0, totalTokens } = usage
  return totalTokens !== undefined &&
    reasoningTokens > 0 &&
    totalTokens === inputTokens + outputTokens + reasoningTokens
    ? { ...usage, outputTokens: outputTokens + reasoningTokens }
    : usage
}
