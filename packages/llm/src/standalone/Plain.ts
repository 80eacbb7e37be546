/**
 * What the types of `@wiseflow/llm/promise` say where those of the main entry name types of effect. Its declarations are
 * built with these in place; a test holds each of them to what it stands for. It holds no code.
 */
import type { CallEnd, CircuitState } from "../call/CallEvent.ts"
import type { AttemptRecord } from "../model/LlmResponse.ts"
import type { FailureDetails } from "../promises/PromiseResponse.ts"
import type { JsonSchema } from "../protocols/encoding/JsonSchema.ts"
import type { OfJsonSchema } from "../tools/schemas/JsonSchemaType.ts"

/** A span of time: milliseconds as a number, or a text such as `"30 seconds"`. */
export type Duration =
  | number
  | `${number} ${"milli" | "millis" | "second" | "seconds" | "minute" | "minutes" | "hour" | "hours" | "day" | "days"}`

/** `reported`: the provider's final figures. `partial`: figures from an answer cut short. `unknown`: none came. */
export type UsageStatus = "reported" | "partial" | "unknown"

/**
 * Why the answer ended. `content-filter` covers refusals too (their text is a `refusal` part), `pause` is Anthropic's
 * `pause_turn`; a value this library does not know is `other`, with the raw value in `metadata.rawFinishReason`.
 */
export type FinishReason = "stop" | "length" | "tool-calls" | "content-filter" | "pause" | "other"

/**
 * Which clock ran out: the wait for the first permit (`queue`), one request from its sending to its end (`attempt`), the
 * wait for its headers, for its first piece of output, or for the next one (`idle`), or the whole call (`total`).
 */
export type TimeoutClock = "queue" | "attempt" | "headers" | "first-output" | "idle" | "reader" | "total"

/** What the system said, as data. */
export interface SystemCause {
  readonly name: string
  readonly message: string
  /** The system's code, as in `ECONNREFUSED`. */
  readonly code?: string | undefined
}

/** What went wrong, for programs. */
export type ErrorType =
  | "ConnectionError"
  | "TimeoutError"
  | "RateLimitError"
  | "QuotaExceededError"
  | "OverloadedError"
  | "ServerError"
  | "StreamInterruptedError"
  | "InvalidResponseError"
  | "AuthenticationError"
  | "PermissionDeniedError"
  | "ModelNotFoundError"
  | "ContextLengthExceededError"
  | "ContentFilterError"
  | "InvalidRequestError"
  | "CircuitOpenError"
  | "BudgetExceededError"
  | "OutputLimitError"
  | "ToolError"
  | "ConfigurationError"

/** Why a call failed. Which details are set depends on `_tag` and on what the provider told. */
export interface LlmErrorReason extends Omit<FailureDetails, "cause"> {
  /** What went wrong, for programs. */
  readonly _tag: ErrorType
  /** What went wrong, in one line for people. */
  readonly message: string
  /** The provider's id of the request, for its support. */
  readonly requestId?: string | undefined
  /** `ConnectionError`: what the system said, a `SystemCause`. */
  readonly cause?: unknown
}

/** Everything that can go wrong with a call. `unwrap` and streams throw it. */
export declare class LlmError extends Error {
  private constructor()
  readonly _tag: "LlmError"
  /** What went wrong. */
  readonly reason: LlmErrorReason
  /** The provider that was asked. */
  readonly provider: string
  /** The model that was asked for. */
  readonly model?: string | undefined
  /** Every request made or refused, in order. */
  readonly attempts: ReadonlyArray<AttemptRecord>
  /** What had already been received of the answer. */
  readonly text?: string | undefined
  /** What was dropped or changed on the way to the provider, in words. */
  readonly warnings?: ReadonlyArray<string> | undefined
  /** True where the program may succeed with the same request later. */
  get isRetryable(): boolean
  /** What the system said, where the connection failed. */
  override get cause(): SystemCause | undefined
}

/** A schema as zod, valibot, arktype and others have them (Standard Schema, version 1). */
export interface StandardSchemaV1<Input = unknown, Output = Input> {
  readonly "~standard": {
    readonly version: 1
    readonly vendor: string
    readonly validate: (value: unknown) => StandardResult<Output> | Promise<StandardResult<Output>>
    readonly types?: { readonly input: Input; readonly output: Output } | undefined
  }
}

/** What a Standard Schema says of a value. */
export type StandardResult<Output> =
  | { readonly value: Output; readonly issues?: undefined }
  | {
      readonly issues: ReadonlyArray<{
        readonly message: string
        readonly path?: ReadonlyArray<PropertyKey | { readonly key: PropertyKey }> | undefined
      }>
    }

/** The type of the values that a schema gives. Of a plain JSON Schema it is known where the schema is written in place or `as const`. */
export type OutputOf<S> = S extends StandardSchemaV1<unknown, infer Output> ? Output : OfJsonSchema<S>

/** The type of what the model writes: before a schema's transformations. */
export type InputOf<S> = S extends StandardSchemaV1<infer Input, unknown> ? Input : OfJsonSchema<S>

/** A schema: a Standard Schema (zod, valibot, arktype), or a plain JSON Schema. */
export type AnySchema = StandardSchemaV1 | JsonSchema

/** A function that a model may call, as `tool` makes it. */
export interface Tool<_R = never> {
  readonly name: string
  readonly description: string | undefined
  /** The schema of its arguments. */
  readonly parameters: unknown
  /** Asks the provider to hold the arguments to the schema. */
  readonly strict: boolean | undefined
  /** True: it runs only where `approve` allows it. False: `approve` is not asked. */
  readonly needsApproval: boolean | undefined
  /** Runs the tool; for the library alone. */
  readonly run: (args: never, context: never) => unknown
}

/**
 * One event of a call. `attempt` numbers the attempts of a call from 0, in the order in which they began.
 *
 * - `attempt-start`: a request is about to be sent. `record` is what is known of it, `telemetryName` its provider's name in traces,
 *   `url` where it goes; undefined for one that is refused, or that a provider from functions answers.
 * - `first-output`: the first piece of its answer came, `afterMs` milliseconds after it began.
 * - `attempt-end`: it ended, or it was refused without a request. `record` is final.
 * - `queued`: the call asks for a permit, and waits if there is none.
 * - `permit`: the call waited `waitedMs` for a permit and has it now.
 * - `retry`: the attempt failed with `error`; after `waitMs` milliseconds the call tries again.
 * - `hedge`: the request has had no output for `afterMs` milliseconds; a second one is sent beside it.
 * - `fallback`: a target failed with `error`; `provider` is asked next.
 * - `circuit`: the breaker of `provider` and `model` changed its state.
 * - `call-end`: the call has ended, as `end` says.
 */
export type CallEvent =
  | {
      readonly type: "attempt-start"
      readonly attempt: number
      readonly record: AttemptRecord
      readonly telemetryName: string
      readonly url: string | undefined
    }
  | { readonly type: "first-output"; readonly attempt: number; readonly afterMs: number }
  | { readonly type: "attempt-end"; readonly attempt: number; readonly record: AttemptRecord }
  | { readonly type: "queued" }
  | { readonly type: "permit"; readonly waitedMs: number }
  | { readonly type: "retry"; readonly error: LlmError; readonly waitMs: number; readonly retry: number }
  | { readonly type: "hedge"; readonly afterMs: number }
  | { readonly type: "fallback"; readonly error: LlmError; readonly provider: string }
  | {
      readonly type: "circuit"
      readonly provider: string
      readonly model: string | undefined
      readonly from: CircuitState
      readonly to: CircuitState
    }
  | (CallEnd & { readonly type: "call-end" })
