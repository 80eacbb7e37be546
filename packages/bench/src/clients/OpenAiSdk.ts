/** The official `openai` package. */
import OpenAI from "openai"
import { apiKey, chatModel, type Connect, maxTokens } from "./Client.ts"

export const connect: Connect = (apiBase) => {
  const openai = new OpenAI({ apiKey, baseURL: apiBase })
  return {
    call: async (messages) => {
      const completion = await openai.chat.completions.create({
        model: chatModel,
        messages: [...messages],
        max_completion_tokens: maxTokens,
      })
      return completion.choices[0]?.message.content ?? ""
    },
    stream: async (messages, onPiece) => {
      const chunks = await openai.chat.completions.create({
        model: chatModel,
        messages: [...messages],
        max_completion_tokens: maxTokens,
        stream: true,
        stream_options: { include_usage: true },
      })
      for await (const chunk of chunks) {
        const content = chunk.choices[0]?.delta.content
        if (content) onPiece(content)
      }
    },
  }
}
