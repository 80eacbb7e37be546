/** This library as plain TypeScript users run it: the Promise surface with the whole default stack. */
import { LLMInterface } from "@wiseflow/llm"
import { apiKey, chatModel, type Connect, maxTokens } from "./Client.ts"
import { promiseClient } from "./WiseflowPromise.ts"

export const connect: Connect = (apiBase) =>
  promiseClient(
    new LLMInterface({
      provider: "openai",
      model: chatModel,
      apiKey,
      apiBase,
      maxTokens,
      maxConcurrentRequests: 10_000,
    }),
  )
