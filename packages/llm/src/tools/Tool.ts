/**
 * A function that a model may call: its name, the schema of its arguments, and the Effect that runs it. A tool does not
 * decide when it runs: a `ToolLoop` does, at most once for each call (law 27).
 */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Predicate from "effect/Predicate"
import * as Semaphore from "effect/Semaphore"
import type { FilePart, ImagePart, Message, TextPart } from "../model/LlmRequest.ts"
import type { AnySchema, OutputOf } from "./schemas/AnySchema.ts"

/** What a tool is told beside its arguments. */
export interface ToolContext {
  /** The call's id in the conversation. */
  readonly toolCallId: string
  /** The step of the loop that made the call; the first is 0. */
  readonly step: number
  /** The conversation up to and with the call. */
  readonly messages: ReadonlyArray<Message>
}

/** A result that is more than JSON: texts, pictures and files, in order. Made by `Tool.content`. */
export interface ToolContent {
  readonly _tag: "ToolContent"
  readonly parts: ReadonlyArray<TextPart | ImagePart | FilePart>
}

/** What may be a tool's result: `A` where it is JSON (functions, symbols and bigints are not), a text or `Tool.content`. */
export type ToolResult<A> = A extends string | number | boolean | null | undefined | void | ToolContent
  ? A
  : A extends bigint | symbol | ((...args: ReadonlyArray<never>) => unknown)
    ? never
    : A extends { readonly toJSON: () => unknown }
      ? A
      : A extends object
        ? { readonly [Key in keyof A]: ToolResult<A[Key]> }
        : unknown extends A
          ? unknown
          : never

/** A tool of any arguments. `R` is what it needs of its surroundings; a loop needs it then too. */
export interface Tool<out R = never> {
  readonly name: string
  readonly description: string | undefined
  readonly parameters: AnySchema
  /** Asks the provider to hold the arguments to the schema. */
  readonly strict: boolean | undefined
  /** True: it runs only where the loop's `approve` allows it. False: `approve` is not asked. */
  readonly needsApproval: boolean | undefined
  /** What is wrong with the tool's own limits: a loop refuses it before anything is sent. */
  readonly problem: { readonly option: string; readonly message: string } | undefined
  /** Runs the tool with arguments that its schema has given. Any failure is told to the model, or ends the run. */
  readonly run: (args: unknown, context: ToolContext) => Effect.Effect<unknown, unknown, R>
}

/** What a tool is made of. */
export interface ToolOptions<S extends AnySchema, Result, E, R> {
  /** What the tool does and when to call it, for the model to read. */
  readonly description?: string | undefined
  /** A schema of any kind; its values are the arguments of `execute`. */
  readonly parameters: S
  readonly strict?: boolean | undefined
  /** The longest that one call may run. */
  readonly timeout?: Duration.Input | undefined
  /** How many calls of this tool may run at once, over all loops that have it. */
  readonly concurrency?: number | undefined
  readonly needsApproval?: boolean | undefined
  readonly execute: (args: OutputOf<S>, context: ToolContext) => Effect.Effect<Result & ToolResult<Result>, E, R>
}

/** The schema's own check has passed when a tool runs: this says so to the compiler. */
const isArguments = <S extends AnySchema>(_schema: S, _args: unknown): _args is OutputOf<S> => true

/** A limit that is none. */
const problemOf = (concurrency: number | undefined, timeout: Duration.Input | undefined): Tool["problem"] => {
  if (concurrency !== undefined && !(Number.isInteger(concurrency) && concurrency > 0)) {
    return { option: "concurrency", message: `${concurrency} is not a whole number from 1 on` }
  }
  if (timeout === undefined || Option.isSome(Duration.fromInput(timeout))) return undefined
  return { option: "timeout", message: `${JSON.stringify(timeout)} is not a duration: write for example "30 seconds"` }
}

/** A tool. `execute` fails with anything; the message of what it fails with is what the model is told. */
export const make = <const S extends AnySchema, Result, E = never, R = never>(
  name: string,
  options: ToolOptions<S, Result, E, R>,
): Tool<R> => {
  const { concurrency, description, execute, needsApproval, parameters, strict, timeout } = options
  const problem = problemOf(concurrency, timeout)
  const permits = concurrency === undefined || problem !== undefined ? undefined : Semaphore.makeUnsafe(concurrency)
  const run = (args: unknown, context: ToolContext): Effect.Effect<unknown, unknown, R> => {
    if (!isArguments(parameters, args)) return Effect.void
    const running = Effect.suspend(() => execute(args, context))
    const limited =
      timeout === undefined
        ? running
        : Effect.timeoutOrElse(running, {
            duration: timeout,
            orElse: () => Effect.fail(`it took longer than ${Duration.format(Duration.fromInputUnsafe(timeout))}`),
          })
    return permits === undefined ? limited : permits.withPermits(1)(limited)
  }
  return { name, description, parameters, strict, needsApproval, problem, run }
}

/** A result of texts, pictures and files. */
export const content = (parts: ToolContent["parts"]): ToolContent => ({ _tag: "ToolContent", parts })

/** True for what `content` makes. */
export const isContent = (value: unknown): value is ToolContent =>
  Predicate.isTagged(value, "ToolContent") && Predicate.hasProperty(value, "parts") && Array.isArray(value.parts)
