/** Answers that are whole, and answers that their provider gave up (law 1). */
import { describe, expect } from "vitest"
import { checkCase, checkSharedCase } from "./CheckCase.ts"
import { interrupted } from "./OpenCase.ts"
import { chatAnswer, eventsOf } from "./Samples.ts"

describe("an answer", () => {
  checkCase(
    "of one text",
    { right: "The text.", answers: [chatAnswer({ content: "ok" })] },
    async ({ ask, requests }, through) => {
      expect((await ask(through)).response).toMatchObject({ text: "ok", finishReason: "stop" })
      expect(requests).toHaveLength(1)
    },
  )
})

describe("an answer that its provider gave up is a failure with the text so far", () => {
  checkSharedCase("finish-abort", async ({ ask }, through) => interrupted(await ask(through)))
  checkSharedCase("finish-error", async ({ ask }, through) => interrupted(await ask(through)))

  for (const word of ["abort", "error", "cancelled", "insufficient_system_resource", "network_error", "TIMEOUT"]) {
    const answer = chatAnswer({ content: "half an ans" }, word)
    checkCase(
      `where it finished with ${word}`,
      { right: "A failure.", answers: [answer] },
      async ({ ask }, through) => {
        const asked = await ask(through)
        interrupted(asked)
        expect(asked.response.metadata.attempts).toMatchObject([{ usage: { outputTokens: 2 } }])
      },
    )
  }

  checkCase(
    "where its call of a function was malformed",
    {
      right: "A failure.",
      answers: [chatAnswer({ content: "half an ans" }, "function_call_filter: MALFORMED_FUNCTION_CALL")],
    },
    async ({ ask }, through) => interrupted(await ask(through)),
  )

  checkCase(
    "where it says nothing of its end",
    {
      right: "A failure.",
      answers: [
        {
          body: { model: "m", choices: [{ index: 0, message: { content: "half an ans" }, finish_reason: null }] },
          sse: eventsOf({ model: "m", choices: [{ index: 0, delta: { content: "half an ans" } }] }, "[DONE]"),
        },
      ],
    },
    async ({ ask }, through) => interrupted(await ask(through)),
  )

  checkCase(
    "where Anthropic's stops without a reason",
    {
      right: "A failure.",
      provider: "anthropic",
      request: { maxTokens: 9 },
      answers: [
        {
          body: { model: "m", content: [{ type: "text", text: "half an ans" }], stop_reason: null },
          sse: eventsOf(
            { type: "message_start", message: { model: "m", content: [] } },
            { type: "content_block_delta", index: 0, delta: { type: "text_delta", text: "half an ans" } },
            { type: "message_stop" },
          ),
        },
      ],
    },
    async ({ ask }, through) => interrupted(await ask(through)),
  )
})
