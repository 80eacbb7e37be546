/** Requests as each wire writes them, for the suites of this folder. */
import { Result } from "effect"
import type { LlmRequest, Message } from "../../../src/model/LlmRequest.ts"
import * as ChatCompletions from "../../../src/protocols/chat-completions/ChatCompletions.ts"
import type { ModelCapabilities } from "../../../src/protocols/encoding/ModelCapabilities.ts"
import * as Messages from "../../../src/protocols/messages/Messages.ts"
import type { Protocol } from "../../../src/protocols/Protocol.ts"
import * as Responses from "../../../src/protocols/responses/Responses.ts"

export interface Encoded {
  readonly body: Readonly<Record<string, any>>
  readonly warnings: ReadonlyArray<string>
  readonly refused: Readonly<Record<string, unknown>> | undefined
}

/** What a wire makes of a request to a model of a service. */
export type Encode = (
  request: Partial<LlmRequest>,
  model?: string,
  capabilities?: Partial<ModelCapabilities>,
) => Encoded

export const user: Message = { role: "user", content: "Hi" }

const encoderOf =
  (protocol: Protocol, provider: string, usual: string): Encode =>
  (request, model = usual, capabilities) => {
    const options = { model, provider, stream: false, capabilities }
    const encoded = protocol.encode({ messages: [user], ...request }, options)
    return Result.isSuccess(encoded)
      ? { ...encoded.success, refused: undefined }
      : { body: {}, warnings: [], refused: { ...encoded.failure, message: encoded.failure.message } }
  }

export const chat = encoderOf(ChatCompletions.protocol, "openai", "gpt-4o")
export const messages = encoderOf(Messages.protocol, "anthropic", "claude-opus-4-5")
export const responses = encoderOf(Responses.protocol, "openai", "gpt-5")

export const wires: ReadonlyArray<readonly [string, Encode]> = [
  ["Chat Completions", chat],
  ["Messages", messages],
  ["Responses", responses],
]

/** A request whose user shows parts. */
export const showing = (...content: ReadonlyArray<object>): Partial<LlmRequest> => ({
  messages: [{ role: "user", content }] as ReadonlyArray<Message>,
})

/** The first part that the user shows, as it was written. */
export const firstPart = ({ body }: Encoded): any => (body["messages"] ?? body["input"])[0].content[0]
