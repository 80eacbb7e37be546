/**
 * Settings from a file (`LLM_CONFIG_FILE`: JSON, YAML or TOML with the same keys as the environment) and from `.env`, as a
 * `ConfigProvider` behind the one in force: the environment wins over the file.
 */
import * as ConfigProvider from "effect/ConfigProvider"
import * as Effect from "effect/Effect"
import * as Predicate from "effect/Predicate"
import { parseText, readTextFile } from "#text-file"
import type { LlmError } from "../model/LlmError.ts"
import * as Setting from "./Setting.ts"

const variable = "LLM_CONFIG_FILE"

/** Puts the `.env` file and the configuration file behind `base`, which wins. */
export const withFiles = (
  base: ConfigProvider.ConfigProvider,
  options: { readonly dotEnv: boolean },
): Effect.Effect<ConfigProvider.ConfigProvider, LlmError> =>
  Effect.gen(function* () {
    const dotEnv = options.dotEnv ? yield* Effect.orElseSucceed(readTextFile(".env"), () => undefined) : undefined
    const environment =
      dotEnv === undefined ? base : ConfigProvider.orElse(base, ConfigProvider.fromDotEnvContents(dotEnv))
    const path = yield* Effect.provideService(Setting.text(variable), ConfigProvider.ConfigProvider, environment)
    return path === undefined ? environment : ConfigProvider.orElse(environment, yield* fromFile(path))
  })

const fromFile = (path: string): Effect.Effect<ConfigProvider.ConfigProvider, LlmError> =>
  Effect.gen(function* () {
    const content = yield* Effect.mapError(readTextFile(path), (problem) =>
      Setting.invalid(variable, `the file ${path} cannot be read: ${problem}`),
    )
    const parsed = yield* Effect.mapError(parseText(path, content), (problem) =>
      Setting.invalid(variable, `the file ${path} cannot be understood: ${problem}`),
    )
    if (!Predicate.isObject(parsed) || Array.isArray(parsed)) {
      return yield* Setting.invalid(
        variable,
        `the file ${path} holds no settings; write for example LLM_PROVIDER: openai`,
      )
    }
    const record: Record<string, string> = {}
    for (const [key, value] of Object.entries(parsed)) {
      const text = scalar(value)
      if (text === undefined) {
        return yield* Setting.invalid(key, `in ${path} is neither a text, a number, nor a list of them`)
      }
      record[key] = text
    }
    return ConfigProvider.fromEnvRecord(record)
  })

/** A setting as the environment would hold it: lists are separated by commas, null is not set. */
const scalar = (value: unknown): string | undefined => {
  if (value === null) return ""
  if (typeof value === "string" || typeof value === "number" || typeof value === "boolean") return String(value)
  if (!Array.isArray(value)) return undefined
  const parts = value.map(scalar)
  return parts.includes(undefined) ? undefined : parts.join(",")
}
