/**
 * The whole configuration of a stack, read from Effect's `ConfigProvider` (the environment by default). Every setting is
 * checked here, before anything is built; what is missing or malformed is a `ConfigurationError` that names the variable,
 * and nothing is replaced in silence by another provider or a canned answer.
 */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type { LlmError } from "../model/LlmError.ts"
import * as Setting from "../settings/Setting.ts"
import { providerNames, routeOf } from "./ModelRoute.ts"
import { isConfigured, readTarget, type Target } from "./Target.ts"

export { providerNames } from "./ModelRoute.ts"

/** A stack's configuration. `targets` are tried in order; one without a provider of its own routes by model. */
export interface LlmConfig {
  readonly targets: readonly [Target, ...Array<Target>]
  /** Requests in flight at once. */
  readonly concurrency: number
  /** Retries after the first attempt, per target. */
  readonly maxRetries: number
  /** The whole call's deadline, the longest silence inside a stream, and the longest wait for a stream's first output. */
  readonly timeout: Duration.Input
  readonly idleTimeout: Duration.Input
  readonly firstOutputTimeout: Duration.Input | undefined
  readonly temperature: number | undefined
  readonly maxTokens: number | undefined
  readonly fallbackText: string | undefined
}

/** The defaults of everything that has one. */
export const defaults = {
  concurrency: 5,
  maxRetries: 3,
  timeout: Duration.minutes(10),
  idleTimeout: Duration.minutes(2),
}

/** The models that fallback providers are asked for where nothing names one; the others have no models of their own. */
const fallbackModels: Readonly<Record<string, string>> = { openai: "gpt-5-mini", anthropic: "claude-sonnet-5" }

const choices = ["openai", "litellm", "anthropic", "azure", "fallback"] as const

/** Reads every setting of DESIGN's table from the `ConfigProvider` in force. */
export const read: Effect.Effect<LlmConfig, LlmError> = Effect.gen(function* () {
  const idleTimeout = yield* Setting.duration("LLM_IDLE_TIMEOUT", "2 minutes")
  return {
    targets: yield* readTargets,
    concurrency: (yield* Setting.positiveInteger("LLM_CONCURRENT_NUMBER", "5")) ?? defaults.concurrency,
    maxRetries: (yield* Setting.count("LLM_MAX_RETRIES", "3")) ?? defaults.maxRetries,
    timeout: (yield* Setting.duration("LLM_TIMEOUT", "10 minutes")) ?? defaults.timeout,
    idleTimeout: idleTimeout ?? defaults.idleTimeout,
    // Who sets the longest silence means the one before the first piece too; the default leaves room for reasoning.
    firstOutputTimeout: idleTimeout,
    temperature: yield* Setting.finite("LLM_TEMPERATURE", "0.7"),
    maxTokens: yield* Setting.positiveInteger("LLM_MAX_TOKENS", "1000"),
    fallbackText: yield* Setting.text("LLM_FALLBACK_TEXT"),
  }
})

const chosenProvider = Effect.map(Setting.oneOf("LLM_PROVIDER", choices), (chosen) => chosen ?? "litellm")

/** The provider that a key without a name is for: the chosen one, or where that is many, the one that the model means. */
export const keyOwner: Effect.Effect<string, LlmError> = Effect.gen(function* () {
  const chosen = yield* chosenProvider
  if (chosen !== "litellm" && chosen !== "fallback") return chosen
  const model = yield* Setting.text("PRIMARY_MODEL")
  if (chosen === "litellm" && isConfigured(yield* readTarget("litellm", model, true))) return chosen
  return (model === undefined ? undefined : routeOf(model)?.provider) ?? chosen
})

/** The chosen provider's targets, then those to fall back to. */
const readTargets: Effect.Effect<readonly [Target, ...Array<Target>], LlmError> = Effect.gen(function* () {
  const chosen = yield* chosenProvider
  const primaryModel = yield* Setting.text("PRIMARY_MODEL")
  const secondaryModel = yield* Setting.text("SECONDARY_MODEL")
  const fallbackProviders = yield* Setting.text("LLM_FALLBACK_PROVIDERS")
  const configured = yield* configuredTargets(primaryModel)

  const primary =
    chosen === "fallback" ? yield* firstOf(configured, primaryModel) : yield* readTarget(chosen, primaryModel, true)
  const targets: [Target, ...Array<Target>] = [primary]
  if (secondaryModel !== undefined) targets.push(yield* secondaryTarget(primary, secondaryModel))
  if (fallbackProviders !== undefined) targets.push(...(yield* namedTargets(fallbackProviders, primaryModel)))
  else if (chosen === "fallback") targets.push(...others(configured, targets))
  return targets
})

/** Every provider with a key, in the order in which they are tried. */
const configuredTargets = (primaryModel: string | undefined): Effect.Effect<ReadonlyArray<Target>, LlmError> =>
  Effect.map(
    Effect.forEach(providerNames, (provider) =>
      readTarget(provider, fallbackModels[provider] ?? bareModel(primaryModel), false),
    ),
    (targets) => targets.filter(isConfigured),
  )

const bareModel = (id: string | undefined): string | undefined =>
  id === undefined ? undefined : (routeOf(id)?.model ?? id)

/** For `LLM_PROVIDER=fallback`: the provider that the primary model names, else the first that has a key. */
const firstOf = (
  configured: ReadonlyArray<Target>,
  primaryModel: string | undefined,
): Effect.Effect<Target, LlmError> => {
  const route = primaryModel === undefined ? undefined : routeOf(primaryModel)
  const target = configured.find(({ provider }) => provider === route?.provider) ?? configured[0]
  if (target !== undefined) {
    return Effect.succeed({
      ...target,
      model: target.provider === route?.provider ? route.model : (primaryModel ?? target.model),
    })
  }
  const message =
    "no provider has a key: set OPENAI_API_KEY, ANTHROPIC_API_KEY, AZURE_API_KEY with AZURE_API_BASE, or LITELLM_PROXY_API_BASE"
  return Effect.fail(Setting.invalid("LLM_PROVIDER", message))
}

/** The secondary model, at its own provider where it names one, else at the primary's. */
const secondaryTarget = (primary: Target, id: string): Effect.Effect<Target, LlmError> => {
  const route = routeOf(id)
  const atPrimary: Target = { ...primary, model: id }
  // A proxy, and routing in process, read `provider/model` themselves.
  if (route === undefined || primary.provider === "litellm") return Effect.succeed(atPrimary)
  if (route.provider === primary.provider) return Effect.succeed({ ...primary, model: route.model })
  return id.includes("/") || primary.provider !== "azure"
    ? readTarget(route.provider, route.model, false)
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
      const provider = (slash < 0 ? entry : entry.slice(0, slash)).toLowerCase()
      const model = slash < 0 ? (fallbackModels[provider] ?? bareModel(primaryModel)) : entry.slice(slash + 1)
      return providerNames.includes(provider)
        ? readTarget(provider, model, false)
        : Effect.fail(
            Setting.invalid(
              "LLM_FALLBACK_PROVIDERS",
              `"${entry}" is not one of ${providerNames.join(", ")}; write for example LLM_FALLBACK_PROVIDERS=anthropic,openai/gpt-5-mini`,
            ),
          )
    },
  )

/**
 * A target given as an option, with what it leaves open from the provider's own settings. One at an address of its own
 * needs a key of its own: no key is sent to a place that it was not given for.
 */
export const completed = (target: Target): Effect.Effect<Target, LlmError> =>
  Effect.map(readTarget(target.provider, fallbackModels[target.provider], false), (own) => ({
    provider: target.provider,
    model: target.model ?? own.model,
    apiKey: target.apiKey ?? (target.apiBase === undefined ? own.apiKey : undefined),
    apiBase: target.apiBase ?? own.apiBase,
    apiVersion: target.apiVersion ?? own.apiVersion,
  }))

const others = (configured: ReadonlyArray<Target>, used: ReadonlyArray<Target>): ReadonlyArray<Target> =>
  configured.filter((target) => used.every(({ provider }) => provider !== target.provider))
