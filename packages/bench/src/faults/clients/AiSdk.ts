/** ai, on the Chat Completions wire. Its `fullStream` reports errors and aborts as parts: a caller who looks sees them. */
import { createOpenAICompatible } from "@ai-sdk/openai-compatible"
import { generateText, streamText } from "ai"
import { apiKey, type MakeFaultClient, models, prompt, timeoutMs } from "../FaultClient.ts"

export const aiSdk: MakeFaultClient = (url) => {
  const provider = createOpenAICompatible({ name: "faults", baseURL: `${url}/v1`, apiKey, includeUsage: true })
  const request = { model: provider.chatModel(models.chat), prompt, timeout: timeoutMs }
  return {
    generate: async (abortSignal) => {
      const { text, finishReason } = await generateText({ ...request, abortSignal })
      return { text, finishReason }
    },
    stream: async function* (abortSignal) {
      let finishReason: string | undefined
      for await (const part of streamText({ ...request, abortSignal, onError: () => undefined }).fullStream) {
        if (part.type === "error") throw part.error
        if (part.type === "abort") throw new DOMException(`abort part: ${part.reason ?? "no reason"}`, "AbortError")
        if (part.type === "finish") finishReason = part.finishReason
        if (part.type === "text-delta") yield part.text
      }
      return finishReason
    },
  }
}
