/** The text inside a `Redacted`, where it can be read. It shows none. */
import * as Redacted from "effect/Redacted"
import * as Result from "effect/Result"

/** What to say of a `Redacted` that holds nothing for this library. */
export const unreadable =
  "is a Redacted that cannot be read: it was wiped, or another copy of effect made it; pass the text, or a function that gives it"

/** The text; undefined for a `Redacted` that was wiped or that another copy of effect made. Anything else stays as it is. */
export const secretText = <A>(given: A | Redacted.Redacted): A | string | undefined =>
  Redacted.isRedacted(given) ? Result.getOrUndefined(Result.try(() => Redacted.value(given))) : given

/** True for a `Redacted` whose text cannot be read. */
export const isUnreadable = (given: unknown): boolean => Redacted.isRedacted(given) && secretText(given) === undefined
