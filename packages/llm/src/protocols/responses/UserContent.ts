/**
 * Writes what users, systems and tools say in Responses: input texts, pictures and files. It knows neither items nor
 * requests. Limits are those of OpenAI's OpenAPI 2.3.
 */
import type { CacheMark, FilePart, ImagePart, TextPart } from "../../model/LlmRequest.ts"
import type { ConversationEncoding } from "../encoding/ConversationEncoding.ts"
import { acceptedMedium, kindOf, type MediaRule, type Medium } from "../encoding/Media.ts"
import type { MediumPlace } from "../encoding/ServiceCapabilities.ts"

export type Item = Record<string, unknown>

const places: ReadonlyArray<MediumPlace> = ["url", "data", "id"]
const images: MediaRule = { wire: "Responses", places, maxLength: 20_971_520 }
const files: MediaRule = { wire: "Responses", places, maxLength: 73_400_320 }

const dataUrl = ({ data, mediaType }: Extract<Medium, { readonly at: "data" }>): string =>
  `data:${mediaType};base64,${data}`

const encodeImage = (part: ImagePart | FilePart, path: string, encoding: ConversationEncoding): Item => {
  const medium = acceptedMedium({ ...part, type: "image" }, path, images, encoding)
  if (medium === undefined) return {}
  const detail = (part.type === "image" ? part.detail : undefined) ?? "auto"
  return medium.at === "id"
    ? { type: "input_image", file_id: medium.fileId, ...(part.type === "image" ? { detail } : {}) }
    : { type: "input_image", image_url: medium.at === "url" ? medium.url : dataUrl(medium), detail }
}

const encodeFile = (part: FilePart, path: string, encoding: ConversationEncoding): Item => {
  const medium = acceptedMedium(part, path, files, encoding)
  if (medium === undefined) return {}
  if (medium.at === "id") return { type: "input_file", file_id: medium.fileId }
  if (medium.at === "url") return { type: "input_file", file_url: medium.url }
  const extension = medium.mediaType.split("/")[1] ?? "bin"
  return { type: "input_file", filename: part.filename ?? `file.${extension}`, file_data: dataUrl(medium) }
}

const encodePart = (part: TextPart | ImagePart | FilePart, path: string, encoding: ConversationEncoding): Item => {
  if (part.type === "text") return { type: "input_text", text: part.text }
  const kind = kindOf(part)
  if (kind === "image") return encodeImage(part, path, encoding)
  if (kind === "file" && part.type === "file") return encodeFile(part, path, encoding)
  encoding.refuseHere(
    `${path}.mediaType`,
    `Responses takes pictures and documents, no ${kind}: leave the part out, or write it down`,
  )
  return {}
}

/** A text, or parts; a marked text is a part too. */
export const encodeContent = (
  content: string | ReadonlyArray<TextPart | ImagePart | FilePart>,
  path: string,
  mark: CacheMark | undefined,
  encoding: ConversationEncoding,
): unknown => {
  if (typeof content === "string") {
    if (mark === undefined || encoding.capabilities.cacheMarks !== "prompt_cache_breakpoint") return content
    const only: Item = { type: "input_text", text: content }
    encoding.marks.add(only, mark)
    return [only]
  }
  const parts = content.map((part, place) => {
    const item = encodePart(part, `${path}.content[${place}]`, encoding)
    encoding.marks.add(item, part.cache)
    return item
  })
  encoding.marks.add(parts.at(-1), mark)
  return parts
}
