/**
 * Agents that survive the death of their process: inside a workflow, each answer of the model and each run of a tool is an
 * activity, done once and remembered. On another runner the workflow runs again from its beginning, and what was done is
 * read instead of done again. It starts no workflow itself.
 */
import { LlmError, LlmProvider, type LlmRequest, LlmResponse, Tool, ToolResultPart } from "@wiseflow/llm"
import * as Effect from "effect/Effect"
import * as Predicate from "effect/Predicate"
import * as Schema from "effect/Schema"
import type { Scope } from "effect/Scope"
import * as Activity from "effect/workflow/Activity"
import type { WorkflowEngine, WorkflowInstance } from "effect/workflow/WorkflowEngine"

/** What every step needs of the workflow that it is part of. */
export type InWorkflow = WorkflowEngine | WorkflowInstance

/**
 * Runs a program whose model calls are remembered: the first `generate` is the activity `turn-0`, the next `turn-1` and so
 * on. The program must make them one after another and in the same order each time, as `ToolLoop.run` does. `stream` is
 * passed on and not remembered. A failure is an `LlmError`, as a workflow's `error` can be.
 */
export const durable = <A, R>(
  program: Effect.Effect<A, LlmError, R>,
): Effect.Effect<A, LlmError, R | LlmProvider | InWorkflow> =>
  Effect.gen(function* () {
    const llm = yield* LlmProvider
    const workflow = yield* Effect.context<InWorkflow>()
    let turns = 0
    const generate = (request: LlmRequest) =>
      Effect.suspend(() =>
        Activity.make({
          name: `turn-${turns++}`,
          success: LlmResponse,
          error: LlmError,
          execute: llm.generate(request),
        }),
      ).pipe(Effect.provideContext(workflow))
    return yield* program.pipe(Effect.provideService(LlmProvider, { ...llm, generate }), Effect.mapError(plain))
  })

/** The error alone: a failed tool loop also holds its conversation, which a workflow's error has no place for. */
const plain = ({ attempts, model, provider, reason, text, warnings }: LlmError): LlmError =>
  new LlmError({ attempts, model, provider, reason, text, warnings })

/** Why a tool failed, as the model is told. */
const Failure = Schema.Struct({ message: Schema.String })

const failureOf = (failure: unknown): typeof Failure.Type => {
  if (typeof failure === "string") return { message: failure }
  const { message } = Predicate.hasProperty(failure, "message") ? failure : { message: undefined }
  if (typeof message === "string" && message !== "") return { message }
  return { message: Predicate.hasProperty(failure, "_tag") ? String(failure._tag) : "unknown" }
}

/** A result as the model will read it, which is all that is kept of it. */
const contentOf = (value: unknown): Effect.Effect<ToolResultPart["content"], typeof Failure.Type> => {
  if (typeof value === "string") return Effect.succeed(value)
  if (Tool.isContent(value)) return Effect.succeed(value.parts)
  return Effect.try({
    try: () => JSON.stringify(value ?? null) ?? "null",
    catch: () => ({ message: "its result cannot be written as JSON" }),
  })
}

/**
 * A tool whose runs are remembered, each under the id of its call. A run that its process did not survive runs again: a tool
 * that changes something outside should take the call's id as its idempotency key.
 */
export const tool = <R>(inner: Tool.Tool<R>): Tool.Tool<Exclude<R, InWorkflow | Scope> | InWorkflow> => ({
  ...inner,
  run: (args, context) =>
    Effect.map(
      Activity.make({
        name: `tool-${context.step}-${context.toolCallId}`,
        success: ToolResultPart.fields.content,
        error: Failure,
        execute: inner.run(args, context).pipe(Effect.mapError(failureOf), Effect.flatMap(contentOf)),
      }),
      (content) => (typeof content === "string" ? content : Tool.content(content)),
    ),
})
