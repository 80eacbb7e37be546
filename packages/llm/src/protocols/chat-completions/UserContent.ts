/**
 * Writes what users, systems and tools say in Chat Completions: texts, pictures, documents and sounds. It knows neither
 * turns nor requests.
 */
import type { CacheMark, FilePart, ImagePart, TextPart } from "../../model/LlmRequest.ts"
import type { ConversationEncoding } from "../encoding/ConversationEncoding.ts"
import {
  acceptedMedium,
  isPlainText,
  kindOf,
  type Medium,
  type MediaRule,
  mediumOf,
  textOf,
} from "../encoding/Media.ts"

export type Body = Record<string, unknown>

const images: MediaRule = { wire: "Chat Completions", places: ["url", "data"] }

/** openai 7.57 types: `file_data` or `file_id`, and no address. */
const files: MediaRule = { wire: "Chat Completions", places: ["data", "id"] }

export const textPart = (text: string): Body => ({ type: "text", text })

const addressOf = (medium: Medium): string => {
  switch (medium.at) {
    case "url":
      return medium.url
    case "data":
      return `data:${medium.mediaType};base64,${medium.data}`
    case "id":
      return medium.fileId
  }
}

const encodeImage = (part: ImagePart | FilePart, path: string, encoding: ConversationEncoding): Body => {
  const medium = acceptedMedium({ ...part, type: "image" }, path, images, encoding)
  if (medium === undefined) return {}
  const detail = part.type === "image" ? part.detail : undefined
  const url = addressOf(medium)
  return { type: "image_url", image_url: detail === undefined ? { url } : { url, detail } }
}

/** openai 7.57 types: base64 without a header, `wav` or `mp3`. */
const encodeAudio = (part: ImagePart | FilePart, path: string, encoding: ConversationEncoding): Body => {
  const medium = mediumOf(part, path, encoding)
  if (medium === undefined) return {}
  if (!encoding.capabilities.audio) {
    encoding.refuseHere(
      path,
      `${encoding.model} takes no sound over Chat Completions: leave the part out, or write it down`,
    )
    return {}
  }
  const format = medium.at === "data" ? /^audio\/(?:x-)?(wav|mpeg|mp3)$/.exec(medium.mediaType)?.[1] : undefined
  if (medium.at !== "data" || format === undefined) {
    encoding.refuseHere(path, "Chat Completions takes sound as the bytes of a wav or mp3 file in data")
    return {}
  }
  return { type: "input_audio", input_audio: { data: medium.data, format: format === "wav" ? "wav" : "mp3" } }
}

const fileName = (part: FilePart, medium: Medium): string =>
  part.filename ?? `file.${(medium.at === "data" ? medium.mediaType.split("/")[1] : undefined) ?? "bin"}`

const encodeFile = (part: FilePart, path: string, encoding: ConversationEncoding): Body => {
  const medium = acceptedMedium(part, path, files, encoding)
  if (medium === undefined) return {}
  // OpenAI reads PDF here and nothing else; a plain text says the same as a text.
  if (medium.at === "data" && isPlainText(medium.mediaType)) {
    const text = textOf(medium.data, path, encoding)
    return textPart(part.filename === undefined ? text : `${part.filename}:\n${text}`)
  }
  if (encoding.capabilities.documentPart === "document_url") {
    return { type: "document_url", document_url: addressOf(medium) }
  }
  if (medium.at === "id") return { type: "file", file: { file_id: medium.fileId } }
  return { type: "file", file: { filename: fileName(part, medium), file_data: addressOf(medium) } }
}

const encodeMedium = (part: ImagePart | FilePart, path: string, encoding: ConversationEncoding): Body => {
  switch (kindOf(part)) {
    case "image":
      return encodeImage(part, path, encoding)
    case "audio":
      return encodeAudio(part, path, encoding)
    case "video":
      encoding.refuseHere(`${path}.mediaType`, "Chat Completions has no part for films: send pictures of them")
      return {}
    case "file":
      return part.type === "file" ? encodeFile(part, path, encoding) : {}
  }
}

/** One part in the words of Chat Completions. */
export const encodePart = (
  part: TextPart | ImagePart | FilePart,
  path: string,
  encoding: ConversationEncoding,
): Body => {
  const body = part.type === "text" ? textPart(part.text) : encodeMedium(part, path, encoding)
  encoding.marks.add(body, part.cache)
  return body
}

/** What stands in `content`: one text stays a string, which every service takes, unless it is marked. */
export const encodeContent = (
  content: string | ReadonlyArray<TextPart | ImagePart | FilePart>,
  path: string,
  mark: CacheMark | undefined,
  encoding: ConversationEncoding,
): unknown => {
  if (typeof content === "string") {
    if (mark === undefined || encoding.capabilities.cacheMarks === "automatic") return content
    const only = textPart(content)
    encoding.marks.add(only, mark)
    return [only]
  }
  const [first, ...more] = content
  if (first?.type === "text" && more.length === 0 && first.cache === undefined) {
    return encodeContent(first.text, path, mark, encoding)
  }
  const parts = content.map((part, place) => encodePart(part, `${path}.content[${place}]`, encoding))
  encoding.marks.add(parts.at(-1), mark)
  return parts
}
