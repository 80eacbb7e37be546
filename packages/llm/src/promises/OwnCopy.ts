/**
 * A copy of what a caller passed, as JSON would write it: later changes of the original reach no queued call and no
 * retry. Where it must stop what is under way, it throws an `Uncopied`; `attempted` makes a value of that.
 */
import * as Predicate from "effect/Predicate"
import * as Result from "effect/Result"
import { type CopyOther, jsonCopy, saidBy, Uncopied } from "../model/JsonCopy.ts"

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
): Result.Result<object, Uncopied> =>
  Result.flatMap(jsonCopy(value, "", omitted, copyOther), (copy) =>
    Predicate.isObject(copy) ? Result.succeed(copy) : Result.fail(new Uncopied("", "is not an object")),
  )

/** What an action gives, or why it could not read what the caller passed. */
export const attempted = <A>(action: () => A): Result.Result<A, Uncopied> => {
  try {
    return Result.succeed(action())
  } catch (thrown) {
    return Result.fail(thrown instanceof Uncopied ? thrown : new Uncopied("", `cannot be read: ${saidBy(thrown)}`))
  }
}
