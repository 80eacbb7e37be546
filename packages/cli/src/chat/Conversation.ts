/** A conversation: what was said, to which model, and what it took. It asks nobody and prints nothing. */
import { readFile, writeFile } from "node:fs/promises"
import { Message, type MessageInput, type ResponseMetadata } from "@wiseflow/llm"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { failure } from "../ExitCode.ts"

const Saved = Schema.Struct({
  model: Schema.optional(Schema.String),
  system: Schema.optional(Schema.String),
  messages: Schema.Array(Message),
})

const decodeSaved = Schema.decodeUnknownEffect(Schema.fromJsonString(Saved))

export class Conversation {
  model: string | undefined
  system: string | undefined
  private messages: ReadonlyArray<MessageInput> = []
  private answers = 0
  private inputTokens = 0
  private outputTokens = 0
  private costUsd = 0
  private hasUnknownCost = false

  constructor(model: string | undefined, system: string | undefined) {
    this.model = model
    this.system = system
  }

  /** The messages of a request with this question. */
  asking(question: string): ReadonlyArray<MessageInput> {
    return [...this.messages, { role: "user", content: question }]
  }

  /** Keeps a question and its answer: the parts of a whole one, or the text of one that was stopped. */
  keep(question: string, answer: Extract<MessageInput, { readonly role: "assistant" }>["content"]): void {
    this.messages = [...this.asking(question), { role: "assistant", content: answer }]
  }

  /** Adds what an answer took. */
  count({ costUsd, usage }: ResponseMetadata): void {
    this.answers += 1
    this.inputTokens += usage.inputTokens ?? 0
    this.outputTokens += usage.outputTokens ?? 0
    if (costUsd === null) this.hasUnknownCost = true
    else this.costUsd += costUsd
  }

  clear(): void {
    this.messages = []
  }

  /** How many messages there are. */
  get length(): number {
    return this.messages.length
  }

  /** `3 answers, 120 tokens in, 340 out, $0.0021` */
  usage(isOffline: boolean): string {
    const known = `$${this.costUsd.toFixed(6)}`
    const cost = isOffline
      ? "$0"
      : !this.hasUnknownCost
        ? known
        : this.costUsd === 0
          ? "cost unknown"
          : `${known} and answers of unknown cost`
    return `${this.answers} answer${this.answers === 1 ? "" : "s"}, ${this.inputTokens} tokens in, ${this.outputTokens} out, ${cost}`
  }

  /** Writes the conversation as JSON; only this user may read it. */
  save(path: string) {
    const { messages, model, system } = this
    return Effect.tryPromise({
      try: () => writeFile(path, `${JSON.stringify({ model, system, messages }, undefined, 2)}\n`, { mode: 0o600 }),
      catch: (reason) => failure(`${path}: ${reason instanceof Error ? reason.message : "it cannot be written"}`),
    })
  }

  /** Goes on with a conversation that `save` wrote. Model and system text that were chosen already stay. */
  load(path: string) {
    return Effect.tryPromise({
      try: () => readFile(path, "utf8"),
      catch: (reason) => failure(`${path}: ${reason instanceof Error ? reason.message : "it cannot be read"}`),
    }).pipe(
      Effect.flatMap((text) => decodeSaved(text)),
      Effect.mapError((error) =>
        error._tag === "SchemaError" ? failure(`${path}: it is no conversation that /save wrote`) : error,
      ),
      Effect.map(({ messages, model, system }) => {
        this.messages = messages
        this.model ??= model
        this.system ??= system
      }),
    )
  }
}
