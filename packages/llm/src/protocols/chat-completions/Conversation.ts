/** Writes a conversation as Chat Completions wants it: one message a turn, and one a tool result. */
import type { LlmRequest, ToolMessage } from "../../model/LlmRequest.ts"
import { chosenMarks, droppedMarks, lifetimeAmong } from "../encoding/CacheMarks.ts"
import { withCallIds } from "../encoding/CallIds.ts"
import type { ConversationEncoding } from "../encoding/ConversationEncoding.ts"
import { speakingMessages } from "../encoding/RequestEncoding.ts"
import { encodeAssistant } from "./AssistantTurn.ts"
import { type Body, encodeContent, encodePart, textPart } from "./UserContent.ts"

/** One message a result; what a result shows besides text follows in a user message, because tools may only answer in text. */
const encodeToolResults = (
  message: ToolMessage,
  path: string,
  encoding: ConversationEncoding,
): { readonly results: ReadonlyArray<Body>; readonly shown: ReadonlyArray<Body> } => {
  const results: Array<Body> = []
  const shown: Array<Body> = []
  message.content.forEach((result, place) => {
    if (result.isError === true)
      encoding.warn("isError of a tool result was dropped: Chat Completions has no field for it")
    if (typeof result.content === "string") {
      results.push({ role: "tool", tool_call_id: result.toolCallId, content: result.content })
      return
    }
    const at = `${path}.content[${place}]`
    const texts = result.content.filter((part) => part.type === "text")
    const others = result.content.flatMap((part, inner) =>
      part.type === "text" ? [] : [encodePart(part, `${at}.content[${inner}]`, encoding)],
    )
    if (others.length > 0) {
      encoding.warn("images and files of tool results were moved to a user message: tools answer in text only")
      shown.push(textPart(`Attached to the result of the tool call ${result.toolCallId}:`), ...others)
    }
    const content =
      texts.length > 0
        ? encodeContent(texts, at, undefined, encoding)
        : others.length > 0
          ? "See the attachment below."
          : ""
    results.push({ role: "tool", tool_call_id: result.toolCallId, content })
  })
  return { results, shown }
}

/** Writes the marks for caching into the parts that have them; services that cache by themselves get none. */
const writeMarks = (messages: ReadonlyArray<Body>, encoding: ConversationEncoding): void => {
  const { capabilities, marks } = encoding
  if (marks.isEmpty || capabilities.cacheMarks === "automatic") return
  const blocks = messages.flatMap(({ content }) => (Array.isArray(content) ? content : []))
  const isClaude = capabilities.cacheMarks === "cache_control"
  // OpenAI writes four marks a request, of which it sets one itself.
  const most = isClaude ? 4 : 3
  const marked = marks.among(blocks)
  if (marked.length > most) encoding.warn(droppedMarks(marked.length - most, most))
  for (const { block, ttl } of chosenMarks(marked, most)) {
    if (isClaude) {
      const lifetime = ttl === undefined ? {} : { ttl: lifetimeAmong(ttl, ["5m", "1h"]) }
      block.cache_control = { type: "ephemeral", ...lifetime }
    } else block.prompt_cache_breakpoint = { mode: "explicit", ...(ttl === undefined ? {} : { ttl: "30m" }) }
  }
}

/** The messages of a request; what it lost or where it had to be moved is noted in `encoding`. */
export const encodeConversation = (request: LlmRequest, encoding: ConversationEncoding): ReadonlyArray<Body> => {
  const { capabilities } = encoding
  const messages: Array<Body> = []
  // Media of tool results wait until the last result of the turn: nothing may stand between a turn's results.
  let waiting: Array<Body> = []
  const settle = () => {
    if (waiting.length > 0) messages.push({ role: "user", content: waiting })
    waiting = []
  }
  const given = withCallIds(request.messages, capabilities.toolCallIds)
  for (const { message, path } of speakingMessages(given, encoding)) {
    if (message.role === "tool" || message.role === "assistant") encoding.dropMarks(message, path)
    if (message.role === "tool") {
      const { results, shown } = encodeToolResults(message, path, encoding)
      messages.push(...results)
      waiting.push(...shown)
      continue
    }
    settle()
    if (message.role === "assistant") {
      const assistant = encodeAssistant(message, path, encoding)
      if (assistant !== undefined) messages.push(assistant)
      continue
    }
    const role = message.role === "system" ? capabilities.systemRole : "user"
    messages.push({ role, content: encodeContent(message.content, path, message.cache, encoding) })
  }
  settle()
  writeMarks(messages, encoding)
  return messages
}
