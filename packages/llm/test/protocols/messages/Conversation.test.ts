/** Turns of Messages: who says what, in which order, what stays behind, and where marks for caching stand. */
import { describe, expect, it } from "vitest"
import type { AssistantMessage, CacheMark, Message, ToolMessage } from "../../../src/model/LlmRequest.ts"
import { messages as encode, user } from "../encoding/Encoded.ts"

type Part = Exclude<AssistantMessage["content"], string>[number]

const text = (text: string) => ({ type: "text", text }) as const
const call = (id: string, args: unknown = {}) => ({ type: "tool-call", id, name: "f", arguments: args }) as const
const assistant = (...content: ReadonlyArray<Part>): Message => ({ role: "assistant", content })
const result = (
  toolCallId: string,
  content: ToolMessage["content"][number]["content"],
  more: object = {},
): Message => ({
  role: "tool",
  content: [{ type: "tool-result", toolCallId, content, ...more }],
})
const resultBlock = (tool_use_id: string, content: unknown) => ({ type: "tool_result", tool_use_id, content })
const userTurn = { role: "user", content: [text("Hi")] }

/** The turns, and the warnings. */
const sent = (...messages: ReadonlyArray<Message>) => {
  const { body, warnings } = encode({ messages })
  return { turns: body["messages"], warnings }
}
/** The blocks of an assistant's turn between two of the user's. */
const turn = (...parts: ReadonlyArray<Part>) => {
  const { turns, warnings } = sent(user, assistant(...parts), user)
  return { blocks: turns[1].role === "assistant" ? turns[1].content : undefined, warnings }
}

describe("an assistant's turn in Messages", () => {
  it("says its texts and its refusals as text, without the blank ones", () => {
    expect(turn(text("a"), text(" "), { type: "refusal", text: "No." })).toStrictEqual({
      blocks: [text("a"), text("No.")],
      warnings: [],
    })
    expect(sent(user, { role: "assistant", content: "a" }, user).turns[1]).toStrictEqual({
      role: "assistant",
      content: [text("a")],
    })
  })

  it("calls tools with an object, and wraps anything else with a warning", () => {
    const input = (value: unknown) => ({ type: "tool_use", id: "c", name: "f", input: value })
    const wrapped = "the arguments of the tool call c were wrapped: Anthropic takes an object only"
    const called = (args: unknown) => {
      const { turns, warnings } = sent(user, assistant(call("c", args)), result("c", "1"))
      return [turns[1].content, warnings]
    }
    expect(called({ a: 1 })).toStrictEqual([[input({ a: 1 })], []])
    expect(called([1])).toStrictEqual([[input({ value: [1] })], [wrapped]])
    expect(called("{")).toStrictEqual([[input({ value: "{" })], [wrapped]])
  })

  it.each<readonly [string, Part, string]>([
    [
      "reasoning of another protocol",
      { type: "reasoning", text: "Hm", redacted: "x", protocol: "responses" },
      "reasoning of another provider was dropped: Anthropic does not accept it",
    ],
    [
      "reasoning without a signature",
      { type: "reasoning", text: "Hm" },
      "reasoning without a signature was dropped: Anthropic does not accept it",
    ],
    [
      "a picture",
      { type: "image", url: "https://example.com/a.png" },
      "a picture in messages[1] was dropped: Anthropic takes none from an assistant",
    ],
    [
      "what another protocol kept",
      { type: "other", provider: "responses", value: { type: "x" } },
      'an "other" part of responses in messages[1] was dropped: Anthropic has no block for it',
    ],
    [
      "what cannot be a block",
      { type: "other", provider: "messages", value: "x" },
      'an "other" part of messages in messages[1] was dropped: Anthropic has no block for it',
    ],
  ])("leaves behind with a warning: %s", (_, part, warning) => {
    expect(turn(part, text("a"))).toStrictEqual({ blocks: [text("a")], warnings: [warning] })
  })

  it("sends thinking and blocks of its own kind back, and sources not", () => {
    const search = { type: "server_tool_use", id: "s", name: "web_search", input: {} }
    const other = (value: object) => ({ type: "other", provider: "messages", value }) as const
    expect(
      turn(
        { type: "reasoning", text: "Hm", signature: "s" },
        { type: "reasoning", text: "", redacted: "x" },
        other(search),
        text("a"),
        other({ type: "citations", citations: [1] }),
      ),
    ).toStrictEqual({
      blocks: [
        { type: "thinking", thinking: "Hm", signature: "s" },
        { type: "redacted_thinking", data: "x" },
        search,
        text("a"),
      ],
      warnings: [],
    })
  })

  it("is dropped with a warning where nothing of it is left", () => {
    const { turns, warnings } = sent(user, assistant({ type: "reasoning", text: "Hm", protocol: "responses" }), user)
    expect(turns).toStrictEqual([{ role: "user", content: [text("Hi"), text("Hi")] }])
    expect(warnings).toContain("messages[1] was dropped: Anthropic has no block for anything in it")
  })

  it("may not end the conversation in white space", () => {
    const end = (...parts: ReadonlyArray<Part>) => sent(user, assistant(...parts)).turns[1].content.at(-1)
    expect(end(text("a "), text("b "), text("c \n"))).toEqual(text("c"))
    expect(sent(user, assistant(text("a "), text("b "))).turns[1].content[0]).toEqual(text("a "))
    expect(turn(text("a ")).blocks).toEqual([text("a ")])
    expect(sent({ role: "user", content: "a " }).turns[0].content).toEqual([text("a ")])
    for (const odd of [
      { type: "text", text: 3 },
      { type: "x", text: "a " },
    ]) {
      expect(end({ type: "other", provider: "messages", value: odd })).toEqual(odd)
    }
  })
})

describe("the order of turns in Messages", () => {
  it("puts results before everything else of their turn, in their own order", () => {
    const called = assistant(call("a"), call("b"))
    const [one, two] = [resultBlock("a", "1"), resultBlock("b", "2")]
    const content = (...messages: ReadonlyArray<Message>) => sent(user, called, ...messages).turns[2].content
    expect(content(result("a", "1"), result("b", "2"))).toStrictEqual([one, two])
    expect(content(user, result("a", "1"), result("b", "2"))).toStrictEqual([one, two, text("Hi")])
    expect(content(result("a", "1"), user, result("b", "2"), user)).toStrictEqual([one, two, text("Hi"), text("Hi")])
  })

  it("joins what one side says in a row, in its order", () => {
    const { turns } = sent(user, assistant(text("a")), assistant(text("b")), user, { role: "user", content: "c" })
    expect(turns).toStrictEqual([
      userTurn,
      { role: "assistant", content: [text("a"), text("b")] },
      { role: "user", content: [text("Hi"), text("c")] },
    ])
  })

  it("has systems in front, one as a text and more as blocks, with a warning for those that were moved", () => {
    const system = (content: string): Message => ({ role: "system", content })
    const one = encode({ messages: [system("S"), user] })
    expect([one.body["system"], one.warnings]).toStrictEqual(["S", []])
    const two = encode({ messages: [system("S"), system("T"), user] })
    expect([two.body["system"], two.warnings]).toStrictEqual([[text("S"), text("T")], []])
    const late = encode({ messages: [system("S"), user, system("T")] })
    expect([late.body["system"], late.body["messages"], late.warnings]).toStrictEqual([
      [text("S"), text("T")],
      [userTurn],
      ["messages[2] was moved to the front: Anthropic takes system messages there only"],
    ])
    expect(encode({}).body).not.toHaveProperty("system")
  })

  it("needs a message beside the system's", () => {
    const { refused } = encode({ messages: [{ role: "system", content: "S" }] })
    expect(refused).toMatchObject({ parameter: "messages" })
    expect(refused?.["message"]).toContain("Anthropic needs a message beside the system's")
  })
})

describe("a tool's answer in Messages", () => {
  const answered = (...args: Parameters<typeof result>) =>
    sent(user, assistant(call("a")), result(...args)).turns[2].content

  it("is a text or blocks, and says whether it failed where the request does", () => {
    expect(answered("a", "1")).toStrictEqual([resultBlock("a", "1")])
    expect(answered("a", [text("1"), text("2")])).toStrictEqual([resultBlock("a", [text("1"), text("2")])])
    expect(answered("a", [{ type: "image", url: "https://example.com/a.png" }])).toStrictEqual([
      resultBlock("a", [{ type: "image", source: { type: "url", url: "https://example.com/a.png" } }]),
    ])
    expect(answered("a", "1", { isError: true })).toStrictEqual([{ ...resultBlock("a", "1"), is_error: true }])
    expect(answered("a", "1", { isError: false })).toStrictEqual([{ ...resultBlock("a", "1"), is_error: false }])
  })
})

it("a part of a tool's answer that Messages cannot take is named by its place in the request", () => {
  const heic = { type: "image", mediaType: "image/heic", data: "AAAA" } as const
  const { refused } = encode({ messages: [user, assistant(call("a")), result("a", [text("1"), heic])] })
  expect(refused).toMatchObject({ parameter: "messages[2].content[0].content[1].mediaType" })
})

describe("marks for caching in Messages", () => {
  const ephemeral = { type: "ephemeral" }
  const marksOf = ({ body }: ReturnType<typeof encode>) =>
    [
      ...(Array.isArray(body["system"]) ? body["system"] : []),
      ...body["messages"].flatMap(({ content }: any) => content),
    ].map(({ cache_control: mark }) => mark)
  const cached = (cache: CacheMark) => ({ ...text("a"), cache })

  it("stand on the parts that have them, on the last block of a message, and on results", () => {
    const messages: ReadonlyArray<Message> = [
      { role: "system", content: "S", cache: true },
      { role: "user", content: [cached(true), text("b"), text("c")] },
      { role: "assistant", content: [cached(true), call("a")] },
      { ...result("a", "1"), cache: true },
    ]
    expect(marksOf(encode({ messages }))).toStrictEqual([
      ephemeral,
      ephemeral,
      undefined,
      undefined,
      ephemeral,
      undefined,
      ephemeral,
    ])
    const last: Message = { role: "user", content: [text("a"), text("b"), text("c")], cache: true }
    expect(marksOf(encode({ messages: [last] }))).toStrictEqual([undefined, undefined, ephemeral])
    expect(marksOf(encode({ messages: [user] }))).toStrictEqual([undefined])
  })

  it("stand before thinking, which cannot be cached", () => {
    const message: Message = {
      role: "assistant",
      content: [
        text("a"),
        { type: "reasoning", text: "Hm", signature: "s" },
        { type: "reasoning", text: "", redacted: "x" },
      ],
      cache: true,
    }
    expect(marksOf(encode({ messages: [user, message, user] })).slice(1, 4)).toStrictEqual([
      ephemeral,
      undefined,
      undefined,
    ])
  })

  it("are four at most, with the nearest lifetimes, and a warning says what was dropped", () => {
    const many = (...marks: ReadonlyArray<CacheMark>) =>
      encode({ messages: [{ role: "user", content: marks.map((mark) => cached(mark)) }] })
    const four = many({ ttl: "12h" }, { ttl: "30m" }, { ttl: "5m" }, true)
    expect(marksOf(four)).toStrictEqual([
      { ...ephemeral, ttl: "1h" },
      { ...ephemeral, ttl: "1h" },
      { ...ephemeral, ttl: "5m" },
      ephemeral,
    ])
    expect(four.warnings).toEqual([])
    expect(many(true, true, true, true, true, true).warnings).toEqual([
      "2 cache marks were dropped: the service takes 4 a request",
    ])
  })
})
