/** What an MCP server answered to a call, as the model is told it: a text, texts with pictures and files, or a failure. */
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import type { FilePart, ImagePart, TextPart } from "../../model/LlmRequest.ts"
import { content, type ToolContent } from "../Tool.ts"

const Media = { data: Schema.String, mimeType: Schema.String }

const Block = Schema.Union([
  Schema.Struct({ type: Schema.Literal("text"), text: Schema.String }),
  Schema.Struct({ type: Schema.Literal("image"), ...Media }),
  Schema.Struct({ type: Schema.Literal("audio"), ...Media }),
  Schema.Struct({
    type: Schema.Literal("resource"),
    resource: Schema.Struct({
      uri: Schema.String,
      mimeType: Schema.optional(Schema.String),
      text: Schema.optional(Schema.String),
      blob: Schema.optional(Schema.String),
    }),
  }),
])

const CallResult = Schema.Struct({
  content: Schema.optional(Schema.Array(Schema.Unknown)),
  structuredContent: Schema.optional(Schema.Unknown),
  isError: Schema.optional(Schema.Boolean),
})

const decodeBlock = Schema.decodeUnknownOption(Block)
const decodeResult = Schema.decodeUnknownOption(CallResult)

type Part = TextPart | ImagePart | FilePart

const text = (said: string): TextPart => ({ type: "text", text: said })

/** Pictures that models are shown; a run would end at any other. */
const pictures = /^image\/(?:png|jpeg|gif|webp)$/i

/** Base64 in one piece, as the protocol has it. */
const base64 = /^(?:[\w+/-]{4})*(?:[\w+/-]{2}(?:==)?|[\w+/-]{3}=?)?$/

const picture = (data: string, mediaType: string): Part =>
  pictures.test(mediaType) && data !== "" && base64.test(data)
    ? { type: "image", data, mediaType }
    : text(`A picture of the type ${mediaType.slice(0, 100)}, which cannot be shown.`)

const nameOf = (uri: string): string | undefined => uri.split(/[?#]/)[0]?.split("/").findLast(Boolean)

/** A block of a kind that models are shown as JSON, a link to a resource for one, stays readable. */
const partOf = (block: unknown): Part =>
  Option.match(decodeBlock(block), {
    onNone: () => text(JSON.stringify(block) ?? ""),
    onSome: (known): Part => {
      switch (known.type) {
        case "text":
          return text(known.text)
        case "image":
          return picture(known.data, known.mimeType)
        case "audio":
          return { type: "file", data: known.data, mediaType: known.mimeType }
        case "resource": {
          const { blob, mimeType, text: said, uri } = known.resource
          if (blob === undefined) return text(said ?? uri)
          return mimeType?.startsWith("image/") === true
            ? picture(blob, mimeType)
            : { type: "file", data: blob, mediaType: mimeType, filename: nameOf(uri) }
        }
      }
    },
  })

const unreadable = "the server's answer cannot be read"

const wordsOf = (parts: ReadonlyArray<Part>): string =>
  parts.flatMap((part) => (part.type === "text" ? part.text : [])).join("\n")

/** How many blocks are read in one turn of the event loop. */
const blocksInTurn = 4096

const attempt = <A>(act: () => A): Effect.Effect<A, string> => Effect.try({ try: act, catch: () => unreadable })

/**
 * The result of a call. Fails with the server's own words where it says that the tool failed, and where it answered
 * nothing that can be read.
 */
export const read = Effect.fnUntraced(function* (result: unknown): Effect.fn.Return<string | ToolContent, string> {
  const decoded = yield* attempt(() => Option.getOrUndefined(decodeResult(result)))
  if (decoded === undefined) return yield* Effect.fail(unreadable)
  const { content: blocks = [], isError, structuredContent = null } = decoded
  const parts: Array<Part> = []
  for (let at = 0; at < blocks.length; at += blocksInTurn) {
    if (at > 0) yield* Effect.yieldNow
    for (const part of yield* attempt(() => blocks.slice(at, at + blocksInTurn).map(partOf))) parts.push(part)
  }
  if (isError === true) return yield* Effect.fail(wordsOf(parts) || "the server did not say why")
  // The content repeats structured content as text, for clients that know no other.
  if (parts.length === 0) return yield* attempt(() => JSON.stringify(structuredContent))
  return parts.every(({ type }) => type === "text") ? wordsOf(parts) : content(parts)
})
