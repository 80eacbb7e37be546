/** Whether anything says which provider to ask: then it is asked, and what is missing beside it is an error. */
import { readFileSync } from "node:fs"
import { parseEnv } from "node:util"
import { ProviderRegistry } from "@wiseflow/llm/promise"

/** The variables that choose a provider or a model; limits and log levels do not. */
const choosing: ReadonlySet<string> = new Set([
  "LLM_CONFIG_FILE",
  "LLM_PROVIDER",
  "PRIMARY_MODEL",
  "SECONDARY_MODEL",
  "LLM_FALLBACK_PROVIDERS",
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

/** True where the environment or `.env` holds a setting that chooses a provider. */
export const hasProviderSettings = (environment: NodeJS.Dict<string>): boolean =>
  [environment, dotEnv()].some((settings) =>
    Object.entries(settings).some(([name, value]) => choosing.has(name) && value?.trim()),
  )
