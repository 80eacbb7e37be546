/** The protocols that only some providers speak, at hand: a bundler keeps those that a program's providers name. */
import * as Effect from "effect/Effect"
import type { Protocol } from "./Protocol.ts"
import * as Messages from "./messages/Messages.ts"
import * as Responses from "./responses/Responses.ts"

/** Anthropic's. */
export const messages = (): Effect.Effect<Protocol> => Effect.succeed(Messages.protocol)

/** OpenAI's second one, of a provider. */
export const responsesOf = (provider: string): Effect.Effect<Protocol> =>
  Effect.sync(() => Responses.protocolOf(provider))
