/** What an interface may be told, and the check of the names. What the values mean is for `OptionSettings`. */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Predicate from "effect/Predicate"
import * as Redacted from "effect/Redacted"
import * as Result from "effect/Result"
import type { CallEvent } from "../call/CallEvent.ts"
import { tagsProblem } from "../call/CallOptions.ts"
import type { TrafficOptions } from "../compose/StackTraffic.ts"
import type { BalanceSettings, DeploymentOptions, DeploymentTarget } from "../compose/Deployments.ts"
import type { Target } from "../compose/Target.ts"
import { looksLikeKey } from "../model/KeyShape.ts"
import { ConfigurationError, LlmError } from "../model/LlmError.ts"
import { suggestion } from "../model/NearestName.ts"
import { durationProblem } from "../policies/DurationRange.ts"
import type { TelemetryOptions } from "../policies/telemetry/TelemetryOptions.ts"
import type { UsageLedger } from "../policies/usage/UsageLedger.ts"
import type { OwnPrices } from "../prices/OwnPrices.ts"
import type { Credential } from "../providers/Credential.ts"
import type { WireApi } from "../providers/ProviderOptions.ts"
import type { EmbeddingProviderName, ProviderName } from "../providers/Registry.ts"
import { isUnreadable, unreadable } from "../settings/SecretText.ts"
import type { Fetch, TransportOptions } from "../transport/Transport.ts"
import type { SpendingOptions } from "./Llm.ts"
import type { LogOptions } from "./LogLines.ts"
import { attempted, ownOptions } from "./OwnCopy.ts"

export type { TrafficOptions } from "../compose/StackTraffic.ts"
export type { LogLevel, LogOptions } from "./LogLines.ts"

/**
 * A further provider to ask when the first cannot answer. What it leaves open is read from `providers` and from that
 * provider's own variables; with an `apiBase` of its own it needs its own `apiKey`.
 */
export type FallbackTarget = Target
export type { BalanceSettings, DeploymentTarget }

/** What an interface tells the program, beside its answers. */
export interface ListenOptions extends LogOptions {
  /**
   * Called with every event of every call: queue, attempts, first output, retries with their waits, fallbacks, changes of
   * circuits, and the end. Nobody waits for it, and what it throws is dropped.
   */
  readonly onEvent?: ((event: CallEvent) => unknown) | undefined
  /** Keeps account of every call: tokens, cost, errors and latencies by model. Several interfaces may share one. */
  readonly usageLedger?: UsageLedger | undefined
}

/** How to reach one provider. What is left out is read from the provider's own variables. */
export interface ProviderAccess {
  /** The key, or a function (which may return a promise) or an Effect that is asked for it before each request. */
  readonly apiKey?: Credential | undefined
  /** The header that holds the key and nothing else, as in `x-api-key`, where it is not the provider's own. */
  readonly keyHeader?: string | undefined
  /** The address that requests go to, as in `https://api.openai.com/v1`. */
  readonly apiBase?: string | undefined
  /** The version of the interface, for providers that ask for one (Azure, Anthropic). */
  readonly apiVersion?: string | undefined
  /** Which of OpenAI's two interfaces is spoken: `chat` (the default) or `responses`. */
  readonly wireApi?: WireApi | undefined
  /** Headers added to every request to this provider, and to no other. */
  readonly headers?: Readonly<Record<string, string>> | undefined
}

/** A place of the program's own for answers. What it throws, and what takes longer than a quarter of a second, is a miss. */
export interface OwnCacheStore {
  /** The text under a key; null or undefined where there is none, or its time is over. */
  readonly get: (key: string) => Promise<string | null | undefined> | string | null | undefined
  /** Keeps a text under a key for a time in milliseconds, which may be Infinity. */
  readonly set: (key: string, value: string, ttlMs: number) => unknown
}

/** How answers are kept: in memory, in a folder, or in a store of the program's own. */
export interface CacheSettings {
  /** How long an answer is kept: `"1 hour"` (the default), or milliseconds as a number. */
  readonly ttl?: Duration.Input | undefined
  /** The most answers in memory. Default 1000. */
  readonly maxEntries?: number | undefined
  /** The most bytes in memory, two for each character. Default 64 MiB. */
  readonly maxBytes?: number | undefined
  /** Keeps them in this folder in place of memory, one JSON file each, beyond the end of the process. */
  readonly folder?: string | undefined
  /** Keeps them in a store of your own in place of memory. */
  readonly store?: OwnCacheStore | undefined
  /** Tells apart programs that share a folder or a store and would be answered differently. */
  readonly namespace?: string | undefined
}

/**
 * Every option is optional; what is not given is read from the environment or the configuration file. Durations are Effect's:
 * `"120 seconds"`, or milliseconds. The options of `ProviderAccess` are for the provider of `provider`, or of `model`.
 */
export interface InterfaceOptions
  extends DeploymentOptions, ListenOptions, ProviderAccess, SpendingOptions, TrafficOptions, TransportOptions {
  /** The provider; `litellm` (the default) asks the one that the model's name means, `fallback` every one with a key. */
  readonly provider?: ProviderName | "fallback" | undefined
  /** The model of requests that name none. */
  readonly model?: string | undefined
  /** The model of `embed` where a call names none; `provider/model` says which provider embeds with it. */
  readonly embeddingModel?: string | undefined
  /**
   * Access to several providers, by their names: for fallbacks, and for models named `provider/model`. Such a model goes to
   * its provider where `provider` is `litellm` (the default); any other provider is asked for the name as it stands.
   */
  readonly providers?:
    | { readonly [Name in ProviderName | EmbeddingProviderName]?: ProviderAccess | undefined }
    | undefined
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
  /** The targets to ask next where the first cannot answer. They replace `SECONDARY_MODEL` and `LLM_FALLBACK_PROVIDERS`. */
  readonly fallbacks?: ReadonlyArray<FallbackTarget> | undefined
  /** The text of last resort, where every target fails; its answer has `metadata.degraded: true`. */
  readonly fallbackText?: string | undefined
  /** Sends every request, in place of the library's own transport: any function of the shape of `fetch`. */
  readonly fetch?: Fetch | undefined
  /** The address of an HTTP proxy; `false` for none. Left out, Node follows `HTTPS_PROXY`, `HTTP_PROXY` and `NO_PROXY`. */
  readonly proxy?: TransportOptions["proxy"]
  /**
   * What spans and metrics say: which names they have, and whether what was said is in them, through a hook. `false` exports
   * nothing, whatever `OTEL_EXPORTER_OTLP_ENDPOINT` says.
   */
  readonly telemetry?: TelemetryOptions | false | undefined
  /**
   * Answers the same question from a cache, and makes one request for equal calls under way; such answers have
   * `metadata.cached`. Default false; `true` keeps up to 1000 whole answers in memory for an hour.
   */
  readonly cache?: boolean | CacheSettings | undefined
  /** Prices of your own for every provider, in place of the built-in table: rates by the names of models, or a function. */
  readonly prices?: OwnPrices | undefined
}

/** What a value must be, in words, and the check of it. Programs without types pass anything. */
interface Kind {
  readonly wanted: string
  readonly fits: (value: unknown) => boolean
}

const isText = (value: unknown): boolean => typeof value === "string" || typeof value === "number"
/** The setting's own check says what is wrong with a text, and knows an example. */
const text: Kind = { wanted: "a text", fits: isText }
const number: Kind = { wanted: "a number", fits: isText }
const limit: Kind = { wanted: "a number, 1 or more", fits: (value) => typeof value === "number" && value >= 1 }
const duration: Kind = {
  wanted: 'a duration: write for example "30 seconds", or milliseconds as a number',
  fits: (value) => isText(value) || Duration.isDuration(value) || typeof value === "bigint",
}
const record: Kind = { wanted: "a plain object", fits: (value) => Predicate.isObject(value) }
const choice: Kind = {
  wanted: "true, false or a plain object",
  fits: (value) => typeof value === "boolean" || Predicate.isObject(value),
}
const list: Kind = { wanted: "a list", fits: Array.isArray }

const accessOptions: Readonly<Record<keyof ProviderAccess, Kind>> = {
  apiKey: {
    wanted: "a text, a Redacted, an Effect or a function",
    fits: (value) =>
      typeof value === "string" || Redacted.isRedacted(value) || Effect.isEffect(value) || typeof value === "function",
  },
  keyHeader: text,
  apiBase: text,
  apiVersion: text,
  wireApi: text,
  headers: record,
}

const interfaceOptions: Readonly<Record<keyof InterfaceOptions, Kind>> = {
  provider: text,
  model: text,
  embeddingModel: text,
  ...accessOptions,
  providers: record,
  temperature: number,
  maxTokens: number,
  maxRetries: number,
  timeout: duration,
  idleTimeout: duration,
  attemptTimeout: duration,
  queueTimeout: duration,
  maxConcurrentRequests: number,
  adaptiveConcurrency: choice,
  hedge: choice,
  rateLimit: choice,
  deployments: list,
  balance: record,
  fallbacks: list,
  fallbackText: text,
  logger: { wanted: "a function, or false", fits: (value) => value === false || typeof value === "function" },
  logLevel: text,
  usageLedger: {
    wanted: "a UsageLedger",
    // By its method: who uses no ledger does not load the class.
    fits: (value) => Predicate.isObject(value) && typeof value["record"] === "function",
  },
  budget: { wanted: "a plain object or a list", fits: (value) => list.fits(value) || record.fits(value) },
  tags: {
    wanted: "at most 16 texts by their names, of at most 64 and 256 characters",
    fits: (value) => tagsProblem(value) === undefined,
  },
  onEvent: { wanted: "a function", fits: (value) => typeof value === "function" },
  fetch: { wanted: "a function", fits: (value) => typeof value === "function" },
  proxy: {
    wanted: "an address, or false",
    fits: (value) => value === false || typeof value === "string" || Redacted.isRedacted(value),
  },
  telemetry: { wanted: "a plain object, or false", fits: (value) => value === false || Predicate.isObject(value) },
  cache: choice,
  prices: { wanted: "an object or a function", fits: (value) => typeof value === "function" || record.fits(value) },
}

const cacheSettings: Readonly<Record<keyof CacheSettings, Kind>> = {
  ttl: duration,
  maxEntries: limit,
  maxBytes: limit,
  folder: { wanted: "the path of a folder", fits: (value) => typeof value === "string" && value !== "" },
  store: {
    wanted: "an object with the functions get and set",
    fits: (value) =>
      Predicate.isObject(value) && typeof value["get"] === "function" && typeof value["set"] === "function",
  },
  namespace: text,
}

/** What is wrong with an option, by its own name. */
export const invalidOption = (option: string, problem: string): LlmError =>
  new LlmError({
    reason: new ConfigurationError({ setting: option, message: `${option}: ${problem}` }),
    provider: "configuration",
    attempts: [],
  })

/** The first option that does not exist, or whose value is of a wrong kind. */
const wrongIn = (given: object, known: Readonly<Record<string, Kind>>, at: string): LlmError | undefined => {
  for (const [name, value] of Object.entries(given)) {
    const kind = Object.hasOwn(known, name) ? known[name] : undefined
    if (kind === undefined) {
      const names = Object.keys(known)
      const hint = suggestion(name, names) || `; there are ${names.join(", ")}`
      // A key that was pasted in the place of a name is not shown.
      return invalidOption(looksLikeKey(name) ? "options" : `${at}${name}`, `there is no such option${hint}`)
    }
    if (isUnreadable(value)) return invalidOption(`${at}${name}`, `it ${unreadable}`)
    if (value !== undefined && !kind.fits(value)) return invalidOption(`${at}${name}`, `it is not ${kind.wanted}`)
  }
  return undefined
}
const wrong = (options: InterfaceOptions): LlmError | undefined => {
  const own = wrongIn(options, interfaceOptions, "")
  if (own !== undefined) return own
  const { cache } = options
  if (typeof cache === "object") {
    const problem = wrongIn(cache, cacheSettings, "cache.")
    if (problem !== undefined) return problem
    const { folder, maxBytes, maxEntries, store, ttl } = cache
    const wrongTtl = ttl === undefined ? undefined : durationProblem(ttl, "above 0")
    if (wrongTtl !== undefined) return invalidOption("cache.ttl", `it ${wrongTtl}`)
    const places = [folder, store, maxEntries ?? maxBytes].filter((place) => place !== undefined)
    if (places.length > 1) return invalidOption("cache", "folder, store and limits of memory exclude each other")
  }
  for (const [name, access] of Object.entries(options.providers ?? {})) {
    if (access === undefined) continue
    const at = looksLikeKey(name) ? "providers" : `providers.${name}`
    if (!Predicate.isObject(access)) return invalidOption(at, "it is not a plain object, as in { apiKey: … }")
    const problem = wrongIn(access, accessOptions, `${at}.`)
    if (problem !== undefined) return problem
  }
  return undefined
}
/** Options as they are now, or what of them cannot be read. */
export const readGiven = <Options extends object>(options: Options): Result.Result<Options, LlmError> =>
  Result.mapError(
    attempted(() => ownOptions(options)),
    ({ path, problem }) => {
      const what = path === "" ? "the argument of LLMInterface" : "it"
      return invalidOption(path === "" || looksLikeKey(path) ? "options" : path, `${what} ${problem}`)
    },
  )

/** The options as they are now, or what is wrong with them: a later change of the object changes nothing. */
export const readOptions = (options: InterfaceOptions): Result.Result<InterfaceOptions, LlmError> =>
  Result.flatMap(readGiven(options), (own) => {
    const checked = attempted(() => wrong(own))
    const problem = Result.isFailure(checked) ? invalidOption("options", checked.failure.problem) : checked.success
    return problem === undefined ? Result.succeed(own) : Result.fail(problem)
  })
