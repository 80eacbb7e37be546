/** Answers in another form than the one that was asked for, and streams that say things twice (laws 3 and 5). */
import { describe, expect } from "vitest"
import { checkCase, checkSharedCase } from "./CheckCase.ts"
import { interrupted, partsOf } from "./OpenCase.ts"
import { chatAnswer, eventsOf } from "./Samples.ts"

const tool = { name: "f", parameters: { type: "object", properties: {} } }
const call = { index: 0, id: "c1", type: "function", function: { name: "f", arguments: "{}" } }

describe("a stream that ends with its whole message", () => {
  const whole = { content: "Hello", tool_calls: [call] }
  const withWhole = (...deltas: ReadonlyArray<object>) => ({
    right: "Nothing twice, nothing lost.",
    only: "stream" as const,
    request: { tools: [tool] },
    answers: [
      {
        sse: eventsOf(
          ...deltas.map((delta) => ({ model: "m", choices: [{ index: 0, delta }] })),
          { model: "m", choices: [{ index: 0, message: whole, finish_reason: "tool_calls" }] },
          "[DONE]",
        ),
      },
    ],
  })
  const expected = [
    { type: "text", text: "Hello" },
    { type: "tool-call", id: "c1", name: "f", arguments: {} },
  ]

  checkCase(
    "after pieces as content parts, is read once",
    withWhole({ content: [{ type: "text", text: "Hel" }] }, { content: [{ type: "text", text: "lo" }] }),
    async ({ ask }, through) => expect(partsOf(await ask(through))).toEqual(expected),
  )
  checkCase("after a part of its text, says the rest", withWhole({ content: "Hel" }), async ({ ask }, through) =>
    expect(partsOf(await ask(through))).toEqual(expected),
  )
  checkCase(
    "after its tool calls, is read once",
    withWhole({ content: "Hello" }, { tool_calls: [call] }),
    async ({ ask }, through) => expect(partsOf(await ask(through))).toEqual(expected),
  )
})

describe("thinking in a text block of Messages", () => {
  const delta = (type: string, piece: object) => ({ type: "content_block_delta", index: 0, delta: { type, ...piece } })
  checkCase(
    "is reasoning",
    {
      right: "Reasoning.",
      only: "stream",
      provider: "anthropic",
      request: { maxTokens: 9 },
      answers: [
        {
          sse: eventsOf(
            { type: "message_start", message: { model: "m", content: [] } },
            { type: "content_block_start", index: 0, content_block: { type: "text", text: "" } },
            delta("text_delta", { text: "a" }),
            delta("thinking_delta", { thinking: "Hm" }),
            delta("text_delta", { text: "b" }),
            { type: "message_delta", delta: { stop_reason: "end_turn" } },
            { type: "message_stop" },
          ),
        },
      ],
    },
    async ({ ask }, through) => {
      expect(partsOf(await ask(through))).toEqual([
        { type: "text", text: "a" },
        { type: "reasoning", text: "Hm" },
        { type: "text", text: "b" },
      ])
    },
  )
})

describe("an event stream that nobody asked for", () => {
  checkSharedCase("sse-to-generate", async ({ ask }, through) => {
    expect((await ask(through)).response).toMatchObject({ text: "ok", finishReason: "stop" })
  })

  const whole = chatAnswer({ content: "ok" }).sse ?? ""
  checkCase(
    "is read by what it is, whatever its server calls it",
    { right: "The text.", only: "generate", answers: [{ body: `: ping\n\n${whole}` }] },
    async ({ ask }, through) => {
      const { response } = await ask(through)
      expect(response).toMatchObject({ text: "ok", metadata: { usage: { totalTokens: 5 } } })
    },
  )
  checkCase(
    "is a failure where it is cut",
    { right: "A failure.", only: "generate", answers: [{ body: whole.slice(0, whole.indexOf("\n\n")) }] },
    async ({ ask }, through) => interrupted(await ask(through), "ok"),
  )
  checkCase(
    "is the failure that it says",
    {
      right: "A failure.",
      only: "generate",
      answers: [{ body: eventsOf({ error: { message: "Overloaded", type: "overloaded_error" } }) }],
    },
    async ({ ask }, through) => {
      expect((await ask(through)).response).toMatchObject({ errorType: "OverloadedError" })
    },
  )
})
