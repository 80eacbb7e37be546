/**
 * The door: a request enters as unknown data and leaves as an `LlmRequest` or as an `InvalidRequestError` that names the
 * field, before anything is sent (law 20). Misspelt fields are refused too: one that is silently ignored is a lost setting.
 */
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import { InvalidRequestError } from "./LlmError.ts"
import { LlmRequest } from "./LlmRequest.ts"
import { compile } from "#schema-compiler"

// Every call passes here: compiled, the check costs a third.
compile(LlmRequest)

const decode = Schema.decodeUnknownResult(LlmRequest, { onExcessProperty: "error" })

/** `["messages"][0]["content"]` as a person would write it: `messages[0].content`. */
const readablePath = (path: string): string =>
  path.replaceAll(/\["((?:[^"\\]|\\.)*)"\]/g, (_, key: string) => `.${key}`).replace(/^\./, "")

const invalid = (description: string): InvalidRequestError => {
  const [problem = "", at] = description.split(/\n\s*at /)
  const parameter = at === undefined ? "" : readablePath(at.trim())
  return new InvalidRequestError({
    message: parameter === "" ? `invalid request: ${problem}` : `invalid request: ${problem} at ${parameter}`,
    ...(parameter === "" ? {} : { parameter }),
  })
}

/** Accepts a plain object as a request, or says which field is wrong. */
export const validateRequest = (input: unknown): Result.Result<LlmRequest, InvalidRequestError> =>
  Result.mapError(decode(input), (error) => invalid(error.message))
