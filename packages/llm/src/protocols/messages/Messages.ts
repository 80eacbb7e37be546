/** Anthropic's Messages: the wire format, not the provider. Gateways and clouds that serve Claude speak it too. */
import { readFailure } from "../failures/FailureReader.ts"
import { protocolName } from "./Content.ts"
import { encode } from "./Request.ts"
import { decode } from "./Response.ts"
import { decodeStream } from "./Stream.ts"
import type { Protocol } from "../Protocol.ts"

export const protocol: Protocol = {
  name: protocolName,
  encode,
  decode,
  decodeFailure: readFailure,
  decodeStream,
}
