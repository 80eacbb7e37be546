/** The flags of every subcommand: where answers come from, and settings for this run alone. */
import { Flag, GlobalFlag } from "effect/cli"
import * as Option from "effect/Option"
import { providerNames } from "./ProviderNames.ts"

/** True: the embedded upstream answers, whatever is configured. */
export const Offline = GlobalFlag.Setting("offline")({
  flag: Flag.Boolean("offline").pipe(
    Flag.withoutNegation,
    Flag.withDescription("Let an embedded upstream answer on a loopback port: no key, no network, no cost"),
    Flag.withDefault(false),
  ),
})

/** The provider, in place of `LLM_PROVIDER`. */
export const Provider = GlobalFlag.Setting("provider")({
  flag: Flag.Literals("provider", [...providerNames, "fallback"]).pipe(
    Flag.withAlias("p"),
    Flag.withMetavar("name"),
    Flag.withDescription("The provider to ask, or fallback for every one with a key (LLM_PROVIDER)"),
    Flag.optional,
  ),
})

/** The model, in place of `PRIMARY_MODEL`. */
export const Model = GlobalFlag.Setting("model")({
  flag: Flag.String("model").pipe(
    Flag.withAlias("m"),
    Flag.withMetavar("id"),
    Flag.withDescription("The model to ask, also as provider/model (PRIMARY_MODEL)"),
    Flag.optional,
  ),
})

/** A file of settings, in place of `LLM_CONFIG_FILE`. */
export const ConfigFile = GlobalFlag.Setting("config")({
  flag: Flag.String("config").pipe(
    Flag.withMetavar("file"),
    Flag.withDescription("A file of settings: JSON, YAML or TOML (LLM_CONFIG_FILE)"),
    Flag.optional,
  ),
})

/** Settings by the names of their environment variables. */
export const Settings = GlobalFlag.Setting("set")({
  flag: Flag.KeyValuePair("set").pipe(
    Flag.withMetavar("NAME=value"),
    Flag.withDescription(
      "A setting for this run, by the name of its variable, as in --set LLM_TIMEOUT=30s; repeatable",
    ),
    Flag.optional,
    Flag.map(Option.getOrElse(() => ({}))),
  ),
})

/** The least severe log lines that are shown on stderr. */
export const LogLevel = GlobalFlag.Setting("log-level")({
  flag: Flag.Literals("log-level", ["trace", "debug", "info", "warn", "error", "fatal", "none"]).pipe(
    Flag.withMetavar("level"),
    Flag.withDescription("Which log lines stderr shows, from trace to none (WISEFLOW_LOG_LEVEL); default none"),
    Flag.optional,
  ),
})

export const sharedFlags = [Offline, Provider, Model, ConfigFile, Settings, LogLevel] as const
