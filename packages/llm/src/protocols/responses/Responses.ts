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

/**
 * The protocol as `source` speaks it. Its reasoning is marked as its own: encrypted or not, no other service takes it, so
 * that a request to another one leaves it out.
 */
export const protocolOf = (source: string | undefined): Protocol => ({
  name: protocolName,
  encode,
  decode: (body) => decode(body, source),
  decodeFailure: readFailure,
  decodeStream: () => decodeStream(source),
})

/** The protocol as an unknown service speaks it. */
export const protocol: Protocol = protocolOf(undefined)
