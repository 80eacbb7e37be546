/** This library as Effect users run it: `LlmStack.layerConfig()`, the whole default stack from the environment. */
import { LlmStack } from "@wiseflow/llm"
import * as ConfigProvider from "effect/ConfigProvider"
import * as Layer from "effect/Layer"
import { apiKey, chatModel, type Connect } from "./Client.ts"
import { serviceClient } from "./WiseflowService.ts"

export const connect: Connect = (apiBase) =>
  serviceClient(
    LlmStack.layerConfig().pipe(
      Layer.provide(
        ConfigProvider.layer(
          ConfigProvider.fromEnv({
            env: {
              LLM_PROVIDER: "openai",
              PRIMARY_MODEL: chatModel,
              OPENAI_API_KEY: apiKey,
              OPENAI_API_BASE: apiBase,
              LLM_CONCURRENT_NUMBER: "10000",
            },
          }),
        ),
      ),
    ),
  )
