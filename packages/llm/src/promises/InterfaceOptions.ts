/**
 * Explicit options as settings: each stands before the variable of the same meaning, so that explicit options win over the
 * environment, and the environment over a file, by one mechanism and with one set of checks.
 */
import * as ConfigProvider from "effect/ConfigProvider"
import * as Duration from "effect/Duration"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import { looksLikeKey } from "../model/KeyShape.ts"
import { ConfigurationError, LlmError } from "../model/LlmError.ts"
import type { Target } from "../compose/Target.ts"
import type { LogLine } from "./LogLines.ts"
import { quoted } from "../settings/Secrets.ts"
import type { ProviderVariables } from "../settings/Setting.ts"
import type { TransportOptions } from "../transport/Transport.ts"
import { type Credential, isAsked } from "../providers/Credential.ts"
import type { WireApi } from "../providers/ProviderOptions.ts"
import type { ProviderName, ProviderRow } from "../providers/Registry.ts"

/**
 * A further provider to ask when the first cannot answer. What it leaves open is read from that provider's own variables;
 * with an `apiBase` of its own it needs its own `apiKey`.
 */
export type FallbackTarget = Target

/** Where the log lines of an interface go, and which. */
export interface LogOptions {
  /** Gets each log line as a record, in place of stderr; `false` for none. */
  readonly logger?: ((line: LogLine) => void) | false | undefined
  /** The least severe level that is logged. Default `info`: calls that fail or need more than one attempt. */
  readonly logLevel?: LogLevel | undefined
}

/** From everything to nothing. */
export type LogLevel = "trace" | "debug" | "info" | "warn" | "warning" | "error" | "fatal" | "none"

/**
 * Every option is optional; what is not given is read from the environment or the configuration file. Durations are
 * Effect's: `"120 seconds"`, or milliseconds as a number. `fallbacks` replace `SECONDARY_MODEL` and
 * `LLM_FALLBACK_PROVIDERS`.
 */
export interface InterfaceOptions extends LogOptions, TransportOptions {
  readonly provider?: ProviderName | "fallback" | undefined
  readonly model?: string | undefined
  /** The key, or a function (which may return a promise) or an Effect that is asked for it before each request. */
  readonly apiKey?: Credential | undefined
  readonly apiBase?: string | undefined
  readonly apiVersion?: string | undefined
  /** Chat Completions (`chat`, the default) or the Responses API, for the providers that speak both. */
  readonly wireApi?: WireApi | undefined
  readonly temperature?: number | undefined
  readonly maxTokens?: number | undefined
  readonly maxRetries?: number | undefined
  readonly timeout?: Duration.Input | undefined
  readonly idleTimeout?: Duration.Input | undefined
  /** The longest time that one request may take; unset by default. */
  readonly attemptTimeout?: Duration.Input | undefined
  /** The longest wait for the first permit; unset by default. */
  readonly queueTimeout?: Duration.Input | undefined
  readonly maxConcurrentRequests?: number | undefined
  readonly fallbacks?: ReadonlyArray<FallbackTarget> | undefined
  readonly fallbackText?: string | undefined
}

const known: ReadonlySet<string> = new Set<keyof InterfaceOptions>([
  "provider",
  "model",
  "apiKey",
  "apiBase",
  "apiVersion",
  "wireApi",
  "temperature",
  "maxTokens",
  "maxRetries",
  "timeout",
  "idleTimeout",
  "attemptTimeout",
  "queueTimeout",
  "maxConcurrentRequests",
  "fallbacks",
  "fallbackText",
  "logger",
  "logLevel",
  "fetch",
  "proxy",
])

/** An option that does not exist is a mistake, not a wish to be passed over. */
export const unknownOption = (options: InterfaceOptions): LlmError | undefined => {
  const name = Object.keys(options).find((key) => !known.has(key))
  return name === undefined
    ? undefined
    : new LlmError({
        reason: new ConfigurationError({
          setting: looksLikeKey(name) ? "options" : name,
          message: `LLMInterface has no option ${quoted(name)}; it has ${[...known].join(", ")}`,
        }),
        provider: "configuration",
        attempts: [],
      })
}

/** A duration as a setting holds it; one that cannot be read is left to the setting's own check. */
const durationText = (input: Duration.Input): string =>
  Option.match(Duration.fromInput(input), {
    onNone: () => String(input),
    onSome: (duration) => (Duration.isFinite(duration) ? `${Duration.toMillis(duration)} millis` : "Infinity"),
  })

/**
 * The options as a `ConfigProvider` that knows nothing else. `keyOwner` is the provider that key, base and version are
 * for: they stand before its own variables too, and before no other provider's.
 */
export const toSettings = (options: InterfaceOptions, keyOwner?: ProviderRow): ConfigProvider.ConfigProvider => {
  const settings: Record<string, string> = {}
  const set = (name: string, value: unknown) => {
    if (value !== undefined) settings[name] = String(value)
  }
  set("LLM_PROVIDER", options.provider)
  set("PRIMARY_MODEL", options.model)
  const { apiKey } = options
  const key = Redacted.isRedacted(apiKey) ? Redacted.value(apiKey) : isAsked(apiKey) ? undefined : apiKey
  const general: ProviderVariables = { apiKey: "LLM_API_KEY", apiBase: "LLM_API_BASE" }
  for (const variables of keyOwner === undefined ? [general] : [general, keyOwner.variables]) {
    set(variables.apiKey, key)
    set(variables.apiBase, options.apiBase)
    if (variables.apiVersion !== undefined) set(variables.apiVersion, options.apiVersion)
    if (variables.wireApi !== undefined) set(variables.wireApi, options.wireApi)
  }
  set("LLM_TEMPERATURE", options.temperature)
  set("LLM_MAX_TOKENS", options.maxTokens)
  set("LLM_MAX_RETRIES", options.maxRetries)
  set("LLM_CONCURRENT_NUMBER", options.maxConcurrentRequests)
  const setDuration = (name: string, input: Duration.Input | undefined) => {
    if (input !== undefined) set(name, durationText(input))
  }
  setDuration("LLM_TIMEOUT", options.timeout)
  setDuration("LLM_IDLE_TIMEOUT", options.idleTimeout)
  setDuration("LLM_ATTEMPT_TIMEOUT", options.attemptTimeout)
  setDuration("LLM_QUEUE_TIMEOUT", options.queueTimeout)
  set("WISEFLOW_LOG_LEVEL", options.logLevel)
  set("LLM_FALLBACK_TEXT", options.fallbackText)
  return ConfigProvider.fromEnvRecord(settings)
}

/** A key that is asked for, as the key of its provider; one that is a text is a setting. */
export const givenKeys = (
  { apiKey }: InterfaceOptions,
  keyOwner: ProviderRow | undefined,
): Readonly<Record<string, Credential>> =>
  keyOwner !== undefined && isAsked(apiKey) ? { [keyOwner.name]: apiKey } : {}
