/** The span of one call: the parent of what happens within, and of one span for each attempt. */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as Fiber from "effect/Fiber"
import * as Result from "effect/Result"
import * as Tracer from "effect/Tracer"
import { type CallContext, within } from "../../call/CallContext.ts"
import { CallTags } from "../../call/CallOptions.ts"
import type { CallEvent, CallObserver } from "../../call/CallEvent.ts"
import { shownModel } from "../../model/KeyShape.ts"
import type { AttemptRecord, ResponsePart } from "../../model/LlmResponse.ts"
import type { Asked } from "../mechanisms/Around.ts"
import type { Outcome } from "../mechanisms/HeldAnswer.ts"
import { answeredContent, askedContent } from "./Content.ts"
import { names, type Operation } from "./GenAiNames.ts"
import type { TelemetryOptions } from "./TelemetryOptions.ts"

/** What the call is, at its beginning. */
export interface CallStart {
  readonly operation: Operation
  readonly model: string | undefined
  readonly request: Asked
  readonly isStream: boolean
  readonly options: TelemetryOptions
}

/** The span of a call; undefined where it is not sampled. */
export const openSpan = (start: CallStart, fiber: Fiber.Fiber<unknown, unknown>): CallSpan | undefined => {
  const { isStream, model, operation } = start
  const attributes = {
    "gen_ai.operation.name": operation,
    ...(model === undefined ? {} : { "gen_ai.request.model": model }),
    ...(isStream ? { "gen_ai.request.stream": true } : {}),
  }
  const span = makeSpan(model === undefined ? operation : `${operation} ${model}`, attributes, fiber)
  if (!span.sampled) return undefined
  for (const [name, value] of Object.entries(fiber.getRef(CallTags))) span.attribute(`wiseflow.tag.${name}`, value)
  return new CallSpan(span, start)
}

const makeSpan = (
  name: string,
  attributes: Record<string, unknown>,
  fiber: Fiber.Fiber<unknown, unknown>,
  parent?: Tracer.Span,
): Tracer.Span =>
  Effect.runSyncWith(fiber.context)(
    Effect.makeSpan(name, { kind: "client", attributes, ...(parent === undefined ? {} : { parent }) }),
  )

const nowNanos = (fiber: Fiber.Fiber<unknown, unknown>): bigint => fiber.getRef(Clock.Clock).currentTimeNanosUnsafe()

export class CallSpan {
  private readonly span: Tracer.Span
  private readonly start: CallStart
  private readonly attempts = new Map<number, Tracer.Span>()

  constructor(span: Tracer.Span, start: CallStart) {
    this.span = span
    this.start = start
    noteRequest(span, start)
  }

  inside<A, E>(effect: Effect.Effect<A, E>, context: CallContext): Effect.Effect<A, E> {
    const observers = [...context.observers, this.observe]
    return within(Effect.provideService(effect, Tracer.ParentSpan, this.span), { ...context, observers })
  }

  private readonly observe: CallObserver = (event: CallEvent, fiber) => {
    switch (event.type) {
      case "attempt-start": {
        const { model } = event.record
        const attributes = {
          "gen_ai.operation.name": this.start.operation,
          "gen_ai.provider.name": event.telemetryName,
          ...(model === undefined ? {} : { "gen_ai.request.model": model }),
          ...serverOf(event.url),
        }
        const name = model === undefined ? "attempt" : `attempt ${model}`
        return void this.attempts.set(event.attempt, makeSpan(name, attributes, fiber, this.span))
      }
      case "attempt-end": {
        const attempt = this.attempts.get(event.attempt)
        return attempt === undefined ? undefined : endAttempt(attempt, event.record, event.exit, fiber)
      }
      case "retry":
        return this.span.event("retry", nowNanos(fiber), {
          "error.type": event.error.reason._tag,
          "wiseflow.wait_ms": event.waitMs,
        })
      case "hedge":
        return this.span.event("hedge", nowNanos(fiber), { "wiseflow.after_ms": event.afterMs })
      case "fallback":
        return this.span.event("fallback", nowNanos(fiber), {
          "error.type": event.error.reason._tag,
          "wiseflow.next": event.provider,
        })
      case "permit":
        return event.waitedMs === 0
          ? undefined
          : this.span.event("permit", nowNanos(fiber), { "wiseflow.queued_ms": event.waitedMs })
      case "circuit":
        return this.span.event("circuit", nowNanos(fiber), {
          "gen_ai.provider.name": event.provider,
          "wiseflow.circuit.from": event.from,
          "wiseflow.circuit.to": event.to,
        })
      default:
        return undefined
    }
  }

  /** Ends the span. `firstChunkMs` and `parts` are of a stream; the parts of other answers are in the outcome. */
  end(
    outcome: Outcome,
    context: CallContext,
    name: string,
    firstChunkMs: number | undefined,
    parts: ReadonlyArray<ResponsePart> | undefined,
    fiber: Fiber.Fiber<unknown, unknown>,
  ): void {
    describe(this.span, this.start, outcome, context, name)
    if (firstChunkMs !== undefined) this.span.attribute("gen_ai.response.time_to_first_chunk", firstChunkMs / 1000)
    const { content } = this.start.options
    if (content !== undefined) {
      const said = parts ?? partsOf(outcome)
      if (said !== undefined) this.span.attribute("gen_ai.output.messages", answeredContent(content, said))
    }
    this.span.end(nowNanos(fiber), outcome.exit)
  }
}

const partsOf = ({ exit }: Outcome): ReadonlyArray<ResponsePart> | undefined => {
  if (Exit.isFailure(exit)) return undefined
  const answer = exit.value as { readonly parts?: ReadonlyArray<ResponsePart> } | undefined
  return answer?.parts
}

/** The port that the conventions leave out. */
const defaultPorts: Readonly<Record<string, number>> = { "https:": 443, "http:": 80 }

const serverOf = (url: string | undefined): Record<string, unknown> => {
  const parsed = url === undefined ? undefined : Result.try(() => new URL(url))
  if (parsed === undefined || Result.isFailure(parsed)) return {}
  const { hostname, port, protocol } = parsed.success
  return { "server.address": hostname, "server.port": port === "" ? defaultPorts[protocol] : Number(port) }
}

/** What was asked for. A request is not checked yet, so that only what has the right type is told. */
const noteRequest = (span: Tracer.Span, { operation, options, request }: CallStart): void => {
  if (options.content !== undefined) {
    for (const [name, text] of Object.entries(askedContent(options.content, request))) span.attribute(name, text)
  }
  if (operation === "embeddings") return noteNumber(span, "gen_ai.embeddings.dimension.count", dimensionsOf(request))
  const { conventions = "latest" } = options
  const { reasoningLevel } = names[conventions]
  const level = request.reasoning?.effort ?? request.reasoningEffort
  if (reasoningLevel !== undefined && typeof level === "string") span.attribute(reasoningLevel, level)
  noteNumber(span, "gen_ai.request.temperature", request.temperature)
  noteNumber(span, "gen_ai.request.max_tokens", request.maxTokens)
  noteNumber(span, "gen_ai.request.top_p", request.topP)
  noteNumber(span, "gen_ai.request.seed", request.seed)
  noteNumber(span, "gen_ai.request.frequency_penalty", request.frequencyPenalty)
  noteNumber(span, "gen_ai.request.presence_penalty", request.presencePenalty)
  const format = request.responseFormat?.type
  if (format !== undefined) span.attribute("gen_ai.output.type", format === "text" ? "text" : "json")
}

const dimensionsOf = (request: Asked): unknown => ("dimensions" in request ? request.dimensions : undefined)

const noteNumber = (span: Tracer.Span, name: string, value: unknown): void => {
  if (typeof value === "number") span.attribute(name, value)
}

const endAttempt = (
  span: Tracer.Span,
  record: AttemptRecord,
  exit: Exit.Exit<unknown, unknown>,
  fiber: Fiber.Fiber<unknown, unknown>,
): void => {
  note(span, "http.response.status_code", record.status)
  note(span, "gen_ai.response.model", record.servedModel)
  note(span, "error.type", record.errorType)
  note(span, "wiseflow.deployment", record.deployment)
  note(span, "wiseflow.chosen_by", record.chosenBy)
  noteAboveZero(span, "wiseflow.target_index", record.targetIndex)
  noteAboveZero(span, "wiseflow.queued_ms", record.queuedMs)
  noteAboveZero(span, "wiseflow.waited_ms", record.waitedMs)
  note(span, "wiseflow.cost_usd", record.costUsd ?? undefined)
  // A clock ends an attempt by interrupting it: for the reader of a trace it failed.
  span.end(nowNanos(fiber), record.errorType === undefined ? exit : Exit.fail(record.errorType))
}

/** Most attempts are of the first target and have waited for nothing, and each attribute costs. */
const noteAboveZero = (span: Tracer.Span, name: string, value: number): void => {
  if (value > 0) span.attribute(name, value)
}

/** `error.type` of a call, where it did not answer. */
export const errorTypeOf = (outcome: Outcome): string | undefined => {
  switch (outcome._tag) {
    case "Answered":
      return undefined
    case "Failed":
      return outcome.error.reason._tag
    case "Died":
      return "defect"
    case "Aborted":
      return "aborted"
  }
}

const describe = (
  span: Tracer.Span,
  { options }: CallStart,
  outcome: Outcome,
  context: CallContext,
  name: string,
): void => {
  const target = context.ledger.lastTarget(name)
  span.attribute("gen_ai.provider.name", context.ledger.lastTelemetryName(name))
  note(span, "gen_ai.request.model", target.model)
  note(span, "error.type", errorTypeOf(outcome))
  if (outcome._tag !== "Answered") return
  const { finishReason, metadata } = outcome
  const { usage } = metadata
  note(span, "gen_ai.response.id", metadata.responseId)
  note(span, "gen_ai.response.model", metadata.servedModel)
  if (finishReason !== undefined) {
    span.attribute("gen_ai.response.finish_reasons", [metadata.rawFinishReason ?? finishReason])
  }
  note(span, "gen_ai.request.temperature", metadata.temperature)
  note(span, "gen_ai.request.max_tokens", metadata.maxTokens)
  note(span, "gen_ai.usage.input_tokens", usage.inputTokens)
  note(span, "gen_ai.usage.output_tokens", usage.outputTokens)
  note(span, "gen_ai.usage.cache_read.input_tokens", usage.cachedInputTokens)
  note(span, names[options.conventions ?? "latest"].cacheWrite, usage.cacheWriteTokens)
  note(span, "gen_ai.usage.reasoning.output_tokens", usage.reasoningTokens)
  note(span, "wiseflow.cost_usd", metadata.costUsd ?? undefined)
  note(span, "wiseflow.price_source", metadata.priceSource)
}

const note = (span: Tracer.Span, name: string, value: unknown): void => {
  if (value !== undefined) span.attribute(name, value)
}

/** The name of a model as it may be shown: a key may have been pasted in its place. */
export const askedModel = (model: unknown): string | undefined =>
  typeof model === "string" ? shownModel(model) : undefined
