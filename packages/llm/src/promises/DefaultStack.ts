/** The default stack with explicit options in front of the environment and the files. It builds the stack and sends nothing. */
import * as Context from "effect/Context"
import * as ConfigProvider from "effect/ConfigProvider"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Result from "effect/Result"
import * as Stream from "effect/Stream"
import type { LogLevel as EffectLogLevel } from "effect/LogLevel"
import * as Programs from "#programs"
import * as Policies from "#traffic-policies"
import { CallTags, tagsProblem } from "../call/CallOptions.ts"
import * as LlmConfig from "../compose/LlmConfig.ts"
import * as LlmStack from "../compose/LlmStack.ts"
import { GivenBalance } from "../compose/Deployments.ts"
import { settingNames } from "../compose/SettingNames.ts"
import { known, sharedTraffic } from "../compose/StackTraffic.ts"
import { GivenForEvery, GivenTargets } from "../compose/Target.ts"
import { saidBy } from "../model/JsonCopy.ts"
import type { LlmError } from "../model/LlmError.ts"
import { LlmProvider } from "../model/LlmProvider.ts"
import type { CacheOptions } from "../policies/cache/Cache.ts"
import * as CacheStore from "../policies/cache/CacheStore.ts"
import type { Identity } from "../policies/mechanisms/Around.ts"
import * as Permits from "../policies/mechanisms/Permits.ts"
import { type AnyService, embeddings, models, type ServiceRow } from "../policies/mechanisms/ServiceTable.ts"
import { withObserver } from "../policies/Observer.ts"
import { refused, type ServicePolicy } from "../policies/Policy.ts"
import { TelemetryOptions } from "../policies/telemetry/TelemetryOptions.ts"
import type { BudgetOptions } from "../policies/usage/Budget.ts"
import { type UsageLedger, withUsageLedger } from "../policies/usage/UsageLedger.ts"
import { spoken } from "../providers/ChatService.ts"
import * as Registry from "../providers/Registry.ts"
import { environment, mayRead } from "../settings/Environment.ts"
import * as Setting from "../settings/Setting.ts"
import { withFiles } from "../settings/SettingsFile.ts"
import * as Export from "../telemetry/Export.ts"
import * as ExportSettings from "../telemetry/ExportSettings.ts"
import {
  type InterfaceOptions,
  type ListenOptions,
  type LogOptions,
  type OwnCacheStore,
  readOptions,
} from "./InterfaceOptions.ts"
import type { SpendingOptions } from "./Llm.ts"
import * as LogLines from "./LogLines.ts"
import * as OptionSettings from "./OptionSettings.ts"

const levels: Readonly<Record<string, EffectLogLevel>> = {
  trace: "Trace",
  debug: "Debug",
  info: "Info",
  warn: "Warn",
  warning: "Warn",
  error: "Error",
  fatal: "Fatal",
  none: "None",
}

const words = ["info", "debug", "warning", "error", "none", "trace", "warn", "fatal"] as const

/** The logger that these options ask for, at INFO and above unless they say otherwise. */
export const layerLogger = ({ logger, logLevel }: LogOptions): Layer.Layer<never> =>
  LogLines.layer(levels[logLevel ?? "info"] ?? "Info", logger)

/**
 * What an interface keeps around its stack, from the inside out: budgets, the accounts of its calls, `onEvent`. Budgets hold
 * for every request wherever they stand. They are made here, once: a stack that is built again goes on with them.
 */
export const kept = (
  { budget = [], onEvent, tags, usageLedger }: ListenOptions & SpendingOptions,
  ledger: UsageLedger,
): ServicePolicy<LlmError> => {
  const wrongTags = tags === undefined ? undefined : tagsProblem(tags)
  if (wrongTags !== undefined) return refused("tags", `${wrongTags.path} ${wrongTags.problem}`)
  const budgets = isList(budget) ? budget : [budget]
  const policies: ReadonlyArray<ServicePolicy<LlmError>> = [
    // The first in the list is asked first.
    ...budgets.toReversed().map(budgeted),
    withUsageLedger(ledger),
    ...(usageLedger === undefined ? [] : [withUsageLedger(usageLedger)]),
    ...(onEvent === undefined ? [] : [withObserver(onEvent)]),
  ]
  return policies.reduce(around)
}

const around =
  (inner: ServicePolicy<LlmError>, outer: ServicePolicy<LlmError>): ServicePolicy<LlmError> =>
  (layer) =>
    outer(inner(layer))

/** One budget, for as long as the interface. */
const budgeted = (options: BudgetOptions): ServicePolicy<LlmError> => {
  let policy: ServicePolicy<LlmError> | undefined
  return known(Effect.map(Policies.budget(), (withLastingBudget) => (policy ??= withLastingBudget(options))))
}

const isList = (budget: BudgetOptions | ReadonlyArray<BudgetOptions>): budget is ReadonlyArray<BudgetOptions> =>
  Array.isArray(budget)

/** The tags of every call. */
export const tagged = ({ tags }: SpendingOptions): Layer.Layer<never> =>
  tags === undefined ? Layer.empty : Layer.succeed(CallTags, { ...tags })

/** Files are read before a call's deadline begins, but for no longer than it. An invalid duration has its own error. */
const readingLimit = ({ timeout }: InterfaceOptions): Duration.Duration | undefined =>
  timeout === undefined ? undefined : Option.getOrUndefined(Duration.fromInput(timeout))

/** Every variable that a stack of the options may read. */
const variables: ReadonlyArray<string> = [...settingNames, ...ExportSettings.exportVariables]

/** False where the options say which provider to ask, with which key. */
const needsSettings = ({ apiKey, provider, providers = {} }: InterfaceOptions): boolean => {
  const row = provider === undefined ? undefined : Registry.find(provider)
  if (row === undefined) return true
  const given = Object.entries(providers).some(([name, access]) => Registry.find(name) === row && access?.apiKey)
  return apiKey === undefined && !given && !row.isKeyOptional
}

/** True for a name that requests may have options for: those of the registry, to the letter. */
export const isProvider = (name: string): boolean => Registry.find(name)?.name === name

/** A Layer of no stack: every call fails with the error. */
export const failed = (error: LlmError): Layer.Layer<AnyService, LlmError> => Layer.effectContext(Effect.fail(error))

/** The stack of a service, for a configuration, with the permits of all. */
type StackOf<I> = (config: LlmConfig.LlmConfig, permits: Permits.Permits) => Layer.Layer<I, LlmError>

/** A service that is built by its first call, once: most programs ask for none of these, and need no settings for them. */
const onFirstCall = <I, S extends Identity>(
  row: ServiceRow<I, S>,
  name: string,
  stack: Layer.Layer<I, LlmError>,
  named: (error: LlmError) => LlmError,
): Layer.Layer<I> =>
  Layer.effect(
    row.tag,
    Effect.gen(function* () {
      const built = Effect.map(Layer.buildWithScope(stack, yield* Effect.scope), (found) => Context.get(found, row.tag))
      const context = yield* Effect.context<never>()
      const service = yield* Effect.cached(Effect.uninterruptible(Effect.provideContext(built, context)))
      const ask = <A>(run: (one: S) => Effect.Effect<A, LlmError>) =>
        Effect.mapError(Effect.flatMap(service, run), named)
      return row.make(
        { name },
        {
          effect: (_, run) => (request) => ask((one) => run(one, request)),
          stream: (run) => (request) =>
            Stream.mapError(Stream.unwrap(Effect.map(service, (one) => run(one, request))), named),
          question: (_, run) => ask(run),
          known: () => () => undefined,
        },
      )
    }),
  )

/** A store of the program's own, as the cache uses it. */
const storeOf = (store: OwnCacheStore): CacheStore.CacheStore => ({
  get: (key) =>
    Effect.map(Effect.tryPromise({ try: async () => await store.get(key), catch: saidBy }), Option.fromNullishOr),
  set: (key, value, ttl) =>
    Effect.asVoid(
      Effect.tryPromise({
        try: async () => await store.set(key, value, Duration.toMillis(ttl)),
        catch: saidBy,
      }),
    ),
})

/** The cache of an interface: one store for answers and embeddings. */
const cacheOf = (cache: InterfaceOptions["cache"]): CacheOptions | undefined => {
  if (cache === undefined || cache === false) return undefined
  const { folder, maxBytes, maxEntries, namespace, store, ttl } = cache === true ? {} : cache
  const kept = folder === undefined ? CacheStore.memory({ maxBytes, maxEntries }) : CacheStore.folder(folder)
  return {
    ttl,
    store: store === undefined ? kept : storeOf(store),
    ...(namespace === undefined ? {} : { namespace }),
  }
}

/** What spans and metrics say and where they go. Its own log lines go where the interface's go. */
const telemetry = (
  given: InterfaceOptions["telemetry"],
  exported: ExportSettings.ExportSettings | undefined,
  logger: Layer.Layer<never>,
): Layer.Layer<never> => {
  if (given === false || exported === undefined) return Layer.empty
  const said = { metrics: exported.metrics !== undefined, ...given }
  return Layer.merge(Layer.succeed(TelemetryOptions, said), Layer.provide(Export.layer(exported), logger))
}

/** A Layer of the whole stack, of its telemetry and of its logger. */
export const layer = (given: InterfaceOptions, ledger: UsageLedger): Layer.Layer<AnyService, LlmError> => {
  const read = readOptions(given)
  return Result.isFailure(read) ? failed(read.failure) : layerOf(read.success, kept(read.success, ledger))
}

const layerOf = (options: InterfaceOptions, keeping: ServicePolicy<LlmError>): Layer.Layer<AnyService, LlmError> =>
  Layer.unwrap(
    Effect.gen(function* () {
      const first = yield* Effect.fromResult(OptionSettings.read(options))
      const isNeeded = needsSettings(options)
      const explicit = ConfigProvider.orElse(first.settings, environment({ isNeeded, names: variables }))
      const dotEnv = mayRead(".env", isNeeded)
      const found = yield* withFiles(explicit, { dotEnv, names: settingNames, limit: readingLimit(options) })
      const keyOwner = yield* Effect.mapError(
        Effect.provideService(LlmConfig.keyOwner, ConfigProvider.ConfigProvider, found),
        first.named,
      )
      const lost = keyOwner === undefined ? OptionSettings.withoutOwner(options) : undefined
      if (lost !== undefined) return yield* lost
      if (keyOwner !== undefined) yield* spoken(keyOwner, options.wireApi ?? "chat")
      const { given, named, settings: own } = yield* Effect.fromResult(OptionSettings.read(options, keyOwner))
      const settings = ConfigProvider.orElse(own, found)
      const context = Context.make(ConfigProvider.ConfigProvider, settings).pipe(
        Context.add(GivenTargets, given),
        Context.add(GivenBalance, { deployments: options.deployments, balance: options.balance }),
        Context.add(GivenForEvery, { fetch: options.fetch, prices: options.prices, proxy: options.proxy }),
      )
      const provided = <A>(effect: Effect.Effect<A, LlmError>) =>
        Effect.mapError(Effect.provideContext(effect, context), named)
      const config = yield* provided(LlmConfig.read)
      const logLevel = yield* provided(Setting.oneOf("WISEFLOW_LOG_LEVEL", words))
      const [primary] = config.targets
      const fallbacks =
        options.fallbacks === undefined
          ? config.targets.slice(1)
          : yield* provided(LlmConfig.completedAll(options.fallbacks))
      const renamed = (error: LlmError) => Layer.effect(LlmProvider, Effect.fail(named(error)))
      const exported = yield* provided(ExportSettings.read)
      const logger = layerLogger({ logger: options.logger, logLevel })
      const cache = cacheOf(options.cache)
      // Requests of all kinds are in flight at once: they share one limit.
      const permits = Permits.make(config.concurrency)
      const shared = { ...config, cache, ...sharedTraffic(options) }
      const beside = <I, S extends Identity>(row: ServiceRow<I, S>, name: string, stack: Effect.Effect<StackOf<I>>) =>
        onFirstCall(row, name, Layer.unwrap(Effect.map(stack, (layerFor) => layerFor(shared, permits))), named)
      return LlmStack.layer({ ...shared, targets: [primary, ...fallbacks] }, permits).pipe(
        Layer.catch(renamed),
        Layer.merge(beside(embeddings, "embeddings", Programs.embeddingStack())),
        Layer.merge(beside(models, "models", Programs.modelStack())),
        keeping,
        Layer.provide(Layer.succeedContext(context)),
        Layer.merge(telemetry(options.telemetry, exported, logger)),
        Layer.merge(logger),
        Layer.merge(tagged(options)),
      )
    }),
  )
