/** Tool calls as services send them: parallel, without ids, with signatures, under any finish reason. */
import { describe, expect } from "vitest"
import { checkCase, checkSharedCase } from "./CheckCase.ts"
import { callsOf, partsOf } from "./OpenCase.ts"
import { chatAnswer, eventsOf } from "./Samples.ts"

const tool = { name: "f", parameters: { type: "object", properties: {} } }
const call = (fields: object, args = "{}") => ({
  index: 0,
  id: "c1",
  type: "function",
  function: { name: "f", arguments: args },
  ...fields,
})

describe("tool calls", () => {
  checkSharedCase("stop-with-tool-calls", async ({ ask }, through) => {
    expect((await ask(through)).response).toMatchObject({
      finishReason: "tool-calls",
      metadata: { rawFinishReason: "stop" },
    })
  })

  checkCase(
    "of Anthropic beside end_turn",
    {
      right: "tool-calls.",
      provider: "anthropic",
      request: { maxTokens: 9 },
      answers: [
        {
          body: { model: "m", content: [{ type: "tool_use", id: "t", name: "f", input: {} }], stop_reason: "end_turn" },
          sse: eventsOf(
            { type: "message_start", message: { model: "m", content: [] } },
            {
              type: "content_block_start",
              index: 0,
              content_block: { type: "tool_use", id: "t", name: "f", input: {} },
            },
            { type: "message_delta", delta: { stop_reason: "end_turn" } },
            { type: "message_stop" },
          ),
        },
      ],
    },
    async ({ ask }, through) => {
      expect((await ask(through)).response).toMatchObject({
        finishReason: "tool-calls",
        metadata: { rawFinishReason: "end_turn" },
      })
    },
  )

  checkCase(
    "beside a cut stay cut",
    { right: "length.", request: { tools: [tool] }, answers: [chatAnswer({ tool_calls: [call({})] }, "length")] },
    async ({ ask }, through) => {
      expect((await ask(through)).response).toMatchObject({ finishReason: "length" })
    },
  )

  const parallel = [
    { name: "f", arguments: { c: "A" } },
    { name: "f", arguments: { c: "B" } },
  ]
  checkSharedCase("parallel-index-0-no-ids", async ({ ask }, through) => {
    const calls = callsOf(await ask(through))
    expect(calls).toMatchObject(parallel)
    expect(new Set(calls.map(({ id }) => id)).size).toBe(2)
  })

  const alike = [call({}, '{"c":"A"}'), call({}, '{"c":"B"}')]
  checkCase(
    "that a whole message gives the same id have ids that differ",
    { right: "Two.", only: "generate", request: { tools: [tool] }, answers: [chatAnswer({ tool_calls: alike })] },
    async ({ ask }, through) => {
      const calls = callsOf(await ask(through))
      expect(calls).toMatchObject(parallel)
      expect(new Set(calls.map(({ id }) => id)).size).toBe(2)
    },
  )

  const pieces = ['{"c":', '"A"}', '{"c":"A"}'].map((args) => ({ tool_calls: [call({}, args)] }))
  checkCase(
    "whose arguments a stream repeats whole at its end are read once",
    {
      right: "One.",
      request: { tools: [tool] },
      answers: [chatAnswer({ tool_calls: [call({}, '{"c":"A"}')] }, "tool_calls", pieces)],
    },
    async ({ ask }, through) => expect(callsOf(await ask(through))).toEqual([{ id: "c1", ...parallel[0] }]),
  )

  checkSharedCase("gemini-thought-signature", async ({ ask, requests }, through) => {
    const signature = { extra_content: { google: { thought_signature: "SIG" } } }
    const parts = partsOf(await ask(through))
    expect(parts).toMatchObject([{ type: "tool-call", id: "c1", protocolData: { "chat-completions": signature } }])
    await ask(through, {
      messages: [
        { role: "user", content: "Say hello." },
        { role: "assistant", content: parts },
        { role: "tool", content: [{ type: "tool-result", toolCallId: "c1", content: "ok" }] },
      ],
    })
    expect(requests[1].messages[1].tool_calls[0]).toMatchObject({ id: "c1", ...signature })
  })
})
