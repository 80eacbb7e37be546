/** One provider to ask, as data, and the Layer that it means. */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type { LlmError } from "../model/LlmError.ts"
import type { LlmProvider } from "../model/LlmProvider.ts"
import type { OwnPrices } from "../prices/OwnPrices.ts"
import type { Credential } from "../providers/Credential.ts"
import { spoken } from "../providers/ChatService.ts"
import type { WireApi } from "../providers/ProviderOptions.ts"
import * as Registry from "../providers/Registry.ts"
import { quoted } from "../settings/Secrets.ts"
import * as Setting from "../settings/Setting.ts"
import type { TransportOptions } from "../transport/Transport.ts"
import * as ProviderLayer from "../transport/ProviderLayer.ts"

/** One provider and how to reach it. */
export interface Target extends TransportOptions {
  /** A name or an alias of the registry: `openai`, `anthropic`, `azure`, `litellm`, `groq` … */
  readonly provider: string
  /** The model for requests that name none. */
  readonly model?: string | undefined
  /** The key, or what is asked for it before each request. */
  readonly apiKey?: Credential | undefined
  /** The header that holds the key and nothing else, where it is not the provider's own. */
  readonly keyHeader?: string | undefined
  /** Another address than the provider's own. */
  readonly apiBase?: string | undefined
  /** The version that Anthropic and Azure are asked in. */
  readonly apiVersion?: string | undefined
  /** `responses` in place of Chat Completions, where the provider serves it. */
  readonly wireApi?: WireApi | undefined
  /** Headers added to every request to this target. */
  readonly headers?: Readonly<Record<string, string>> | undefined
  /** Prices of your own for this target, in place of the built-in table. */
  readonly prices?: OwnPrices | undefined
}

/** What tells apart two stacks that share a store of answers: the same model elsewhere may answer differently. */
export const addressOf = ({ apiBase, apiVersion, model, wireApi }: Target): string =>
  JSON.stringify([apiBase, apiVersion, model, wireApi])

/** The options that no variable has: they stand before the settings. */
export type GivenTarget = Pick<Target, "apiKey" | "headers" | "keyHeader">

/** What is given to providers by their names. */
export const GivenTargets = Context.Reference<Readonly<Record<string, GivenTarget>>>("@wiseflow/llm/GivenTargets", {
  defaultValue: () => ({}),
})

/** What holds for every target that does not say otherwise, and cannot be a setting either: it may be a function. */
export type ForEveryTarget = Pick<Target, "fetch" | "prices" | "proxy">

/** How requests travel and what answers cost, for every target that does not say so itself. */
export const GivenForEvery = Context.Reference<ForEveryTarget>("@wiseflow/llm/GivenForEvery", {
  defaultValue: () => ({}),
})

/** Gives these to every target, beside what is given already. */
export const giveToEvery = ({ fetch, prices, proxy }: ForEveryTarget): Layer.Layer<never> =>
  Layer.effectContext(
    Effect.map(GivenForEvery, (given) =>
      Context.make(GivenForEvery, {
        fetch: fetch ?? given.fetch,
        prices: prices ?? given.prices,
        proxy: proxy ?? given.proxy,
      }),
    ),
  )

/** Reads a provider's own settings; the general ones stand in where `isChosen`. */
export const readTarget = (
  row: Registry.ProviderRow,
  model: string | undefined,
  isChosen: boolean,
): Effect.Effect<Target, LlmError> =>
  Effect.gen(function* () {
    const given = (yield* GivenTargets)[row.name]
    const settings = yield* Setting.provider(row.variables, isChosen)
    return { provider: row.name, model, ...settings, ...(yield* GivenForEvery), ...given }
  })

/** True where the target has what it needs to be asked. */
export const isConfigured = ({ apiBase, apiKey, provider }: Target): boolean => {
  const row = Registry.find(provider)
  if (row === undefined) return false
  return row.isKeyOptional
    ? apiBase !== undefined || (apiKey !== undefined && row.apiBase !== undefined)
    : apiKey !== undefined
}

/** True where the target means: whichever provider the model's name says. */
export const isRouter = (target: Target): boolean =>
  Registry.find(target.provider)?.isRouter === true && !isConfigured(target)

/** The row of a provider's name. Fails with `ConfigurationError` that names `setting` where there is none. */
export const rowOf = (setting: string, provider: string): Effect.Effect<Registry.ProviderRow, LlmError> => {
  const row = Registry.find(provider)
  return row === undefined
    ? Effect.fail(Setting.invalid(setting, `${quoted(provider)} is not one of ${Registry.names.join(", ")}`))
    : Effect.succeed(row)
}

/** The Layer of one target, without any policy. */
export type TargetLayer<R> = (target: Target) => Layer.Layer<LlmProvider, LlmError, R>

const endpoint = (target: Target) =>
  Effect.flatMap(rowOf("LLM_PROVIDER", target.provider), (row) =>
    Effect.andThen(spoken(row, target.wireApi ?? "chat"), row.endpoint(target)),
  )

/** Through a transport of the library's own. */
export const layerOf: TargetLayer<never> = (target) => ProviderLayer.layer(endpoint(target))

/** Through the program's `HttpClient`. */
export const layerHttpClientOf: TargetLayer<ProviderLayer.HttpClient> = (target) =>
  ProviderLayer.layerHttpClient(endpoint(target))
