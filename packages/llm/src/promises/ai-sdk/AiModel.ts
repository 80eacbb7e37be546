/**
 * The `LanguageModelV4` of the AI SDK (`ai` 7), as far as this library takes and gives it, so that its declarations need no
 * package: what it is asked is typed wider than there, what it answers narrower. It holds no code.
 */

/** A JSON value as the AI SDK types it. */
export type AiJson = null | string | number | boolean | AiJsonObject | ReadonlyArray<AiJson>
/** A JSON object as the AI SDK types it. */
export interface AiJsonObject {
  readonly [key: string]: AiJson | undefined
}

/** What a provider keeps with a part, by its name. Ours is under `wiseflow`. */
export type AiMetadata = Record<string, { [key: string]: AiJson | undefined }>

/** What a caller says to one provider, by its name. */
export type AiProviderOptions = Readonly<Record<string, Readonly<Record<string, unknown>>>> | undefined

/** Bytes, an address, a provider's own reference, or a text. */
export type AiFileData =
  | { readonly type: "data"; readonly data: Uint8Array | string }
  | { readonly type: "url"; readonly url: URL }
  | { readonly type: "reference"; readonly reference: Readonly<Record<string, string>> }
  | { readonly type: "text"; readonly text: string }

interface AiText {
  readonly type: "text"
  readonly text: string
  readonly providerOptions?: AiProviderOptions
}

export interface AiFile {
  readonly type: "file"
  readonly data: AiFileData
  readonly mediaType: string
  readonly filename?: string | undefined
  readonly providerOptions?: AiProviderOptions
}

/** What a tool gave. */
export type AiToolOutput =
  | { readonly type: "text" | "error-text"; readonly value: string }
  | { readonly type: "json" | "error-json"; readonly value: unknown }
  | { readonly type: "execution-denied"; readonly reason?: string | undefined }
  | {
      readonly type: "content"
      readonly value: ReadonlyArray<
        AiText | AiFile | { readonly type: "custom"; readonly providerOptions?: AiProviderOptions }
      >
    }

export interface AiToolResult {
  readonly type: "tool-result"
  readonly toolCallId: string
  readonly toolName: string
  readonly output: AiToolOutput
}

/** A part of what the model said before. */
export type AiAssistantPart =
  | AiText
  | AiFile
  | { readonly type: "reasoning"; readonly text: string; readonly providerOptions?: AiProviderOptions }
  | { readonly type: "reasoning-file"; readonly mediaType: string }
  | { readonly type: "custom"; readonly kind: string; readonly providerOptions?: AiProviderOptions }
  | {
      readonly type: "tool-call"
      readonly toolCallId: string
      readonly toolName: string
      readonly input: unknown
      readonly providerExecuted?: boolean | undefined
      readonly providerOptions?: AiProviderOptions
    }
  | AiToolResult

export type AiMessage =
  | { readonly role: "system"; readonly content: string }
  | { readonly role: "user"; readonly content: ReadonlyArray<AiText | AiFile> }
  | { readonly role: "assistant"; readonly content: ReadonlyArray<AiAssistantPart> }
  | {
      readonly role: "tool"
      readonly content: ReadonlyArray<AiToolResult | { readonly type: "tool-approval-response" }>
    }

export type AiTool =
  | {
      readonly type: "function"
      readonly name: string
      readonly description?: string | undefined
      readonly inputSchema: unknown
      readonly inputExamples?: ReadonlyArray<unknown> | undefined
      readonly strict?: boolean | undefined
    }
  | { readonly type: "provider"; readonly id: string; readonly name: string }

/** What the AI SDK asks of a model. */
export interface AiCallOptions {
  readonly prompt: ReadonlyArray<AiMessage>
  readonly maxOutputTokens?: number | undefined
  readonly temperature?: number | undefined
  readonly stopSequences?: ReadonlyArray<string> | undefined
  readonly topP?: number | undefined
  readonly topK?: number | undefined
  readonly presencePenalty?: number | undefined
  readonly frequencyPenalty?: number | undefined
  readonly responseFormat?:
    | { readonly type: "text" }
    | { readonly type: "json"; readonly schema?: unknown; readonly name?: string | undefined }
    | undefined
  readonly seed?: number | undefined
  readonly tools?: ReadonlyArray<AiTool> | undefined
  readonly toolChoice?:
    | { readonly type: "auto" | "none" | "required" }
    | { readonly type: "tool"; readonly toolName: string }
    | undefined
  readonly includeRawChunks?: boolean | undefined
  readonly abortSignal?: AbortSignal | undefined
  readonly headers?: Readonly<Record<string, string | undefined>> | undefined
  readonly reasoning?: "provider-default" | "none" | "minimal" | "low" | "medium" | "high" | "xhigh" | "max" | undefined
  readonly providerOptions?: AiProviderOptions
}

/** What was left out of a request. */
export type AiWarning = { type: "unsupported"; feature: string; details?: string } | { type: "other"; message: string }

/** A part of an answer. */
export type AiContent =
  | { type: "text"; text: string; providerMetadata?: AiMetadata }
  | { type: "reasoning"; text: string; providerMetadata?: AiMetadata }
  | { type: "custom"; kind: `${string}.${string}`; providerMetadata?: AiMetadata }
  | {
      type: "file"
      mediaType: string
      data: { type: "data"; data: string } | { type: "url"; url: URL }
      providerMetadata?: AiMetadata
    }
  | { type: "tool-call"; toolCallId: string; toolName: string; input: string; providerMetadata?: AiMetadata }
  | { type: "source"; sourceType: "url"; id: string; url: string; title?: string; providerMetadata?: AiMetadata }
  | {
      type: "source"
      sourceType: "document"
      id: string
      mediaType: string
      title: string
      filename?: string
      providerMetadata?: AiMetadata
    }

export interface AiUsage {
  inputTokens: {
    total: number | undefined
    noCache: number | undefined
    cacheRead: number | undefined
    cacheWrite: number | undefined
  }
  outputTokens: { total: number | undefined; text: number | undefined; reasoning: number | undefined }
}

export interface AiFinishReason {
  unified: "stop" | "length" | "content-filter" | "tool-calls" | "other"
  raw: string | undefined
}

/** Who answered, and when. */
export interface AiResponseMetadata {
  id?: string
  timestamp?: Date
  modelId?: string
}

/** A whole answer. `providerMetadata.wiseflow` is this library's `ResponseMetadata`: cost, attempts and request id among it. */
export interface AiGenerateResult {
  content: Array<AiContent>
  finishReason: AiFinishReason
  usage: AiUsage
  providerMetadata?: AiMetadata
  response?: AiResponseMetadata
  warnings: Array<AiWarning>
}

/** A piece of a streamed answer. */
export type AiStreamPart =
  | { type: "stream-start"; warnings: Array<AiWarning> }
  | ({ type: "response-metadata" } & AiResponseMetadata)
  | { type: "text-start" | "reasoning-start"; id: string }
  | { type: "text-delta" | "reasoning-delta"; id: string; delta: string }
  | { type: "text-end" | "reasoning-end"; id: string; providerMetadata?: AiMetadata }
  | { type: "tool-input-start"; id: string; toolName: string }
  | { type: "tool-input-delta"; id: string; delta: string }
  | { type: "tool-input-end"; id: string }
  | Exclude<AiContent, { type: "text" | "reasoning" }>
  | { type: "finish"; usage: AiUsage; finishReason: AiFinishReason; providerMetadata?: AiMetadata }
  | { type: "error"; error: unknown }

/** A `LanguageModelV4` of the AI SDK. */
export interface AiLanguageModel {
  readonly specificationVersion: "v4"
  readonly provider: string
  readonly modelId: string
  /** What a provider fetches by itself; the AI SDK downloads everything else. */
  readonly supportedUrls: Record<string, Array<RegExp>>
  readonly doGenerate: (options: AiCallOptions) => Promise<AiGenerateResult>
  readonly doStream: (options: AiCallOptions) => Promise<{ stream: ReadableStream<AiStreamPart> }>
}
