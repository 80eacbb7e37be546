/**
 * What carries one request to a provider and its bytes back. It knows no protocol, follows no redirect (a key must not
 * travel to another address), sets no timer (the clocks are policies), and adds no span or trace header (a call has one
 * span already, and trace ids sent to a third party are a leak).
 */
import type * as Arr from "effect/Array"
import * as Context from "effect/Context"
import type * as Effect from "effect/Effect"
import type * as Pull from "effect/Pull"
import type * as Redacted from "effect/Redacted"

/** One request: a POST unless `method` says otherwise. Header names are lower case. */
export interface WireRequest {
  /** Default `POST`. */
  readonly method?: "GET" | "POST" | "DELETE" | undefined
  /** The whole address. */
  readonly url: string
  /** By their names in lower case. */
  readonly headers: Readonly<Record<string, string>>
  /** Absent where the method takes none. */
  readonly body?: string | undefined
}

/** Headers by their names in lower case. */
export type WireHeaders = Readonly<Record<string, string | undefined>>

/** The beginning of a response. */
export interface Head {
  /** The HTTP status. */
  readonly status: number
  /** By their names in lower case. */
  readonly headers: WireHeaders
}

/**
 * No response came, or its body broke off: `cause` is whatever the system said. `unreadable` is set where the bytes arrived
 * and mean nothing (a content coding that is unknown or corrupt), in words. `message` is set where the system's code does
 * not say enough; `via` names what lay between, a proxy.
 */
export interface Broken {
  readonly _tag: "Broken"
  /** What the system said. */
  readonly cause: unknown
  /** Set where the bytes arrived and mean nothing, in words. */
  readonly unreadable?: string | undefined
  /** Set where the system's code does not say enough. */
  readonly message?: string | undefined
  /** What lay between, a proxy. */
  readonly via?: string | undefined
}

export const broken = (cause: unknown): Broken => ({ _tag: "Broken", cause })

export const unreadable = (message: string, cause?: unknown): Broken => ({ _tag: "Broken", cause, unreadable: message })

/**
 * How long a finished response may take to end, so that its connection is used again. The release waits for it, so that a
 * permit is never given to the next call while a connection is still open for the last one.
 */
export const drainMs = 25

/** One request on its way. The code that opens it closes it. */
export interface Exchange {
  /** Sends the request and waits for the head of the response; interrupting it closes the connection. */
  readonly head: Effect.Effect<Head, Broken>
  /**
   * Every chunk that has come since the last read; waits for the next where none has. A reader that pauses slows the socket.
   * Content codings are decoded: a reader sees, and counts, decoded bytes.
   */
  readonly read: Pull.Pull<Arr.NonEmptyReadonlyArray<Uint8Array>, Broken>
  /** What has come and was not read, once no more will come; undefined until then. It saves a reader of whole bodies five steps. */
  readonly whole?: (() => ReadonlyArray<Uint8Array> | undefined) | undefined
  /**
   * Ends it. `isComplete` says that the reader has what it wanted: a body about to end may end, within `drainMs`, and its
   * connection is used again. Otherwise the connection closes at once. The effect, where there is one, is what remains to
   * be released: it is awaited in the caller's context before the call ends.
   */
  readonly close: (isComplete: boolean) => Effect.Effect<void> | undefined
  /**
   * Of an answer that takes several requests: what a later one was refused with, once that has been read. `head` is that of the
   * first one.
   */
  readonly refusal?: (() => Refusal | undefined) | undefined
}

/** A failing status and what was said with it. */
export interface Refusal {
  /** The status and headers. */
  readonly head: Head
  /** The body as text. */
  readonly text: string
}

/** How the requests of one provider travel, where its options say so. */
export interface TransportOptions {
  /**
   * The address of an HTTP proxy for every request, `http://user:password@proxy.example:3128`; `false` for none. Where it is
   * not given, Node follows `HTTPS_PROXY`, `HTTP_PROXY` and `NO_PROXY`.
   */
  readonly proxy?: string | Redacted.Redacted | false | undefined
  /** Sends every request instead of the library's own transport: any function of the shape of the platform's `fetch`. */
  readonly fetch?: Fetch | undefined
}

/** What `fetch` is to this library: a URL and its settings, for a promise of a response. */
export type Fetch = (url: string, init: RequestInit) => Promise<Response>

/** Opens exchanges. `secrets` are what it must show nowhere, such as a proxy's password. */
export interface OpenExchange {
  /** Opens an exchange; nothing is sent yet. */
  (request: WireRequest): Exchange
  /** What must be shown nowhere, such as a proxy's password. */
  readonly secrets?: ReadonlyArray<string> | undefined
}

/** Opens exchanges. */
export class Transport extends Context.Service<Transport, OpenExchange>()("@wiseflow/llm/transport/Transport") {}
