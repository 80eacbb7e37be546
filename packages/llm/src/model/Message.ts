/**
 * What a conversation is made of: messages, and the parts of their content. Plain, serialisable data that moves between
 * providers and through files unchanged.
 */
import * as Schema from "effect/Schema"

/**
 * "The conversation up to here comes again: cache it." `ttl` is how long it should be kept at least; services have fixed
 * times, and the next longer one is taken (Anthropic: 5 minutes or an hour; OpenAI: 30 minutes or 12 hours). Services that
 * cache by themselves need no mark and ignore it.
 */
export const CacheMark = Schema.Union([
  Schema.Literal(true),
  Schema.Struct({ ttl: Schema.Literals(["5m", "30m", "1h", "12h"]) }),
])
/** A mark that the conversation up to here comes again and is worth caching. */
export type CacheMark = true | CacheLifetime

/** How long a cached beginning of a conversation is kept. */
export interface CacheLifetime {
  /** At least this long, as far as the service can. */
  readonly ttl: "5m" | "30m" | "1h" | "12h"
}

const marked = { cache: Schema.optional(CacheMark) }

/** Plain text. */
export const TextPart = Schema.Struct({
  type: Schema.Literal("text"),
  text: Schema.String,
  ...marked,
})
/** Plain text. */
export interface TextPart {
  readonly type: "text"
  /** What is said. */
  readonly text: string
  /** Caches the conversation up to the end of this part. */
  readonly cache?: CacheMark | undefined
}

const mediaFields = {
  url: Schema.optional(Schema.String),
  data: Schema.optional(Schema.String),
  mediaType: Schema.optional(Schema.String),
  fileId: Schema.optional(Schema.String),
  ...marked,
}

/** The places that bytes may come from; a part names exactly one. */
interface MediaSource {
  readonly url?: string | undefined
  readonly data?: string | undefined
  readonly fileId?: string | undefined
}

/** Addresses that a provider can fetch. It sees neither this machine's files nor a browser's objects. */
const canBeFetched = (url: string): boolean => /^(?:https?|data):/i.test(url)

/** Exactly one source, and one that the provider can reach. */
const hasOneSource = Schema.makeFilter((part: MediaSource): Schema.FilterOutput => {
  const { data, fileId, url } = part
  const named = [url, data, fileId].filter((source) => source !== undefined).length
  if (named === 0) return "is without url and data: name one of them"
  if (named > 1) return { path: [url === undefined ? "fileId" : "url"], issue: "is not the only source: name only one" }
  return url === undefined || canBeFetched(url)
    ? undefined
    : {
        path: ["url"],
        issue: "is an address that no provider can fetch: write http:, https: or data:, or pass the bytes in data",
      }
})

/** A picture for the model to look at. `detail` is OpenAI's reading depth; other providers ignore it. */
export const ImagePart = Schema.Struct({
  type: Schema.Literal("image"),
  ...mediaFields,
  detail: Schema.optional(Schema.Literals(["auto", "low", "high", "original"])),
}).check(hasOneSource)
/** A picture for the model to look at, by exactly one of `url`, `data` and `fileId`. */
export interface ImagePart {
  readonly type: "image"
  /** Where the provider fetches it: `http:`, `https:` or `data:`. Not together with `data`. */
  readonly url?: string | undefined
  /** The bytes in base64. Not together with `url`. */
  readonly data?: string | undefined
  /** What the bytes are, as in `image/png`. Found out from the bytes of common kinds where it is left out. */
  readonly mediaType?: string | undefined
  /** The id of a picture that was uploaded to the provider before, in place of bytes or an address. */
  readonly fileId?: string | undefined
  /** Caches the conversation up to the end of this part. */
  readonly cache?: CacheMark | undefined
  /** How closely OpenAI's models look; other providers ignore it. */
  readonly detail?: "auto" | "low" | "high" | "original" | undefined
}

/** A document for the model to read, as bytes, as a URL, or by the id of a file uploaded to the provider before. */
export const FilePart = Schema.Struct({
  type: Schema.Literal("file"),
  ...mediaFields,
  filename: Schema.optional(Schema.String),
}).check(hasOneSource)
/** A document for the model to read, by exactly one of `url`, `data` and `fileId`. */
export interface FilePart {
  readonly type: "file"
  /** Where the provider fetches it: `http:`, `https:` or `data:`. Not together with `data`. */
  readonly url?: string | undefined
  /** The bytes in base64. Not together with `url`. */
  readonly data?: string | undefined
  /** What the bytes are, as in `image/png`. Found out from the bytes of common kinds where it is left out. */
  readonly mediaType?: string | undefined
  /** The id of a file that was uploaded to the provider before, in place of bytes or an address. */
  readonly fileId?: string | undefined
  /** The name that the model is told. */
  readonly filename?: string | undefined
  /** Caches the conversation up to the end of this part. */
  readonly cache?: CacheMark | undefined
}

/**
 * What a protocol keeps with a part so that it can go back unchanged: by the protocol's name, in its own words (Gemini's
 * `extra_content` in `chat-completions`). Plain JSON; a target that speaks another protocol leaves it out.
 */
export const ProtocolData = Schema.Record(Schema.String, Schema.Record(Schema.String, Schema.Unknown))
/** What a protocol keeps with a part so that it can go back unchanged. */
export interface ProtocolData {
  /** By protocol (`chat-completions`, `messages`, `responses`): fields in its own words. */
  readonly [protocol: string]: { readonly [field: string]: unknown }
}

/**
 * What the model thought before it answered. Send it back unchanged: Anthropic verifies `signature`, and `redacted`
 * holds thinking that only the provider can read. `protocol` names the wire format that it came over where no other
 * takes it (`responses`); a target that speaks another one leaves it out with a warning.
 */
export const ReasoningPart = Schema.Struct({
  type: Schema.Literal("reasoning"),
  text: Schema.String,
  signature: Schema.optional(Schema.String),
  redacted: Schema.optional(Schema.String),
  protocol: Schema.optional(Schema.String),
  protocolData: Schema.optional(ProtocolData),
})
/** What the model thought before it answered. Send it back unchanged. */
export interface ReasoningPart {
  readonly type: "reasoning"
  /** The thinking, or the provider's summary of it. */
  readonly text: string
  /** The provider's proof that it wrote this thinking. Keep it unchanged. */
  readonly signature?: string | undefined
  /** Thinking that only the provider can read. Keep it unchanged. */
  readonly redacted?: string | undefined
  /** The wire format that it came over, where no other takes it (`responses`). */
  readonly protocol?: string | undefined
  /** The field that it came in, and what its service wants back beside it. Keep it unchanged. */
  readonly protocolData?: ProtocolData | undefined
}

/** Why the model declined. Only assistants say this. */
export const RefusalPart = Schema.Struct({
  type: Schema.Literal("refusal"),
  text: Schema.String,
})
/** Why the model declined. */
export interface RefusalPart {
  readonly type: "refusal"
  /** The model's words. */
  readonly text: string
}

/** A function the model wants called. `arguments` is parsed JSON (the raw text where the model wrote invalid JSON). */
export const ToolCallPart = Schema.Struct({
  type: Schema.Literal("tool-call"),
  id: Schema.String,
  name: Schema.String,
  arguments: Schema.Unknown,
  protocolData: Schema.optional(ProtocolData),
})
/** A function the model wants called. */
export interface ToolCallPart {
  readonly type: "tool-call"
  /** Which call this is; its result names it. */
  readonly id: string
  /** The function. */
  readonly name: string
  /** Parsed JSON, or the raw text where the model wrote invalid JSON. */
  readonly arguments: unknown
  /** What its service wants back beside it: Gemini refuses a call without its signature. Keep it unchanged. */
  readonly protocolData?: ProtocolData | undefined
}

/** What the called function answered. `toolCallId` names a tool call of an earlier assistant message. */
export const ToolResultPart = Schema.Struct({
  type: Schema.Literal("tool-result"),
  toolCallId: Schema.String,
  content: Schema.Union([Schema.String, Schema.Array(Schema.Union([TextPart, ImagePart, FilePart]))]),
  isError: Schema.optional(Schema.Boolean),
  ...marked,
})
/** What a called function answered. */
export interface ToolResultPart {
  readonly type: "tool-result"
  /** The `id` of a tool call of an earlier assistant message. */
  readonly toolCallId: string
  /** A text, or texts, pictures and files. */
  readonly content: string | ReadonlyArray<TextPart | ImagePart | FilePart>
  /** True where the function failed; `content` then says why. */
  readonly isError?: boolean | undefined
  /** Caches the conversation up to the end of this result. */
  readonly cache?: CacheMark | undefined
}

/**
 * Something a provider said that this library has no name for, kept whole. `provider` is the name of the protocol that it
 * came through (`chat-completions`, `messages`, `responses`): sent back, it goes only where that protocol is spoken.
 */
export const OtherPart = Schema.Struct({
  type: Schema.Literal("other"),
  provider: Schema.String,
  value: Schema.Unknown,
})
/** Something a provider said that this library has no name for, kept whole. */
export interface OtherPart {
  readonly type: "other"
  /** The protocol that it came through: `chat-completions`, `messages` or `responses`. */
  readonly provider: string
  /** What the provider sent. */
  readonly value: unknown
}

/** Instructions to the model, before what users say. */
export const SystemMessage = Schema.Struct({
  role: Schema.Literal("system"),
  content: Schema.Union([Schema.String, Schema.Array(TextPart)]),
  ...marked,
})
/** Instructions to the model. */
export interface SystemMessage {
  readonly role: "system"
  /** A text, or texts. */
  readonly content: string | ReadonlyArray<TextPart>
  /** Caches the conversation up to the end of this message. */
  readonly cache?: CacheMark | undefined
}

/** What a user says. */
export const UserMessage = Schema.Struct({
  role: Schema.Literal("user"),
  content: Schema.Union([Schema.String, Schema.Array(Schema.Union([TextPart, ImagePart, FilePart]))]),
  ...marked,
})
/** What a user says. */
export interface UserMessage {
  readonly role: "user"
  /** A text, or texts, pictures and files in the order in which the model reads them. */
  readonly content: string | ReadonlyArray<TextPart | ImagePart | FilePart>
  /** Caches the conversation up to the end of this message. */
  readonly cache?: CacheMark | undefined
}

/** What the model said before. */
export const AssistantMessage = Schema.Struct({
  role: Schema.Literal("assistant"),
  content: Schema.Union([
    Schema.String,
    Schema.Array(Schema.Union([TextPart, ImagePart, ReasoningPart, RefusalPart, ToolCallPart, OtherPart])),
  ]),
  ...marked,
})
/** What the model said before. */
export interface AssistantMessage {
  readonly role: "assistant"
  /** A text, or the parts of an answer as they came. */
  readonly content:
    | string
    | ReadonlyArray<TextPart | ImagePart | ReasoningPart | RefusalPart | ToolCallPart | OtherPart>
  /** Caches the conversation up to the end of this message. */
  readonly cache?: CacheMark | undefined
}

/** What the functions that the model called have answered. */
export const ToolMessage = Schema.Struct({
  role: Schema.Literal("tool"),
  content: Schema.Array(ToolResultPart),
  ...marked,
})
/** What the called functions answered. */
export interface ToolMessage {
  readonly role: "tool"
  /** One result for each tool call of the assistant message before. */
  readonly content: ReadonlyArray<ToolResultPart>
  /** Caches the conversation up to the end of this message. */
  readonly cache?: CacheMark | undefined
}

/** One message of a conversation. */
export const Message = Schema.Union([SystemMessage, UserMessage, AssistantMessage, ToolMessage])
export type Message = SystemMessage | UserMessage | AssistantMessage | ToolMessage
