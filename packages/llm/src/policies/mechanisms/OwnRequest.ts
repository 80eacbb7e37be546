/**
 * A request of a call's own: what is sent is what was passed, whatever the program changes while the call waits for a permit
 * or for a retry. A request that is a copy already is known by its messages, and not copied again.
 */
import * as Effect from "effect/Effect"
import * as Predicate from "effect/Predicate"
import * as Result from "effect/Result"
import type * as Stream from "effect/Stream"
import { failBefore } from "../../call/Attempt.ts"
import { type CallContext, joinCall, joinStream } from "../../call/CallContext.ts"
import { jsonCopy, noteLarge, Uncopied } from "../../model/JsonCopy.ts"
import type { LlmError } from "../../model/LlmError.ts"
import type { LlmEvent } from "../../model/LlmEvent.ts"
import { unwritable } from "../../model/RequestValidation.ts"

/** What a constructor returns is what a class that extends it makes its own fields in. */
const Given = function (said: object) {
  return said
} as unknown as new (said: object) => object

/** A list that nobody else holds, known by a field that nobody else sees: with a `WeakSet` of them a call costs a tenth more. */
class Owned extends Given {
  readonly #isOwned = true

  static mark(said: object): object {
    return Owned.has(said) ? said : new Owned(said)
  }

  static has(said: object): boolean {
    return #isOwned in said && said.#isOwned
  }
}

const nothing: ReadonlySet<string> = new Set()

/** Notes that nobody else holds this request, messages or texts included. */
export const own = (request: object): void => {
  Owned.mark(knownBy(request))
}

/** Values of a request that is large. */
const manyValues = 10_000

/** A request of a call's own, and what its copy came to. */
interface OwnRequest<Request> {
  readonly request: Request
  /** Copying it took so long that the event loop should have a turn afterwards. */
  readonly isLarge?: boolean
  /** Why it cannot be copied. */
  readonly uncopied?: Uncopied
}

/** The request as it is now, or why it cannot be copied. */
const copied = <Request extends object>(request: Request): OwnRequest<Request> => {
  if (Owned.has(knownBy(request))) return { request }
  let values = 0
  const copying = jsonCopy(
    request,
    "",
    nothing,
    () => undefined,
    (count) => (values = count),
  )
  if (Result.isFailure(copying)) return { request, uncopied: copying.failure }
  if (!Predicate.isObject(copying.success)) return { request, uncopied: new Uncopied("", "is not an object") }
  const copy = withNothing(request, copying.success)
  own(copy)
  const isLarge = values > manyValues
  if (isLarge) noteLarge(copy)
  return { request: copy, isLarge }
}

/** The copy with the fields that are set to nothing, which JSON leaves out. No value is read again: it may be another one. */
const withNothing = <Request extends object>(request: Request, copy: Record<string, unknown>): Request => {
  try {
    for (const name of Object.keys(request)) if (!(name in copy)) copy[name] = undefined
  } catch {
    // A trap that throws now: what could be read is there.
  }
  return copy as Request
}

/**
 * Asks with a request of the call's own, copied now. One that cannot be copied is refused before any policy looks at it:
 * the check of requests accepts none of those, and reading a getter may throw. After a large one the event loop has a turn. `name` is the provider's.
 */
export const askWithOwn = <Request extends object, A>(
  given: Request,
  name: string,
  ask: (request: Request) => Effect.Effect<A, LlmError>,
): Effect.Effect<A, LlmError> => {
  const { isLarge, request, uncopied } = copied(given)
  if (uncopied !== undefined) return joinCall((context) => refused(context, name, uncopied))
  const asking = ask(request)
  return isLarge === true ? Effect.andThen(Effect.yieldNow, asking) : asking
}

/** The same for a stream, which has its turn where its request is checked. */
export const streamWithOwn = <Request extends object>(
  given: Request,
  name: string,
  ask: (request: Request) => Stream.Stream<LlmEvent, LlmError>,
): Stream.Stream<LlmEvent, LlmError> => {
  const { request, uncopied } = copied(given)
  return uncopied === undefined ? ask(request) : joinStream((_, context) => refused(context, name, uncopied))
}

const refused = (context: CallContext, provider: string, problem: Uncopied): Effect.Effect<never, LlmError> =>
  Effect.fail(failBefore(context, { provider }, unwritable(problem)))

/** What a request is known by: the list of its messages, or of the texts to embed; itself where it has neither. */
const knownBy = (request: object): object => {
  try {
    const said: unknown = Reflect.get(request, "messages") ?? Reflect.get(request, "inputs")
    return Array.isArray(said) ? said : request
  } catch {
    // No request at all, or a getter that throws: the check of requests tells of it.
    return nothing
  }
}
