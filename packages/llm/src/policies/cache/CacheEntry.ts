/**
 * An answer as it is kept: JSON with a version, checked when it is read, so that an entry of another version or another
 * program is a miss. It holds the answer and what describes it, and nothing of the call that asked for it.
 */
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import { boundedJson, jsonProblem } from "../../model/JsonCopy.ts"
import { eventsOf, type LlmEvent } from "../../model/LlmEvent.ts"
import { fromParts, LlmResponse, ResponseMetadata } from "../../model/LlmResponse.ts"
import type { Answered, KeptKind } from "../mechanisms/Around.ts"

const version = 1

const { fields } = ResponseMetadata

/** What is kept of an answer's metadata: what was said, by whom, at how many tokens. */
const Kept = Schema.Struct({
  provider: fields.provider,
  model: fields.model,
  servedModel: fields.servedModel,
  temperature: fields.temperature,
  maxTokens: fields.maxTokens,
  usage: fields.usage,
  usageStatus: fields.usageStatus,
  responseId: fields.responseId,
  rawFinishReason: fields.rawFinishReason,
  warnings: fields.warnings,
  degraded: Schema.Literal(false),
})

const isEnvelope = Schema.is(
  Schema.Struct({ version: Schema.Literal(version), key: Schema.String, answer: Schema.Unknown }),
)

const isAnswer = Schema.is(
  Schema.Struct({
    ...LlmResponse.fields,
    finishReason: Schema.Literals(["stop", "tool-calls"]),
    metadata: Kept,
  }),
)

const nothingOfCall = { latencyMs: 0, timestamp: "", costUsd: 0, attempts: [] }

const isWholeAnswer = (answer: unknown): boolean => {
  if (!isAnswer(answer) || jsonProblem(answer, "") !== undefined) return false
  const { finishReason, metadata, parts, text, toolCalls } = answer
  const made = fromParts(parts, finishReason, { ...metadata, ...nothingOfCall })
  return made.text === text && JSON.stringify(made.toolCalls) === JSON.stringify(toolCalls)
}

const isEmbedding = Schema.is(Schema.Struct({ embeddings: Schema.Unknown, metadata: Kept }))

/** By hand: a schema takes long for a hundred thousand numbers. */
const areVectors = (value: unknown): boolean =>
  Array.isArray(value) &&
  value.every((vector: unknown) => Array.isArray(vector) && vector.every((number) => Number.isFinite(number)))

/** What makes an answer whole, for each kind that is kept: the compiler refuses one without it. */
const isWhole: Readonly<Record<KeptKind, (answer: unknown) => boolean>> = {
  answer: isWholeAnswer,
  embeddings: (answer) => isEmbedding(answer) && areVectors(answer.embeddings),
}

/** The entry of an answer; undefined for one that JSON cannot hold, as a provider of a program's own may give. */
export const encodeEntry = (key: string, answer: Answered): string | undefined => {
  const { metadata } = answer
  const kept: Record<string, unknown> = {}
  for (const name of Object.keys(Kept.fields)) kept[name] = Reflect.get(metadata, name)
  return Result.getOrUndefined(
    Result.try(() => JSON.stringify({ version, key, answer: { ...answer, metadata: kept } })),
  )
}

/** True for an entry of this version under its own key, with a whole answer of the kind that is asked for. A store may hold anything. */
export const isEntry = (text: string, key: string, kind: KeptKind): boolean =>
  Result.getOrElse(
    Result.try(() => {
      const entry = Result.getOrUndefined(boundedJson(text))
      return isEnvelope(entry) && entry.key === key && isWhole[kind](entry.answer)
    }),
    () => false,
  )

/** What a call of its own adds to kept metadata. */
export type OfCall = Pick<
  ResponseMetadata,
  "latencyMs" | "timestamp" | "attempts" | "costUsd" | "priceSource" | "requestId" | "cached"
>

/** The answer of an entry that was checked or just made: a copy for one caller. */
export const decodeEntry = <A extends Answered>(text: string, ofCall: OfCall): A => {
  const { answer }: { readonly answer: A } = JSON.parse(text)
  return { ...answer, metadata: { ...answer.metadata, ...ofCall } }
}

/** An answer as a stream gives it, without its end. */
export const piecesOf = ({ metadata, parts }: LlmResponse): Array<LlmEvent> => [
  { type: "response-start", ...(metadata.servedModel === undefined ? {} : { servedModel: metadata.servedModel }) },
  ...eventsOf(parts),
]
