/** A tool as an MCP server lists it, and the name that a model may call it by. It calls nothing. */
import * as Schema from "effect/Schema"

/** What a server says of a tool. Only hints: a server may be wrong, or lie. */
const McpAnnotations = Schema.Struct({
  readOnlyHint: Schema.optional(Schema.Boolean),
  destructiveHint: Schema.optional(Schema.Boolean),
  idempotentHint: Schema.optional(Schema.Boolean),
  openWorldHint: Schema.optional(Schema.Boolean),
})

/** A tool as it is read from a list. */
export const McpListedTool = Schema.Struct({
  name: Schema.String,
  title: Schema.optional(Schema.String),
  description: Schema.optional(Schema.String),
  inputSchema: Schema.Record(Schema.String, Schema.Unknown),
  annotations: Schema.optional(McpAnnotations),
})

/** A tool as its server lists it. */
export interface McpTool {
  /** The server's own name for it. */
  readonly name: string
  /** Its name for people. */
  readonly title?: string | undefined
  /** What it does, for the model to read. */
  readonly description?: string | undefined
  /** A JSON Schema object for its arguments. */
  readonly inputSchema: { readonly [x: string]: unknown }
  /** Hints of the server; do not base safety on those of a server that you do not trust. */
  readonly annotations?:
    | {
        /** It changes nothing. */
        readonly readOnlyHint?: boolean | undefined
        /** It may delete or overwrite. */
        readonly destructiveHint?: boolean | undefined
        /** Calling it twice does the same as once. */
        readonly idempotentHint?: boolean | undefined
        /** It reaches beyond the server, as a web search does. */
        readonly openWorldHint?: boolean | undefined
      }
    | undefined
}

/** One page of a list of tools, which are read one by one. */
export const McpToolPage = Schema.Struct({
  tools: Schema.Array(Schema.Unknown),
  nextCursor: Schema.optional(Schema.String),
})

const longest = 64

/** Names that every provider accepts: letters, digits, `_` and `-`, 64 of them, and none twice. One of these for each list. */
export class ModelNames {
  private readonly prefix: string
  private readonly taken = new Set<string>()
  /** Where counting goes on for a name that came before. */
  private readonly counts = new Map<string, number>()

  constructor(prefix: string) {
    this.prefix = prefix
  }

  next(name: string): string {
    const plain = `${this.prefix}${name.slice(0, longest)}`.replaceAll(/[^a-zA-Z0-9_-]/g, "_")
    for (let number = this.counts.get(plain) ?? 1; ; number++) {
      const ending = number === 1 ? "" : `_${number}`
      const candidate = `${plain.slice(0, longest - ending.length)}${ending}`
      if (candidate === "" || this.taken.has(candidate)) continue
      this.taken.add(candidate)
      this.counts.set(plain, number + 1)
      return candidate
    }
  }
}
