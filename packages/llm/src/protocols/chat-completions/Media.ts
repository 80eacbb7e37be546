/** Finds the pictures in an answer of Chat Completions, in the forms that services write them in. */
import type { ImagePart } from "../../model/LlmRequest.ts"
import { isWireObject, nonEmpty, type WireObject } from "../WireReader.ts"

/** How a data address begins, with its media type. The header is short; what follows may be megabytes. */
const dataHeader = /^data:([^;,]{0,100})[^,]{0,100};base64,/

/** A picture at an address that others can fetch, so that it may go back; a data address is taken apart. */
const imageAt = (url: string): ImagePart | undefined => {
  if (!/^(?:https?|data):/i.test(url)) return undefined
  const header = dataHeader.exec(url)
  return header === null
    ? { type: "image", url }
    : { type: "image", mediaType: header[1] || "image/png", data: url.slice(header[0].length) }
}

/** Gemini's own form, which some gateways pass on. */
const inlineImage = (value: WireObject): ImagePart | undefined => {
  const inline = isWireObject(value.inline_data) ? value.inline_data : value.inlineData
  if (!isWireObject(inline)) return undefined
  const mediaType = nonEmpty(inline.mime_type) ?? nonEmpty(inline.mimeType)
  const data = nonEmpty(inline.data)
  return data === undefined || mediaType?.startsWith("image/") !== true ? undefined : { type: "image", mediaType, data }
}

/**
 * The picture that a content part or an element of `images` is: `image_url` as an object or as text (OpenRouter, LiteLLM,
 * Vercel's gateway (D); Mistral), `url` or `b64_json` as OpenAI's image API has them, or inline data.
 */
export const imageOf = (value: WireObject): ImagePart | undefined => {
  const address = isWireObject(value.image_url) ? value.image_url.url : (value.image_url ?? value.url)
  const url = nonEmpty(address)
  if (url !== undefined) return imageAt(url)
  const data = nonEmpty(value.b64_json)
  return data === undefined ? inlineImage(value) : { type: "image", mediaType: "image/png", data }
}
