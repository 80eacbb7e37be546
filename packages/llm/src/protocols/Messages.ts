/** Anthropic's Messages: the wire format, not the provider. Gateways and clouds that serve Claude speak it too. */
import { readFailure } from "./FailureReader.ts"
import { encode } from "./MessagesRequest.ts"
import { decode } from "./MessagesResponse.ts"
import { decodeStream } from "./MessagesStream.ts"
import type { Protocol } from "./Protocol.ts"

export const protocol: Protocol = {
  name: "messages",
  encode,
  decode,
  decodeFailure: readFailure,
  decodeStream,
}
