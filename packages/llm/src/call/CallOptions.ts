/**
 * What one call sets for itself, in place of the stack's settings: an immutable value in the fiber's context, which the
 * deadline, the retries and the provider read. A call without one is as the stack says. Its tags, which no provider gets, too.
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Predicate from "effect/Predicate"
import * as Stream from "effect/Stream"
import { InvalidRequestError, LlmError } from "../model/LlmError.ts"

/** The code that sets them has checked them. */
export interface CallOptions {
  /**
   * The call's deadline, in place of the `total` clock of `withTimeout`. Milliseconds above 0; Infinity for none. A `total`
   * inside `withRetry` or `withFallback` bounds an attempt or a target, and stays as it is.
   */
  readonly timeoutMs?: number
  /** Retries after the first attempt, per target, in place of `times` of `withRetry`. */
  readonly maxRetries?: number
  /** Calls with the same key go to the same deployment while it is well, so that its prompt cache is used. */
  readonly stickyKey?: string
  /** Added to every request of the call; names in lower case. They replace no header of the provider's own. */
  readonly headers?: Readonly<Record<string, string>>
  /** True to have `limits` and `responseHeaders` in the metadata and in each attempt. */
  readonly includeResponseHeaders?: boolean
  /**
   * What `withCache` does with the call: false asks the model and keeps nothing, `refresh` asks it and keeps the answer in
   * place of what was kept. Default true.
   */
  readonly cache?: boolean | "refresh"
}

/** The options of the call under way; `{}` where it sets none. */
export const CallOptions = Context.Reference<CallOptions>("@wiseflow/llm/CallOptions", { defaultValue: () => ({}) })

/** What a call is made for, by names of the program's own: `{ team: "search", user: "u_1" }`. */
export type Tags = Readonly<Record<string, string>>

const noTags: Tags = {}

/** The tags of the calls under way; `{}` where there are none. The code that sets them has checked them. */
export const CallTags = Context.Reference<Tags>("@wiseflow/llm/CallTags", { defaultValue: () => noTags })

/** The most tags of one call. */
export const maxTags = 16
const maxNameLength = 64
const maxValueLength = 256

/** What is wrong with tags, and where: undefined where nothing is. Programs without types pass anything. */
export const tagsProblem = (tags: unknown): { readonly path: string; readonly problem: string } | undefined => {
  if (!Predicate.isObject(tags) || Array.isArray(tags)) {
    return { path: "tags", problem: 'is not a plain object of texts: write for example { team: "search" }' }
  }
  const given = Object.entries(tags)
  if (given.length > maxTags) return { path: "tags", problem: `has ${given.length} tags, more than ${maxTags}` }
  for (const [name, value] of given) {
    const path = `tags[${JSON.stringify(name.slice(0, maxNameLength))}]`
    if (name === "" || name.length > maxNameLength) {
      return { path, problem: `has a name that is not 1 to ${maxNameLength} characters long` }
    }
    if (typeof value !== "string") return { path, problem: "is not a text" }
    if (value.length > maxValueLength) return { path, problem: `is longer than ${maxValueLength} characters` }
  }
  return undefined
}

/** The tags within an effect: those around it and its own, which win where both have the name; or what is wrong with them. */
const joined = (tags: Tags): Effect.Effect<Tags, LlmError> => {
  const own = { ...tags }
  return Effect.flatMap(CallTags, (outer) => {
    const all = { ...outer, ...own }
    const wrong = tagsProblem(tags) ?? tagsProblem(all)
    if (wrong === undefined) return Effect.succeed(all)
    const { path: parameter, problem } = wrong
    const reason = new InvalidRequestError({ message: `invalid request: ${parameter} ${problem}`, parameter })
    return Effect.fail(new LlmError({ reason, provider: "tags", attempts: [] }))
  })
}

/**
 * Gives every call within an effect these tags, in its child fibers too, beside the tags around it. `UsageLedger`,
 * `withBudget` and spans read them; no provider gets them. At most 16 tags, with names of 1 to 64 characters and values of at
 * most 256: others fail with `InvalidRequestError`, whose `parameter` names the tag, and nothing runs.
 */
export const tagCalls =
  (tags: Tags) =>
  <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<A, E | LlmError, R> =>
    Effect.flatMap(joined(tags), (all) => Effect.provideService(effect, CallTags, all))

/** The same for a stream: for each time that it is read. */
export const tagStream =
  (tags: Tags) =>
  <A, E, R>(stream: Stream.Stream<A, E, R>): Stream.Stream<A, E | LlmError, R> =>
    Stream.unwrap(Effect.map(joined(tags), (all) => Stream.provideService(stream, CallTags, all)))
