/** The Promise surface on Anthropic Messages. */
import { LLMInterface } from "@wiseflow/llm"
import { apiKey, type Connect, maxTokens, messagesModel } from "./Client.ts"
import { promiseClient } from "./WiseflowPromise.ts"

export const connect: Connect = (apiBase) =>
  promiseClient(
    new LLMInterface({
      provider: "anthropic",
      model: messagesModel,
      apiKey,
      apiBase,
      maxTokens,
      maxConcurrentRequests: 10_000,
    }),
  )
