/**
 * Writes a conversation as Messages wants it: the system apart, then turns of user and assistant in alternation, each a
 * list of blocks. Tool results belong to the user's turn and stand before everything else in it.
 */
import type { AssistantMessage, CacheMark, LlmRequest, ToolMessage } from "../../model/LlmRequest.ts"
import { chosenMarks, droppedMarks, lifetimeAmong } from "../encoding/CacheMarks.ts"
import { withCallIds } from "../encoding/CallIds.ts"
import type { ConversationEncoding } from "../encoding/ConversationEncoding.ts"
import { anthropicCallIds } from "../encoding/ServiceCapabilities.ts"
import { speakingMessages } from "../encoding/RequestEncoding.ts"
import { isWireObject } from "../WireReader.ts"
import { protocolName } from "./Content.ts"
import { type Block, checkMedia, encodeContent, textBlocks } from "./UserContent.ts"

/** What one side says before the other one does. */
export interface Turn {
  readonly role: "user" | "assistant"
  readonly content: Array<Block>
}

/** What a conversation becomes. `system` is undefined where there is none. */
export interface Conversation {
  readonly system: string | ReadonlyArray<Block> | undefined
  readonly messages: ReadonlyArray<Turn>
}

/** True for what the model thought, read or unread. */
export const isThinking = ({ type }: Block): boolean => type === "thinking" || type === "redacted_thinking"

/** Thinking goes back as it came; what another provider thought has no signature and is refused there. */
const encodeAssistant = (
  message: AssistantMessage,
  path: string,
  encoding: ConversationEncoding,
): ReadonlyArray<Block> => {
  if (typeof message.content === "string") return textBlocks(message.content)
  const blocks: Array<Block> = []
  for (const part of message.content) {
    if (part.type === "text" || part.type === "refusal") {
      const texts = textBlocks(part.text)
      if (part.type === "text") encoding.marks.add(texts.at(-1), part.cache)
      blocks.push(...texts)
    } else if (part.type === "tool-call") {
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

const encodeToolResults = (message: ToolMessage, path: string, encoding: ConversationEncoding): ReadonlyArray<Block> =>
  message.content.map((result, place) => {
    const block: Block = {
      type: "tool_result",
      tool_use_id: result.toolCallId,
      content:
        typeof result.content === "string"
          ? result.content
          : encodeContent(result.content, `${path}.content[${place}]`, encoding),
      ...(result.isError === undefined ? {} : { is_error: result.isError }),
    }
    encoding.marks.add(block, result.cache)
    return block
  })

/** A message's mark stands on its last block that can be cached: thinking cannot. */
const markLast = (blocks: ReadonlyArray<Block>, mark: CacheMark | undefined, encoding: ConversationEncoding): void =>
  encoding.marks.add(
    blocks.findLast((block) => !isThinking(block)),
    mark,
  )

/** Anthropic takes four marks a request, the longer lifetimes first (platform.claude.com, "Prompt caching"). */
const writeMarks = (blocks: ReadonlyArray<Block>, encoding: ConversationEncoding): void => {
  if (encoding.marks.isEmpty) return
  const marked = encoding.marks.among(blocks)
  if (marked.length > 4) encoding.warn(droppedMarks(marked.length - 4, 4))
  for (const { block, ttl } of chosenMarks(marked, 4)) {
    const lifetime = ttl === undefined ? {} : { ttl: lifetimeAmong(ttl, ["5m", "1h"]) }
    block.cache_control = { type: "ephemeral", ...lifetime }
  }
}

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
  const block = last?.role === "assistant" ? last.content.at(-1) : undefined
  if (block?.type === "text" && typeof block.text === "string") block.text = block.text.trimEnd()
}

/** The conversation of a request; what it lost or where it had to be moved is noted in `encoding`. */
export const encodeConversation = (request: LlmRequest, encoding: ConversationEncoding): Conversation => {
  const system: Array<Block> = []
  const turns: Array<Turn> = []
  for (const { message, path } of speakingMessages(withCallIds(request.messages, anthropicCallIds), encoding)) {
    if (message.role === "system") {
      if (turns.length > 0) encoding.warn(`${path} was moved to the front: Anthropic takes system messages there only`)
      const blocks = encodeContent(message.content, path, encoding)
      markLast(blocks, message.cache, encoding)
      system.push(...blocks)
    } else if (message.role === "user") {
      const blocks = encodeContent(message.content, path, encoding)
      markLast(blocks, message.cache, encoding)
      addBlocks(turns, "user", blocks, false)
    } else if (message.role === "tool") {
      const blocks = encodeToolResults(message, path, encoding)
      markLast(blocks, message.cache, encoding)
      addBlocks(turns, "user", blocks, true)
    } else {
      const blocks = encodeAssistant(message, path, encoding)
      if (blocks.length === 0) encoding.warn(`${path} was dropped: Anthropic has no block for anything in it`)
      markLast(blocks, message.cache, encoding)
      addBlocks(turns, "assistant", blocks, false)
    }
  }
  trimFinalTurn(turns)
  if (turns.length === 0) encoding.refuse("messages", "Anthropic needs a message beside the system's")
  const all = [...system, ...turns.flatMap(({ content }) => content)]
  checkMedia(all, encoding)
  writeMarks(all, encoding)
  const [only, ...more] = system
  const text = more.length === 0 && only?.cache_control === undefined ? only?.text : undefined
  return {
    system: only === undefined ? undefined : typeof text === "string" ? text : system,
    messages: turns,
  }
}
