/**
 * Writes a conversation as Messages wants it: the system apart, then turns of user and assistant in alternation, each a
 * list of blocks. Tool results belong to the user's turn and stand before everything else in it.
 */
import * as Base64 from "effect/encoding/Base64"
import * as Result from "effect/Result"
import type {
  AssistantMessage,
  FilePart,
  ImagePart,
  LlmRequest,
  TextPart,
  ToolMessage,
} from "../../model/LlmRequest.ts"
import { withCallIds } from "../encoding/CallIds.ts"
import { anthropicCallIds } from "../encoding/ServiceCapabilities.ts"
import { isBlank, mediumOf, type RequestEncoding, speakingMessages } from "../encoding/RequestEncoding.ts"
import { isWireObject } from "../WireReader.ts"
import { protocolName } from "./Content.ts"

type Block = Record<string, unknown>

interface Turn {
  readonly role: "user" | "assistant"
  readonly content: Array<Block>
}

/** What a conversation becomes. `system` is undefined where there is none. */
export interface Conversation {
  readonly system: string | ReadonlyArray<Block> | undefined
  readonly messages: ReadonlyArray<Turn>
}

const textBlock = (text: string): Block => ({ type: "text", text })

/** Text blocks; blank ones are refused by Anthropic, so they are left out. */
const textBlocks = (text: string): ReadonlyArray<Block> => (isBlank(text) ? [] : [textBlock(text)])

const encodeImage = (part: ImagePart, path: string, encoding: RequestEncoding): Block => {
  const medium = mediumOf(part, path, encoding)
  if (medium === undefined || medium.at === "store") return {}
  return {
    type: "image",
    source:
      medium.at === "url"
        ? { type: "url", url: medium.url }
        : { type: "base64", media_type: medium.mediaType, data: medium.data },
  }
}

const documentSource = (part: FilePart, path: string, encoding: RequestEncoding): Block | undefined => {
  const medium = mediumOf(part, path, encoding)
  if (medium === undefined) return undefined
  if (medium.at === "store") return { type: "file", file_id: medium.fileId }
  if (medium.at === "url") return { type: "url", url: medium.url }
  if (!medium.mediaType.startsWith("text/")) {
    return { type: "base64", media_type: medium.mediaType, data: medium.data }
  }
  const text = Base64.decodeString(medium.data)
  if (Result.isSuccess(text)) return { type: "text", media_type: "text/plain", data: text.success }
  encoding.refuse(`${path}.data`, "the data is not base64")
  return undefined
}

const encodePart = (
  part: TextPart | ImagePart | FilePart,
  path: string,
  encoding: RequestEncoding,
): ReadonlyArray<Block> => {
  if (part.type === "text") return textBlocks(part.text)
  const isImage = part.type === "image" || part.mediaType?.startsWith("image/") === true
  if (part.type === "image" || (isImage && part.fileId === undefined)) {
    return [encodeImage({ ...part, type: "image" }, path, encoding)]
  }
  const source = documentSource(part, path, encoding)
  if (isImage) return [{ type: "image", source }]
  return [{ type: "document", source, ...(part.filename === undefined ? {} : { title: part.filename }) }]
}

const encodeContent = (
  content: string | ReadonlyArray<TextPart | ImagePart | FilePart>,
  path: string,
  encoding: RequestEncoding,
): ReadonlyArray<Block> =>
  typeof content === "string"
    ? textBlocks(content)
    : content.flatMap((part, place) => encodePart(part, `${path}.content[${place}]`, encoding))

/** Thinking goes back as it came; what another provider thought has no signature and is refused there. */
const encodeAssistant = (message: AssistantMessage, path: string, encoding: RequestEncoding): ReadonlyArray<Block> => {
  if (typeof message.content === "string") return textBlocks(message.content)
  const blocks: Array<Block> = []
  for (const part of message.content) {
    if (part.type === "text" || part.type === "refusal") blocks.push(...textBlocks(part.text))
    else if (part.type === "tool-call") {
      const input = isWireObject(part.arguments) ? part.arguments : { value: part.arguments }
      if (input !== part.arguments) {
        encoding.warn(`the arguments of the tool call ${part.id} were wrapped: Anthropic takes an object only`)
      }
      blocks.push({ type: "tool_use", id: part.id, name: part.name, input })
    } else if (part.type === "reasoning") {
      if (part.protocol !== undefined) {
        encoding.warn("reasoning of another provider was dropped: Anthropic does not accept it")
      } else if (part.redacted !== undefined) blocks.push({ type: "redacted_thinking", data: part.redacted })
      else if (part.signature !== undefined) {
        blocks.push({ type: "thinking", thinking: part.text, signature: part.signature })
      } else encoding.warn("reasoning without a signature was dropped: Anthropic does not accept it")
    } else if (part.type === "image") {
      encoding.warn(`a picture in ${path} was dropped: Anthropic takes none from an assistant`)
    } else if (part.provider !== protocolName || !isWireObject(part.value)) {
      encoding.warn(`an "other" part of ${part.provider} in ${path} was dropped: Anthropic has no block for it`)
    } else if (part.value.type !== "citations") blocks.push(part.value)
  }
  return blocks
}

const encodeToolResults = (message: ToolMessage, path: string, encoding: RequestEncoding): ReadonlyArray<Block> =>
  message.content.map((result, place) => ({
    type: "tool_result",
    tool_use_id: result.toolCallId,
    content:
      typeof result.content === "string"
        ? result.content
        : encodeContent(result.content, `${path}.content[${place}]`, encoding),
    ...(result.isError === undefined ? {} : { is_error: result.isError }),
  }))

/** Adds blocks to the turn under way, or begins the other side's. Tool results go before what the user said beside them. */
const addBlocks = (turns: Array<Turn>, role: Turn["role"], blocks: ReadonlyArray<Block>, first: boolean): void => {
  const last = turns.at(-1)
  if (blocks.length === 0) return
  if (last === undefined || last.role !== role) turns.push({ role, content: [...blocks] })
  else if (first) {
    const place = last.content.findIndex((block) => block.type !== "tool_result")
    last.content.splice(place < 0 ? last.content.length : place, 0, ...blocks)
  } else last.content.push(...blocks)
}

/** A final assistant turn is the beginning of the answer, and may not end in white space. */
const trimFinalTurn = (turns: Array<Turn>): void => {
  const last = turns.at(-1)
  const block = last?.content.at(-1)
  if (last?.role !== "assistant" || block?.type !== "text" || typeof block.text !== "string") return
  last.content[last.content.length - 1] = textBlock(block.text.trimEnd())
}

/** The conversation of a request; what it lost or where it had to be moved is noted in `encoding`. */
export const encodeConversation = (request: LlmRequest, encoding: RequestEncoding): Conversation => {
  const system: Array<Block> = []
  const turns: Array<Turn> = []
  for (const { message, path } of speakingMessages(withCallIds(request.messages, anthropicCallIds), encoding)) {
    if (message.role === "system") {
      if (turns.length > 0) encoding.warn(`${path} was moved to the front: Anthropic takes system messages there only`)
      const texts = typeof message.content === "string" ? [message.content] : message.content.map((part) => part.text)
      system.push(...texts.flatMap(textBlocks))
    } else if (message.role === "user") {
      addBlocks(turns, "user", encodeContent(message.content, path, encoding), false)
    } else if (message.role === "tool") {
      addBlocks(turns, "user", encodeToolResults(message, path, encoding), true)
    } else {
      const blocks = encodeAssistant(message, path, encoding)
      if (blocks.length === 0) encoding.warn(`${path} was dropped: Anthropic has no block for anything in it`)
      addBlocks(turns, "assistant", blocks, false)
    }
  }
  trimFinalTurn(turns)
  if (turns.length === 0) encoding.refuse("messages", "Anthropic needs a message beside the system's")
  const [only, ...more] = system
  return {
    system: only === undefined ? undefined : more.length === 0 && typeof only.text === "string" ? only.text : system,
    messages: turns,
  }
}
