/**
 * What the bench asks of a library: one whole answer, and one streamed answer. A client keeps its library's defaults
 * (retries, timeouts, validation), because that is what its users run.
 */

/** The messages of a question. */
export type Conversation = ReadonlyArray<{ readonly role: "user" | "assistant"; readonly content: string }>

export interface Client {
  /** The text of the answer. */
  readonly call: (messages: Conversation) => Promise<string>
  /** Gives each piece of text to `onPiece` as it comes; resolves when the stream is complete. */
  readonly stream: (messages: Conversation, onPiece: (text: string) => void) => Promise<void>
}

/** Makes a client of the API at `apiBase`, the address before `/chat/completions` (or before `/v1/messages`). */
export type Connect = (apiBase: string) => Client | Promise<Client>

/** What every client sends as its key. */
export const apiKey = "sk-loopback"

/** What every client asks for. */
export const chatModel = "gpt-5-mini"
export const messagesModel = "claude-sonnet-5"
export const maxTokens = 1_000
