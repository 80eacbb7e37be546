/**
 * The same protocols, loaded where they are spoken, for the entries that are built whole: those know every provider, and a
 * program asks few of them.
 */
import * as Effect from "effect/Effect"
import type { Protocol } from "./Protocol.ts"

/** Anthropic's. */
export const messages = (): Effect.Effect<Protocol> =>
  Effect.map(
    Effect.promise(() => import("./messages/Messages.ts")),
    ({ protocol }) => protocol,
  )

/** OpenAI's second one, of a provider. */
export const responsesOf = (provider: string): Effect.Effect<Protocol> =>
  Effect.map(
    Effect.promise(() => import("./responses/Responses.ts")),
    ({ protocolOf }) => protocolOf(provider),
  )
