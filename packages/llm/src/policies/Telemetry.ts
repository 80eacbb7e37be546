/**
 * One span a call with a child for each attempt, and at most one log line: what was asked of whom, how it ended, how long it
 * took, what it cost. Never what was said, and never a key.
 *
 * Names follow OpenTelemetry's GenAI conventions (semantic-conventions-genai, client inference spans; in development).
 * Put it outermost: it then counts the wait in the queue and the retries as the caller feels them.
 */
import * as Cause from "effect/Cause"
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as Fiber from "effect/Fiber"
import * as Result from "effect/Result"
import * as Tracer from "effect/Tracer"
import { type CallContext, within } from "../call/CallContext.ts"
import type { CallEvent, CallObserver } from "../call/CallEvent.ts"
import { logsDebug, monotonicMs } from "../call/Time.ts"
import { shownModel } from "../model/KeyShape.ts"
import type { AttemptRecord, ResponseMetadata } from "../model/LlmResponse.ts"
import { aroundAnswer, type Outcome } from "./mechanisms/HeldAnswer.ts"
import * as Policy from "./Policy.ts"

/**
 * Adds a span (`chat {model}`, `embeddings {model}`), a child span for each attempt, and a log line: ERROR for a defect, WARN for a failure, INFO
 * for an answer that a failed attempt came before or that is degraded, DEBUG for any other answer and for an abort.
 */
export const withTelemetry: Policy.ServicePolicy = (layer) => telemetry(layer)

const telemetry = Policy.mechanism((inner) =>
  Effect.succeed(
    aroundAnswer<CallSpan | undefined>({
      begin: (_, request, fiber) =>
        Result.succeed(openSpan(operationOf(request), asked(request.model ?? inner.model), fiber)),
      inside: (effect, span, context) => (span === undefined ? effect : span.inside(effect, context)),
      end: (span, outcome, context, fiber) => {
        span?.end(outcome, context, inner.name, fiber)
        return log(outcome, context, inner.name, fiber)
      },
    }),
  ),
)

/** The name of a model as it may be shown: a key may have been pasted in its place. */
const asked = (model: string | undefined): string | undefined => (model === undefined ? undefined : shownModel(model))

/** Effect's default tracer exports nothing: without another one installed, no span can be seen. */
const unseen = Context.get(Context.empty(), Tracer.Tracer)

/** `gen_ai.operation.name`. */
type Operation = "chat" | "embeddings"

const operationOf = ({ inputs }: Policy.Asked): Operation => (inputs === undefined ? "chat" : "embeddings")

const openSpan = (
  operation: Operation,
  model: string | undefined,
  fiber: Fiber.Fiber<unknown, unknown>,
): CallSpan | undefined => {
  if (fiber.getRef(Tracer.Tracer) === unseen) return undefined
  const attributes = {
    "gen_ai.operation.name": operation,
    ...(model === undefined ? {} : { "gen_ai.request.model": model }),
  }
  const span = makeSpan(model === undefined ? operation : `${operation} ${model}`, attributes, fiber)
  return span.sampled ? new CallSpan(span, operation) : undefined
}

const makeSpan = (
  name: string,
  attributes: Record<string, unknown>,
  fiber: Fiber.Fiber<unknown, unknown>,
  parent?: Tracer.Span,
): Tracer.Span =>
  Effect.runSync(
    Effect.provideContext(
      Effect.makeSpan(name, { kind: "client", attributes, ...(parent === undefined ? {} : { parent }) }),
      fiber.context,
    ),
  )

const nowNanos = (fiber: Fiber.Fiber<unknown, unknown>): bigint => fiber.getRef(Clock.Clock).currentTimeNanosUnsafe()

/** The span of one call: the parent of what happens within, and of one span for each attempt. */
class CallSpan {
  private readonly span: Tracer.Span
  private readonly operation: Operation
  private readonly attempts = new Map<number, Tracer.Span>()

  constructor(span: Tracer.Span, operation: Operation) {
    this.span = span
    this.operation = operation
  }

  inside<A, E>(effect: Effect.Effect<A, E>, context: CallContext): Effect.Effect<A, E> {
    const observers = [...context.observers, this.observe]
    return within(Effect.provideService(effect, Tracer.ParentSpan, this.span), { ...context, observers })
  }

  private readonly observe: CallObserver = (event: CallEvent, fiber) => {
    switch (event.type) {
      case "attempt-start": {
        const { model } = event.record
        const name = model === undefined ? "attempt" : `attempt ${model}`
        return void this.attempts.set(
          event.attempt,
          makeSpan(name, attributesOf(this.operation, event.telemetryName, model), fiber, this.span),
        )
      }
      case "attempt-end": {
        const attempt = this.attempts.get(event.attempt)
        this.attempts.delete(event.attempt)
        return attempt === undefined ? undefined : endAttempt(attempt, event.record, event.exit, fiber)
      }
      case "retry":
        return this.span.event("retry", nowNanos(fiber), {
          "error.type": event.error.reason._tag,
          "wiseflow.wait_ms": event.waitMs,
        })
      case "fallback":
        return this.span.event("fallback", nowNanos(fiber), {
          "error.type": event.error.reason._tag,
          "wiseflow.next": event.provider,
        })
      case "permit":
        return event.waitedMs === 0
          ? undefined
          : this.span.event("permit", nowNanos(fiber), { "wiseflow.queued_ms": event.waitedMs })
      default:
        return undefined
    }
  }

  end(outcome: Outcome, context: CallContext, name: string, fiber: Fiber.Fiber<unknown, unknown>): void {
    describe(this.span, outcome, context, name)
    this.span.end(nowNanos(fiber), outcome.exit)
  }
}

const attributesOf = (operation: Operation, provider: string, model: string | undefined): Record<string, unknown> => ({
  "gen_ai.operation.name": operation,
  "gen_ai.provider.name": provider,
  ...(model === undefined ? {} : { "gen_ai.request.model": model }),
})

const endAttempt = (
  span: Tracer.Span,
  record: AttemptRecord,
  exit: Exit.Exit<unknown, unknown>,
  fiber: Fiber.Fiber<unknown, unknown>,
): void => {
  note(span, "http.response.status_code", record.status)
  note(span, "gen_ai.response.model", record.servedModel)
  note(span, "error.type", record.errorType)
  note(span, "wiseflow.target_index", record.targetIndex)
  note(span, "wiseflow.queued_ms", record.queuedMs)
  note(span, "wiseflow.waited_ms", record.waitedMs)
  // A clock ends an attempt by interrupting it: for the reader of a trace it failed.
  span.end(nowNanos(fiber), record.errorType === undefined ? exit : Exit.fail(record.errorType))
}

const describe = (span: Tracer.Span, outcome: Outcome, context: CallContext, name: string): void => {
  const target = context.ledger.lastTarget(name)
  span.attribute("gen_ai.provider.name", context.ledger.lastTelemetryName(name))
  note(span, "gen_ai.request.model", target.model)
  if (outcome._tag === "Failed") return span.attribute("error.type", outcome.error.reason._tag)
  if (outcome._tag === "Aborted") return span.attribute("error.type", "aborted")
  if (outcome._tag === "Died") return span.attribute("error.type", "defect")
  const { finishReason, metadata } = outcome
  const { usage } = metadata
  note(span, "gen_ai.response.model", metadata.servedModel)
  if (finishReason !== undefined) {
    span.attribute("gen_ai.response.finish_reasons", [metadata.rawFinishReason ?? finishReason])
  }
  note(span, "gen_ai.request.temperature", metadata.temperature)
  note(span, "gen_ai.request.max_tokens", metadata.maxTokens)
  note(span, "gen_ai.usage.input_tokens", usage.inputTokens)
  note(span, "gen_ai.usage.output_tokens", usage.outputTokens)
  note(span, "gen_ai.usage.cache_read.input_tokens", usage.cachedInputTokens)
  note(span, "gen_ai.usage.cache_write.input_tokens", usage.cacheWriteTokens)
  note(span, "gen_ai.usage.reasoning.output_tokens", usage.reasoningTokens)
}

const note = (span: Tracer.Span, name: string, value: unknown): void => {
  if (value !== undefined) span.attribute(name, value)
}

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
  const smooth = outcome._tag === "Answered" && !outcome.metadata.degraded && (attempts <= 1 || !hasFailed(outcome))
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
