/** The order of messages, what tools answer, and marks for caching in Chat Completions. */
import { describe, expect, it } from "vitest"
import type { CacheMark, Message, ToolMessage } from "../../../src/model/LlmRequest.ts"
import { chat, user } from "../encoding/Encoded.ts"

const call = (id: string) => ({ type: "tool-call", id, name: "f", arguments: {} }) as const
const called: Message = { role: "assistant", content: [call("a"), call("b")] }
const answer = (content: ToolMessage["content"][number]["content"], more: object = {}): Message => ({
  role: "tool",
  content: [{ type: "tool-result", toolCallId: "a", content, ...more }],
})
const text = (text: string) => ({ type: "text", text }) as const
const image = { type: "image", url: "https://example.com/a.png" } as const
const imagePart = { type: "image_url", image_url: { url: image.url } }

describe("a tool's answer in Chat Completions", () => {
  it.each([
    ["a text", "42", "42"],
    ["nothing", [], ""],
    ["one text part", [text("42")], "42"],
    ["some text parts", [text("4"), text("2")], [text("4"), text("2")]],
  ] as const)("of %s stays in its message", (_, content, expected) => {
    const { body, warnings } = chat({ messages: [user, called, answer(content)] })
    expect(body["messages"].slice(2)).toStrictEqual([{ role: "tool", tool_call_id: "a", content: expected }])
    expect(warnings).toEqual([])
  })

  it("that shows something has it in a user message, which says whose it is", () => {
    const { body, warnings } = chat({ messages: [user, called, answer([image])] })
    expect(body["messages"].slice(2)).toStrictEqual([
      { role: "tool", tool_call_id: "a", content: "See the attachment below." },
      { role: "user", content: [text("Attached to the result of the tool call a:"), imagePart] },
    ])
    expect(warnings).toEqual([
      "images and files of tool results were moved to a user message: tools answer in text only",
    ])
  })

  it("keeps its texts beside what it shows", () => {
    const { body } = chat({ messages: [user, called, answer([text("A map:"), image, text("Big.")])] })
    expect(body["messages"].slice(2)).toStrictEqual([
      { role: "tool", tool_call_id: "a", content: [text("A map:"), text("Big.")] },
      { role: "user", content: [text("Attached to the result of the tool call a:"), imagePart] },
    ])
  })

  it("shows its media before whatever follows it, and after all results", () => {
    const other: Message = { role: "tool", content: [{ type: "tool-result", toolCallId: "b", content: "1" }] }
    for (const next of [user, { role: "assistant", content: "Nice." } as const]) {
      const { body } = chat({ messages: [user, called, answer([image]), other, next] })
      expect(body["messages"].slice(2).map(({ role }: Message) => role)).toEqual(["tool", "tool", "user", next.role])
      expect(body["messages"][4].content).toHaveLength(2)
    }
  })

  it("names the part that is wrong by its place in the request", () => {
    const wrong = { type: "image", mediaType: "image/heic", data: "AAAA" } as const
    expect(chat({ messages: [user, called, answer([text("x"), wrong])] }).refused).toMatchObject({
      parameter: "messages[2].content[0].content[1].mediaType",
    })
  })

  it("says that isError has no field, and only where it is true", () => {
    const warningsOf = (more: object) => chat({ messages: [user, called, answer("No.", more)] }).warnings
    expect(warningsOf({ isError: true })).toEqual([
      "isError of a tool result was dropped: Chat Completions has no field for it",
    ])
    expect(warningsOf({ isError: false })).toEqual([])
    expect(warningsOf({})).toEqual([])
  })
})

describe("a turn of which nothing is left in Chat Completions", () => {
  it("is no message", () => {
    const thought: Message = { role: "assistant", content: [{ type: "reasoning", text: "Hm." }] }
    expect(chat({ messages: [user, thought, user] }).body["messages"]).toEqual([user, user])
  })
})

describe("marks for caching in Chat Completions", () => {
  const marked = (...marks: ReadonlyArray<CacheMark | undefined>): Message => ({
    role: "user",
    content: marks.map((cache) => ({ ...text("Long."), ...(cache === undefined ? {} : { cache }) })),
  })
  const claude = "anthropic/claude-sonnet-4.5"
  const written = (model: string, ...marks: ReadonlyArray<CacheMark | undefined>) => {
    const { body, warnings } = chat({ messages: [marked(...marks), user] }, model)
    const [{ content }] = body["messages"]
    return { marks: content.map((part: any) => part.cache_control ?? part.prompt_cache_breakpoint), warnings }
  }

  it("stand on the parts that have them, with the nearest lifetime that the service knows", () => {
    expect(written(claude, true, undefined)).toStrictEqual({
      marks: [{ type: "ephemeral" }, undefined],
      warnings: [],
    })
    expect(written(claude, { ttl: "30m" }, { ttl: "5m" }).marks).toStrictEqual([
      { type: "ephemeral", ttl: "1h" },
      { type: "ephemeral", ttl: "5m" },
    ])
    expect(written("gpt-5.6", { ttl: "5m" }, true).marks).toStrictEqual([
      { mode: "explicit", ttl: "30m" },
      { mode: "explicit" },
    ])
  })

  it.each([
    [claude, 4],
    ["gpt-5.6", 3],
  ])("for %s are %i at most, and a warning says what was dropped", (model, most) => {
    const many = (count: number) => written(model, ...Array.from({ length: count }, () => true as const))
    expect(many(most).marks.every((mark: unknown) => mark !== undefined)).toBe(true)
    expect(many(most).warnings).toEqual([])
    expect(many(most + 1).marks.filter((mark: unknown) => mark !== undefined)).toHaveLength(most)
    expect(many(most + 1).warnings).toEqual([`1 cache marks were dropped: the service takes ${most} a request`])
  })

  it("of a message stand on its last part", () => {
    const message: Message = { role: "user", content: [text("a"), text("b"), text("c")], cache: true }
    const { body } = chat({ messages: [message] }, claude)
    expect(body["messages"][0].content).toStrictEqual([
      text("a"),
      text("b"),
      { ...text("c"), cache_control: { type: "ephemeral" } },
    ])
  })

  it("of the only part make it stay a part", () => {
    const { body } = chat({ messages: [marked(true)] }, claude)
    expect(body["messages"][0].content).toStrictEqual([{ ...text("Long."), cache_control: { type: "ephemeral" } }])
  })

  it("have no place in tool results, and a warning says so", () => {
    const { warnings } = chat({ messages: [user, called, answer("42", { cache: true })] }, claude)
    expect(warnings).toEqual([`cache in messages[2] was dropped: ${claude} takes marks from users and systems only`])
  })

  it("are not written for services that cache by themselves", () => {
    const { body, warnings } = chat({ messages: [marked(true, true)] }, "gpt-4o")
    expect(body["messages"][0].content).toStrictEqual([text("Long."), text("Long.")])
    expect(warnings).toEqual([])
  })
})
