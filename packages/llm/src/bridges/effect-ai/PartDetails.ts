/**
 * What our parts say and effect/ai's have no field for. It leaves under one key of a part's metadata and comes back under
 * the same key of a prompt part's options, so that nothing is lost between two turns.
 */
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import { ImagePart, OtherPart, ProtocolData, ReasoningPart } from "../../model/LlmRequest.ts"

/** The key of `metadata` and `options` under which this library keeps its own. */
export const metadataKey = "wiseflow"

/**
 * `signature`, `redacted` and `protocol` belong to reasoning, whose `text` stands here where its pieces were not the whole
 * of it. `refusal` and `other` are parts that effect/ai has none for (a picture at an address among them); an empty part
 * carries them. `detail` is an image's, `protocolData` a tool call's or reasoning's.
 */
const PartDetails = Schema.Struct({
  signature: ReasoningPart.fields.signature,
  redacted: ReasoningPart.fields.redacted,
  protocol: ReasoningPart.fields.protocol,
  text: Schema.optional(Schema.String),
  refusal: Schema.optional(Schema.String),
  other: Schema.optional(Schema.Union([OtherPart, ImagePart])),
  detail: ImagePart.fields.detail,
  protocolData: Schema.optional(ProtocolData),
})
export type PartDetails = typeof PartDetails.Type

const decode = Schema.decodeUnknownOption(PartDetails)

/** The details of a prompt part; none where its options hold nothing of ours, or nothing readable. */
export const readDetails = (options: Readonly<Record<string, unknown>>): PartDetails =>
  Option.getOrElse(decode(options[metadataKey]), () => ({}))

/** The same value as JSON: what JSON has no word for becomes null, and a field without a value goes. */
export const toJson = (value: unknown): Schema.MutableJson => {
  if (typeof value === "string" || typeof value === "boolean") return value
  if (typeof value === "number") return Number.isFinite(value) ? value : null
  if (Array.isArray(value)) return value.map(toJson)
  if (typeof value !== "object" || value === null) return null
  const entries = Object.entries(value).filter(([, field]) => field !== undefined)
  return Object.fromEntries(entries.map(([name, field]) => [name, toJson(field)]))
}

/** Metadata that holds `value` under our key. */
export const metadataOf = (value: unknown): Record<string, Schema.MutableJson> => ({ [metadataKey]: toJson(value) })

/** Bytes as a request has them. */
export const toBase64 = Schema.encodeSync(Schema.Uint8ArrayFromBase64)
