/**
 * Reading one setting, with an error that a person can act on: which variable, what was wrong, what to write. Nothing is
 * guessed and nothing is replaced; an empty variable counts as not set, as in every shell script.
 */
import * as Config from "effect/Config"
import * as ConfigProvider from "effect/ConfigProvider"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as Result from "effect/Result"
import { looksLikeKey } from "../model/KeyShape.ts"
import { ConfigurationError, isLlmError, LlmError } from "../model/LlmError.ts"
import { quotedWord } from "./Secrets.ts"

/** The error of a setting. */
export const invalid = (setting: string, message: string): LlmError =>
  new LlmError({
    reason: new ConfigurationError({ setting, message: `${setting}: ${message}` }),
    provider: "configuration",
    attempts: [],
  })

/** A variable, or several that mean the same: the first one that is set counts. Ours come first, then those of others. */
export type Names = string | readonly [string, ...ReadonlyArray<string>]

/** Every name of a setting. */
export const namesOf = (names: Names): ReadonlyArray<string> => (typeof names === "string" ? [names] : names)

/** The name by which a setting is known in errors and docs. */
export const nameOf = (names: Names): string => (typeof names === "string" ? names : names[0])

/** Makes a value of a text, or says what is wrong with it. `name` is the variable that holds it. */
export type Reader<A> = (value: string, name: string) => Result.Result<A, string>

/**
 * One setting as a `Config`, undefined where it is not set: it composes with Effect's own (`Config.nested`, `Config.all`).
 * `read` runs it with this library's error.
 */
export type Setting<A> = Config.Config<A | undefined>

/** The setting under these names. */
export const make = <A>(names: Names, reader: Reader<A>): Setting<A> => {
  const all = namesOf(names)
  return Config.mapEffect(Config.all(all.map((name) => Config.option(Config.String(name)))), (found) => {
    const values = found.map((value) => Option.getOrElse(value, () => "").trim())
    const index = values.findIndex((value) => value !== "")
    const name = all[index]
    if (name === undefined) return Effect.succeed(undefined)
    return Result.match(reader(values[index] ?? "", name), {
      onSuccess: (value) => Effect.succeed(value),
      onFailure: (message) => {
        const cause = invalid(name, message)
        return Effect.fail(new Config.ConfigError(new ConfigProvider.SourceError({ message: cause.message, cause })))
      },
    })
  })
}

/** The value of a setting by the `ConfigProvider` in force; `name` is told where the provider itself fails. */
export const read = <A>(setting: Config.Config<A>, name = "configuration"): Effect.Effect<A, LlmError> =>
  Effect.mapError(setting, ({ cause, message }) =>
    cause._tag === "SourceError" && isLlmError(cause.cause)
      ? cause.cause
      : invalid(name, `cannot be read: ${quotedMessage(message)}`),
  )

const quotedMessage = (message: string): string => (looksLikeKey(message) ? "its source failed" : message.slice(0, 200))

/** A reader of settings by their names. */
const reading =
  <A>(reader: Reader<A>) =>
  (names: Names): Effect.Effect<A | undefined, LlmError> =>
    read(make(names, reader), nameOf(names))

/** A text, or undefined where the variable is not set. */
export const text = reading(Result.succeed)

/** True for text that can stand in an HTTP header as a credential. */
export const isHeaderValue = (value: string): boolean => /^[\x21-\x7e]+$/.test(value)

/** True for the name of an HTTP header: a token (RFC 9110 section 5.6.2). */
export const isHeaderName = (name: string): boolean => /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/.test(name)

/** Reads a secret. White space around it (a line end from a file) is not part of it; inside it, it is an error. */
export const secretReader: Reader<Redacted.Redacted> = (value, name) =>
  isHeaderValue(value)
    ? Result.succeed(Redacted.make(value, { label: name }))
    : Result.fail("holds a space, a line end or another character that no key contains; copy it again")

export const secret = reading(secretReader)

/** Reads a decimal number that passes `accepts`; `example` is shown where it does not. */
export const numberReader =
  (accepts: (value: number) => boolean, wanted: string, example: string): Reader<number> =>
  (value, name) => {
    const parsed = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?$/i.test(value) ? Number(value) : Number.NaN
    return Number.isFinite(parsed) && accepts(parsed)
      ? Result.succeed(parsed)
      : Result.fail(`${quotedWord(value)} is not ${wanted}; write for example ${name}=${example}`)
  }

const number = (accepts: (value: number) => boolean, wanted: string) => (names: Names, example: string) =>
  reading(numberReader(accepts, wanted, example))(names)

export const positiveInteger = number((value) => Number.isSafeInteger(value) && value > 0, "a whole number above 0")
export const count = number((value) => Number.isSafeInteger(value) && value >= 0, "a whole number of 0 or more")
export const finite = number(() => true, "a number")

/**
 * Reads a duration above 0 with its unit: `30 seconds`, `10 minutes`, `Infinity`. A bare number is refused, because writers
 * of one mean seconds as often as milliseconds.
 */
export const durationReader =
  (example: string): Reader<Duration.Duration> =>
  (value, name) => {
    if (/^\d+(?:\.\d+)?$/.test(value) && value.length <= 15 && Number(value) > 0) {
      return Result.fail(
        `${quotedWord(value)} has no unit; write for example ${name}="${value} seconds" or ${name}="${value} millis"`,
      )
    }
    const parsed = parseDuration(value)
    return parsed !== undefined && Duration.toMillis(parsed) > 0
      ? Result.succeed(parsed)
      : Result.fail(`${quotedWord(value)} is not a duration above 0; write for example ${name}="${example}"`)
  }

export const duration = (names: Names, example: string) => reading(durationReader(example))(names)

const unitMs: Readonly<Record<string, number>> = { s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 }

const parseDuration = (value: string): Duration.Duration | undefined => {
  if (value.toLowerCase() === "infinity") return Duration.infinity
  const found =
    /^(\d+(?:\.\d+)?)\s*(?:(ms|msecs?|millis|milliseconds?)|(s|secs?|seconds?|m|mins?|minutes?|h|hrs?|hours?|d|days?))$/i.exec(
      value,
    )
  if (found === null) return undefined
  return Duration.millis(Number(found[1]) * (unitMs[(found[3] ?? "").charAt(0).toLowerCase()] ?? 1))
}

/** Reads one of a few words, in either case. */
export const wordReader =
  <const Words extends ReadonlyArray<string>>(words: Words): Reader<Words[number]> =>
  (value, name) => {
    const word = words.find((known) => known === value.toLowerCase())
    return word === undefined
      ? Result.fail(`${quotedWord(value)} is not one of ${words.join(", ")}; write for example ${name}=${words[0]}`)
      : Result.succeed(word)
  }

export const oneOf = <const Words extends ReadonlyArray<string>>(names: Names, words: Words) =>
  reading(wordReader(words))(names)

/** Reads which of OpenAI's two interfaces is spoken: Chat Completions or Responses. */
export const wireApiReader = wordReader(["chat", "responses"])
export const wireApi = reading(wireApiReader)

/** The settings that one provider reads under its own names. */
export interface ProviderVariables {
  readonly apiKey: string
  readonly apiBase: string
  readonly apiVersion?: string
  readonly wireApi?: string
  /** What other libraries call the same: read where ours are not set. */
  readonly neighbours?: { readonly apiKey?: string; readonly apiBase?: string; readonly apiVersion?: string }
}

const withNeighbour = (own: string, neighbour: string | undefined): Names =>
  neighbour === undefined ? own : [own, neighbour]

/** What a provider was given, wherever it came from. */
export interface ProviderSettings {
  readonly apiKey: Redacted.Redacted | undefined
  readonly apiBase: string | undefined
  readonly apiVersion: string | undefined
  readonly wireApi: "chat" | "responses" | undefined
}

/**
 * A provider's own variables. `LLM_API_KEY` and `LLM_API_BASE` stand in for those that are not set, but only for the
 * chosen provider: one provider's key is never sent to another.
 */
export const provider = (variables: ProviderVariables, isChosen: boolean): Effect.Effect<ProviderSettings, LlmError> =>
  Effect.gen(function* () {
    const { apiVersion, neighbours, wireApi: api } = variables
    const key = withNeighbour(variables.apiKey, neighbours?.apiKey)
    const base = withNeighbour(variables.apiBase, neighbours?.apiBase)
    return {
      apiKey: (yield* secret(key)) ?? (isChosen ? yield* secret("LLM_API_KEY") : undefined),
      apiBase: (yield* text(base)) ?? (isChosen ? yield* text("LLM_API_BASE") : undefined),
      apiVersion: apiVersion === undefined ? undefined : yield* text(withNeighbour(apiVersion, neighbours?.apiVersion)),
      wireApi: api === undefined ? undefined : yield* wireApi(api),
    }
  })
