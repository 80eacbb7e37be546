/** One line of what an answer took, for a person. */
import type { LlmResponse } from "@wiseflow/llm"

type Metadata = LlmResponse["metadata"]

const count = (amount: number, noun: string) => `${amount} ${noun}${amount === 1 ? "" : "s"}`

const tokens = ({ usage, usageStatus }: Metadata): string =>
  usageStatus === "unknown"
    ? "tokens unknown"
    : `${usage.inputTokens ?? "?"} tokens in, ${usage.outputTokens ?? "?"} out`

/** `2 attempts (RateLimitError, answered)` */
const attempts = ({ attempts }: Metadata): string =>
  attempts.length < 2
    ? count(attempts.length, "attempt")
    : `${count(attempts.length, "attempt")} (${attempts.map(({ errorType }) => errorType ?? "answered").join(", ")})`

const cost = ({ costUsd }: Metadata, isOffline: boolean): string =>
  isOffline ? "$0" : costUsd === null ? "cost unknown" : `$${costUsd.toFixed(6).replace(/0{1,4}$/, "")}`

/** `openai gpt-5-mini: 11 tokens in, 9 out, 2 attempts (RateLimitError, answered), 1.2 s, $0.000021` */
export const summary = (metadata: Metadata, isOffline = false): string => {
  const who = [metadata.provider, metadata.servedModel ?? metadata.model].filter(Boolean).join(" ")
  const seconds = `${(metadata.latencyMs / 1000).toFixed(1)} s`
  const degraded = metadata.degraded ? ", not a model's answer but the configured fallback text" : ""
  return `${who}: ${[tokens(metadata), attempts(metadata), seconds, cost(metadata, isOffline)].join(", ")}${degraded}`
}
