/** Answers past a limit, over HTTP: an error as data through both calls, whatever form they come in (law 3). */
import { describe, expect } from "vitest"
import type { Case } from "./Case.ts"
import { checkCase } from "./CheckCase.ts"
import { eventsOf } from "./Samples.ts"

const nested = (depth: number) => `${"[".repeat(depth)}1${"]".repeat(depth)}`
const many = (count: number, value: unknown) => Array.from({ length: count }, () => value)
const chat = (message: object) => ({ choices: [{ index: 0, message, finish_reason: "stop" }] })
const messages = (content: unknown) => ({ content, stop_reason: "end_turn" })
const deep = `{"choices":[{"index":0,"message":{"content":"a","odd":${nested(5000)}},"finish_reason":"stop"}]}`

/** A body to a plain request, and to a streamed one that it does not fit. */
const whole = (body: unknown, more: Partial<Case> = {}): Case => ({
  right: "An InvalidResponseError.",
  answers: [{ body }],
  request: { maxTokens: 9 },
  ...more,
})
const streamed = (sse: string, more: Partial<Case> = {}): Case =>
  whole("", { only: "stream", answers: [{ sse }], ...more })

const cases: ReadonlyArray<readonly [string, Case]> = [
  ["nested 5,000 deep", whole(deep)],
  ["with an event nested 5,000 deep", streamed(`data: ${deep}\n\n`)],
  ["with 300,000 annotations", whole(chat({ content: "a", annotations: many(300_000, 1) }))],
  ["with 300,000 parts", whole(chat({ content: many(300_000, { type: "odd" }) }))],
  ["with 20,000 tool calls", whole(chat({ tool_calls: many(20_000, { function: { name: "f", arguments: "{}" } }) }))],
  ["with 300,000 blocks", whole(messages(many(300_000, { type: "odd" })), { provider: "anthropic" })],
  [
    "with 300,000 citations of a block",
    whole(messages([{ type: "text", text: "a", citations: many(300_000, 1) }]), { provider: "anthropic" }),
  ],
  [
    "with 300,000 annotations in one event",
    streamed(eventsOf({ choices: [{ index: 0, delta: { content: "a", annotations: many(300_000, 1) } }] })),
  ],
]

describe("an answer", () => {
  for (const [name, one] of cases) {
    checkCase(name, one, async ({ ask }, through) => {
      expect((await ask(through)).response).toMatchObject({ text: "", errorType: "InvalidResponseError" })
    })
  }

  checkCase(
    "that fails with a body nested 100,000 deep",
    whole("", { answers: [{ status: 500, body: `{"error":{"message":"No","details":${nested(100_000)}}}` }] }),
    async ({ ask }, through) => {
      expect((await ask(through)).response).toMatchObject({ errorType: "ServerError", status: 500 })
    },
  )

  checkCase(
    "with tool arguments nested 5,000 deep",
    whole(chat({ tool_calls: [{ id: "c", function: { name: "f", arguments: nested(5000) } }] })),
    async ({ ask }, through) => {
      const { response } = await ask(through)
      expect(response).toMatchObject({ toolCalls: [{ id: "c", name: "f", arguments: nested(5000) }] })
      expect(response.metadata.warnings).toHaveLength(1)
      expect(() => JSON.stringify(response)).not.toThrow()
    },
  )

  checkCase(
    "whose figures add up to infinity",
    whole({ ...chat({ content: "a" }), usage: { prompt_tokens: 1e308, completion_tokens: 1e308 } }),
    async ({ ask }, through) => {
      expect((await ask(through)).response).toMatchObject({ text: "a", metadata: { usage: {}, costUsd: null } })
    },
  )
})
