/** The promise surface reads the environment: a test that uses it sets what stands there, on every machine. */
import { afterAll, beforeAll, vi } from "vitest"

const readBySettings = [
  "SECONDARY_MODEL",
  "LLM_FALLBACK_PROVIDERS",
  "DEPLOYMENTS",
  "LLM_BALANCE",
  "LLM_FALLBACK_TEXT",
  "LLM_CONFIG_FILE",
  "LLM_TEMPERATURE",
  "LLM_MAX_TOKENS",
  "LLM_TIMEOUT",
  "LLM_IDLE_TIMEOUT",
  "LLM_ATTEMPT_TIMEOUT",
  "LLM_QUEUE_TIMEOUT",
  "LLM_CONCURRENT_NUMBER",
]

/** Nothing is set in this file's tests but the level of the log. */
export const useBareEnvironment = (logLevel: "none" | "debug"): void => {
  beforeAll(() => {
    for (const name of readBySettings) vi.stubEnv(name, undefined)
    vi.stubEnv("WISEFLOW_LOG_LEVEL", logLevel)
  })
  afterAll(() => {
    vi.unstubAllEnvs()
  })
}
