/**
 * The key of a provider: a text, or something that is asked for it before each request, so that it can be rotated. A key
 * that was asked for is not kept.
 */
import * as Effect from "effect/Effect"
import * as Predicate from "effect/Predicate"
import type * as Redacted from "effect/Redacted"
import { AuthenticationError, type LlmError, type LlmErrorReason } from "../model/LlmError.ts"
import { isUnreadable, secretText, unreadable } from "../settings/SecretText.ts"
import * as Setting from "../settings/Setting.ts"

/** A key as text. */
export type Key = string | Redacted.Redacted

/**
 * A key, or what gives it: an Effect or a function (which may return a promise) is run before each request. When it fails,
 * or gives something that cannot stand in a header, the call fails with `AuthenticationError` and nothing is sent.
 */
export type Credential = Key | Effect.Effect<Key, unknown> | (() => Key | Promise<Key>)

/** True for a credential that is asked before each request. */
export const isAsked = (credential: Credential | undefined): credential is Exclude<Credential, Key> =>
  typeof credential === "function" || Effect.isEffect(credential)

/** Where a key goes, and how it is called in errors. */
export interface CredentialUse {
  /** The variable or the option that an error names. */
  readonly setting: string
  /** A key as an error shows it. */
  readonly example: string
  /** The header that holds the key and nothing else; undefined for `Authorization: Bearer …`. */
  readonly keyHeader: string | undefined
  /** What else a request carries. None of them replaces the key. */
  readonly headers: Readonly<Record<string, string>> | undefined
}

/** What an endpoint needs of a credential. */
export interface Authorization {
  /** The headers of a request; run before each one. */
  readonly headers: Effect.Effect<Readonly<Record<string, string>>, LlmErrorReason>
  /** For a key that is asked for: true where asking again gives another key than `sent` has, after that was refused. */
  readonly isRenewed?: (sent: Readonly<Record<string, string | undefined>>) => Effect.Effect<boolean>
}

/** Headers with a credential. Fails with `ConfigurationError` where a key that is a text is missing or malformed. */
export const authorization = (
  credential: Credential | undefined,
  use: CredentialUse,
): Effect.Effect<Authorization, LlmError> => {
  const { keyHeader } = use
  // Names of headers differ in their case alone: what is sent has them in lower case.
  const name = keyHeader?.toLowerCase() ?? "authorization"
  const valueOf = (key: string): string => (keyHeader === undefined ? `Bearer ${key}` : key)
  const others = Object.fromEntries(
    Object.entries({ ...use.headers }).filter(([other]) => other.toLowerCase() !== name),
  )
  const headersOf = (key: string): Readonly<Record<string, string>> => ({ ...others, [name]: valueOf(key) })
  if (!isAsked(credential)) {
    return Effect.map(usableKey(credential, use), (key) => ({ headers: Effect.succeed(headersOf(key)) }))
  }
  const asked = ask(credential, use.setting)
  return Effect.succeed({
    headers: Effect.map(asked, headersOf),
    isRenewed: (sent) =>
      Effect.match(asked, { onFailure: () => false, onSuccess: (key) => sent[name] !== valueOf(key) }),
  })
}

/** The key as text. Fails with `ConfigurationError` where it is missing or cannot stand in a header. */
const usableKey = (key: Key | undefined, { example, setting }: CredentialUse): Effect.Effect<string, LlmError> => {
  if (isUnreadable(key)) return Effect.fail(Setting.invalid(setting, unreadable))
  const given: unknown = secretText(key)
  // Programs without types may pass anything.
  if (given !== undefined && !Predicate.isString(given)) return Effect.fail(Setting.invalid(setting, "is not a text"))
  const value = given?.trim()
  if (value === undefined || value === "") {
    return Effect.fail(Setting.invalid(setting, `is not set; write for example ${setting}=${example}`))
  }
  return Setting.isHeaderValue(value)
    ? Effect.succeed(value)
    : Effect.fail(Setting.invalid(setting, "holds a character that no key contains; copy it again"))
}

const ask = (credential: Exclude<Credential, Key>, setting: string): Effect.Effect<string, LlmErrorReason> => {
  // What it failed with may quote a key.
  const failed = () =>
    new AuthenticationError({ message: `${setting}: what gives the key failed; no request was sent` })
  const given = Effect.isEffect(credential)
    ? Effect.mapError(credential, failed)
    : Effect.tryPromise({ try: async () => credential(), catch: failed })
  return Effect.flatMap(given, (key) => {
    const value: unknown = secretText(key)
    const trimmed = typeof value === "string" ? value.trim() : ""
    return Setting.isHeaderValue(trimmed)
      ? Effect.succeed(trimmed)
      : Effect.fail(
          new AuthenticationError({ message: `${setting}: what gives the key gave something that is not a key` }),
        )
  })
}
