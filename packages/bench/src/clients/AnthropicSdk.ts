/** The official `@anthropic-ai/sdk` package. */
import Anthropic from "@anthropic-ai/sdk"
import { apiKey, type Connect, maxTokens, messagesModel } from "./Client.ts"

export const connect: Connect = (apiBase) => {
  const anthropic = new Anthropic({ apiKey, baseURL: apiBase })
  return {
    call: async (messages) => {
      const message = await anthropic.messages.create({
        model: messagesModel,
        messages: [...messages],
        max_tokens: maxTokens,
      })
      const [block] = message.content
      return block?.type === "text" ? block.text : ""
    },
    stream: async (messages, onPiece) => {
      const events = await anthropic.messages.create({
        model: messagesModel,
        messages: [...messages],
        max_tokens: maxTokens,
        stream: true,
      })
      for await (const event of events) {
        if (event.type === "content_block_delta" && event.delta.type === "text_delta") onPiece(event.delta.text)
      }
    },
  }
}
