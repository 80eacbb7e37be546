/**
 * What a caller passes to one call, read once and at once: the request as a copy of this library's own, and the settings
 * of the call. Bytes become base64 here. It never throws; what is wrong becomes an `InvalidRequestError`.
 */
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Predicate from "effect/Predicate"
import * as Result from "effect/Result"
import { type CallOptions, type Tags, tagsProblem } from "../call/CallOptions.ts"
import { noteLarge } from "../model/JsonCopy.ts"
import { looksLikeKey, shownModel } from "../model/KeyShape.ts"
import type { InvalidRequestError } from "../model/LlmError.ts"
import { LlmRequest } from "../model/LlmRequest.ts"
import { suggestion } from "../model/NearestName.ts"
import { millisWithin } from "../policies/DurationRange.ts"
import { own } from "../policies/mechanisms/OwnRequest.ts"
import { unwritable, validateRequest } from "../model/RequestValidation.ts"
import type { CallSettings, GenerateOptions, WithPrompt } from "./Llm.ts"
import * as Setting from "../settings/Setting.ts"
import { attempt, attempted, ownCopy, Uncopied } from "./OwnCopy.ts"
import { PartBytes } from "./PartBytes.ts"
import type { RequestSummary } from "./PromiseResponse.ts"

/** A request that can be sent, or why it cannot. */
export type CheckedRequest<Request = LlmRequest> = Result.Result<Request, InvalidRequestError>

/** What one call sets for itself, its tags included. */
export interface OwnSettings extends CallOptions {
  readonly tags?: Tags
}

/** The arguments of one call. */
export interface CallInput<Request = LlmRequest> {
  /** A promise where a `Blob` has to be read first; it never rejects. */
  readonly request: CheckedRequest<Request> | Promise<CheckedRequest<Request>>
  /** What a failure repeats of the request. */
  readonly summary: RequestSummary
  readonly signal: AbortSignal | undefined
  /** None where the call sets nothing. */
  readonly settings: OwnSettings | undefined
}

/** Arguments that are none. */
export const notAnObject = new Uncopied(
  "",
  'is not an object: write { messages: [{ role: "user", content: "Hello." }] }',
)

/** What is wrong with an argument, as an error. */
export const invalid = unwritable

const isSignal = (value: unknown): value is AbortSignal =>
  Predicate.isObject(value) &&
  typeof value["aborted"] === "boolean" &&
  typeof value["addEventListener"] === "function" &&
  typeof value["removeEventListener"] === "function"

const readSignal = (signal: unknown): AbortSignal | undefined => {
  if (signal === undefined || attempt(() => isSignal(signal), "signal")) return isSignal(signal) ? signal : undefined
  throw new Uncopied("signal", "is not an AbortSignal: pass the signal of an AbortController")
}

const readTimeout = (timeout: Duration.Input | undefined): { readonly timeoutMs?: number } => {
  if (timeout === undefined) return {}
  const timeoutMs = millisWithin(timeout, "above 0")
  if (timeoutMs !== undefined) return { timeoutMs }
  throw new Uncopied(
    "timeout",
    'is not a duration above 0: write for example "30 seconds", or milliseconds as a number',
  )
}

const readMaxRetries = (maxRetries: number | undefined): { readonly maxRetries?: number } => {
  if (maxRetries === undefined) return {}
  if (Number.isInteger(maxRetries) && maxRetries >= 0) return { maxRetries }
  throw new Uncopied("maxRetries", "is not a whole number of 0 or more")
}

const readFlag = (name: "includeResponseHeaders", value: unknown): Partial<Record<typeof name, boolean>> => {
  if (value === undefined) return {}
  if (typeof value === "boolean") return { [name]: value }
  throw new Uncopied(name, "is neither true nor false")
}

const readCache = (cache: unknown): { readonly cache?: boolean | "refresh" } => {
  if (cache === undefined) return {}
  if (typeof cache === "boolean" || cache === "refresh") return { cache }
  throw new Uncopied("cache", 'is neither true, false nor "refresh"')
}

const readTags = (tags: Tags | undefined): { readonly tags?: Tags } => {
  if (tags === undefined) return {}
  const wrong = attempt(() => tagsProblem(tags), "tags")
  if (wrong !== undefined) throw new Uncopied(wrong.path, wrong.problem)
  return { tags: { ...tags } }
}

const readStickyKey = (key: unknown): { readonly stickyKey?: string } => {
  if (key === undefined) return {}
  if (typeof key === "string" && key !== "") return { stickyKey: key }
  throw new Uncopied("stickyKey", "is not a text: write for example the id of the conversation")
}

/** A value as HTTP allows it in a field (RFC 9110, section 5.5). */
const isHeaderText = (value: unknown): value is string =>
  typeof value === "string" && /^[\t\x20-\x7e\x80-\xff]*$/.test(value)

const readHeaders = (
  headers: Readonly<Record<string, string>> | undefined,
): { readonly headers?: Readonly<Record<string, string>> } => {
  if (headers === undefined) return {}
  if (!Predicate.isObject(headers) || headers instanceof Headers) {
    throw new Uncopied("headers", 'is not a plain object: write for example { "x-request-source": "billing" }')
  }
  const own: Record<string, string> = {}
  for (const [name, value] of attempt(() => Object.entries(headers), "headers")) {
    const path = `headers[${JSON.stringify(name)}]`
    if (!Setting.isHeaderName(name)) throw new Uncopied(path, "is not a name that HTTP allows for a header")
    // Never quoted: a header may hold a secret.
    if (!isHeaderText(value))
      throw new Uncopied(path, "is not a text that HTTP allows in a header (no line ends, Latin-1)")
    own[name.toLowerCase()] = value
  }
  return { headers: own }
}

/** Fields of the call that are not fields of its request. */
const callFields: ReadonlySet<string> = new Set([
  "signal",
  "timeout",
  "maxRetries",
  "headers",
  "includeResponseHeaders",
  "cache",
  "tags",
  "stickyKey",
])

/** What a call asks for: the fields of its request, and their check. */
export interface CallKind<Request> {
  readonly fields: ReadonlySet<string>
  readonly check: (input: unknown) => CheckedRequest<Request>
  /** What is said of arguments that are none. */
  readonly notAnObject: Uncopied
  /** Makes the fields of a request of those that stand for others. */
  readonly settle: (copy: object) => Result.Result<object, Uncopied>
}

/** Fields of a call that become messages. */
const promptFields = ["prompt", "system"] as const

const isText = (value: unknown): value is string | undefined => value === undefined || typeof value === "string"

/** The copy of a call with all that it says as `messages`. Other fields stay as they are. */
const conversation = (copy: object): Result.Result<object, Uncopied> => {
  if (!Predicate.isObject(copy) || promptFields.every((field) => copy[field] === undefined)) return Result.succeed(copy)
  const { messages, prompt, system, ...rest } = copy
  if (!isText(prompt)) return Result.fail(new Uncopied("prompt", "is not a text: a conversation goes in messages"))
  if (!isText(system)) return Result.fail(new Uncopied("system", "is not a text"))
  if (prompt !== undefined && messages !== undefined) {
    return Result.fail(new Uncopied("prompt", "stands beside messages: write one of the two"))
  }
  const said = prompt === undefined ? messages : [{ role: "user", content: prompt }]
  if (system === undefined || !Array.isArray(said)) return Result.succeed({ ...rest, messages: said })
  return Result.succeed({ ...rest, messages: [{ role: "system", content: system }, ...said] })
}

const answers: CallKind<LlmRequest> = {
  fields: new Set([...Object.keys(LlmRequest.fields), ...promptFields]),
  check: validateRequest,
  notAnObject,
  settle: conversation,
}

const summaryOf = (request: unknown): RequestSummary => {
  if (!Predicate.isObject(request)) return {}
  const { maxTokens, model, temperature } = request
  return {
    model: typeof model === "string" ? shownModel(model) : undefined,
    temperature: typeof temperature === "number" ? temperature : undefined,
    maxTokens: typeof maxTokens === "number" ? maxTokens : undefined,
  }
}

/** A call that cannot be made, and why. */
export const refused = (problem: Uncopied, signal: AbortSignal | undefined): CallInput<never> => ({
  request: Result.fail(invalid(problem)),
  summary: {},
  signal,
  settings: undefined,
})

/** Reads the arguments of a call for an answer. */
export const readCall = (
  options: Omit<GenerateOptions, "responseFormat"> | WithPrompt<Omit<GenerateOptions, "responseFormat">>,
  more: Partial<LlmRequest> = {},
): CallInput => read(options, answers, more)

/** The problem with the name of the field that it is about: a getter that throws says nothing of where it stands. */
const placed = (found: Uncopied, options: CallSettings): Uncopied => {
  if (found.path !== "") return found
  const isUnreadable = (field: string) => Result.isFailure(attempted(() => Reflect.get(options, field)))
  return new Uncopied([...callFields].find(isUnreadable) ?? "", found.problem)
}

/** A request of more values is copied in one turn of the event loop, checked in another, and sent in a third. */
const manyValues = 10_000

const inTurns = <A>(act: () => A): Promise<A> =>
  Effect.runPromise(Effect.yieldNow.pipe(Effect.map(act), Effect.tap(Effect.yieldNow)))

/** Reads the arguments of a call of this kind. `more` are fields of the request that the surface itself sets. */
export const read = <Request>(
  options: CallSettings,
  { check, fields, notAnObject: none, settle }: CallKind<Request>,
  more: Partial<Request>,
): CallInput<Request> => {
  const isObject = attempted(() => Predicate.isObject(options))
  if (Result.isFailure(isObject)) return refused(isObject.failure, undefined)
  if (!isObject.success) return refused(none, undefined)
  const signal = attempted(() => readSignal(options.signal))
  if (Result.isFailure(signal)) return refused(placed(signal.failure, options), undefined)
  const settings = attempted(() => {
    const { cache, headers, includeResponseHeaders, maxRetries, stickyKey, tags, timeout } = options
    const given = [cache, headers, includeResponseHeaders, maxRetries, stickyKey, tags, timeout]
    if (given.every((setting) => setting === undefined)) {
      return undefined
    }
    return {
      ...readTimeout(timeout),
      ...readMaxRetries(maxRetries),
      ...readHeaders(headers),
      ...readFlag("includeResponseHeaders", includeResponseHeaders),
      ...readCache(cache),
      ...readTags(tags),
      ...readStickyKey(stickyKey),
    }
  })
  if (Result.isFailure(settings)) return refused(placed(settings.failure, options), signal.success)
  const bytes = new PartBytes()
  let values = 0
  const copied = ownCopy(options, callFields, bytes.copy, (count) => (values = count))
  if (Result.isFailure(copied)) return refused(copied.failure, signal.success)
  const unknown = Object.keys(copied.success).find((name) => !fields.has(name))
  if (unknown !== undefined) {
    const shown = looksLikeKey(unknown) ? "a field" : unknown
    return refused(
      new Uncopied(shown, `does not exist${suggestion(unknown, [...fields, ...callFields])}`),
      signal.success,
    )
  }
  const settled = settle(copied.success)
  if (Result.isFailure(settled)) return refused(settled.failure, signal.success)
  const copy = Object.assign(settled.success, more)
  // No policy copies it again.
  own(copy)
  const isLarge = values > manyValues
  if (isLarge) noteLarge(copy)
  return {
    request: bytes.hasBlobs
      ? bytes.read(copy).then((whole) => Result.flatMap(Result.mapError(whole, invalid), check))
      : isLarge
        ? inTurns(() => check(copy))
        : check(copy),
    summary: summaryOf(copy),
    signal: signal.success,
    settings: settings.success,
  }
}
