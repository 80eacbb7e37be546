/**
 * Runs the tool calls of one answer: reads their arguments, asks for approval, and makes of whatever happens a result that
 * the model can be told. It asks no model.
 */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Predicate from "effect/Predicate"
import * as Result from "effect/Result"
import { InvalidRequestError, ToolError } from "../model/LlmError.ts"
import type { ToolDefinition, ToolResultPart } from "../model/LlmRequest.ts"
import type { ToolCall } from "../model/LlmResponse.ts"
import * as ObjectRoot from "./schemas/ObjectRoot.ts"
import * as SchemaReader from "./schemas/SchemaReader.ts"
import { isContent, type Tool, type ToolContext } from "./Tool.ts"

/**
 * What became of one call. `answered`: the tool's result. `failed`: the tool failed. `refused`: it was not approved.
 * `mistaken`: there is no such tool, or its arguments do not fit. `skipped`: the answer or the run broke off before it ran.
 */
export type CallOutcome = "answered" | "failed" | "refused" | "mistaken" | "skipped"

/** One call and what the model is told of it. */
export interface CallResult {
  readonly toolCallId: string
  readonly name: string
  readonly arguments: unknown
  readonly outcome: CallOutcome
  readonly content: ToolResultPart["content"]
  readonly durationMs: number
}

/** True to let a call run; false, or the reason why not, which the model is told. */
export type Approval = boolean | string

/** Decides on a call whose arguments fit. */
export type Approve<R> = (call: ToolCall, context: ToolContext) => Effect.Effect<Approval, never, R>

/** A tool whose schema has been read. */
export interface ReadyTool<R> {
  readonly tool: Tool<R>
  readonly definition: ToolDefinition
  /** The arguments as the tool takes them, or what is wrong with them. */
  readonly read: (args: unknown) => Effect.Effect<SchemaReader.Reading<unknown>>
}

const nameRule = /^[a-zA-Z0-9_-]{1,64}$/

const invalid = (parameter: string, problem: string): InvalidRequestError =>
  new InvalidRequestError({ message: `invalid request: ${problem} at ${parameter}`, parameter })

/** Reads a tool's schema. A schema that is not an object is wrapped in one: providers take nothing else. */
const ready = <R>(tool: Tool<R>, place: number): Effect.Effect<ReadyTool<R>, InvalidRequestError> =>
  Effect.gen(function* () {
    const path = `tools[${place}]`
    if (!nameRule.test(tool.name)) {
      return yield* invalid(`${path}.name`, `"${tool.name}" is not 1 to 64 letters, digits, _ and -`)
    }
    const { problem } = tool
    if (problem !== undefined) return yield* invalid(`${path}.${problem.option}`, problem.message)
    const reader = yield* Effect.mapError(SchemaReader.make(tool.parameters), ({ message }) =>
      invalid(`${path}.parameters`, message.replace(/^invalid request: /, "")),
    )
    const root = ObjectRoot.make(reader.jsonSchema)
    const definition: ToolDefinition = {
      name: tool.name,
      parameters: root.schema,
      ...(tool.description === undefined ? {} : { description: tool.description }),
      ...(tool.strict === undefined ? {} : { strict: tool.strict }),
    }
    return { tool, definition, read: (args) => reader.read(ObjectRoot.valueOf(root, args, reader.mostValues())) }
  })

/** How many tools' schemas are read in one turn of the event loop. */
const toolsInTurn = 64

/** The tools by their names. Two of one name are refused: a call could not tell them apart. */
export const readyAll = <R>(
  tools: ReadonlyArray<Tool<R>>,
): Effect.Effect<ReadonlyMap<string, ReadyTool<R>>, InvalidRequestError> =>
  Effect.gen(function* () {
    const byName = new Map<string, ReadyTool<R>>()
    for (const [place, tool] of tools.entries()) {
      if (byName.has(tool.name)) return yield* invalid(`tools[${place}].name`, `a second tool is called "${tool.name}"`)
      byName.set(tool.name, yield* ready(tool, place))
      if (place % toolsInTurn === toolsInTurn - 1) yield* Effect.yieldNow
    }
    return byName
  })

const excerpt = (text: string): string => (text.length > 2000 ? `${text.slice(0, 2000)}…` : text)

const messageOf = (failure: unknown): string => {
  if (typeof failure === "string") return failure
  if (Predicate.hasProperty(failure, "message") && typeof failure.message === "string" && failure.message !== "") {
    return failure.message
  }
  if (Predicate.hasProperty(failure, "_tag")) return String(failure._tag)
  return (
    Result.getOrElse(
      Result.try(() => JSON.stringify(failure)),
      () => undefined,
    ) ?? String(failure)
  )
}

/** What a tool gave, as the model reads it; undefined where it cannot be written as JSON. */
const contentOf = (value: unknown): ToolResultPart["content"] | undefined => {
  if (typeof value === "string") return value
  if (isContent(value)) return value.parts
  return Result.getOrElse(
    Result.try(() => JSON.stringify(value ?? null)),
    () => undefined,
  )
}

/** What one run does with calls. */
export interface CallOptions<R> {
  readonly tools: ReadonlyMap<string, ReadyTool<R>>
  readonly approve: Approve<R> | undefined
  readonly onToolError: "tell" | "fail"
}

type Told = Pick<CallResult, "outcome" | "content">

const told = (outcome: CallOutcome, content: ToolResultPart["content"]): Told => ({ outcome, content })

const perform = <R>(
  call: ToolCall,
  context: ToolContext,
  { approve, onToolError, tools }: CallOptions<R>,
): Effect.Effect<Told, ToolError, R> =>
  Effect.gen(function* () {
    const found = tools.get(call.name)
    if (found === undefined) {
      const names = [...tools.keys()].join(", ")
      return told("mistaken", `There is no tool "${call.name}". The tools are: ${names === "" ? "none" : names}.`)
    }
    if (typeof call.arguments === "string") {
      return told("mistaken", `The arguments are not valid JSON: ${excerpt(call.arguments)}`)
    }
    const args = yield* found.read(call.arguments ?? {})
    if (Result.isFailure(args))
      return told("mistaken", `The arguments do not fit the tool's schema: ${excerpt(args.failure)}`)
    const { tool } = found
    const approval = yield* approvalOf(call, context, tool, approve)
    if (approval !== true) {
      return told("refused", `The call was not approved${typeof approval === "string" ? `: ${approval}` : ""}.`)
    }
    // An abort by another call of the same moment is heard before this one begins.
    yield* Effect.yieldNow
    const outcome = yield* Effect.result(tool.run(args.success, context))
    const content = Result.isSuccess(outcome) ? contentOf(outcome.success) : undefined
    if (content !== undefined) return told("answered", content)
    const problem = Result.isFailure(outcome) ? messageOf(outcome.failure) : "its result cannot be written as JSON"
    if (onToolError === "tell") return told("failed", `The tool failed: ${excerpt(problem)}`)
    const message = `the tool ${tool.name} failed: ${excerpt(problem)}`
    return yield* new ToolError({ message, tool: tool.name, toolCallId: call.id })
  })

/** A tool that needs approval does not run where nobody is there to give it. */
const approvalOf = <R>(
  call: ToolCall,
  context: ToolContext,
  tool: Tool<R>,
  approve: Approve<R> | undefined,
): Effect.Effect<Approval, never, R> => {
  if (tool.needsApproval === false || (approve === undefined && tool.needsApproval !== true))
    return Effect.succeed(true)
  return approve === undefined ? Effect.succeed("nobody can approve it") : approve(call, context)
}

/** Runs one call. It fails only where a tool's failure ends the run. */
export const runCall = <R>(
  call: ToolCall,
  context: ToolContext,
  options: CallOptions<R>,
): Effect.Effect<CallResult, ToolError, R> =>
  Effect.gen(function* () {
    const startedMs = yield* Clock.currentTimeMillis
    const result = yield* perform(call, context, options)
    const durationMs = (yield* Clock.currentTimeMillis) - startedMs
    return { toolCallId: call.id, name: call.name, arguments: call.arguments, durationMs, ...result }
  })

/** A call that does not run, and why. */
export const skipped = (call: ToolCall, why: string): CallResult => ({
  toolCallId: call.id,
  name: call.name,
  arguments: call.arguments,
  outcome: "skipped",
  content: why,
  durationMs: 0,
})

/** The result as the conversation keeps it. */
export const resultPart = ({ content, outcome, toolCallId }: CallResult): ToolResultPart => ({
  type: "tool-result",
  toolCallId,
  content,
  ...(outcome === "answered" ? {} : { isError: true }),
})
