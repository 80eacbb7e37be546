/** Options of `layerConfig`: values, or Effect `Config`s, that stand before a provider's own settings. */
import * as Config from "effect/Config"
import * as Effect from "effect/Effect"
import type { LlmError } from "../model/LlmError.ts"
import { looksLikeKey } from "../model/KeyShape.ts"
import * as Setting from "../settings/Setting.ts"
import type { TargetOptions } from "./ProviderOptions.ts"
import type { ProviderRow } from "./ProviderRow.ts"

/**
 * Options that stand before the settings: each is a value, or an Effect `Config` of the program's own
 * (`Config.String("FAST_MODEL")`), read when the layer is built.
 */
export type Overrides<Options> = {
  readonly [Name in keyof Options]?: Options[Name] | Config.Config<Options[Name]> | undefined
}

/** The value of one override. A `Config` that cannot be read is an error that names the option and the variable. */
const valueOf = <A>(name: string, value: A | Config.Config<A>): Effect.Effect<A, LlmError> =>
  Config.isConfig(value)
    ? Effect.mapError(value, ({ message }) =>
        // What is wrong may be told with the value, and the value may be a key.
        Setting.invalid(name, `its Config cannot be read${looksLikeKey(message) ? "" : `: ${message}`}`),
      )
    : Effect.succeed(value)

/** The values of overrides; what is not overridden is left out. */
export const resolve = <Options extends object>(
  overrides: Overrides<Options>,
): Effect.Effect<Partial<Options>, LlmError> =>
  Effect.gen(function* () {
    const values: Partial<Options> = {}
    for (const name in overrides) {
      const value = yield* valueOf<Options[typeof name] | undefined>(name, overrides[name])
      if (value !== undefined) values[name] = value
    }
    return values
  })

/**
 * The options of a provider that is used on its own: overrides, then its own variables and `PRIMARY_MODEL`. The general
 * ones (`LLM_API_KEY`, `LLM_API_BASE`) stand in unless `LLM_PROVIDER` names another provider.
 */
export const configured = <Options extends TargetOptions>(
  row: ProviderRow,
  overrides: Overrides<Options>,
): Effect.Effect<TargetOptions & Partial<Options>, LlmError> =>
  Effect.gen(function* () {
    const own = yield* resolve(overrides)
    const chosen = (yield* Setting.text("LLM_PROVIDER"))?.toLowerCase()
    const isChosen = chosen === undefined || chosen === row.name || row.aliases.includes(chosen)
    const settings = yield* Setting.provider(row.variables, isChosen)
    const model = own.model ?? (yield* Setting.text("PRIMARY_MODEL"))
    return { ...settings, ...own, model }
  })
