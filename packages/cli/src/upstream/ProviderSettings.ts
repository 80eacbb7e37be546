/** Whether anything says which provider to ask: then it is asked, and what is missing beside it is an error. */
import { readFileSync } from "node:fs"
import { parseEnv } from "node:util"
import { ProviderRegistry } from "@wiseflow/llm"

/** The variables that choose a provider or a model; limits and log levels do not. */
const choosing: ReadonlySet<string> = new Set([
  "LLM_CONFIG_FILE",
  "LLM_PROVIDER",
  "PRIMARY_MODEL",
  "SECONDARY_MODEL",
  "LLM_FALLBACK_PROVIDERS",
  "DEPLOYMENTS",
  "LLM_API_KEY",
  "LLM_API_BASE",
  ...ProviderRegistry.rows.flatMap(ProviderRegistry.variablesOf),
])

const dotEnv = (): NodeJS.Dict<string> => {
  try {
    return parseEnv(readFileSync(".env", "utf8"))
  } catch {
    return {}
  }
}

const isSet = (known: (name: string) => boolean) => (environment: NodeJS.Dict<string>) =>
  [environment, dotEnv()].some((settings) =>
    Object.entries(settings).some(([name, value]) => known(name) && value?.trim()),
  )

/** True where the environment or `.env` holds a setting that chooses a provider. */
export const hasProviderSettings = isSet((name) => choosing.has(name))

/** True where the environment or `.env` says which log lines to show, or a file of settings may. */
export const hasLogLevel = isSet((name) => name === "WISEFLOW_LOG_LEVEL" || name === "LLM_CONFIG_FILE")

/** True where the environment or `.env` holds this variable. */
export const isSetAnywhere = (name: string): boolean => isSet((known) => known === name)(process.env)

/** The variables of this library that are set, each with where. */
export const settingsFound = (): ReadonlyArray<{ readonly name: string; readonly where: string }> => {
  const isOurs = (name: string) => choosing.has(name) || /^(LLM|WISEFLOW)_/.test(name)
  const inEnvironment = Object.keys(process.env).filter((name) => isOurs(name) && process.env[name]?.trim())
  const inFile = Object.entries(dotEnv()).filter(
    ([name, value]) => isOurs(name) && value?.trim() && !inEnvironment.includes(name),
  )
  return [
    ...inEnvironment.map((name) => ({ name, where: "environment" })),
    ...inFile.map(([name]) => ({ name, where: ".env" })),
  ].toSorted((a, b) => a.name.localeCompare(b.name))
}
