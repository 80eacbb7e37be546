/** What every provider takes, and the one check of a key before it becomes a header. */
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import type { LlmError } from "../model/LlmError.ts"
import type { ModelCapabilities } from "../protocols/encoding/ModelCapabilities.ts"
import * as Setting from "../settings/Setting.ts"

/**
 * How to reach a provider. `apiKey` is a `Redacted`, or a plain string for a script that wants no ceremony; `model` is the
 * default for requests that name none; `headers` are added to every request; `capabilities` overrides what the model's
 * name says it accepts (an Azure deployment's name says nothing).
 */
export interface ProviderOptions {
  readonly apiKey?: Redacted.Redacted | string | undefined
  readonly apiBase?: string | undefined
  readonly model?: string | undefined
  readonly headers?: Readonly<Record<string, string>> | undefined
  readonly capabilities?: Partial<ModelCapabilities> | undefined
}

/** The key as text. Fails with `ConfigurationError` where it is missing or cannot stand in a header. */
export const usableKey = (
  setting: string,
  key: Redacted.Redacted | string | undefined,
  example: string,
): Effect.Effect<string, LlmError> => {
  const value = (Redacted.isRedacted(key) ? Redacted.value(key) : key)?.trim()
  if (value === undefined || value === "") {
    return Effect.fail(Setting.invalid(setting, `is not set; write for example ${setting}=${example}`))
  }
  return Setting.isHeaderValue(value)
    ? Effect.succeed(value)
    : Effect.fail(Setting.invalid(setting, "holds a character that no key contains; copy it again"))
}
