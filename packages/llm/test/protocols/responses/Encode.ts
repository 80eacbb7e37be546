/** Requests of Responses as tests write them, and what is sent for each. */
import { Result } from "effect"
import type { AssistantMessage, LlmRequest, Message } from "../../../src/model/LlmRequest.ts"
import type { EncodeOptions, Protocol } from "../../../src/protocols/Protocol.ts"
import * as Responses from "../../../src/protocols/responses/Responses.ts"

export const user: Message = { role: "user", content: "Hi" }

export const encodeWith =
  (protocol: Protocol, model: string) =>
  (request: Partial<LlmRequest> = {}, options: Partial<EncodeOptions> = {}) => {
    const encoded = protocol.encode(
      { messages: [user], ...request },
      { model, provider: "openai", stream: false, ...options },
    )
    return Result.isSuccess(encoded)
      ? { ...encoded.success, refused: undefined }
      : { body: {} as Record<string, any>, warnings: [], refused: encoded.failure }
  }
export const plain = encodeWith(Responses.protocol, "gpt-4o")
export const reasoning = encodeWith(Responses.protocol, "gpt-5-mini")

export const inputOf = (messages: ReadonlyArray<Message>) => plain({ messages }).body["input"]
export const assistant = (...content: Exclude<AssistantMessage["content"], string>): Message => ({
  role: "assistant",
  content,
})
