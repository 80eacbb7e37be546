/**
 * The whole configuration of a stack, read from Effect's `ConfigProvider` (the environment by default). Every setting is
 * checked here, before anything is built; what is missing or malformed is a `ConfigurationError` that names the variable,
 * and nothing is replaced in silence by another provider or a canned answer.
 */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Predicate from "effect/Predicate"
import type { LlmError } from "../model/LlmError.ts"
import type { CacheOptions } from "../policies/cache/Cache.ts"
import { quoted } from "../settings/Secrets.ts"
import * as Setting from "../settings/Setting.ts"
import * as Registry from "../providers/Registry.ts"
import * as Policies from "#traffic-policies"
import * as Deployments from "./Deployments.ts"
import { bareModel, routeOf } from "./ModelRoute.ts"
import type { TransportOptions } from "../transport/Transport.ts"
import type { TrafficOptions } from "./StackTraffic.ts"
import { isConfigured, readTarget, rowOf, type Target } from "./Target.ts"

/** A stack's configuration. `targets` are tried in order; one without a provider of its own routes by model. */
export interface LlmConfig extends TrafficOptions {
  /** The targets, in the order in which they are asked. */
  readonly targets: readonly [Target, ...Array<Target>]
  /** What stands for the first target: several deployments of the primary model. */
  readonly deployments?: Deployments.Deployments | undefined
  /** Requests in flight at once. */
  readonly concurrency: number
  /** Retries after the first attempt, per target. */
  readonly maxRetries: number
  /** The call's deadline, over retries and fallbacks. */
  readonly timeout: Duration.Input
  /** The longest silence inside a stream. */
  readonly idleTimeout: Duration.Input
  /** The longest wait for a stream's first output. */
  readonly firstOutputTimeout: Duration.Input | undefined
  /** The longest time that one request may take. */
  readonly attemptTimeout?: Duration.Input | undefined
  /** The longest wait for the first permit. */
  readonly queueTimeout?: Duration.Input | undefined
  /** The temperature of requests that name none. */
  readonly temperature: number | undefined
  /** The most output tokens of requests that name none. */
  readonly maxTokens: number | undefined
  /** The text of last resort, where every target fails. */
  readonly fallbackText: string | undefined
  /** The default model of embeddings. */
  readonly embeddingModel?: string | undefined
  /** Answers the same question from a store. Default: every call makes a request. */
  readonly cache?: CacheOptions | undefined
}

/** The defaults of everything that has one. */
export const defaults = {
  concurrency: 5,
  maxRetries: 3,
  timeout: Duration.minutes(10),
  idleTimeout: Duration.minutes(2),
}

/** What `LLM_PROVIDER` may say beside the name of a provider: all that have a key, one after the other. */
const everyProvider = "fallback"

/** What `LLM_PROVIDER` means where it is not set. */
const defaultProvider = "litellm"

/** Every value of `LLM_PROVIDER`. */
export const providerChoices: ReadonlyArray<string> = [
  ...Registry.rows.flatMap(({ aliases, name }) => [name, ...aliases]),
  everyProvider,
]

/** The provider that `LLM_PROVIDER` names, or undefined where it means every one that has a key. */
const chosenRow: Effect.Effect<Registry.ProviderRow | undefined, LlmError> = Effect.gen(function* () {
  const chosen = (yield* Setting.oneOf("LLM_PROVIDER", providerChoices)) ?? defaultProvider
  return chosen === everyProvider ? undefined : yield* rowOf("LLM_PROVIDER", chosen)
})

/** Reads every setting of the README's table from the `ConfigProvider` in force. */
export const read: Effect.Effect<LlmConfig, LlmError> = Effect.gen(function* () {
  const idleTimeout = yield* Setting.duration("LLM_IDLE_TIMEOUT", "2 minutes")
  const deployments = (yield* Deployments.isAsked)
    ? yield* (yield* Policies.deployments())(yield* chosenRow, yield* Setting.text("PRIMARY_MODEL"))
    : undefined
  return {
    targets: yield* readTargets(deployments),
    deployments,
    concurrency: (yield* Setting.positiveInteger("LLM_CONCURRENT_NUMBER", "5")) ?? concurrencyOf(deployments),
    maxRetries: (yield* Setting.count("LLM_MAX_RETRIES", "3")) ?? defaults.maxRetries,
    timeout: (yield* Setting.duration("LLM_TIMEOUT", "10 minutes")) ?? defaults.timeout,
    idleTimeout: idleTimeout ?? defaults.idleTimeout,
    // A silence that was set bounds the wait for the first piece too; the default leaves room for reasoning.
    firstOutputTimeout: idleTimeout,
    attemptTimeout: yield* Setting.duration("LLM_ATTEMPT_TIMEOUT", "1 minute"),
    queueTimeout: yield* Setting.duration("LLM_QUEUE_TIMEOUT", "30 seconds"),
    temperature: yield* Setting.finite("LLM_TEMPERATURE", "0.7"),
    maxTokens: yield* Setting.positiveInteger("LLM_MAX_TOKENS", "1000"),
    fallbackText: yield* Setting.text("LLM_FALLBACK_TEXT"),
    embeddingModel: yield* Setting.text("EMBEDDING_MODEL"),
  }
})

/** As many as all deployments may have in flight, each the default where it does not say. */
const concurrencyOf = (deployments: Deployments.Deployments | undefined): number =>
  deployments === undefined
    ? defaults.concurrency
    : deployments.all.reduce((sum, { concurrency = defaults.concurrency }) => sum + concurrency, 0)

/** The provider that `LLM_API_KEY` belongs to: the chosen one, or where that is many, the one that the model means. */
export const keyOwner: Effect.Effect<Registry.ProviderRow | undefined, LlmError> = Effect.gen(function* () {
  const chosen = yield* chosenRow
  if (chosen !== undefined && (!chosen.isRouter || isConfigured(yield* readTarget(chosen, undefined, true))))
    return chosen
  const model = yield* Setting.text("PRIMARY_MODEL")
  return (model === undefined ? undefined : routeOf(model)?.row) ?? chosen
})

/** The chosen provider's targets, then those to fall back to. */
const readTargets = Effect.fnUntraced(function* (deployments: Deployments.Deployments | undefined) {
  const chosen = yield* chosenRow
  const primaryModel = yield* Setting.text("PRIMARY_MODEL")
  const secondaryModel = yield* Setting.text("SECONDARY_MODEL")
  const fallbackProviders = yield* Setting.text("LLM_FALLBACK_PROVIDERS")
  const configured = chosen === undefined ? yield* configuredTargets(primaryModel) : []

  const primary =
    deployments !== undefined
      ? deployments.all[0].target
      : chosen === undefined
        ? yield* firstOf(configured, primaryModel)
        : yield* readTarget(chosen, primaryModel, true)
  const targets: [Target, ...Array<Target>] = [primary]
  if (secondaryModel !== undefined) targets.push(yield* secondaryTarget(primary, secondaryModel))
  if (fallbackProviders !== undefined) targets.push(...(yield* namedTargets(fallbackProviders, primaryModel)))
  else if (chosen === undefined) {
    targets.push(...others(configured, [...targets, ...(deployments?.all ?? []).map(({ target }) => target)]))
  }
  return targets
})

/** What a provider is asked for where nothing names a model of its own. */
const modelAt = (row: Registry.ProviderRow, primaryModel: string | undefined): string | undefined =>
  row.fallbackModel ?? (primaryModel === undefined ? undefined : bareModel(primaryModel))

/** Every provider with a key, in the order in which they are tried. */
const configuredTargets = (primaryModel: string | undefined): Effect.Effect<ReadonlyArray<Target>, LlmError> =>
  Effect.map(
    Effect.forEach(Registry.rows, (row) => readTarget(row, modelAt(row, primaryModel), false)),
    (targets) => targets.filter(isConfigured),
  )

/** For `LLM_PROVIDER=fallback`: the provider that the primary model names, else the first that has a key. */
const firstOf = (
  configured: ReadonlyArray<Target>,
  primaryModel: string | undefined,
): Effect.Effect<Target, LlmError> => {
  const route = primaryModel === undefined ? undefined : routeOf(primaryModel)
  const target = configured.find(({ provider }) => provider === route?.row.name) ?? configured[0]
  if (target !== undefined) {
    return Effect.succeed({
      ...target,
      model: target.provider === route?.row.name ? route.model : (primaryModel ?? target.model),
    })
  }
  const message =
    "no provider has a key: set OPENAI_API_KEY, ANTHROPIC_API_KEY, AZURE_API_KEY with AZURE_API_BASE, or LITELLM_PROXY_API_BASE"
  return Effect.fail(Setting.invalid("LLM_PROVIDER", message))
}

/** The secondary model, at its own provider where it names one, else at the primary's. */
const secondaryTarget = (primary: Target, id: string): Effect.Effect<Target, LlmError> => {
  const route = routeOf(id)
  const row = Registry.find(primary.provider)
  const atPrimary: Target = { ...primary, model: id }
  // A proxy, and routing in process, read `provider/model` themselves.
  if (route === undefined || row?.isRouter === true) return Effect.succeed(atPrimary)
  if (route.row === row) return Effect.succeed({ ...primary, model: route.model })
  return id.includes("/") || row?.hasOwnModelNames !== true
    ? readTarget(route.row, route.model, false)
    : Effect.succeed(atPrimary)
}

/** `anthropic, openai/gpt-5-mini`: providers by name, each with a model of its own if it says one. */
const namedTargets = (list: string, primaryModel: string | undefined): Effect.Effect<ReadonlyArray<Target>, LlmError> =>
  Effect.forEach(
    list
      .split(",")
      .map((entry) => entry.trim())
      .filter((entry) => entry !== ""),
    (entry) => {
      const slash = entry.indexOf("/")
      const row = Registry.find(slash < 0 ? entry : entry.slice(0, slash))
      if (row !== undefined) {
        return readTarget(row, slash < 0 ? modelAt(row, primaryModel) : entry.slice(slash + 1), false)
      }
      const known = Registry.names.join(", ")
      const problem = `${quoted(entry)} is not one of ${known}; write for example LLM_FALLBACK_PROVIDERS=anthropic,openai/gpt-5-mini`
      return Effect.fail(Setting.invalid("LLM_FALLBACK_PROVIDERS", problem))
    },
  )

/** Targets given as an option, each completed. Programs without types may pass anything in their place. */
export const completedAll = (targets: ReadonlyArray<Target>): Effect.Effect<ReadonlyArray<Target>, LlmError> =>
  Array.isArray(targets)
    ? Effect.forEach(targets, completed)
    : Effect.fail(Setting.invalid("fallbacks", 'is not a list; write for example [{ provider: "anthropic" }]'))

/**
 * A target given as an option, with what it leaves open from the provider's own settings. One at an address of its own
 * needs a key of its own: no key is sent to a place that it was not given for.
 */
const completed = (target: Target): Effect.Effect<Target, LlmError> =>
  Effect.gen(function* () {
    if (!Predicate.isObject(target)) {
      return yield* Setting.invalid(
        "fallbacks",
        'holds something that is not a target such as { provider: "anthropic" }',
      )
    }
    const row = yield* rowOf("fallbacks", target.provider)
    const own = yield* readTarget(row, row.fallbackModel, false)
    return {
      provider: row.name,
      model: target.model ?? own.model,
      apiKey: target.apiKey ?? (target.apiBase === undefined ? own.apiKey : undefined),
      keyHeader: target.keyHeader ?? (target.apiBase === undefined ? own.keyHeader : undefined),
      apiBase: target.apiBase ?? own.apiBase,
      apiVersion: target.apiVersion ?? own.apiVersion,
      wireApi: target.wireApi ?? own.wireApi,
      headers: target.headers ?? (target.apiBase === undefined ? own.headers : undefined),
      prices: target.prices ?? own.prices,
      ...(target.fetch === undefined && target.proxy === undefined ? transportOf(own) : transportOf(target)),
    }
  })

const transportOf = ({ fetch, proxy }: Target): TransportOptions => ({ fetch, proxy })

const others = (configured: ReadonlyArray<Target>, used: ReadonlyArray<Target>): ReadonlyArray<Target> =>
  configured.filter((target) => used.every(({ provider }) => provider !== target.provider))
