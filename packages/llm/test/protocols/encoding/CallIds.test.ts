/** Ids of tool calls in history that moves between providers (law 20). */
import * as fc from "fast-check"
import { describe, expect, it } from "vitest"
import type { Message } from "../../../src/model/LlmRequest.ts"
import { type CallIdRule, withCallIds } from "../../../src/protocols/encoding/CallIds.ts"
import {
  anthropicCallIds,
  anyService,
  mistralCallIds,
  openAiCallIds,
} from "../../../src/protocols/encoding/ServiceCapabilities.ts"

const turn = (...ids: ReadonlyArray<string>): ReadonlyArray<Message> => [
  { role: "assistant", content: ids.map((id) => ({ type: "tool-call", id, name: "f", arguments: {} })) },
  { role: "tool", content: ids.map((id) => ({ type: "tool-result", toolCallId: id, content: id })) },
]

const callsOf = (messages: ReadonlyArray<Message>) =>
  messages.flatMap(({ content, role }) =>
    role === "assistant" && typeof content !== "string"
      ? content.flatMap((part) => (part.type === "tool-call" ? [part.id] : []))
      : [],
  )

const resultsOf = (messages: ReadonlyArray<Message>) =>
  messages.flatMap((message) => (message.role === "tool" ? message.content.map(({ toolCallId }) => toolCallId) : []))

const rules: ReadonlyArray<readonly [string, CallIdRule, RegExp]> = [
  ["OpenAI", openAiCallIds, /^[^]{1,40}$/],
  ["Mistral", mistralCallIds, /^[A-Za-z0-9]{9}$/],
  ["Anthropic", anthropicCallIds, /^[a-zA-Z0-9_-]{1,64}$/],
  ["an unknown service", anyService.toolCallIds, /^[^]{1,64}$/],
]

const ids = fc.oneof(
  fc.string({ maxLength: 90, unit: "binary" }),
  fc.constantFrom("", "call_0", "call_1", "functions.f:0", "abcdefghi", "a\ud800", "a\ud801", "x".repeat(200)),
)

describe.each(rules)("ids of tool calls for %s", (_, rule, accepted) => {
  it("are accepted, unique, the same at a call and its result, and the same each time", () => {
    fc.assert(
      fc.property(fc.array(fc.array(ids, { maxLength: 4 }), { maxLength: 5 }), (turns) => {
        const messages = turns.flatMap((one) => turn(...one))
        const sent = withCallIds(messages, rule)
        const calls = callsOf(sent)
        expect(resultsOf(sent)).toEqual(calls)
        expect(new Set(calls).size).toBe(calls.length)
        for (const id of calls) {
          expect(id).toMatch(accepted)
          expect(id).not.toMatch(/\p{Surrogate}/u)
        }
        expect(withCallIds(messages, rule)).toEqual(sent)
        // What was sent before keeps its ids as the conversation grows, so that a cached beginning stays the same.
        const grown = withCallIds([...messages, ...turn("later")], rule)
        if (!turns.flat().includes("later")) expect(callsOf(grown).slice(0, calls.length)).toEqual(calls)
      }),
    )
  })
})

it("ids that a target accepts are not touched", () => {
  const messages = [...turn("call_abc", "tool_123"), ...turn("call_def")]
  expect(withCallIds(messages, openAiCallIds)).toBe(messages)
})

it("a result whose call the provider keeps gets the id that its call was sent with", () => {
  const long = "x".repeat(80)
  const [first] = callsOf(withCallIds(turn(long), anyService.toolCallIds))
  const answer: ReadonlyArray<Message> = turn(long).slice(1)
  expect(resultsOf(withCallIds(answer, anyService.toolCallIds))).toEqual([first])
})
