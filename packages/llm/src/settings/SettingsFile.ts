/**
 * Settings from a file (`LLM_CONFIG_FILE`: JSON, YAML or TOML with the same keys as the environment) and from `.env`, as a
 * `ConfigProvider` behind the one in force: the environment wins over the file. What is wrong with a file is told with its
 * place, never with its content.
 */
import * as ConfigProvider from "effect/ConfigProvider"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import { parseSettings, readTextFile } from "#text-file"
import type { LlmError } from "../model/LlmError.ts"
import { nearestName } from "../model/NearestName.ts"
import { quoted } from "./Secrets.ts"
import * as Setting from "./Setting.ts"

const variable = "LLM_CONFIG_FILE"

/** How long a file may take to read: a file on a network that is gone would never arrive. */
const readingLimit = Duration.seconds(10)

/** A call's deadline may be shorter than any disk is; reading is given this long all the same. */
const shortestLimit = Duration.seconds(1)

/** Names that are no settings and are looked at for what they may mean. */
const mostStrangers = 1000

/** `names` are the settings that exist: a misspelt one in the configuration file is an error. */
export interface FileOptions {
  readonly dotEnv: boolean
  readonly names: Iterable<string>
  /** The longest time for reading one file; at most ten seconds. */
  readonly limit?: Duration.Duration | undefined
}

/** Puts the `.env` file and the configuration file behind `base`, which wins. */
export const withFiles = (
  base: ConfigProvider.ConfigProvider,
  options: FileOptions,
): Effect.Effect<ConfigProvider.ConfigProvider, LlmError> =>
  Effect.gen(function* () {
    const limit = Duration.max(shortestLimit, Duration.min(options.limit ?? readingLimit, readingLimit))
    const dotEnv = options.dotEnv ? yield* readDotEnv(limit) : undefined
    const environment =
      dotEnv === undefined ? base : ConfigProvider.orElse(base, ConfigProvider.fromDotEnvContents(dotEnv))
    const path = yield* Effect.provideService(Setting.text(variable), ConfigProvider.ConfigProvider, environment)
    return path === undefined
      ? environment
      : ConfigProvider.orElse(environment, yield* fromFile(path, options.names, limit))
  })

const content = (path: string, limit: Duration.Duration) =>
  Effect.timeoutOrElse(readTextFile(path), {
    duration: limit,
    orElse: () => Effect.fail({ reason: `it took longer than ${Duration.format(limit)}`, isMissing: false }),
  })

/** The content of `.env`, or undefined where there is none. */
const readDotEnv = (limit: Duration.Duration): Effect.Effect<string | undefined, LlmError> =>
  Effect.matchEffect(content(".env", limit), {
    onSuccess: (text) => Effect.succeed<string | undefined>(text),
    onFailure: ({ isMissing, reason }) =>
      isMissing ? Effect.undefined : Effect.fail(Setting.invalid(".env", `the file cannot be read: ${reason}`)),
  })

const fromFile = (
  path: string,
  names: Iterable<string>,
  limit: Duration.Duration,
): Effect.Effect<ConfigProvider.ConfigProvider, LlmError> =>
  Effect.gen(function* () {
    const shown = unquoted(path)
    const refuse = (problem: string) => Setting.invalid(variable, `the file ${shown} ${problem}`)
    const text = yield* Effect.mapError(content(path, limit), ({ reason }) => refuse(`cannot be read: ${reason}`))
    const parsed = parseSettings(path, text)
    if (parsed === undefined) {
      return yield* refuse("cannot be understood: its name must end in .json, .yaml, .yml or .toml")
    }
    if (Result.isFailure(parsed)) {
      const { about, column, key, line, reason } = parsed.failure
      const place = `line ${line}, column ${column}`
      if (about === "file") return yield* refuse(`${reason}; write for example LLM_PROVIDER: openai`)
      if (key === undefined) return yield* refuse(`cannot be understood: ${place}: ${reason}`)
      const name = known(key)
      return yield* about === "value"
        ? Setting.invalid(name, `in ${shown} ${reason} (${place})`)
        : refuse(`cannot be understood: ${place}: ${name} ${reason}`)
    }
    const existing = new Set(names)
    let strangers = 0
    for (const key of parsed.success.keys()) {
      if (existing.has(key)) continue
      // A file of so many other names is another program's.
      if (++strangers > mostStrangers) break
      const right = misspelt(key, existing)
      if (right !== undefined) {
        return yield* Setting.invalid(known(key), `in ${shown} is not a setting; write ${right}`)
      }
    }
    return ConfigProvider.fromEnvRecord(Object.fromEntries(parsed.success))
  })

/** The setting that a misspelt name in the file means; a longer name that begins with a setting is another program's. */
const misspelt = (key: string, existing: ReadonlySet<string>): string | undefined => {
  const name = nearestName(key, existing, 2)
  return name === undefined || key.toUpperCase().startsWith(`${name}_`) ? undefined : name
}

/** As an error may show it, without quotes. */
const unquoted = (text: string): string => quoted(text).replaceAll(/^"|"$/g, "")

/** The name of a setting as an error may show it: a key may have been written in its place. */
const known = (key: string): string => (/^[\w.-]{1,64}$/.test(key) ? unquoted(key) : "a name")
