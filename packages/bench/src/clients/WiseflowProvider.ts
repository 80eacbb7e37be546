/** The bare provider layer of this library: wire format and error mapping, no policy. */
import { OpenAi } from "@wiseflow/llm"
import * as Redacted from "effect/Redacted"
import { apiKey, chatModel, type Connect } from "./Client.ts"
import { serviceClient } from "./WiseflowService.ts"

export const connect: Connect = (apiBase) =>
  serviceClient(OpenAi.layer({ apiKey: Redacted.make(apiKey), apiBase, model: chatModel }))
