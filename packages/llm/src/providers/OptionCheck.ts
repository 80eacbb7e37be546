/**
 * What types forbid and programs without types pass all the same: an option of another kind is a `ConfigurationError` that
 * names it, before anything is made of it. Keys and addresses have checks of their own.
 */
import * as Effect from "effect/Effect"
import * as Predicate from "effect/Predicate"
import type { LlmError } from "../model/LlmError.ts"
import * as Setting from "../settings/Setting.ts"
import type { TargetOptions } from "./ProviderOptions.ts"

const problemOf = ({ apiVersion, model, name, wireApi }: TargetOptions): readonly [string, string] | undefined => {
  for (const [option, value] of Object.entries({ apiVersion, model, name, wireApi })) {
    if (value !== undefined && !Predicate.isString(value)) return [option, "is not a text"]
  }
  // It stands in a URL or in a header.
  if (apiVersion !== undefined && apiVersion !== "" && !Setting.isHeaderValue(apiVersion)) {
    return ["apiVersion", "holds a character that no version contains; write for example 2024-10-21"]
  }
  return wireApi === undefined || ["chat", "responses"].includes(wireApi)
    ? undefined
    : ["wireApi", "is not one of chat, responses"]
}

/** Fails where an option is of the wrong kind. */
export const checked = (options: TargetOptions): Effect.Effect<void, LlmError> => {
  const problem = problemOf(options)
  return problem === undefined ? Effect.void : Effect.fail(Setting.invalid(...problem))
}
