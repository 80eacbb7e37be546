/**
 * The last resort, only where it was configured: a fixed text that says of itself that it is one (`metadata.degraded`).
 */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Stream from "effect/Stream"
import { attemptsOf, joinCall } from "../call/LlmCall.ts"
import type { LlmEvent } from "../model/LlmEvent.ts"
import { LlmProvider } from "../model/LlmProvider.ts"
import type { LlmRequest } from "../model/LlmRequest.ts"
import { fromParts, type LlmResponse } from "../model/LlmResponse.ts"

const answer = (text: string, request: LlmRequest): Effect.Effect<LlmResponse> =>
  joinCall((call) =>
    Effect.map(Clock.currentTimeMillis, (nowMs) =>
      fromParts([{ type: "text", text }], "other", {
        provider: "fallback-text",
        model: undefined,
        temperature: request.temperature,
        maxTokens: request.maxTokens,
        usage: {},
        usageStatus: "unknown",
        latencyMs: nowMs - call.startedMs,
        timestamp: call.started,
        costUsd: null,
        attempts: attemptsOf(call, nowMs),
        warnings: ["every target failed: this is the configured fallback text, not a model's answer"],
        degraded: true,
      }),
    ),
  )

/** Answers every request with `text`. */
export const layer = (text: string): Layer.Layer<LlmProvider> =>
  Layer.succeed(LlmProvider, {
    name: "fallback-text",
    generate: (request) => answer(text, request),
    stream: (request) =>
      Stream.unwrap(
        Effect.map(answer(text, request), ({ finishReason, metadata }) =>
          Stream.fromArray<LlmEvent>([
            { type: "response-start" },
            { type: "text-delta", index: 0, delta: text },
            { type: "response-finish", finishReason, metadata },
          ]),
        ),
      ),
  })
