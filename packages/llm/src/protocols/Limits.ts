/**
 * How much one answer may hold, in one place. No honest answer comes near any of it; past a limit the call fails with an
 * `InvalidResponseError` that names the field, never with an exhausted stack or memory. The pieces of a stream have no
 * limit of their own: they are handed on as they come, and `maxBodyBytes` bounds them.
 */

export {
  maxCheckedValues,
  maxContainers,
  maxDepth,
  maxDigits,
  maxPlainValues,
  maxShapes,
} from "../model/json/JsonBounds.ts"
export { excessOfValue } from "../model/json/ValueBounds.ts"

/** What an endpoint may set. */
export interface Limits {
  /** The largest body, streamed or whole, in bytes after decompression. */
  readonly maxBodyBytes: number
  /** The longest data of one event of a stream, and its longest name, in characters, however many reads they came in. */
  readonly maxEventLength: number
}

/** A picture in base64 is a few MiB and the largest answers that models write are below 1 MiB. */
export const defaultLimits: Limits = { maxBodyBytes: 64 * 1024 * 1024, maxEventLength: 10 * 1024 * 1024 }

/** Parts of one answer, tool calls included. */
export const maxParts = 10_000

/** What an answer carries beside its parts, each kind counted together: citations, details of reasoning. */
export const maxNotes = 10_000

/** The largest number that is taken for a count: sums of such numbers stay finite. */
export const maxCount = Number.MAX_SAFE_INTEGER
