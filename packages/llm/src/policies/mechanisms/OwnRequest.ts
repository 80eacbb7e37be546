/**
 * A request of a call's own: what is sent is what was passed, whatever the program changes while the call waits for a permit
 * or for a retry. A request that is a copy already is known by its messages, and not copied again.
 */
import * as Predicate from "effect/Predicate"
import * as Result from "effect/Result"
import { jsonCopy, noteLarge } from "../../model/JsonCopy.ts"

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

/** A request of a call's own, and whether copying it took so long that the event loop should have a turn afterwards. */
export interface OwnRequest<Request> {
  readonly request: Request
  readonly isLarge: boolean
}

/** Values of a request that is large. */
const manyValues = 10_000

/** The request as it is now. What cannot be copied is given back, for the check of requests to name. */
export const copiedRequest = <Request extends object>(request: Request): OwnRequest<Request> => {
  if (Owned.has(knownBy(request))) return { request, isLarge: false }
  let values = 0
  const copied = jsonCopy(
    request,
    "",
    nothing,
    () => undefined,
    (count) => (values = count),
  )
  const isLarge = values > manyValues
  if (Result.isFailure(copied) || !Predicate.isObject(copied.success)) return { request, isLarge }
  const copy: Request = { ...request, ...copied.success }
  own(copy)
  if (isLarge) noteLarge(copy)
  return { request: copy, isLarge }
}

/** The same, for who has no turn to give. */
export const ownRequest = <Request extends object>(request: Request): Request => copiedRequest(request).request

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
