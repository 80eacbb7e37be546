/**
 * The last resort, only where it was configured: a fixed text that says of itself that it is one (`metadata.degraded`). It
 * asks nobody, so it is no attempt, and it needs no share of a deadline.
 */
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Stream from "effect/Stream"
import { joinCall } from "../call/CallContext.ts"
import { metadataOf } from "../call/Metadata.ts"
import { monotonicMs } from "../call/Time.ts"
import type { LlmEvent } from "../model/LlmEvent.ts"
import { LlmProvider } from "../model/LlmProvider.ts"
import type { LlmRequest } from "../model/LlmRequest.ts"
import { fromParts, type LlmResponse } from "../model/LlmResponse.ts"

const name = "fallback-text"

const answer = (text: string, { maxTokens, temperature }: LlmRequest): Effect.Effect<LlmResponse> =>
  joinCall(({ ledger }, fiber) =>
    Effect.succeed(
      fromParts(
        [{ type: "text", text }],
        "other",
        metadataOf({
          provider: name,
          model: undefined,
          temperature,
          maxTokens,
          latencyMs: Math.round(monotonicMs(fiber) - ledger.startedMs),
          timestamp: ledger.started,
          attempts: ledger.attempts(),
          warnings: [
            ...ledger.warnings,
            "every target failed: this is the configured fallback text, not a model's answer",
          ],
          degraded: true,
        }),
      ),
    ),
  )

/** Answers every request with `text`. */
export const layer = (text: string): Layer.Layer<LlmProvider> =>
  Layer.succeed(LlmProvider, {
    name,
    targets: 0,
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
