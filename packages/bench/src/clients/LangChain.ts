/** `@langchain/openai`. */
import { ChatOpenAI } from "@langchain/openai"
import { apiKey, chatModel, type Connect, type Conversation, maxTokens } from "./Client.ts"

const pairs = (messages: Conversation): Array<[string, string]> =>
  messages.map(({ role, content }) => [role, content] as [string, string])

export const connect: Connect = (apiBase) => {
  const chat = new ChatOpenAI({ apiKey, model: chatModel, maxTokens, configuration: { baseURL: apiBase } })
  return {
    call: async (messages) => (await chat.invoke(pairs(messages))).text,
    stream: async (messages, onPiece) => {
      for await (const chunk of await chat.stream(pairs(messages))) {
        if (chunk.text.length > 0) onPiece(chunk.text)
      }
    },
  }
}
