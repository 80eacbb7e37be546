/** `ai` with `@ai-sdk/openai-compatible`. */
import { createOpenAICompatible } from "@ai-sdk/openai-compatible"
import { aiClient } from "./AiSdk.ts"
import { apiKey, chatModel, type Connect } from "./Client.ts"

export const connect: Connect = (apiBase) =>
  aiClient(createOpenAICompatible({ name: "loopback", apiKey, baseURL: apiBase, includeUsage: true })(chatModel))
