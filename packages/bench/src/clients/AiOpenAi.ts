/** `ai` with `@ai-sdk/openai`, on its Chat Completions model. */
import { createOpenAI } from "@ai-sdk/openai"
import { aiClient } from "./AiSdk.ts"
import { apiKey, chatModel, type Connect } from "./Client.ts"

export const connect: Connect = (apiBase) => aiClient(createOpenAI({ apiKey, baseURL: apiBase }).chat(chatModel))
