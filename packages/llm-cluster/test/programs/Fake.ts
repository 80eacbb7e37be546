/** A provider without a network, whose answers cost what a test says. */
import { type LlmError, type LlmEvent, LlmProvider, type LlmResponse, type ResponseMetadata } from "@wiseflow/llm"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Stream from "effect/Stream"

/** What surrounds an answer. */
export const metadata = (changes: Partial<ResponseMetadata>): ResponseMetadata => ({
  provider: "fake",
  usage: {},
  usageStatus: "unknown",
  latencyMs: 0,
  timestamp: "2026-01-01T00:00:00.000Z",
  costUsd: null,
  attempts: [],
  warnings: [],
  degraded: false,
  ...changes,
})

/** The layer; `asked` runs for each call before it is answered. */
export const fake = (asked: Effect.Effect<void, LlmError>, changes: Partial<ResponseMetadata> = {}) => {
  const answer: LlmResponse = {
    text: "fine",
    parts: [{ type: "text", text: "fine" }],
    toolCalls: [],
    finishReason: "stop",
    metadata: metadata(changes),
  }
  return Layer.succeed(LlmProvider, {
    name: "fake",
    generate: () => Effect.as(asked, answer),
    stream: () =>
      Stream.concat(
        Stream.fromEffectDrain(asked),
        Stream.fromIterable<LlmEvent>([
          { type: "text-delta", index: 0, delta: "fine" },
          { type: "response-finish", finishReason: "stop", metadata: answer.metadata },
        ]),
      ),
  })
}
