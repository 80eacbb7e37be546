/** What every provider's batch interface can do, in the same words. The files of the providers say how. */

/** The most that one batch takes. */
export interface BatchLimits {
  readonly requests: number
  readonly bytes: number
}

/** A request as the library would send it. */
export interface EncodedRequest {
  readonly url: string
  readonly headers: Readonly<Record<string, string>>
  /** JSON. */
  readonly body: string
}

/** An upload on the disk. */
export interface Upload {
  readonly path: string
  readonly bytes: number
  /** Headers that its batch has to have. */
  readonly headers?: Readonly<Record<string, string>> | undefined
}

/** What identifies a batch before the service has given it an id. */
export interface NamedBatch {
  /** 16 hexadecimal digits, in every `custom_id` of the batch. */
  readonly name: string
  /** What its requests are sent to, as the service calls it. */
  readonly endpoint: string
  readonly requests: number
  readonly bytes: number
  /** When the last step was begun, ISO 8601. */
  readonly at: string
}

/** How far a batch is. */
export interface BatchStatus {
  readonly isEnded: boolean
  /** The service's own word. */
  readonly word: string
  readonly total: number
  readonly done: number
  /** Where results stand. */
  readonly files: ReadonlyArray<string>
  /** Why the whole batch was refused. */
  readonly refusals: ReadonlyArray<{
    readonly line: number | undefined
    readonly code: string | undefined
    readonly message: string
  }>
}

/** What the service says of one request: an answer as HTTP would have brought it, or why there is none. */
export type ServiceResult = { readonly customId: string } & (
  | { readonly reply: Reply }
  | { readonly unanswered: "expired" | "cancelled" }
)

/** An answer of the service. */
export interface Reply {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
}

/** Requests that may share a batch. */
export interface Group {
  readonly key: string
  /** What they are sent to, as the service calls it. */
  readonly endpoint: string
  /** Headers of these requests that their batch has to have. */
  readonly headers?: Readonly<Record<string, string>>
}

/** What a batch is created of. */
export interface BatchContent {
  readonly fileId?: string | undefined
  readonly upload?: Upload | undefined
}

/** A provider's batch interface. Everything rejects with a `ServiceFailure`. */
export interface BatchService {
  /** As the library calls the provider. */
  readonly name: string
  /** The provider and its address: batches are known there alone. */
  readonly place: string
  readonly limits: BatchLimits
  /** What stands before, between and after the entries of an upload. */
  readonly frame: { readonly begin: string; readonly between: string; readonly end: string }
  /** What requests with this one may share a batch with: the same endpoint, and the same model where that is asked. */
  readonly groupOf: (request: EncodedRequest) => Group | undefined
  /** A request as an entry of an upload. */
  readonly entryOf: (customId: string, request: EncodedRequest) => string
  /** Uploads a file and resolves with its id; absent where a batch is created of the requests themselves. */
  readonly upload?: (batch: NamedBatch, upload: Upload) => Promise<string>
  /** The id of a file that was uploaded for this batch. */
  readonly findUpload?: (batch: NamedBatch) => Promise<string | undefined>
  /** Creates a batch of a file that was uploaded, or of an upload, and resolves with its id. */
  readonly create: (batch: NamedBatch, from: BatchContent) => Promise<string>
  /** The id of a batch that was created; `isCertain` is false where only its results can tell. `without` are ids of others. */
  readonly findCreated: (
    batch: NamedBatch,
    without: ReadonlySet<string>,
  ) => Promise<{ readonly id: string; readonly isCertain: boolean } | undefined>
  readonly status: (id: string) => Promise<BatchStatus>
  /** The results of a batch that has ended, in any order. */
  readonly results: (id: string, status: BatchStatus) => AsyncIterable<ServiceResult>
  readonly cancel: (id: string) => Promise<void>
}

/** How long before a step was begun its trace may seem to be, where clocks differ. */
export const clockSkewMs = 15 * 60_000
