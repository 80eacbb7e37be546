/** Tools and runs for programs that use promises: `tool`, and what `runTools` and `streamTools` take and give. */
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Predicate from "effect/Predicate"
import * as Result from "effect/Result"
import * as Stream from "effect/Stream"
import type { LlmError } from "../../model/LlmError.ts"
import type { LlmRequest, Message } from "../../model/LlmRequest.ts"
import type { LlmResponse, ToolCall } from "../../model/LlmResponse.ts"
import type { AnySchema, OutputOf } from "../../tools/schemas/AnySchema.ts"
import type { LoopProgress, LoopResponse, LoopStep, StepChanges } from "../../tools/LoopState.ts"
import * as Tool from "../../tools/Tool.ts"
import type { Approval } from "../../tools/ToolCalls.ts"
import type * as ToolLoop from "../../tools/ToolLoop.ts"
import { toolLoop } from "#programs"
import { isToolLoopFailure } from "../../tools/ToolLoopFailure.ts"
import { sumUsage } from "../../call/Totals.ts"
import { type CallInput, notAnObject, readCall, refused } from "../CallInput.ts"
import type { GenerateOptions, WithPrompt } from "../Llm.ts"
import { attempted, saidBy, Uncopied } from "../OwnCopy.ts"
import type { Emitted, Program, ProgramStream } from "./ProgramStream.ts"
import { failure, type GenerateFailure, type RequestSummary } from "../PromiseResponse.ts"

/** What a tool is told beside its arguments. `signal` aborts when the run does, and when the tool's own `timeout` passes. */
export interface ToolCallContext extends Tool.ToolContext {
  readonly signal: AbortSignal
}

/** What a tool of promises is made of. */
export interface ToolDescription<S extends AnySchema, Result> {
  /** 1 to 64 letters, digits, `_` and `-`. Left out where the tools of a run are an object: its key is the name. */
  readonly name?: string | undefined
  /** What the tool does and when to call it, for the model to read. */
  readonly description?: string | undefined
  /** A schema of any kind (effect/Schema, zod, valibot, arktype, JSON Schema); its values are the arguments of `execute`. */
  readonly parameters: S
  /** Asks the provider to hold the arguments to the schema. */
  readonly strict?: boolean | undefined
  /** The longest that one call may run: `"30 seconds"`, or milliseconds. */
  readonly timeout?: Duration.Input | undefined
  /** How many calls of this tool may run at once, over all runs that have it. */
  readonly concurrency?: number | undefined
  /** True: it runs only where `approve` allows it. False: `approve` is not asked. */
  readonly needsApproval?: boolean | undefined
  /** Gives JSON, a text or `Tool.content([...])`. What it throws is told to the model, or ends the run (`onToolError`). */
  readonly execute: (
    args: OutputOf<S>,
    context: ToolCallContext,
  ) => (Result & Tool.ToolResult<Result>) | Promise<Result & Tool.ToolResult<Result>>
}

/** A tool without a name of its own: for an object of tools, whose key names it. */
export type UnnamedTool = Omit<Tool.Tool, "name">

/** A function that a model may call. */
export function tool<const S extends AnySchema, Result>(
  description: ToolDescription<S, Result> & { readonly name: string },
): Tool.Tool
export function tool<const S extends AnySchema, Result>(
  description: ToolDescription<S, Result> & { readonly name?: undefined },
): UnnamedTool
export function tool<const S extends AnySchema, Result>(
  description: ToolDescription<S, Result>,
): Tool.Tool | UnnamedTool {
  const { execute, name, ...options } = description
  const { name: given, ...unnamed } = Tool.make<S, Result, string>(name ?? "", {
    ...options,
    execute: (args: OutputOf<S>, context) =>
      Effect.tryPromise({ try: async (signal) => execute(args, { ...context, signal }), catch: saidBy }),
  })
  return name === undefined ? unnamed : { name: given, ...unnamed }
}

/**
 * A request with tools that run. An interface has the same functions as methods: `llm.runTools({ tools, messages })`. `timeout`
 * bounds the whole run; each model call has the limits of its stack besides.
 */
export interface RunToolsOptions extends Omit<GenerateOptions, "tools"> {
  /** A list of tools, or an object of them: its keys are then their names. */
  readonly tools: ReadonlyArray<Tool.Tool> | Readonly<Record<string, UnnamedTool>>
  /** The most model calls (10). The tools that the last one calls still run. */
  readonly maxSteps?: number | undefined
  /** How many calls of one answer run at once (8). */
  readonly concurrency?: number | undefined
  /** `tell` (the default): the model is told of a tool's failure. `fail`: it ends the run with `ToolError`. */
  readonly onToolError?: "tell" | "fail" | undefined
  /** After so many steps running (3) with nothing but unknown tools and wrong arguments the run fails. */
  readonly maxMistakes?: number | undefined
  /** Asked after each step: true ends the run with what there is. */
  readonly stopWhen?: ((steps: ReadonlyArray<LlmResponse>) => boolean) | undefined
  /** Runs before each step, and may change its request: `messages` from there on, everything else for that step. */
  readonly prepareStep?:
    | ((
        progress: LoopProgress,
      ) => StepChanges<never> | undefined | void | Promise<StepChanges<never> | undefined | void>)
    | undefined
  /** Runs after each step, its tools included. */
  readonly onStep?: ((step: LoopStep) => unknown) | undefined
  /** Asked before each call whose arguments fit: false, or a reason as text, refuses it, and the model is told. */
  readonly approve?: ((call: ToolCall, context: Tool.ToolContext) => Approval | Promise<Approval>) | undefined
}

/** A failure, with the answers that had come and the conversation so far. */
export type RunToolsFailure = GenerateFailure & Pick<LoopResponse, "steps" | "messages">

/** What `runTools` resolves with: what `generate` gives for the last step, with `steps` and `messages`, or a failure. */
export type RunToolsResponse = LoopResponse | RunToolsFailure

/** A run as it goes: its events for `for await`, and what `runTools` gives as `response`. */
export type ToolStream = ProgramStream<ToolLoop.LoopEvent, LoopResponse, RunToolsFailure>

const later = <A>(give: () => A | Promise<A>): Effect.Effect<A> => Effect.promise(async () => give())

/** The run's options without those of the call. */
export type LoopSettings = Omit<RunToolsOptions, keyof GenerateOptions> &
  Pick<RunToolsOptions, "timeout"> & { readonly tools: ReadonlyArray<Tool.Tool> }

/** The same options as a loop of Effects takes them. */
const loopOptions = (settings: LoopSettings, request: LlmRequest) => {
  const { approve, onStep, prepareStep, ...rest } = settings
  return {
    ...request,
    ...rest,
    ...(approve === undefined
      ? {}
      : { approve: (call: ToolCall, context: Tool.ToolContext) => later(() => approve(call, context)) }),
    ...(onStep === undefined ? {} : { onStep: (step: LoopStep) => later(() => onStep(step)) }),
    ...(prepareStep === undefined
      ? {}
      : { prepareStep: (progress: LoopProgress) => later(() => prepareStep(progress)) }),
  }
}

/** A run as an effect. */
export const runOf = (settings: LoopSettings, request: LlmRequest) =>
  Effect.flatMap(toolLoop(), ({ run }) => run(loopOptions(settings, request)))

/** A failure of a run as data. Usage is that of every attempt which was answered. */
export const runFailure = (
  error: LlmError,
  summary: RequestSummary,
  messages: ReadonlyArray<Message>,
  startedMs: number,
): RunToolsFailure => {
  const failed = failure(error, summary, startedMs, Date.now())
  const usage = sumUsage(error.attempts.flatMap(({ usage }) => usage ?? []))
  const usageStatus = Object.keys(usage).length === 0 ? "unknown" : "partial"
  const progress = isToolLoopFailure(error) ? error : { steps: [], messages }
  return {
    ...failed,
    metadata: { ...failed.metadata, usage, usageStatus },
    steps: progress.steps,
    messages: progress.messages,
  }
}

/** A run as a stream. */
export const streamOf = (
  settings: LoopSettings,
  summary: RequestSummary,
): Program<ToolLoop.LoopEvent, LoopResponse, RunToolsFailure> => {
  const startedMs = Date.now()
  return {
    run: (request) =>
      Stream.unwrap(Effect.map(toolLoop(), ({ stream }) => stream(loopOptions(settings, request)))).pipe(
        Stream.map((event): Emitted<ToolLoop.LoopEvent, LoopResponse> =>
          event.type === "run-finish" ? { event, response: event.response } : { event },
        ),
      ),
    failure: (error, request) => runFailure(error, summary, request?.messages ?? [], startedMs),
  }
}

const isUnnamed = (value: unknown): value is UnnamedTool =>
  Predicate.isObject(value) && typeof value["run"] === "function"

const isTool = (value: unknown): value is Tool.Tool =>
  isUnnamed(value) && "name" in value && typeof value.name === "string"

/** The tools of a run as a list. */
const listOf = (tools: unknown): ReadonlyArray<Tool.Tool> => {
  if (Array.isArray(tools) && tools.every(isTool)) return [...tools]
  if (!Predicate.isObject(tools) || Symbol.iterator in tools || !Object.values(tools).every(isUnnamed)) {
    throw new Uncopied(
      "tools",
      "is neither a list nor an object of tools: make each with tool({ name, parameters, execute })",
    )
  }
  return Object.entries(tools).flatMap(([name, given]) => (isUnnamed(given) ? [{ ...given, name }] : []))
}

/** The options of a run, apart: its settings, which hold functions, and its call, which is copied. */
export interface RunInput {
  readonly settings: LoopSettings
  readonly call: CallInput
}

/** Reads the options of a run. */
export const readRun = (options: RunToolsOptions | WithPrompt<RunToolsOptions>): RunInput => {
  const read = attempted(() => {
    if (!Predicate.isObject(options)) throw notAnObject
    const {
      approve,
      concurrency,
      maxMistakes,
      maxSteps,
      onStep,
      onToolError,
      prepareStep,
      stopWhen,
      timeout,
      tools,
      ...call
    } = options
    const limits = { maxSteps, concurrency, onToolError, maxMistakes, timeout }
    const settings: LoopSettings = { ...limits, tools: listOf(tools), stopWhen, prepareStep, onStep, approve }
    return { settings, call }
  })
  return Result.isFailure(read)
    ? { settings: { tools: [] }, call: refused(read.failure, undefined) }
    : { settings: read.success.settings, call: readCall(read.success.call) }
}
