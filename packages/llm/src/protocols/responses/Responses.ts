/**
 * OpenAI's Responses, the wire format that OpenAI, Azure, xAI, DeepSeek, OpenRouter and others serve beside Chat
 * Completions: items instead of messages, reasoning that goes round, hosted tools. Who serves it, it does not know.
 */
import { readFailure } from "../failures/FailureReader.ts"
import type { Protocol } from "../Protocol.ts"
import { protocolName } from "./Content.ts"
import { encode } from "./Request.ts"
import { decode } from "./Response.ts"
import { decodeStream } from "./Stream.ts"

export const protocol: Protocol = {
  name: protocolName,
  encode,
  decode,
  decodeFailure: readFailure,
  decodeStream,
}
