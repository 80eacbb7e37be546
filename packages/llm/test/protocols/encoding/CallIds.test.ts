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

describe("an id of a tool call", () => {
  const sent = (rule: CallIdRule, ...messages: ReadonlyArray<Message>) => {
    const written = withCallIds(messages, rule)
    return [callsOf(written), resultsOf(written)]
  }
  const exact = { maxLength: 5, alphabet: "word", isExact: true } as const

  it("is kept up to the length that is accepted, and no further", () => {
    expect(sent(openAiCallIds, ...turn("x".repeat(40)))).toEqual([["x".repeat(40)], ["x".repeat(40)]])
    expect(sent(openAiCallIds, ...turn("x".repeat(41)))).toEqual([["call_1xr3wrr1mq1v77"], ["call_1xr3wrr1mq1v77"]])
    expect(sent({ ...exact, isExact: false }, ...turn("abcd", "abcde"))[0]).toEqual(["abcd", "abcde"])
    expect(sent(exact, ...turn("abcde"))[0]).toEqual(["abcde"])
    expect(sent(exact, ...turn("abcd"))[0]).not.toEqual(["abcd"])
  })

  it("that is not accepted becomes the same one everywhere, from release to release", () => {
    expect(sent(anthropicCallIds, ...turn("functions.f:0"))[0]).toEqual(["call_0jis8l40oje704"])
    expect(sent(mistralCallIds, ...turn("functions.f:0"))[0]).toEqual(["l40oje704"])
    const made = "call_0jis8l40oje704"
    expect(sent({ maxLength: made.length, alphabet: "word" }, ...turn("functions.f:0"))[0]).toEqual([made])
    expect(sent({ maxLength: made.length - 1, alphabet: "word" }, ...turn("functions.f:0"))[0]).toEqual([made.slice(5)])
    expect(sent({ maxLength: 30, alphabet: "alphanumeric" }, ...turn("functions.f:0"))[0]).toEqual([made.slice(5)])
    expect(sent({ maxLength: 8, alphabet: "word" }, ...turn("functions.f:0"))[0]).toEqual(["40oje704"])
  })

  it("that comes twice becomes two, and results answer them in order, the last one again where there are more", () => {
    const [call] = turn("c")
    const [, result] = turn("c")
    if (call === undefined || result === undefined) throw new Error("a turn has two messages")
    const [[first, second, third] = [], results] = sent(openAiCallIds, call, result, call, call, result, result, result)
    expect(first).toBe("c")
    expect(new Set([first, second, third]).size).toBe(3)
    expect(results).toEqual([first, second, third, third])
    const [calls, answers] = sent(openAiCallIds, ...turn("c", "c"))
    expect(answers).toEqual(calls)
  })

  it("that is made up never takes one that another call has", () => {
    const made = "call_0jis8l40oje704"
    const [[given, own] = []] = sent(anthropicCallIds, ...turn("functions.f:0"), ...turn(made))
    expect(own).toBe(made)
    expect(given).not.toBe(made)
    const short: CallIdRule = { maxLength: 6, alphabet: "word" }
    const many = Array.from({ length: 40 }, (_, place) => `odd.${place}`)
    const [all = []] = sent(short, ...turn(...many))
    expect(new Set(all).size).toBe(40)
  })

  it("is touched in calls and results only, and whatever else is said stays as it is", () => {
    const said: ReadonlyArray<Message> = [
      { role: "system", content: "Be kind." },
      { role: "user", content: [{ type: "text", text: "Hi" }] },
      { role: "assistant", content: "Yes?" },
      { role: "assistant", content: [{ type: "text", text: "So." }] },
    ]
    expect(withCallIds(said, anthropicCallIds)).toBe(said)
    const right = [...said, ...turn("a")]
    expect(withCallIds(right, anthropicCallIds)).toBe(right)
    expect(withCallIds([...said, ...turn("a.1")], anthropicCallIds).slice(0, 4)).toEqual(said)
    const twice = [...said, ...turn("a"), ...turn("a")]
    expect(new Set(callsOf(withCallIds(twice, anthropicCallIds))).size).toBe(2)
  })

  it("of a result whose call the provider keeps is what the rule makes of it", () => {
    const [, result] = turn("functions.f:0")
    if (result === undefined) throw new Error("a turn has two messages")
    const hello: Message = { role: "user", content: "Hi" }
    expect(resultsOf(withCallIds([hello, result], anthropicCallIds))).toEqual(["call_0jis8l40oje704"])
    expect(resultsOf(withCallIds([hello, result], openAiCallIds))).toEqual(["functions.f:0"])
    const one: ReadonlyArray<Message> = [hello]
    expect(withCallIds(one, anthropicCallIds)).toBe(one)
  })
})
