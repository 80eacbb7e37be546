/** The promise surface as types: what a program takes, so that a test can pass a fake. It holds no behaviour. */
import type * as Duration from "effect/Duration"
import type { Tags } from "../call/CallOptions.ts"
import type { CountedTokens, ModelList } from "../model/ModelInfo.ts"
import type { EmbeddingRequest, EmbeddingResponse } from "../model/EmbeddingProvider.ts"
import type { LlmEvent } from "../model/LlmEvent.ts"
import type {
  AssistantMessage,
  FilePart,
  ImagePart,
  LlmRequest,
  SystemMessage,
  TextPart,
  ToolResultPart,
} from "../model/LlmRequest.ts"
import type { BudgetOptions } from "../policies/usage/Budget.ts"
import type { AnySchema, OutputOf } from "../tools/schemas/AnySchema.ts"
import type { GenerateFailure, GenerateResponse, GenerateSuccess } from "./PromiseResponse.ts"

/** Bytes as JavaScript holds them, or as base64 text. */
export type BytesInput = string | Uint8Array | ArrayBuffer | Blob

/** A picture, by its bytes or by the address of a picture that the provider can fetch. */
export interface ImageInput extends Omit<ImagePart, "url" | "data"> {
  /** `http:`, `https:` or `data:`; not together with `data`. */
  readonly url?: string | URL | undefined
  /** The bytes, or base64; not together with `url`. */
  readonly data?: BytesInput | undefined
}

/** A document, by its bytes, by the address of a document that the provider can fetch, or by the id of an upload. */
export interface FileInput extends Omit<FilePart, "url" | "data"> {
  /** `http:`, `https:` or `data:`; not together with `data`. */
  readonly url?: string | URL | undefined
  /** The bytes, or base64; not together with `url`. */
  readonly data?: BytesInput | undefined
}

/** What a user says: a text, or parts. */
export interface UserMessageInput {
  readonly role: "user"
  /** A text, or texts, pictures and files in the order in which the model reads them. */
  readonly content: string | ReadonlyArray<TextPart | ImageInput | FileInput>
}

/** What a called function answered, pictures and files included. */
export interface ToolResultInput extends Omit<ToolResultPart, "content"> {
  /** A text, or texts, pictures and files. */
  readonly content: string | ReadonlyArray<TextPart | ImageInput | FileInput>
}

/** The answers to the tool calls of the assistant message before. */
export interface ToolMessageInput {
  readonly role: "tool"
  /** One result for each tool call. */
  readonly content: ReadonlyArray<ToolResultInput>
}

/** One message of a conversation. The parts of an answer, as they are, are the content of an assistant message. */
export type MessageInput = SystemMessage | UserMessageInput | AssistantMessage | ToolMessageInput

/** What one call may set for itself. */
export interface CallSettings {
  /** Aborts the call: it rejects with the signal's reason, and the connection closes. */
  readonly signal?: AbortSignal | undefined
  /** The deadline of this call in place of the interface's: `"30 seconds"`, or milliseconds as a number. */
  readonly timeout?: Duration.Input | undefined
  /** Retries after the first attempt of this call, per target, in place of the interface's. A whole number, 0 or more. */
  readonly maxRetries?: number | undefined
  /** Headers added to every request of this call, whichever provider it goes to. They replace no key of a provider. */
  readonly headers?: Readonly<Record<string, string>> | undefined
  /**
   * True to have the account's rate limits (`metadata.limits`: requests and tokens, each with `limit`, `remaining` and
   * `resetMs`) and the headers of the response (`metadata.responseHeaders`). Default false.
   */
  readonly includeResponseHeaders?: boolean | undefined
  /**
   * What an interface with a `cache` does with this call: false asks the model and keeps nothing, `"refresh"` asks it and
   * keeps the answer in place of what was kept. Default true.
   */
  readonly cache?: boolean | "refresh" | undefined
  /** Calls with the same key go to the same of several `deployments`, so that its prompt cache is used: a conversation's id. */
  readonly stickyKey?: string | undefined
  /**
   * What the call is made for, by names of your own, beside the interface's `tags`: `{ team: "search" }`. `usage()`, budgets
   * and spans tell calls apart by them; no provider gets them. At most 16, with names of 1 to 64 characters and values of at
   * most 256.
   */
  readonly tags?: Tags | undefined
}

/** What calls may use, and what they are counted by. */
export interface SpendingOptions {
  /**
   * What all calls of this interface may use, in money or tokens: a request that would pass it is not made and fails with
   * `BudgetExceededError`. Several budgets hold side by side. `usage()` and the budget begin when the interface is made.
   */
  readonly budget?: BudgetOptions | ReadonlyArray<BudgetOptions> | undefined
  /** Tags of every call; a call's own `tags` stand beside them. The same limits as there. */
  readonly tags?: Tags | undefined
}

/** A request, and what the call sets for itself. */
export interface GenerateOptions extends Omit<LlmRequest, "messages">, CallSettings {
  /** The conversation so far, the question last. At least one message. */
  readonly messages: ReadonlyArray<MessageInput>
  /** Not together with `messages`: `WithPrompt` has it. */
  readonly prompt?: undefined
  /** What the model is told before the conversation: a system message in front of `messages`, or of `prompt`. */
  readonly system?: string | undefined
}

/** The same options with one question in place of a conversation. */
export type WithPrompt<Options> = Omit<Options, "messages" | "prompt"> & {
  /** The question: one user message. Not together with `messages`. */
  readonly prompt: string
  readonly messages?: undefined
}

/** Texts to embed, and what the call sets for itself. */
export interface EmbedOptions extends Omit<EmbeddingRequest, "inputs">, CallSettings {
  /** The texts, none of them empty; as many as you like: they are sent in as many requests as they need. */
  readonly inputs: ReadonlyArray<string>
}

/** One vector for each input, in the order of the inputs, and what it took: usage, cost and attempts are those of all requests. */
export type EmbedSuccess = EmbeddingResponse

/** What `embed` resolves with. `"error" in response` tells the two apart. */
export type EmbedResponse = EmbedSuccess | GenerateFailure

/** What a call for the list of models sets for itself. */
export type ModelsOptions = Omit<CallSettings, "cache">

/** What `models` resolves with. `"error" in response` tells the two apart. */
export type ModelsResponse = ModelList | GenerateFailure

/** What `countTokens` resolves with. `"error" in response` tells the two apart. */
export type CountTokensResponse = CountedTokens | GenerateFailure

/** A request for a value: the response format is the schema's. */
export interface GenerateObjectOptions<S extends AnySchema> extends Omit<GenerateOptions, "responseFormat"> {
  /**
   * What the value must be: a schema of effect/Schema, a Standard Schema (zod, valibot, arktype), or a JSON Schema. The
   * model is asked to hold to it, and its answer is checked.
   */
  readonly schema: S
  /** What the model is told the value is called: 1 to 64 letters, digits, `_` and `-`. Default `answer`. */
  readonly schemaName?: string | undefined
  /** How often an answer that does not fit is asked for again, with what was wrong. Default 1. */
  readonly repairs?: number | undefined
}

/** A whole answer and its value. */
export type GenerateObjectSuccess<A> = GenerateSuccess & {
  /** The answer as a value of the schema. */
  readonly object: A
}

/** A whole answer and its value, or a failure. */
export type GenerateObjectResponse<A> = GenerateObjectSuccess<A> | GenerateFailure

/** An answer as it comes: its events for `for await`, and its whole as a promise. */
export interface LlmStream extends AsyncIterable<LlmEvent> {
  /** The answer as `generate` gives it, once the stream has ended. */
  readonly response: Promise<GenerateResponse>
}

/**
 * What a program needs of this library to ask a model. `LLMInterface` is one; `Scripted.llm` of `@wiseflow/llm/testing`
 * is one for tests, and so is an object with these functions. A program that only calls `generate` takes
 * `Pick<Llm, "generate">`.
 */
export interface Llm {
  /** The answer, or a failure as data. Rejects only where the caller's signal aborts the call. */
  readonly generate: (options: GenerateOptions | WithPrompt<GenerateOptions>) => Promise<GenerateResponse>
  /** The answer piece by piece. */
  readonly stream: (options: GenerateOptions | WithPrompt<GenerateOptions>) => LlmStream
  /** The answer as a value of a schema, or a failure as data. */
  readonly generateObject: <const S extends AnySchema>(
    options: GenerateObjectOptions<S> | WithPrompt<GenerateObjectOptions<S>>,
  ) => Promise<GenerateObjectResponse<OutputOf<S>>>
  /** A vector for each text, or a failure as data. Rejects only where the caller's signal aborts the call. */
  readonly embed: (options: EmbedOptions) => Promise<EmbedResponse>
}
