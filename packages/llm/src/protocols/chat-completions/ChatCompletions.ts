/**
 * OpenAI's Chat Completions, the wire format that OpenAI, Azure, LiteLLM and some thirty other services speak. Their
 * differences are read here as they are written, without knowing which service wrote them.
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
