/**
 * A request of a call's own: what is sent is what was passed, whatever the program changes while the call waits for a permit
 * or for a retry. A request that is a copy already is known by its messages, and not copied again.
 */
import * as Predicate from "effect/Predicate"
import * as Result from "effect/Result"
import { jsonCopy } from "../../model/JsonCopy.ts"

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
  const said = whatIsSaid(request)
  if (said !== undefined) Owned.mark(said)
}

/** The request as it is now. What cannot be copied is given back, for the check of requests to name. */
export const ownRequest = <Request extends object>(request: Request): Request => {
  const said = whatIsSaid(request)
  if (said === undefined || Owned.has(said)) return request
  const copied = jsonCopy(request, "", nothing, () => undefined)
  if (Result.isFailure(copied) || !Predicate.isObject(copied.success)) return request
  const copy = Object.assign({ ...request }, copied.success)
  own(copy)
  return copy
}

/** The list by which a request is known: its messages, or the texts to embed. */
const whatIsSaid = (request: unknown): object | undefined => {
  try {
    if (!Predicate.isObject(request)) return undefined
    const said = request["messages"] ?? request["inputs"]
    return Array.isArray(said) ? said : undefined
  } catch {
    // A getter that throws: the check of requests tells of it.
    return undefined
  }
}
