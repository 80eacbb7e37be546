/**
 * Explicit options as settings: each stands before the variable of the same meaning, so that explicit options win over the
 * environment, and the environment over a file, by one mechanism and with one set of checks. An error of a setting that
 * was given as an option names the option.
 */
import * as ConfigProvider from "effect/ConfigProvider"
import * as Duration from "effect/Duration"
import * as Option from "effect/Option"
import * as Result from "effect/Result"
import type { GivenTarget } from "../compose/Target.ts"
import { looksLikeKey } from "../model/KeyShape.ts"
import { ConfigurationError, LlmError } from "../model/LlmError.ts"
import { suggestion } from "../model/NearestName.ts"
import { isAsked } from "../providers/Credential.ts"
import * as Registry from "../providers/Registry.ts"
import { secretText } from "../settings/SecretText.ts"
import type { ProviderVariables } from "../settings/Setting.ts"
import { type InterfaceOptions, invalidOption, type ProviderAccess } from "./InterfaceOptions.ts"

/** Options in the forms in which the stack reads them. */
export interface OptionSettings {
  /** The options that can be text, as variables. */
  readonly settings: ConfigProvider.ConfigProvider
  /** What no variable has (functions, headers), by the provider that it is for. */
  readonly given: Readonly<Record<string, GivenTarget>>
  /** An error in the words of the options: it names the option where the setting came from one. */
  readonly named: (error: LlmError) => LlmError
}

/** A duration as a setting holds it; one that cannot be read is left to the setting's own check. */
const durationText = (input: Duration.Input): string =>
  Option.match(Duration.fromInput(input), {
    onNone: () => String(input),
    onSome: (duration) => (Duration.isFinite(duration) ? `${Duration.toMillis(duration)} millis` : "Infinity"),
  })

/** The variables that no provider owns. */
const general: ProviderVariables = { apiKey: "LLM_API_KEY", apiBase: "LLM_API_BASE" }

class Reading {
  readonly variables: Record<string, string> = {}
  readonly given: Record<string, GivenTarget> = {}
  private readonly optionOf = new Map<string, string>()

  set(variable: string | undefined, option: string, value: unknown): void {
    if (variable === undefined || value === undefined) return
    this.variables[variable] = String(value)
    this.optionOf.set(variable, option)
  }

  /** A policy that is made of an option: its errors name the option. */
  name(policy: string, option: string): void {
    this.optionOf.set(policy, option)
  }

  setDuration(variable: string, option: string, value: Duration.Input | undefined): void {
    if (value !== undefined) this.set(variable, option, durationText(value))
  }

  setAccess(variables: ProviderVariables, { apiBase, apiKey, apiVersion, wireApi }: ProviderAccess, at: string): void {
    const key = isAsked(apiKey) ? undefined : secretText(apiKey)
    this.set(variables.apiKey, `${at}apiKey`, key)
    this.set(variables.apiBase, `${at}apiBase`, apiBase)
    this.set(variables.apiVersion, `${at}apiVersion`, apiVersion)
    this.set(variables.wireApi, `${at}wireApi`, wireApi)
  }

  /** The options of an access that no variable has: they stand before the settings of its provider. */
  give(provider: string, { apiKey, headers, keyHeader }: ProviderAccess): void {
    this.given[provider] = {
      ...this.given[provider],
      ...(isAsked(apiKey) ? { apiKey } : {}),
      ...(headers === undefined ? {} : { headers }),
      ...(keyHeader === undefined ? {} : { keyHeader }),
    }
  }

  readonly named = (error: LlmError): LlmError => {
    const { reason } = error
    const option = reason._tag === "ConfigurationError" ? this.optionOf.get(reason.setting) : undefined
    if (reason._tag !== "ConfigurationError" || option === undefined) return error
    const { setting } = reason
    const message = reason.message.replaceAll(`${setting}=`, `${option}: `).replaceAll(setting, option)
    return new LlmError({
      reason: new ConfigurationError({ setting: option, message }),
      provider: error.provider,
      attempts: error.attempts,
    })
  }
}

/** The first option that belongs to a provider, where it is not known to which. */
const ownerless = (options: InterfaceOptions): string | undefined =>
  (["apiKey", "keyHeader", "apiBase", "apiVersion", "wireApi", "headers"] as const).find(
    (name) => options[name] !== undefined,
  )

/**
 * Reads the options. `keyOwner` is the provider that key, base, version and headers are for: they stand before its own
 * variables too, and before no other provider's. It is absent while it is not known yet.
 */
export const read = (
  options: InterfaceOptions,
  keyOwner?: Registry.ProviderRow,
): Result.Result<OptionSettings, LlmError> => {
  const reading = new Reading()
  for (const [name, access = {}] of Object.entries(options.providers ?? {})) {
    const row = Registry.find(name)
    if (row === undefined) {
      return Result.fail(
        invalidOption(
          looksLikeKey(name) ? "providers" : `providers.${name}`,
          `there is no such provider${suggestion(name, Registry.names)}`,
        ),
      )
    }
    reading.setAccess(row.variables, access, `providers.${name}.`)
    reading.give(row.name, access)
  }
  reading.setAccess(general, options, "")
  if (keyOwner !== undefined) {
    reading.setAccess(keyOwner.variables, options, "")
    reading.give(keyOwner.name, options)
  }
  reading.set("LLM_PROVIDER", "provider", options.provider)
  reading.set("PRIMARY_MODEL", "model", options.model)
  reading.set("EMBEDDING_MODEL", "embeddingModel", options.embeddingModel)
  reading.set("LLM_TEMPERATURE", "temperature", options.temperature)
  reading.set("LLM_MAX_TOKENS", "maxTokens", options.maxTokens)
  reading.set("LLM_MAX_RETRIES", "maxRetries", options.maxRetries)
  reading.set("LLM_CONCURRENT_NUMBER", "maxConcurrentRequests", options.maxConcurrentRequests)
  reading.setDuration("LLM_TIMEOUT", "timeout", options.timeout)
  reading.setDuration("LLM_IDLE_TIMEOUT", "idleTimeout", options.idleTimeout)
  reading.setDuration("LLM_ATTEMPT_TIMEOUT", "attemptTimeout", options.attemptTimeout)
  reading.setDuration("LLM_QUEUE_TIMEOUT", "queueTimeout", options.queueTimeout)
  reading.set("WISEFLOW_LOG_LEVEL", "logLevel", options.logLevel)
  reading.set("LLM_FALLBACK_TEXT", "fallbackText", options.fallbackText)
  reading.name("withHedge", "hedge")
  reading.name("withRateLimit", "rateLimit")
  reading.name("withAdaptiveConcurrency", "adaptiveConcurrency")
  return Result.succeed({
    settings: ConfigProvider.fromEnvRecord(reading.variables),
    given: reading.given,
    named: reading.named,
  })
}

/** An option for one provider where the options do not say for which: it would reach none. */
export const withoutOwner = (options: InterfaceOptions): LlmError | undefined => {
  const option = ownerless(options)
  return option === undefined
    ? undefined
    : invalidOption(
        option,
        "it is not known which provider this is for: name it in provider, or write providers: { openai: { … } }",
      )
}
