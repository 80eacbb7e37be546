/**
 * Reading one setting, with an error that a person can act on: which variable, what was wrong, what to write. Nothing is
 * guessed and nothing is replaced; an empty variable counts as not set, as in every shell script.
 */
import * as Config from "effect/Config"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import { ConfigurationError, LlmError } from "../model/LlmError.ts"

/** The error of a setting. */
export const invalid = (setting: string, message: string): LlmError =>
  new LlmError({
    reason: new ConfigurationError({ setting, message: `${setting}: ${message}` }),
    provider: "configuration",
    attempts: [],
  })

/** A text, or undefined where the variable is not set. */
export const text = (name: string): Effect.Effect<string | undefined, LlmError> =>
  Effect.mapBoth(Config.option(Config.String(name)), {
    onSuccess: (value) => Option.getOrUndefined(value)?.trim() || undefined,
    onFailure: (error) => invalid(name, `cannot be read: ${error.message}`),
  })

/** A secret. White space around it (a line end from a file) is not part of it; inside it, it is an error. */
export const secret = (name: string): Effect.Effect<Redacted.Redacted | undefined, LlmError> =>
  Effect.flatMap(text(name), (value) => {
    if (value === undefined) return Effect.succeed(undefined)
    return isHeaderValue(value)
      ? Effect.succeed(Redacted.make(value, { label: name }))
      : Effect.fail(invalid(name, "holds a space, a line end or another character that no key contains; copy it again"))
  })

/** True for text that can stand in an HTTP header as a credential. */
export const isHeaderValue = (value: string): boolean => /^[\x21-\x7e]+$/.test(value)

/** A number that passes `accepts`; `example` is shown where it does not. */
const number =
  (accepts: (value: number) => boolean, wanted: string) =>
  (name: string, example: string): Effect.Effect<number | undefined, LlmError> =>
    Effect.flatMap(text(name), (value) => {
      if (value === undefined) return Effect.succeed(undefined)
      const parsed = Number(value)
      return Number.isFinite(parsed) && accepts(parsed)
        ? Effect.succeed(parsed)
        : Effect.fail(invalid(name, `"${value}" is not ${wanted}; write for example ${name}=${example}`))
    })

export const positiveInteger = number((value) => Number.isInteger(value) && value > 0, "a whole number above 0")
export const count = number((value) => Number.isInteger(value) && value >= 0, "a whole number of 0 or more")
export const finite = number(() => true, "a number")

/** A duration: `30 seconds`, `10 minutes`, or a bare number of milliseconds; above 0. */
export const duration = (name: string, example: string): Effect.Effect<Duration.Duration | undefined, LlmError> =>
  Effect.flatMap(text(name), (value) => {
    if (value === undefined) return Effect.succeed(undefined)
    const parsed = parseDuration(value)
    return parsed !== undefined && Duration.toMillis(parsed) > 0
      ? Effect.succeed(parsed)
      : Effect.fail(
          invalid(
            name,
            `"${value}" is not a duration above 0; write for example ${name}="${example}", or a number of milliseconds`,
          ),
        )
  })

const parseDuration = (value: string): Duration.Duration | undefined => {
  if (value.toLowerCase() === "infinity") return Duration.infinity
  if (/^\d+(\.\d+)?$/.test(value)) return Duration.millis(Number(value))
  const unit = /^(\d+(?:\.\d+)?)\s*(ms|s|sec|secs|m|min|mins|h|hours?|minutes?|seconds?|millis|days?)$/i.exec(value)
  if (unit === null) return undefined
  const names: Record<string, number> = { ms: 1, millis: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 }
  const name = (unit[2] ?? "").toLowerCase()
  return Duration.millis(Number(unit[1]) * (names[name] ?? names[name.charAt(0)] ?? 1))
}

/** One of a few words. */
export const oneOf = <const Words extends ReadonlyArray<string>>(
  name: string,
  words: Words,
): Effect.Effect<Words[number] | undefined, LlmError> =>
  Effect.flatMap(text(name), (value) => {
    if (value === undefined) return Effect.succeed(undefined)
    const word = words.find((known) => known === value.toLowerCase())
    return word === undefined
      ? Effect.fail(
          invalid(name, `"${value}" is not one of ${words.join(", ")}; write for example ${name}=${words[0]}`),
        )
      : Effect.succeed(word)
  })

/** The settings that one provider reads under its own names. */
export interface ProviderVariables {
  readonly apiKey: string
  readonly apiBase: string
  readonly apiVersion?: string
}

/** What a provider was given, wherever it came from. */
export interface ProviderSettings {
  readonly apiKey: Redacted.Redacted | undefined
  readonly apiBase: string | undefined
  readonly apiVersion: string | undefined
}

/**
 * A provider's own variables. `LLM_API_KEY` and `LLM_API_BASE` stand in for those that are not set, but only for the
 * chosen provider: one provider's key is never sent to another.
 */
export const provider = (variables: ProviderVariables, isChosen: boolean): Effect.Effect<ProviderSettings, LlmError> =>
  Effect.gen(function* () {
    const apiKey = (yield* secret(variables.apiKey)) ?? (isChosen ? yield* secret("LLM_API_KEY") : undefined)
    const apiBase = (yield* text(variables.apiBase)) ?? (isChosen ? yield* text("LLM_API_BASE") : undefined)
    const apiVersion = variables.apiVersion === undefined ? undefined : yield* text(variables.apiVersion)
    return { apiKey, apiBase, apiVersion }
  })
