/**
 * OpenAI's Chat Completions, the wire format that OpenAI, Azure, LiteLLM and some thirty other services speak. What they
 * do differently is read here as they write it; who they are, it does not know.
 */
import { protocolName } from "./Content.ts"
import { encode } from "./Request.ts"
import { decode } from "./Response.ts"
import { decodeStream } from "./Stream.ts"
import { readFailure } from "../failures/FailureReader.ts"
import type { Protocol } from "../Protocol.ts"

export const protocol: Protocol = {
  name: protocolName,
  encode,
  decode,
  decodeFailure: readFailure,
  decodeStream,
}
