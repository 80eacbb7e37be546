/**
 * Reading the pictures, documents and sounds of a request: where their bytes are, what they are, and whether a target takes
 * them. It writes no wire name.
 */
import * as Base64 from "effect/encoding/Base64"
import * as Result from "effect/Result"
import type { FilePart, ImagePart } from "../../model/LlmRequest.ts"
import type { ConversationEncoding } from "./ConversationEncoding.ts"
import type { RequestEncoding } from "./RequestEncoding.ts"
import type { MediumPlace } from "./ServiceCapabilities.ts"

/** Where a medium's bytes are: on the web, in the provider's own store, or here. */
export type Medium =
  | { readonly at: "url"; readonly url: string }
  | { readonly at: "id"; readonly fileId: string }
  | { readonly at: "data"; readonly mediaType: string; readonly data: string }

/** The media types that the first bytes of base64 give away. */
const signatures: ReadonlyArray<readonly [string, string]> = [
  ["iVBORw0K", "image/png"],
  ["/9j/", "image/jpeg"],
  ["R0lGOD", "image/gif"],
  ["UklGR", "image/webp"],
  ["JVBERi", "application/pdf"],
  ["SUQz", "audio/mpeg"],
]

const guessMediaType = (data: string): string | undefined => {
  const guess = signatures.find(([signature]) => data.startsWith(signature))?.[1]
  // A RIFF file says what it is four bytes later: WAVE or WEBP.
  return guess === "image/webp" && data.slice(8, 16).includes("XQVZF") ? "audio/wav" : guess
}

/** The kind of a part, by which its encoding is chosen: a file that says it is a picture is a picture. */
export const kindOf = (part: ImagePart | FilePart): "image" | "audio" | "video" | "file" => {
  if (part.type === "image") return "image"
  const named = part.mediaType ?? (part.data === undefined ? dataUrlType(part.url) : guessMediaType(part.data))
  const kind = named?.split("/")[0]
  return kind === "image" || kind === "audio" || kind === "video" ? kind : "file"
}

const dataUrlType = (url: string | undefined): string | undefined => url?.match(/^data:([^;,]+)/i)?.[1]

/** A media type as services compare it: without parameters, and `image/jpg` under its registered name. */
const normalType = (mediaType: string | undefined): string | undefined =>
  mediaType?.toLowerCase().replace(/;.*/s, "").trimEnd().replace("image/jpg", "image/jpeg")

/** Where the bytes of a part are, or a refusal that says what is missing. */
export const mediumOf = (part: ImagePart | FilePart, path: string, encoding: RequestEncoding): Medium | undefined => {
  if (part.fileId !== undefined) return { at: "id", fileId: part.fileId }
  if (part.url !== undefined && !/^data:/i.test(part.url)) return { at: "url", url: part.url }
  let { data, mediaType } = part
  if (part.url !== undefined) {
    const comma = part.url.indexOf(",")
    const head = part.url.slice(5, Math.max(comma, 5))
    if (!head.endsWith(";base64")) {
      encoding.refuse(`${path}.url`, "a data URL must be base64: data:<media type>;base64,<data>")
      return undefined
    }
    data = part.url.slice(comma + 1)
    mediaType ??= head.split(";")[0]
  }
  if (data === undefined || data === "") {
    encoding.refuse(path, `the ${part.type} part has neither a url nor data`)
    return undefined
  }
  const known = normalType(mediaType) || guessMediaType(data) || (part.type === "file" ? "application/pdf" : undefined)
  if (known === undefined) {
    encoding.refuse(`${path}.mediaType`, "mediaType is missing and the data does not show it")
    return undefined
  }
  return { at: "data", mediaType: known, data }
}

/** Documents that are plain text, whatever they are called. */
export const isPlainText = (mediaType: string): boolean =>
  /^(?:text\/|application\/(?:json|xml|yaml|x-yaml|toml|javascript)\b)/.test(mediaType)

/** The text of a plain-text document, or a refusal. */
export const textOf = (data: string, path: string, encoding: RequestEncoding): string => {
  const text = Base64.decodeString(data)
  if (Result.isSuccess(text)) return text.success
  encoding.refuse(`${path}.data`, "the data is not base64")
  return ""
}

/** What a protocol takes of one kind of part. */
export interface MediaRule {
  /** In words, for refusals: `Chat Completions`. */
  readonly wire: string
  readonly places: ReadonlyArray<MediumPlace>
  /** The media types; any where it is not said. */
  readonly types?: ReadonlyArray<string> | undefined
  /** The most characters of base64. */
  readonly maxLength?: number | undefined
}

const fields: Readonly<Record<MediumPlace, string>> = { url: "url", data: "data", id: "fileId" }

const advice: Readonly<Record<MediumPlace, string>> = {
  url: "an address",
  data: "bytes in data",
  id: "the id of a file that was uploaded before",
}

/**
 * The medium of a part, where this target takes it. What it cannot take is refused by the field, with what to do, and in such
 * a way that a fallback passes this target and asks the next one.
 */
export const acceptedMedium = (
  part: ImagePart | FilePart,
  path: string,
  rule: MediaRule,
  encoding: ConversationEncoding,
): Medium | undefined => {
  const medium = mediumOf(part, path, encoding)
  if (medium === undefined) return undefined
  const { capabilities, model } = encoding
  const isImage = kindOf(part) === "image"
  const name = isImage ? "pictures" : "documents"
  const own = isImage ? capabilities.images : capabilities.files
  const places = own ?? rule.places
  if (places.length === 0) {
    encoding.refuseHere(path, `${model} takes no ${name} over ${rule.wire}: leave the part out, or ask another model`)
    return undefined
  }
  if (!places.includes(medium.at)) {
    const others = places.map((place) => advice[place]).join(" or ")
    encoding.refuseHere(`${path}.${fields[medium.at]}`, `${rule.wire} takes ${name} as ${others} here`)
    return undefined
  }
  if (medium.at !== "data") return medium
  const types = (isImage ? capabilities.imageTypes : undefined) ?? rule.types
  if (types !== undefined && !types.includes(medium.mediaType)) {
    const told = `${medium.mediaType} is not among the ${name} that ${model} takes (${types.join(", ")}): convert it`
    encoding.refuseHere(`${path}.mediaType`, told)
    return undefined
  }
  const { maxLength = Number.POSITIVE_INFINITY } = rule
  if (medium.data.length > maxLength) {
    const sizes = `${medium.data.length} characters of base64 are more than the ${maxLength} that ${rule.wire} takes`
    encoding.refuseHere(path, `${sizes} of one part: make it smaller`)
    return undefined
  }
  return medium
}
