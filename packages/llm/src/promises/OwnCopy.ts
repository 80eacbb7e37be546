/**
 * A copy of what a caller passed, as JSON would write it: later changes of the original reach no queued call and no
 * retry. Where it must stop what is under way, it throws an `Uncopied`; `attempted` makes a value of that. And copies of events,
 * which a reader may change.
 */
import * as Predicate from "effect/Predicate"
import * as Result from "effect/Result"
import { type CopyOther, dataCopy, jsonCopy, saidBy, Uncopied } from "../model/JsonCopy.ts"
import type { LlmEvent } from "../model/LlmEvent.ts"

export { isBytes, saidBy, Uncopied } from "../model/JsonCopy.ts"

/** The result of an action of the caller's (a getter, a trap), whatever it throws. */
export const attempt = <A>(action: () => A, path: string): A => {
  try {
    return action()
  } catch (thrown) {
    throw new Uncopied(path, `cannot be read: ${saidBy(thrown)}`)
  }
}

/** A copy of plain data, but for the `omitted` fields of the whole, or what of it cannot be copied and why. */
export const ownCopy = (
  value: object,
  omitted: ReadonlySet<string>,
  copyOther: CopyOther,
  counted?: (values: number) => void,
): Result.Result<object, Uncopied> =>
  Result.flatMap(jsonCopy(value, "", omitted, copyOther, counted), (copy) =>
    Predicate.isObject(copy) ? Result.succeed(copy) : Result.fail(new Uncopied("", "is not an object")),
  )

/** Options that a program may have filled with getters, in one object each or in a list of them. */
const nested: ReadonlySet<string> = new Set(["cache", "budget", "hedge", "tags", "deployments", "balance"])

/** Options as they are now, those of the nested objects too. What cannot be read is told by its place: `cache.ttl`. */
export const ownOptions = <Options extends object>(options: Options): Options => {
  if (!Predicate.isObject(options)) throw new Uncopied("", "is not an object")
  return fieldsOf(options, "", true) as Options
}

const fieldsOf = (given: object, path: string, isWhole: boolean): object => {
  const names = attempt(() => Object.keys(given), path)
  return Object.fromEntries(
    names.map((name) => {
      const at = path === "" ? name : `${path}.${name}`
      const value = attempt((): unknown => Reflect.get(given, name), at)
      return [name, isWhole && nested.has(name) ? plainCopy(value, at, true) : readable(value, at)]
    }),
  )
}

/** A copy of a plain object, or of each in a list; anything else as it is. */
const plainCopy = (value: unknown, path: string, mayBeList: boolean): unknown => {
  if (!Predicate.isObjectOrArray(value)) return value
  const prototype = attempt((): unknown => Object.getPrototypeOf(value), path)
  if (mayBeList && Array.isArray(value)) {
    return attempt(() => [...value], path).map((item, index) => plainCopy(item, `${path}[${index}]`, false))
  }
  return prototype === Object.prototype || prototype === null ? fieldsOf(value, path, false) : value
}

/** The value, unless it is a proxy that can no longer be asked. */
const readable = (value: unknown, path: string): unknown => {
  if (Predicate.isObjectOrArray(value)) attempt((): unknown => Object.getPrototypeOf(value), path)
  return value
}

/** What an action gives, or why it could not read what the caller passed. */
export const attempted = <A>(action: () => A): Result.Result<A, Uncopied> => {
  try {
    return Result.succeed(action())
  } catch (thrown) {
    return Result.fail(thrown instanceof Uncopied ? thrown : new Uncopied("", `cannot be read: ${saidBy(thrown)}`))
  }
}

const isWhole = (event: LlmEvent): boolean =>
  event.type === "response-finish" || event.type === "part-end" || event.type === "tool-call-end"

/** An event of its own for the response: a reader may change what it was given. Events that hold no object need none. */
export const ownEvent = (event: LlmEvent): LlmEvent => {
  if (!isWhole(event)) return event
  try {
    return dataCopy(event)
  } catch {
    // A script in a test may hold anything.
    return event
  }
}
