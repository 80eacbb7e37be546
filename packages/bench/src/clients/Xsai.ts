/** `xsai`. */
import { generateText, streamText } from "xsai"
import { apiKey, chatModel, type Connect, maxTokens } from "./Client.ts"

export const connect: Connect = (apiBase) => ({
  call: async (messages) => {
    const result = await generateText({
      apiKey,
      baseURL: `${apiBase}/`,
      model: chatModel,
      messages: [...messages],
      max_completion_tokens: maxTokens,
    })
    return result.text ?? ""
  },
  stream: async (messages, onPiece) => {
    const result = streamText({
      apiKey,
      baseURL: `${apiBase}/`,
      model: chatModel,
      messages: [...messages],
      max_completion_tokens: maxTokens,
      streamOptions: { includeUsage: true },
    })
    for await (const text of result.textStream) onPiece(text)
  },
})
