/**
 * What carries one request to a provider and its bytes back. It knows no protocol, follows no redirect (a key must not
 * travel to another address), sets no timer (the clocks are policies), and adds no span or trace header (a call has one
 * span already, and trace ids sent to a third party are a leak).
 */
import type * as Arr from "effect/Array"
import * as Context from "effect/Context"
import type * as Effect from "effect/Effect"
import type * as Pull from "effect/Pull"

/** One POST. Header names are lower case. */
export interface WireRequest {
  readonly url: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
}

/** Headers by their names in lower case. */
export type WireHeaders = Readonly<Record<string, string | undefined>>

/** The beginning of a response. */
export interface Head {
  readonly status: number
  readonly headers: WireHeaders
}

/** No response came, or its body broke off: `cause` is whatever the system said. */
export interface Broken {
  readonly _tag: "Broken"
  readonly cause: unknown
}

export const broken = (cause: unknown): Broken => ({ _tag: "Broken", cause })

/** One request on its way. Whoever opens it closes it. */
export interface Exchange {
  /** Sends the request and waits for the head of the response; interrupting it closes the connection. */
  readonly head: Effect.Effect<Head, Broken>
  /** Every chunk that has come since the last read; waits for the next where none has. A reader that pauses slows the socket. */
  readonly read: Pull.Pull<Arr.NonEmptyReadonlyArray<Uint8Array>, Broken>
  /** Ends it. `isComplete` says that the reader has what it wanted, so that a body about to end may, and its connection is used again; else the connection closes at once. */
  readonly close: (isComplete: boolean) => void
}

/** Opens exchanges. */
export class Transport extends Context.Service<Transport, (request: WireRequest) => Exchange>()(
  "@wiseflow/llm/transport/Transport",
) {}
