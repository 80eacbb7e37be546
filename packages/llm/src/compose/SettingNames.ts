/** Every setting that exists, by its names: what a configuration file may hold. It reads none of them. */
import * as Registry from "../providers/Registry.ts"

export const settingNames: ReadonlySet<string> = new Set([
  "LLM_PROVIDER",
  "LLM_API_KEY",
  "LLM_API_BASE",
  "LLM_CONFIG_FILE",
  "LLM_CONCURRENT_NUMBER",
  "LLM_MAX_RETRIES",
  "LLM_TIMEOUT",
  "LLM_IDLE_TIMEOUT",
  "LLM_ATTEMPT_TIMEOUT",
  "LLM_QUEUE_TIMEOUT",
  "LLM_TEMPERATURE",
  "LLM_MAX_TOKENS",
  "LLM_FALLBACK_PROVIDERS",
  "LLM_FALLBACK_TEXT",
  "DEPLOYMENTS",
  "LLM_BALANCE",
  "PRIMARY_MODEL",
  "SECONDARY_MODEL",
  "EMBEDDING_MODEL",
  "HTTPS_PROXY",
  "HTTP_PROXY",
  "NO_PROXY",
  "WISEFLOW_LOG_LEVEL",
  ...[...Registry.rows, ...Registry.embeddingRows].flatMap(Registry.variablesOf),
])
