/**
 * Metrics of calls, in the program's own `Metric` registry: duration, time to the first chunk and per chunk, tokens, cost.
 * It keeps no figures itself. `unit` is an attribute because Effect's exporters read it there.
 */
import type * as Context from "effect/Context"
import * as Metric from "effect/Metric"
import type { ResponseMetadata, Usage } from "../../model/LlmResponse.ts"
import {
  chunkBounds,
  costMetric,
  durationBounds,
  names,
  type Operation,
  tokenBounds,
  tokenMetrics,
  tokenUsage,
} from "./GenAiNames.ts"
import type { Conventions } from "./TelemetryOptions.ts"

/** Whose figures they are. */
export interface MetricLabels {
  readonly conventions: Conventions
  readonly operation: Operation
  readonly provider: string
  readonly model: string | undefined
  readonly servedModel?: string | undefined
  readonly errorType?: string | undefined
}

type Attributes = Readonly<Record<string, string>>
type Record_ = (value: number, context: Context.Context<never>) => void

const histogram = (name: string, unit: string, boundaries: ReadonlyArray<number>, attributes: Attributes): Record_ => {
  const metric = Metric.histogram(name, { boundaries, attributes: { ...attributes, unit } })
  return (value, context) => metric.updateUnsafe(value, context)
}

const tokenCounter = (name: string, attributes: Attributes): Record_ => {
  const metric = Metric.counter(name, {
    bigint: true,
    incremental: true,
    attributes: { ...attributes, "gen_ai.token.modality": "unknown", unit: "{token}" },
  })
  return (value, context) => metric.updateUnsafe(BigInt(Math.max(0, Math.round(value))), context)
}

/** The metrics of one set of labels. */
class Labelled {
  private readonly labels: MetricLabels
  private readonly attributes: Attributes
  readonly duration: Record_
  private made = new Map<string, Record_>()

  constructor(labels: MetricLabels) {
    const { conventions, errorType, model, operation, provider, servedModel } = labels
    this.labels = labels
    this.attributes = {
      "gen_ai.operation.name": operation,
      "gen_ai.provider.name": provider,
      ...(model === undefined ? {} : { "gen_ai.request.model": model }),
      ...(servedModel === undefined ? {} : { "gen_ai.response.model": servedModel }),
      ...(errorType === undefined ? {} : { "error.type": errorType }),
    }
    this.duration = histogram(names[conventions].duration[operation], "s", durationBounds, this.attributes)
  }

  firstChunk(seconds: number, context: Context.Context<never>): void {
    const name = names[this.labels.conventions].firstChunk
    this.once(name, (attributes) => histogram(name, "s", durationBounds, attributes))(seconds, context)
  }

  perChunk(seconds: number, context: Context.Context<never>): void {
    const name = names[this.labels.conventions].perChunk
    this.once(name, (attributes) => histogram(name, "s", chunkBounds, attributes))(seconds, context)
  }

  /** Counters count 0 where nothing was told; a bucket that no service reports has no histogram. */
  tokens(usage: Usage, context: Context.Context<never>): void {
    const { inputTokens, outputTokens } = usage
    if (this.labels.conventions === "v1.41") {
      if (inputTokens !== undefined) this.ofType("input", inputTokens, context)
      if (outputTokens !== undefined) this.ofType("output", outputTokens, context)
      return
    }
    this.count("inputTokens", usage, context)
    if (inputTokens !== undefined) this.perOperation("inputPerOperation", inputTokens, context)
    if (this.labels.operation === "embeddings") return
    this.count("outputTokens", usage, context)
    this.count("cachedInputTokens", usage, context)
    this.count("cacheWriteTokens", usage, context)
    this.count("reasoningTokens", usage, context)
    if (outputTokens !== undefined) this.perOperation("outputPerOperation", outputTokens, context)
  }

  cost({ costUsd, priceSource }: ResponseMetadata, context: Context.Context<never>): void {
    if (costUsd === null) return
    const source = priceSource ?? "several"
    this.once(`${costMetric} ${source}`, (attributes) => {
      const metric = Metric.counter(costMetric, {
        incremental: true,
        attributes: { ...attributes, "wiseflow.price_source": source, unit: "USD" },
      })
      return (value, within) => metric.updateUnsafe(value, within)
    })(costUsd, context)
  }

  private count(
    bucket: "inputTokens" | "outputTokens" | "cachedInputTokens" | "cacheWriteTokens" | "reasoningTokens",
    usage: Usage,
    context: Context.Context<never>,
  ): void {
    const name = tokenMetrics[bucket]
    this.once(name, (attributes) => tokenCounter(name, attributes))(usage[bucket] ?? 0, context)
  }

  private perOperation(
    which: "inputPerOperation" | "outputPerOperation",
    tokens: number,
    context: Context.Context<never>,
  ): void {
    const name = tokenMetrics[which]
    this.once(name, (attributes) => histogram(name, "{token}", tokenBounds, attributes))(tokens, context)
  }

  private ofType(type: "input" | "output", tokens: number, context: Context.Context<never>): void {
    this.once(`${tokenUsage} ${type}`, (attributes) =>
      histogram(tokenUsage, "{token}", tokenBounds, { ...attributes, "gen_ai.token.type": type }),
    )(tokens, context)
  }

  private once(key: string, make: (attributes: Attributes) => Record_): Record_ {
    const known = this.made.get(key)
    if (known !== undefined) return known
    const made = make(this.attributes)
    this.made.set(key, made)
    return made
  }
}

/** Each set of labels is a series that stays in the registry; names of models may come from anywhere, so they are few. */
const maxSets = 500

const sets = new Map<string, Labelled>()

/** The metrics of these labels. Once there are very many, models are no longer told apart. */
export const metricsOf = (labels: MetricLabels): Labelled => {
  const { conventions, errorType, model, operation, provider, servedModel } = labels
  const key = `${conventions}\n${operation}\n${provider}\n${model ?? ""}\n${servedModel ?? ""}\n${errorType ?? ""}`
  const known = sets.get(key)
  if (known !== undefined) return known
  if (sets.size >= maxSets && model !== undefined) {
    return metricsOf({ conventions, operation, provider, errorType, model: undefined })
  }
  const made = new Labelled(labels)
  sets.set(key, made)
  return made
}
