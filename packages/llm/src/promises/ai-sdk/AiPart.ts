/**
 * What our parts say and the AI SDK's have no field for. It leaves as the whole part, under `wiseflow` of a part's metadata,
 * and comes back under `wiseflow` of a prompt part's options, so that nothing of a turn is lost between turns (law 26).
 */
import type { ResponsePart } from "../../model/LlmResponse.ts"
import type { AiJson, AiMetadata, AiProviderOptions } from "./AiModel.ts"

/** The key of metadata and options under which this library keeps its own. */
export const metadataKey = "wiseflow"

/** The same value as JSON: what JSON has no word for becomes null, and a field without a value goes. */
export const toJson = (value: unknown): AiJson => {
  if (typeof value === "string" || typeof value === "boolean") return value
  if (typeof value === "number") return Number.isFinite(value) ? value : null
  if (Array.isArray(value)) return value.map(toJson)
  return typeof value === "object" && value !== null ? objectOf(value) : null
}

const objectOf = (value: object): Record<string, AiJson> => {
  const entries: Array<[string, AiJson]> = []
  for (const [name, field] of Object.entries(value)) if (field !== undefined) entries.push([name, toJson(field)])
  return Object.fromEntries(entries)
}

/** Metadata that holds the fields of `value`. */
export const metadataOf = (value: object): AiMetadata => ({ [metadataKey]: objectOf(value) })

/** Metadata for a part that is more than its text. */
export const keep = (part: ResponsePart): AiMetadata => metadataOf({ part })

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null && !Array.isArray(value)

/** What the caller says to this library. */
export const ownOptions = (options: AiProviderOptions): Readonly<Record<string, unknown>> => {
  const own = options?.[metadataKey]
  return isRecord(own) ? own : {}
}

const kinds: ReadonlySet<unknown> = new Set(["text", "image", "reasoning", "refusal", "tool-call", "other"])

/** A request checks its parts itself: one that was tampered with is refused there, by its place. */
const isPart = (value: unknown): value is ResponsePart => isRecord(value) && kinds.has(value["type"])

/** The part that was kept; undefined where none was. */
export const kept = (options: AiProviderOptions): ResponsePart | undefined => {
  const { part } = ownOptions(options)
  return isPart(part) ? part : undefined
}
