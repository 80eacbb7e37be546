/**
 * What a durable batch is made of: items with their requests, and what became of each. Plain data, written to the database
 * as JSON; it knows no database.
 */
import { LlmError, LlmRequest, type LlmResponse, LlmResponse as LlmResponseSchema } from "@wiseflow/llm"
import * as Data from "effect/Data"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import * as Workflow from "effect/workflow/Workflow"

/** One question of a batch. */
export interface BatchItem {
  /** Names the item within its batch: 1 to 255 characters. The same batch and id is asked once. */
  readonly id: string
  /** What is asked. It is stored as JSON; bytes of images and files are part of it. */
  readonly request: LlmRequest
}

/** What became of an item: its answer, or the error that was left after the retries and fallbacks of the stack. */
export type BatchOutcome =
  | { readonly _tag: "Answered"; readonly response: LlmResponse }
  | { readonly _tag: "Failed"; readonly error: LlmError }

/** An item that is done. */
export interface BatchResult {
  /** The item's id. */
  readonly id: string
  /** The item's place in the batch as it was submitted; the first is 0. */
  readonly place: number
  /** Its answer or its error. */
  readonly outcome: BatchOutcome
  /** The address (`host:port`) of the runner that asked. */
  readonly runner: string
}

/**
 * Why a batch could not be written or read. `unknown`: nothing was submitted under this name. `conflict`: an item was
 * submitted before with another request or at another place, or a batch to be forgotten is not done. `invalid`: the batch's name, an item's id or its request is not
 * one. `store`: the database failed, and the same call may succeed later.
 */
export type BatchErrorReason = "unknown" | "conflict" | "invalid" | "store"

/** A batch could not be written or read. Failures of items are not among these: they are outcomes. */
export class BatchError extends Data.TaggedError("BatchError")<{
  /** Why. */
  readonly reason: BatchErrorReason
  /** What was wrong, for a person. It holds no password and no request. */
  readonly message: string
  /** What the cluster failed with, where an item could not be handed to it. Unlike `message` it can hold what a database said. */
  readonly cause?: unknown
}> {}

const Outcome = Schema.Union([
  Schema.TaggedStruct("Answered", { response: LlmResponseSchema }),
  Schema.TaggedStruct("Failed", { error: LlmError }),
])

const requestText = Schema.fromJsonString(Schema.toCodecJson(LlmRequest))
const outcomeText = Schema.fromJsonString(Schema.toCodecJson(Outcome))

const unreadable = (what: string) => () =>
  new BatchError({ reason: "invalid", message: `${what} is not JSON of its kind` })

/** A request as text, for the database. */
export const encodeRequest = (request: LlmRequest): Effect.Effect<string, BatchError> =>
  Effect.mapError(Schema.encodeEffect(requestText)(request), unreadable("a request"))

/** A request that `encodeRequest` wrote. */
export const decodeRequest = (text: string): Effect.Effect<LlmRequest, BatchError> =>
  Effect.mapError(Schema.decodeEffect(requestText)(text), unreadable("a stored request"))

/** An outcome as text, for the database. */
export const encodeOutcome = (outcome: BatchOutcome): Effect.Effect<string, BatchError> =>
  Effect.mapError(Schema.encodeEffect(outcomeText)(outcome), unreadable("an outcome"))

/** An outcome that `encodeOutcome` wrote. */
export const decodeOutcome = (text: string): Effect.Effect<BatchOutcome, BatchError> =>
  Effect.mapError(Schema.decodeEffect(outcomeText)(text), unreadable("a stored outcome"))

/** PostgreSQL's text takes no NUL, and half a surrogate pair has no UTF-8. */
export const isName = (name: string): boolean =>
  name.length >= 1 && name.length <= 255 && !/\p{Surrogate}|\0/u.test(name)

/** What the cluster calls the workflow of an item. */
export const workflowName = "wiseflow.batch-item"

/** The workflow of one item, by the name of its batch and its own: the same item is the same workflow. */
export const Item = Workflow.make(workflowName, {
  payload: { batch: Schema.String, id: Schema.String },
  idempotencyKey: ({ batch, id }) => `${batch.length}:${batch}:${id}`,
})
