/**
 * One span a call with a child for each attempt, metrics, and at most one log line: what was asked of whom, how it ended, how
 * long it took, what it cost. Never a key, and what was said only where the program asks for it (`TelemetryOptions`).
 *
 * Names follow OpenTelemetry's GenAI conventions (semantic-conventions-genai, client inference; in development).
 * Put it outermost: it then counts the wait in the queue and the retries as the caller feels them.
 */
import * as Cause from "effect/Cause"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import type * as Fiber from "effect/Fiber"
import * as Result from "effect/Result"
import * as Tracer from "effect/Tracer"
import type { CallContext } from "../call/CallContext.ts"
import { logsDebug, monotonicMs } from "../call/Time.ts"
import { type Assembly, assemble, isOutput, type LlmEvent } from "../model/LlmEvent.ts"
import type { ResponseMetadata } from "../model/LlmResponse.ts"
import { traitsOf } from "./mechanisms/Around.ts"
import { aroundAnswer, type Outcome } from "./mechanisms/HeldAnswer.ts"
import * as Policy from "./Policy.ts"
import { metricsOf } from "./telemetry/CallMetrics.ts"
import { askedModel, type CallSpan, type CallStart, errorTypeOf, openSpan } from "./telemetry/CallSpan.ts"
import { TelemetryOptions } from "./telemetry/TelemetryOptions.ts"

/**
 * Adds a span (`chat {model}`, `embeddings {model}`), a child span for each attempt, metrics, and a log line: ERROR for a defect, WARN for a failure, INFO
 * for an answer that a failed attempt came before or that is degraded, DEBUG for any other answer and for an abort.
 */
export const withTelemetry: Policy.ServicePolicy = (layer) => telemetry(layer)

const telemetry = Policy.mechanism((inner) =>
  Effect.succeed(
    aroundAnswer<Recording | undefined>({
      begin: (_, request, fiber, isStream) => {
        const isTraced = fiber.getRef(Tracer.Tracer) !== unseen
        const options = fiber.getRef(TelemetryOptions)
        const isMetered = options.metrics ?? isTraced
        if (!isTraced && !isMetered) return unrecorded
        const { operation } = traitsOf(request)
        const model = askedModel(request.model ?? inner.model)
        const start: CallStart = { operation, model, request, isStream, options }
        const span = isTraced ? openSpan(start, fiber) : undefined
        return Result.succeed(
          span === undefined && !isMetered ? undefined : new Recording(start, span, isMetered, fiber),
        )
      },
      inside: (effect, recording, context) =>
        recording?.span === undefined ? effect : recording.span.inside(effect, context),
      pieces: (recording, events, fiber) => recording?.pieces(events, fiber),
      end: (recording, outcome, context, fiber) => {
        recording?.end(outcome, context, inner.name, fiber)
        return log(outcome, context, inner.name, fiber)
      },
    }),
  ),
)

/** Effect's default tracer exports nothing: without another one installed, no span can be seen. */
const unseen = Context.get(Context.empty(), Tracer.Tracer)

const unrecorded = Result.succeed(undefined)

/** What one call is measured by while it runs. */
class Recording {
  readonly span: CallSpan | undefined
  private readonly start: CallStart
  private readonly isMetered: boolean
  private readonly startedMs: number
  private readonly assembly: Assembly | undefined
  private readonly gapsMs: Array<number> = []
  private firstChunkMs: number | undefined
  private lastChunkMs = 0

  constructor(start: CallStart, span: CallSpan | undefined, isMetered: boolean, fiber: Fiber.Fiber<unknown, unknown>) {
    this.start = start
    this.span = span
    this.isMetered = isMetered
    this.startedMs = monotonicMs(fiber)
    this.assembly = start.options.content === undefined ? undefined : assemble()
  }

  pieces(events: ReadonlyArray<LlmEvent>, fiber: Fiber.Fiber<unknown, unknown>): void {
    if (this.assembly !== undefined) for (const event of events) this.assembly.add(event)
    if (!events.some(isOutput)) return
    const nowMs = monotonicMs(fiber)
    if (this.firstChunkMs === undefined) this.firstChunkMs = nowMs - this.startedMs
    else if (this.isMetered && this.gapsMs.length < maxGaps) this.gapsMs.push(nowMs - this.lastChunkMs)
    this.lastChunkMs = nowMs
  }

  end(outcome: Outcome, context: CallContext, name: string, fiber: Fiber.Fiber<unknown, unknown>): void {
    const { assembly, firstChunkMs, span } = this
    if (this.isMetered) this.measure(outcome, context, name, fiber)
    span?.end(outcome, context, name, firstChunkMs, assembly?.response()?.parts, fiber)
  }

  private measure(outcome: Outcome, { ledger }: CallContext, name: string, fiber: Fiber.Fiber<unknown, unknown>): void {
    const { context } = fiber
    const { operation, options } = this.start
    const metadata = outcome._tag === "Answered" ? outcome.metadata : undefined
    const model = ledger.lastTarget(name).model ?? this.start.model
    const metrics = metricsOf({
      conventions: options.conventions ?? "latest",
      operation,
      provider: ledger.lastTelemetryName(name),
      model,
      servedModel: metadata?.servedModel,
      errorType: errorTypeOf(outcome),
    })
    metrics.duration((monotonicMs(fiber) - this.startedMs) / 1000, context)
    if (this.firstChunkMs !== undefined) metrics.firstChunk(this.firstChunkMs / 1000, context)
    for (const gapMs of this.gapsMs) metrics.perChunk(gapMs / 1000, context)
    if (metadata === undefined || !traitsOf(this.start.request).usesTokens) return
    // What an answer from a cache took was counted when it was made.
    if (metadata.cached === true) return
    metrics.tokens(metadata.usage, context)
    metrics.cost(metadata, context)
  }
}

/** Waits between chunks that one call remembers: memory stays bounded however long a stream is. */
const maxGaps = 10_000

/** An answer that took several requests, none of which failed, is one of batches. */
const hasFailed = ({ metadata }: { readonly metadata: ResponseMetadata }): boolean =>
  metadata.attempts.some(({ errorType }) => errorType !== undefined)

const log = (
  outcome: Outcome,
  { ledger }: CallContext,
  name: string,
  fiber: Fiber.Fiber<unknown, unknown>,
): Effect.Effect<void> | undefined => {
  const attempts = ledger.count
  const smooth = outcome._tag === "Answered" && !outcome.metadata.degraded && !hasFailed(outcome)
  // The common case: no span is recorded and nobody reads the log line.
  if (smooth && !logsDebug(fiber)) return undefined
  const { model, provider } = ledger.lastTarget(name)
  const latencyMs = Math.round(monotonicMs(fiber) - ledger.startedMs)
  switch (outcome._tag) {
    case "Aborted":
      return Effect.logDebug("aborted", { provider, model, latencyMs, attempts })
    case "Died":
      return Effect.logError("died", { provider, model, latencyMs, attempts }, Cause.die(outcome.defect))
    case "Failed": {
      const { message, reason } = outcome.error
      return Effect.logWarning("failed", { provider, model, errorType: reason._tag, message, latencyMs, attempts })
    }
    case "Answered": {
      const { finishReason, metadata } = outcome
      const { costUsd, usage } = metadata
      const { inputTokens, outputTokens } = usage
      const fields = { provider, model, finishReason, inputTokens, outputTokens, costUsd, latencyMs, attempts }
      return smooth ? Effect.logDebug("answered", fields) : Effect.logInfo("answered", fields)
    }
  }
}
