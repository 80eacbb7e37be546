/**
 * One span and at most one log line per call: what was asked of whom, how it ended, how long it took, what it cost. Never what was
 * said, and never a key.
 *
 * Names follow OpenTelemetry's GenAI conventions (semantic-conventions-genai, client inference spans; in development).
 * Put it outermost: it then counts the wait in the queue and the retries as the caller feels them.
 */
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as Fiber from "effect/Fiber"
import * as Result from "effect/Result"
import * as Tracer from "effect/Tracer"
import { hearsDebug, type LlmCall, targetOf, timeOf } from "../call/LlmCall.ts"
import { shownModel } from "../model/KeyShape.ts"
import * as Policy from "./Policy.ts"

/**
 * Adds a span (`chat {model}`) and a log line: WARN for a failure, INFO for an answer that took more than one attempt or is
 * degraded, DEBUG for any other answer and for an abort.
 */
export const withTelemetry: Policy.Policy = Policy.make((inner) =>
  Effect.succeed(
    Policy.aroundAnswer(
      inner,
      (_, request, fiber) =>
        Result.succeed(openSpan(request.model === undefined ? "chat" : `chat ${shownModel(request.model)}`, fiber)),
      (span, outcome, call, fiber) => {
        if (span !== undefined) {
          describe(span, outcome, call, inner.name)
          const failed = outcome._tag === "Failed"
          const endNanos = fiber.getRef(Clock.Clock).currentTimeNanosUnsafe()
          span.end(endNanos, failed ? Exit.fail(outcome.error) : Exit.void)
        }
        return log(outcome, call, inner.name, fiber)
      },
    ),
  ),
)

/** Effect's own tracer keeps spans to itself: where no other is installed, nobody could see one. */
const unseen = Context.get(Context.empty(), Tracer.Tracer)

const openSpan = (name: string, fiber: Fiber.Fiber<unknown, unknown>): Tracer.Span | undefined =>
  fiber.getRef(Tracer.Tracer) === unseen
    ? undefined
    : Effect.runSync(
        Effect.provideContext(
          Effect.makeSpan(name, { kind: "client", attributes: { "gen_ai.operation.name": "chat" } }),
          fiber.context,
        ),
      )

const describe = (span: Tracer.Span, outcome: Policy.Outcome, call: LlmCall, name: string): void => {
  const target = targetOf(call, name)
  span.attribute("gen_ai.provider.name", call.telemetryName ?? target.provider)
  if (target.model !== undefined) span.attribute("gen_ai.request.model", target.model)
  if (outcome._tag === "Failed") return span.attribute("error.type", outcome.error.reason._tag)
  if (outcome._tag === "Aborted") return span.attribute("error.type", "aborted")
  const { finishReason, metadata } = outcome.finish
  const { usage } = metadata
  note(span, "gen_ai.response.model", metadata.servedModel)
  note(span, "gen_ai.response.finish_reasons", [metadata.rawFinishReason ?? finishReason])
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

const log = (
  outcome: Policy.Outcome,
  call: LlmCall,
  name: string,
  fiber: Fiber.Fiber<unknown, unknown>,
): Effect.Effect<void> | undefined => {
  const attempts = call.attempts.length
  const smooth = outcome._tag === "Answered" && attempts === 1 && !outcome.finish.metadata.degraded
  // Nearly every call ends here, and nearly nobody listens.
  if (smooth && !hearsDebug(fiber)) return undefined
  const { model, provider } = targetOf(call, name)
  const latencyMs = timeOf(fiber) - call.startedMs
  if (outcome._tag === "Aborted") return Effect.logDebug("aborted", { provider, model, latencyMs, attempts })
  if (outcome._tag === "Failed") {
    const { message, reason } = outcome.error
    return Effect.logWarning("failed", { provider, model, errorType: reason._tag, message, latencyMs, attempts })
  }
  const { finishReason, metadata } = outcome.finish
  const { costUsd, usage } = metadata
  const { inputTokens, outputTokens } = usage
  const fields = { provider, model, finishReason, inputTokens, outputTokens, costUsd, latencyMs, attempts }
  return smooth ? Effect.logDebug("answered", fields) : Effect.logInfo("answered", fields)
}
