/**
 * One library as its documentation says to use it, with its default number of retries and a time limit of 6 seconds
 * where it has one. A client adds nothing of its own: what it throws, and what it does not, is the library's.
 */
import type { WireName } from "../../../llm/test/faults/WireText.ts"

/** The limit that every library gets, under whatever name it has for one. */
export const timeoutMs = 6000
export const prompt = "Say hello."
export const apiKey = "sk-fault-server"
export const models: Readonly<Record<WireName, string>> = {
  chat: "gpt-5-mini",
  messages: "claude-sonnet-5",
  responses: "gpt-5-mini",
}

/** A whole answer as the caller gets it. */
export interface FaultAnswer {
  readonly text: string
  readonly finishReason: string | undefined
}

export interface FaultClient {
  /** Undefined where the row is another way to stream with the same library. */
  readonly generate: ((signal: AbortSignal) => Promise<FaultAnswer>) | undefined
  /** Yields the pieces of text and returns the finish reason. */
  readonly stream: (signal: AbortSignal) => AsyncGenerator<string, string | undefined>
}

/** Makes a client of the server at `url` (no path). */
export type MakeFaultClient = (url: string) => FaultClient

/** A row of every table. */
export interface FaultClientRow {
  readonly name: string
  /** How it is used, for the reader. */
  readonly usage: string
  /** What its versions are read from. */
  readonly packages: ReadonlyArray<string>
  readonly wire: WireName
  readonly generates: boolean
  /** Loads only this library. */
  readonly load: () => Promise<MakeFaultClient>
}

export const faultClients: ReadonlyArray<FaultClientRow> = [
  {
    name: "wiseflow-chat",
    usage: '`new LLMInterface({ provider: "openai", timeout: "6 seconds" })`, `.generate`, `.stream`',
    packages: ["@wiseflow/llm", "effect"],
    wire: "chat",
    generates: true,
    load: async () => (await import("./clients/Wiseflow.ts")).wiseflowChat,
  },
  {
    name: "wiseflow-messages",
    usage: '`new LLMInterface({ provider: "anthropic", timeout: "6 seconds" })`, `.generate`, `.stream`',
    packages: ["@wiseflow/llm", "effect"],
    wire: "messages",
    generates: true,
    load: async () => (await import("./clients/Wiseflow.ts")).wiseflowMessages,
  },
  {
    name: "openai",
    usage: "`new OpenAI({ timeout: 6000 })`, `chat.completions.create`, with `stream: true` to stream",
    packages: ["openai"],
    wire: "chat",
    generates: true,
    load: async () => (await import("./clients/OpenAi.ts")).openAi,
  },
  {
    name: "openai-helper",
    usage: "`new OpenAI({ timeout: 6000 })`, `chat.completions.stream` and `finalChatCompletion`",
    packages: ["openai"],
    wire: "chat",
    generates: false,
    load: async () => (await import("./clients/OpenAi.ts")).openAiHelper,
  },
  {
    name: "anthropic",
    usage: "`new Anthropic({ timeout: 6000 })`, `messages.create`, with `stream: true` to stream",
    packages: ["@anthropic-ai/sdk"],
    wire: "messages",
    generates: true,
    load: async () => (await import("./clients/Anthropic.ts")).anthropic,
  },
  {
    name: "anthropic-helper",
    usage: "`new Anthropic({ timeout: 6000 })`, `messages.stream` and `finalMessage`",
    packages: ["@anthropic-ai/sdk"],
    wire: "messages",
    generates: false,
    load: async () => (await import("./clients/Anthropic.ts")).anthropicHelper,
  },
  {
    name: "ai",
    usage: "`generateText`, `streamText(…).fullStream` with `timeout: 6000`, over `@ai-sdk/openai-compatible`",
    packages: ["ai", "@ai-sdk/openai-compatible"],
    wire: "chat",
    generates: true,
    load: async () => (await import("./clients/AiSdk.ts")).aiSdk,
  },
]
