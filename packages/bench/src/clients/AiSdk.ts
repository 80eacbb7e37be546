/** The `ai` package over any of its language models. */
import { generateText, type LanguageModel, streamText } from "ai"
import { type Client, maxTokens } from "./Client.ts"

export const aiClient = (model: LanguageModel): Client => ({
  call: async (messages) => {
    const result = await generateText({ model, messages: [...messages], maxOutputTokens: maxTokens })
    return result.text
  },
  stream: async (messages, onPiece) => {
    let failure: unknown
    const result = streamText({
      model,
      messages: [...messages],
      maxOutputTokens: maxTokens,
      onError: ({ error }) => {
        failure = error
      },
    })
    for await (const text of result.textStream) onPiece(text)
    if (failure !== undefined) throw failure
  },
})
