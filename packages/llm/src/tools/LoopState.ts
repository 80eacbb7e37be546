/**
 * One run of a tool loop: the conversation, the steps so far, and what comes next. `ToolLoop` asks the models; this says
 * with what, and keeps the conversation such that every call in it has one result.
 */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import { joinCall } from "../call/CallContext.ts"
import type { Ledger } from "../call/Ledger.ts"
import {
  InvalidResponseError,
  LlmError,
  type LlmErrorReason,
  StreamInterruptedError,
  TimeoutError,
} from "../model/LlmError.ts"
import type { LlmRequest, Message } from "../model/LlmRequest.ts"
import type { LlmResponse, ResponsePart, ToolCall } from "../model/LlmResponse.ts"
import type { Tool } from "./Tool.ts"
import { type Approve, type CallResult, type ReadyTool, readyAll, resultPart, runCall, skipped } from "./ToolCalls.ts"
import { failureOf, type ToolLoopFailure } from "./ToolLoopFailure.ts"
import { totalOf } from "../call/Totals.ts"

/** How far a run has come. `step` numbers the step to come, from 0. */
export interface LoopProgress {
  readonly step: number
  readonly steps: ReadonlyArray<LlmResponse>
  readonly messages: ReadonlyArray<Message>
}

/**
 * What `prepareStep` may change. `messages` replaces the conversation from here on; everything else holds for the one step
 * to come.
 */
export type StepChanges<R> = Partial<Omit<LlmRequest, "tools">> & {
  readonly tools?: ReadonlyArray<Tool<R>> | undefined
}

/** A step that has ended: the answer, and what its tool calls came to. `messages` is the conversation with both. */
export interface LoopStep {
  readonly step: number
  readonly response: LlmResponse
  readonly results: ReadonlyArray<CallResult>
  readonly messages: ReadonlyArray<Message>
}

/** The last answer, the answers of all steps, and the conversation to go on with. `metadata` is over all steps. */
export interface LoopResponse extends LlmResponse {
  readonly steps: ReadonlyArray<LlmResponse>
  readonly messages: ReadonlyArray<Message>
}

/** A run's options, defaults filled in. */
export interface LoopOptions<R> {
  readonly request: Omit<LlmRequest, "tools">
  readonly tools: ReadonlyArray<Tool<R>>
  readonly maxSteps: number
  readonly maxMistakes: number
  readonly onToolError: "tell" | "fail"
  readonly stopWhen: (steps: ReadonlyArray<LlmResponse>) => boolean
  readonly prepareStep: (progress: LoopProgress) => Effect.Effect<StepChanges<R> | undefined, never, R>
  readonly onStep: (step: LoopStep) => Effect.Effect<void, never, R>
  readonly approve: Approve<R> | undefined
}

/** Calls of one answer may share an id where a service gives none of its own; results have to find theirs. */
const withOwnIds = (parts: ReadonlyArray<ResponsePart>): ReadonlyArray<ResponsePart> => {
  const seen = new Set<string>()
  // Where counting goes on for an id that came before.
  const counts = new Map<string, number>()
  return parts.map((part) => {
    if (part.type !== "tool-call") return part
    let { id } = part
    let count = counts.get(part.id) ?? 2
    for (; id === "" || seen.has(id); count++) id = `${part.id === "" ? "call" : part.id}_${count}`
    counts.set(part.id, count)
    seen.add(id)
    return id === part.id ? part : { ...part, id }
  })
}

/** Why the calls of an answer do not run; undefined where they do. */
const whySkipped = ({ finishReason }: LlmResponse): string | undefined => {
  if (finishReason === "length") return "It did not run: the answer was cut off at its token limit."
  return finishReason === "content-filter" ? "It did not run: the answer was filtered." : undefined
}

export class LoopState<R> {
  readonly steps: Array<LlmResponse> = []
  messages: ReadonlyArray<Message>
  /** True once the last step has ended. */
  ended = false
  private readonly options: LoopOptions<R>
  private readonly name: string
  private readonly startedMs: number
  private tools: ReadonlyMap<string, ReadyTool<R>> = new Map()
  private calls: ReadonlyArray<ToolCall> = []
  private readonly results = new Map<string, CallResult>()
  private mistakes = 0
  /** The ledger of the model call under way, for an end that the call itself does not tell of. */
  private ledger: Ledger | undefined

  /** `name` is the provider's, for errors of the run itself. */
  constructor(options: LoopOptions<R>, name: string, startedMs: number) {
    this.options = options
    this.name = name
    this.startedMs = startedMs
    this.messages = options.request.messages
  }

  /** The request of the step to come. */
  request(): Effect.Effect<LlmRequest, ToolLoopFailure, R> {
    return Effect.gen({ self: this }, function* () {
      const { messages, steps } = this
      const { prepareStep, request, tools: usual } = this.options
      const changes = (yield* prepareStep({ step: steps.length, steps: [...steps], messages })) ?? {}
      const { messages: changed, tools = usual, ...fields } = changes
      if (changed !== undefined) this.messages = changed
      this.tools = yield* Effect.mapError(readyAll(tools), (reason) => this.fail(reason))
      const { toolChoice, ...rest } = request
      const forced = toolChoice !== undefined && toolChoice !== "auto" && toolChoice !== "none"
      return {
        ...rest,
        // A choice that forces a call holds for the first step only: the model could never answer otherwise.
        ...(toolChoice === undefined || (forced && steps.length > 0) ? {} : { toolChoice }),
        ...fields,
        messages: this.messages,
        ...(this.tools.size === 0 ? {} : { tools: [...this.tools.values()].map(({ definition }) => definition) }),
      }
    })
  }

  /** Makes the step's model call, with an eye on its ledger. */
  asking<A, E, R2>(ask: Effect.Effect<A, E, R2>): Effect.Effect<A, E, R2> {
    return joinCall(({ ledger }) => {
      this.ledger = ledger
      return ask
    })
  }

  /** Takes the answer of a step, and returns the calls to run. */
  answered(response: LlmResponse): ReadonlyArray<ToolCall> {
    this.steps.push(response)
    this.ledger = undefined
    const content = withOwnIds(response.parts)
    if (content.length > 0) this.messages = [...this.messages, { role: "assistant", content }]
    this.results.clear()
    this.calls = content.flatMap((part) =>
      part.type === "tool-call" ? [{ id: part.id, name: part.name, arguments: part.arguments }] : [],
    )
    const why = whySkipped(response)
    if (why === undefined) return this.calls
    for (const call of this.calls) this.results.set(call.id, skipped(call, why))
    return []
  }

  /** Runs one call of the step. */
  call(call: ToolCall): Effect.Effect<CallResult, ToolLoopFailure, R> {
    const { approve, onToolError } = this.options
    const context = { toolCallId: call.id, step: this.steps.length - 1, messages: this.messages }
    return runCall(call, context, { tools: this.tools, approve, onToolError }).pipe(
      Effect.tap((result) => Effect.sync(() => this.results.set(call.id, result))),
      Effect.mapError((reason) => {
        this.results.set(call.id, skipped(call, reason.message))
        return this.fail(reason)
      }),
    )
  }

  /** Ends the step: its results join the conversation, and it is decided whether another one follows. */
  settle(): Effect.Effect<void, ToolLoopFailure, R> {
    return Effect.gen({ self: this }, function* () {
      const { steps } = this
      const response = steps.at(-1)
      if (response === undefined) return
      const { maxMistakes, maxSteps, onStep, stopWhen } = this.options
      const results = this.calls.flatMap(({ id }) => this.results.get(id) ?? [])
      this.closeCalls()
      yield* onStep({ step: steps.length - 1, response, results, messages: this.messages })
      const mistaken = results.length > 0 && results.every(({ outcome }) => outcome === "mistaken")
      this.mistakes = mistaken ? this.mistakes + 1 : 0
      const goesOn = response.finishReason === "pause" || results.some(({ outcome }) => outcome !== "skipped")
      this.ended = !goesOn || steps.length >= maxSteps || stopWhen([...steps])
      if (this.mistakes < maxMistakes) return
      const last = results.at(-1)
      const told = typeof last?.content === "string" ? last.content : ""
      const message = `the model called tools wrongly in ${this.mistakes} steps running; the last time: ${told}`
      return yield* this.fail(new InvalidResponseError({ message }))
    })
  }

  /** What the run comes to. */
  finish(): Effect.Effect<LoopResponse, ToolLoopFailure> {
    return Effect.flatMap(Clock.currentTimeMillis, (nowMs) => {
      const last = this.steps.at(-1)
      if (last === undefined) return Effect.fail(this.interrupted())
      const metadata = totalOf(this.steps, last, nowMs - this.startedMs)
      return Effect.succeed({ ...last, metadata, steps: [...this.steps], messages: this.messages })
    })
  }

  /** The run's failure for an error of one of its calls, or for a reason of the run's own. */
  fail(error: LlmError | LlmErrorReason): ToolLoopFailure {
    this.closeCalls()
    const last = this.steps.at(-1)?.metadata
    const whole =
      error._tag === "LlmError"
        ? error
        : new LlmError({ reason: error, provider: last?.provider ?? this.name, model: last?.model, attempts: [] })
    return failureOf(whole, [...this.steps], this.messages)
  }

  /** The run's own deadline passed. */
  late(limitMs: number): ToolLoopFailure {
    const { ledger } = this
    const message = `not finished within ${limitMs} ms (total timeout)`
    const reason = new TimeoutError({ clock: "total", limitMs, message })
    if (ledger === undefined) return this.fail(reason)
    return this.fail(new LlmError({ reason, ...ledger.lastTarget(this.name), attempts: ledger.attempts() }))
  }

  /** A provider ended a stream without saying so. */
  interrupted(): ToolLoopFailure {
    return this.fail(new StreamInterruptedError({ message: "the stream ended without response-finish" }))
  }

  /** Gives every call of the step its result: one that has none did not finish. */
  private closeCalls(): void {
    if (this.calls.length === 0) return
    const content = this.calls.map((call) =>
      resultPart(this.results.get(call.id) ?? skipped(call, "It did not finish: the run ended before.")),
    )
    this.messages = [...this.messages, { role: "tool", content }]
    this.calls = []
  }
}
