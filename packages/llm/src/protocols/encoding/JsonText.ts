/**
 * JSON as it goes onto a wire. Text that is not well-formed Unicode (a cut emoji) is repaired there: no provider can read
 * half a character. It knows no wire format.
 */
import * as Result from "effect/Result"
import { jsonProblem, saidBy } from "../../model/JsonCopy.ts"
import { InvalidRequestError } from "../../model/LlmError.ts"

/** What stands in for half a character: U+FFFD, as in `String.prototype.toWellFormed`. */
const replacement = "\uFFFD"

/** True for text that holds half a character. */
export const isCut = (text: string): boolean => /\p{Surrogate}/u.test(text)

/** JSON text without halves of characters: `JSON.stringify` writes each as an escape, and whole characters as they are. */
const repaired = (json: string): string =>
  json.includes("\\ud")
    ? json.replaceAll(/\\(?:u(d[89a-f][0-9a-f]{2})|.)/g, (escape, half?: string) =>
        half === undefined ? escape : replacement,
      )
    : json

/** JSON text, and whether something of it had to be repaired. */
export interface JsonText {
  readonly text: string
  readonly isRepaired: boolean
}

/** The text of a value that JSON can hold. */
export const jsonText = (value: unknown): JsonText => {
  const json = JSON.stringify(value ?? null)
  const text = repaired(json)
  return { text, isRepaired: text !== json }
}

/** What is said of a repair, in the warnings of the call. */
export const repairWarning = "text that is not well-formed Unicode was repaired: half a character became U+FFFD"

/** A body as text, or the field of it that JSON cannot hold. */
export const bodyText = (body: object): Result.Result<JsonText, InvalidRequestError> => {
  try {
    return Result.succeed(jsonText(body))
  } catch (thrown) {
    const found = jsonProblem(body, "")
    const problem = found?.problem ?? `cannot be read: ${saidBy(thrown)}`
    const parameter = found?.path ?? ""
    return Result.fail(
      new InvalidRequestError({
        message: `invalid request: ${parameter === "" ? "it" : parameter} ${problem}`,
        ...(parameter === "" ? {} : { parameter }),
      }),
    )
  }
}
