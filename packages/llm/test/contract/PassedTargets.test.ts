/** Laws 13 and 20: a target that cannot take a part of a request is passed, with a warning; alone it refuses by the field. */
import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { type LlmRequest, withFallback } from "../../src/index.ts"
import { goodAnswer } from "../faults/FaultScenario.ts"
import { fullText } from "../faults/WireText.ts"
import { ask, open, patient, quickRetry, serve } from "./Ask.ts"
import { anthropic, openai } from "./Providers.ts"

const calls = [{ call: "generate" }, { call: "stream" }] as const

const sound: LlmRequest = {
  messages: [
    {
      role: "user",
      content: [
        { type: "text", text: "What is said here?" },
        { type: "file", mediaType: "audio/wav", data: "UklGRg==" },
      ],
    },
  ],
}

describe.concurrent("a target that cannot take a part", patient, () => {
  it.live.each(calls)(
    "is passed without a request, and the answer says so ($call)",
    Effect.fnUntraced(function* ({ call }) {
      const first = yield* serve(() => goodAnswer(anthropic.wire, call))
      const second = yield* serve(() => goodAnswer(openai.wire, call))
      const llm = yield* open(
        anthropic.layer(first.url).pipe(quickRetry, withFallback(openai.layer(second.url), { model: "gpt-audio" })),
      )
      const seen = yield* ask(llm, call, sound)
      expect(first.requests).toHaveLength(0)
      expect(second.requests).toHaveLength(1)
      expect(seen.response).toMatchObject({ text: fullText, metadata: { provider: "openai" } })
      expect(seen.response?.metadata.warnings.join()).toMatch(
        /anthropic was passed over: .*messages\[0\]\.content\[1\]/,
      )
    }),
  )

  it.live.each(calls)(
    "refuses by the field where no other is left ($call)",
    Effect.fnUntraced(function* ({ call }) {
      const only = yield* serve(() => goodAnswer(anthropic.wire, call))
      const llm = yield* open(anthropic.layer(only.url).pipe(quickRetry))
      const { error } = yield* ask(llm, call, sound)
      expect(only.requests).toHaveLength(0)
      expect(error).toMatchObject({
        isRetryable: false,
        reason: { _tag: "InvalidRequestError", parameter: "messages[0].content[1].mediaType" },
      })
    }),
  )
})
