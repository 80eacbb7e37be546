/**
 * Writes what users and tools say in Messages: text, image and document blocks. It knows neither turns nor requests.
 * Limits are those of platform.claude.com, "Vision" and "PDF support".
 */
import type { FilePart, ImagePart, TextPart } from "../../model/LlmRequest.ts"
import type { ConversationEncoding } from "../encoding/ConversationEncoding.ts"
import { acceptedMedium, isPlainText, kindOf, type MediaRule, type Medium, textOf } from "../encoding/Media.ts"
import { isBlank } from "../encoding/RequestEncoding.ts"
import { isWireObject } from "../WireReader.ts"
import { type MediumPlace, webImageTypes } from "../encoding/ServiceCapabilities.ts"

export type Block = Record<string, unknown>

const wire = "Messages"
const places: ReadonlyArray<MediumPlace> = ["url", "data", "id"]

/** 5 MiB of base64. */
const images: MediaRule = { wire, places, types: webImageTypes, maxLength: 5 * 1024 * 1024 }

/** A whole request may have 32 MB. */
const files: MediaRule = { wire, places, maxLength: 32_000_000 }

/** The most pictures of one request, and the most base64 of all its pictures and documents. */
const maxImages = 100
const maxLengthOfAll = 32_000_000

export const textBlock = (text: string): Block => ({ type: "text", text })

/** Text blocks; blank ones are refused by Anthropic, so they are left out. */
export const textBlocks = (text: string): ReadonlyArray<Block> => (isBlank(text) ? [] : [textBlock(text)])

const encodeImage = (part: ImagePart | FilePart, path: string, encoding: ConversationEncoding): Block => {
  const medium = acceptedMedium({ ...part, type: "image" }, path, images, encoding)
  return medium === undefined ? {} : { type: "image", source: sourceOf(medium) }
}

const sourceOf = (medium: Medium): Block => {
  switch (medium.at) {
    case "url":
      return { type: "url", url: medium.url }
    case "data":
      return { type: "base64", media_type: medium.mediaType, data: medium.data }
    case "id":
      return { type: "file", file_id: medium.fileId }
  }
}

/** PDF, or plain text, which stands in the request as it is. */
const documentSource = (
  part: FilePart,
  medium: Medium,
  path: string,
  encoding: ConversationEncoding,
): Block | undefined => {
  if (medium.at === "data" && isPlainText(medium.mediaType)) {
    return { type: "text", media_type: "text/plain", data: textOf(medium.data, path, encoding) }
  }
  const mediaType = medium.at === "data" ? medium.mediaType : medium.at === "url" ? part.mediaType : undefined
  if (mediaType === undefined || mediaType === "application/pdf") return sourceOf(medium)
  encoding.refuseHere(`${path}.mediaType`, `Anthropic reads PDF and plain text, not ${mediaType}: convert it`)
  return undefined
}

const encodeFile = (part: FilePart, path: string, encoding: ConversationEncoding): Block => {
  const medium = acceptedMedium(part, path, files, encoding)
  const source = medium === undefined ? undefined : documentSource(part, medium, path, encoding)
  return { type: "document", source, ...(part.filename === undefined ? {} : { title: part.filename }) }
}

/** One part in the words of Messages; a blank text has none. */
const encodePart = (
  part: TextPart | ImagePart | FilePart,
  path: string,
  encoding: ConversationEncoding,
): ReadonlyArray<Block> => {
  if (part.type === "text") return textBlocks(part.text)
  const kind = kindOf(part)
  if (kind === "image") return [encodeImage(part, path, encoding)]
  if (kind === "file" && part.type === "file") return [encodeFile(part, path, encoding)]
  encoding.refuseHere(
    `${path}.mediaType`,
    `Anthropic takes pictures and documents, no ${kind}: leave the part out, or write it down`,
  )
  return []
}

/** The blocks of a text or of parts. */
export const encodeContent = (
  content: string | ReadonlyArray<TextPart | ImagePart | FilePart>,
  path: string,
  encoding: ConversationEncoding,
): ReadonlyArray<Block> =>
  typeof content === "string"
    ? textBlocks(content)
    : content.flatMap((part, place) => {
        const blocks = encodePart(part, `${path}.content[${place}]`, encoding)
        encoding.marks.add(blocks.at(-1), part.cache)
        return blocks
      })

/** Refuses what a whole conversation may not hold; `blocks` are all of it. */
export const checkMedia = (blocks: ReadonlyArray<Block>, encoding: ConversationEncoding): void => {
  let pictures = 0
  let length = 0
  const count = (list: ReadonlyArray<Block>): void => {
    for (const { content, source, type } of list) {
      if (type === "image") pictures++
      if (isWireObject(source) && typeof source.data === "string") length += source.data.length
      if (Array.isArray(content)) count(content)
    }
  }
  count(blocks)
  if (pictures > maxImages) {
    encoding.refuseHere("messages", `Anthropic takes ${maxImages} pictures a request, and there are ${pictures}`)
  }
  if (length > maxLengthOfAll) {
    const told = `Anthropic takes 32 MB a request, and its pictures and documents alone have ${length} characters`
    encoding.refuseHere("messages", told)
  }
}
