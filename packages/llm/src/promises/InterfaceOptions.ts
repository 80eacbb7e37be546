/** What an interface may be told, and the check of the names. What the values mean is for `OptionSettings`. */
import type * as Duration from "effect/Duration"
import type { Target } from "../compose/Target.ts"
import { looksLikeKey } from "../model/KeyShape.ts"
import { ConfigurationError, LlmError } from "../model/LlmError.ts"
import { suggestion } from "../model/NearestName.ts"
import type { Credential } from "../providers/Credential.ts"
import type { WireApi } from "../providers/ProviderOptions.ts"
import type { ProviderName } from "../providers/Registry.ts"
import type { Fetch, TransportOptions } from "../transport/Transport.ts"
import type { LogLine } from "./LogLines.ts"

/**
 * A further provider to ask when the first cannot answer. What it leaves open is read from `providers` and from that
 * provider's own variables; with an `apiBase` of its own it needs its own `apiKey`.
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

/** How to reach one provider. What is left out is read from the provider's own variables. */
export interface ProviderAccess {
  /** The key, or a function (which may return a promise) or an Effect that is asked for it before each request. */
  readonly apiKey?: Credential | undefined
  /** The address that requests go to, as in `https://api.openai.com/v1`. */
  readonly apiBase?: string | undefined
  /** The version of the interface, for providers that ask for one (Azure, Anthropic). */
  readonly apiVersion?: string | undefined
  /** Which of OpenAI's two interfaces is spoken: `chat` (the default) or `responses`. */
  readonly wireApi?: WireApi | undefined
  /** Headers added to every request to this provider, and to no other. */
  readonly headers?: Readonly<Record<string, string>> | undefined
}

/**
 * Every option is optional; what is not given is read from the environment or the configuration file. Durations are
 * Effect's: `"120 seconds"`, or milliseconds as a number. `apiKey`, `apiBase`, `apiVersion`, `wireApi` and `headers` are
 * for the provider that `provider` names, or that `model` means.
 */
export interface InterfaceOptions extends LogOptions, ProviderAccess, TransportOptions {
  /** The provider; `litellm` (the default) asks the one that the model's name means, `fallback` every one with a key. */
  readonly provider?: ProviderName | "fallback" | undefined
  /** The model of requests that name none. */
  readonly model?: string | undefined
  /** Access to several providers, by their names: for fallbacks, and for models named `provider/model`. */
  readonly providers?: { readonly [Name in ProviderName]?: ProviderAccess | undefined } | undefined
  /** The temperature of requests that name none. */
  readonly temperature?: number | undefined
  /** The most output tokens of requests that name none. */
  readonly maxTokens?: number | undefined
  /** Retries after the first attempt, per target. Default 3. */
  readonly maxRetries?: number | undefined
  /** A call's deadline, from its first permit to its end, retries and fallbacks included. Default 10 minutes. */
  readonly timeout?: Duration.Input | undefined
  /** The longest silence inside a stream. Default 2 minutes. */
  readonly idleTimeout?: Duration.Input | undefined
  /** The longest time that one request may take; unset by default. */
  readonly attemptTimeout?: Duration.Input | undefined
  /** The longest wait for the first permit; unset by default. */
  readonly queueTimeout?: Duration.Input | undefined
  /** Requests in flight at once; the others wait their turn. Default 5. */
  readonly maxConcurrentRequests?: number | undefined
  /** Who is asked next where the first cannot answer. They replace `SECONDARY_MODEL` and `LLM_FALLBACK_PROVIDERS`. */
  readonly fallbacks?: ReadonlyArray<FallbackTarget> | undefined
  /** The text of last resort, where every target fails; its answer has `metadata.degraded: true`. */
  readonly fallbackText?: string | undefined
  /** Sends every request, in place of the library's own transport: any function of the shape of `fetch`. */
  readonly fetch?: Fetch | undefined
  /** The address of an HTTP proxy; `false` for none. Left out, Node follows `HTTPS_PROXY`, `HTTP_PROXY` and `NO_PROXY`. */
  readonly proxy?: TransportOptions["proxy"]
}

const accessOptions: Readonly<Record<keyof ProviderAccess, true>> = {
  apiKey: true,
  apiBase: true,
  apiVersion: true,
  wireApi: true,
  headers: true,
}

const interfaceOptions: Readonly<Record<keyof InterfaceOptions, true>> = {
  provider: true,
  model: true,
  ...accessOptions,
  providers: true,
  temperature: true,
  maxTokens: true,
  maxRetries: true,
  timeout: true,
  idleTimeout: true,
  attemptTimeout: true,
  queueTimeout: true,
  maxConcurrentRequests: true,
  fallbacks: true,
  fallbackText: true,
  logger: true,
  logLevel: true,
  fetch: true,
  proxy: true,
}

/** What is wrong with an option, by its own name. */
export const invalidOption = (option: string, problem: string): LlmError =>
  new LlmError({
    reason: new ConfigurationError({ setting: option, message: `${option}: ${problem}` }),
    provider: "configuration",
    attempts: [],
  })

const unknownIn = (given: object, known: object, at: string): LlmError | undefined => {
  const name = Object.keys(given).find((key) => !Object.hasOwn(known, key))
  if (name === undefined) return undefined
  const names = Object.keys(known)
  // A key that was pasted in the place of a name is not shown.
  return invalidOption(
    looksLikeKey(name) ? "options" : `${at}${name}`,
    `there is no such option${suggestion(name, names) || `; there are ${names.join(", ")}`}`,
  )
}

/** Unknown options are rejected. */
export const unknownOption = (options: InterfaceOptions): LlmError | undefined => {
  const own = unknownIn(options, interfaceOptions, "")
  if (own !== undefined) return own
  for (const [name, access] of Object.entries(options.providers ?? {})) {
    const problem = access === undefined ? undefined : unknownIn(access, accessOptions, `providers.${name}.`)
    if (problem !== undefined) return problem
  }
  return undefined
}
