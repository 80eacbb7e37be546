/** Who answers: what the flags and settings name, or the embedded upstream. Every subcommand that asks opens one. */
import { type InterfaceOptions, LLMInterface, ProviderRegistry } from "@wiseflow/llm"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import type * as Scope from "effect/Scope"
import { failure, usageFailure, type CommandFailure } from "../ExitCode.ts"
import { ConfigFile, LogLevel, Model, Offline, Provider, Settings } from "../SharedFlags.ts"
import { say } from "../terminal/Streams.ts"
import { speaks, startOfflineUpstream } from "./OfflineUpstream.ts"
import { hasLogLevel, hasProviderSettings } from "./ProviderSettings.ts"

/** An open interface, and whether the embedded upstream is behind it. */
export interface Upstream {
  readonly llm: LLMInterface
  readonly options: InterfaceOptions
  readonly isOffline: boolean
}

const isProvider = (name: string): name is ProviderRegistry.ProviderName | "fallback" =>
  name === "fallback" || ProviderRegistry.isProviderName(name)

/** `--config` and `--set` as the variables that the library reads. */
const applySettings = Effect.gen(function* () {
  const settings = yield* Settings
  for (const [name, value] of Object.entries(settings)) {
    if (!/^[A-Z][A-Z0-9_]*$/.test(name)) {
      return yield* usageFailure(`--set ${name}: a setting has the name of a variable, as in LLM_TIMEOUT=30s`)
    }
    process.env[name] = value
  }
  const file = yield* ConfigFile
  if (Option.isSome(file)) process.env.LLM_CONFIG_FILE = file.value
})

/** What the flags say, in the words of the library. */
export const flagOptions = Effect.gen(function* () {
  yield* applySettings
  const provider = Option.getOrUndefined(yield* Provider)
  const options: InterfaceOptions = {
    provider: provider !== undefined && isProvider(provider) ? provider : undefined,
    model: Option.getOrUndefined(yield* Model),
    // The command itself tells of retries and failures.
    logLevel: Option.getOrUndefined(yield* LogLevel) ?? (hasLogLevel(process.env) ? undefined : "none"),
  }
  return options
})

/** Starts the embedded upstream and says so, where `--offline` asks for it or nothing is configured. */
const offline = Effect.fn(function* (options: InterfaceOptions) {
  const asked = yield* Offline
  const provider = options.provider ?? "openai"
  if (!asked && (hasProviderSettings(process.env) || !speaks(provider))) return undefined
  if (!speaks(provider)) return yield* usageFailure(`--offline does not speak as ${provider}: leave --provider out`)
  const upstream = yield* Effect.acquireRelease(
    Effect.tryPromise({
      try: () => startOfflineUpstream(provider, options.model),
      catch: (reason) => failure(`the embedded upstream does not start: ${String(reason)}`),
    }),
    ({ stop }) => Effect.promise(stop),
  )
  const why = asked ? "as asked" : "no provider is configured, so"
  say(
    `OFFLINE: ${why} an embedded upstream on ${new URL(upstream.options.apiBase).host} answers in ${provider}'s wire format.\n` +
      "OFFLINE: it refuses the first request with 429, so that you see a retry; its tokens are estimates and cost nothing." +
      (asked ? "" : " Set OPENAI_API_KEY and PRIMARY_MODEL for a real answer."),
  )
  return upstream
})

/** True where `--offline` asks for the embedded upstream. */
export const isOffline = Effect.map(Offline, (asked) => asked)

type Flags = Effect.Services<typeof flagOptions> | Effect.Services<ReturnType<typeof offline>>

/** Opens the interface, with options of a subcommand's own; it is closed with the scope. */
export const openWith = Effect.fn(function* (
  own: InterfaceOptions,
): Effect.fn.Return<Upstream, CommandFailure, Flags | Scope.Scope> {
  const flags = yield* flagOptions
  const upstream = yield* offline(flags)
  const options: InterfaceOptions = { ...flags, ...upstream?.options, ...own }
  const llm = yield* Effect.acquireRelease(
    Effect.sync(() => new LLMInterface(options)),
    (llm) => Effect.promise(() => llm.dispose()),
  )
  return { llm, options, isOffline: upstream !== undefined }
})

/** Opens the interface as the flags and settings say. */
export const open = openWith({})
