/** One mark for caching serves every service that takes marks, and none is in the way of the others. */
import { describe, expect, it } from "vitest"
import type { CacheMark, Message } from "../../../src/model/LlmRequest.ts"
import { chat, messages, responses, user } from "./Encoded.ts"

const marked = (cache: CacheMark, role: "system" | "user" = "user"): Message => ({ role, content: "Long.", cache })
const ephemeral = { type: "ephemeral" }

describe("a mark for caching", () => {
  it("is a breakpoint of Anthropic's on a part, a message, a system and a tool result", () => {
    const conversation: ReadonlyArray<Message> = [
      marked(true, "system"),
      {
        role: "user",
        content: [
          { type: "text", text: "Look.", cache: { ttl: "5m" } },
          { type: "text", text: "Now." },
        ],
      },
      {
        role: "assistant",
        content: [
          { type: "reasoning", text: "Hm.", signature: "s" },
          { type: "tool-call", id: "c", name: "f", arguments: {} },
        ],
        cache: true,
      },
      { role: "tool", content: [{ type: "tool-result", toolCallId: "c", content: "42", cache: true }] },
    ]
    const { body } = messages({ messages: conversation })
    expect(body).toMatchObject({
      system: [{ text: "Long.", cache_control: ephemeral }],
      messages: [
        { content: [{ cache_control: { ...ephemeral, ttl: "5m" } }, { text: "Now." }] },
        { content: [{ type: "thinking" }, { type: "tool_use", cache_control: ephemeral }] },
        { content: [{ type: "tool_result", cache_control: ephemeral }] },
      ],
    })
    expect(body["messages"][0].content[1]).not.toHaveProperty("cache_control")
    expect(body["messages"][1].content[0]).not.toHaveProperty("cache_control")
  })

  it("is one of four at most, the longer lifetimes first", () => {
    const many = [
      marked(true, "system"),
      ...([true, true, { ttl: "12h" }, { ttl: "5m" }, true] as ReadonlyArray<CacheMark>).map((mark) => marked(mark)),
    ]
    const { body, warnings } = messages({ messages: many })
    const written = [...body["system"], ...body["messages"][0].content].map(
      ({ cache_control: mark }) => mark?.ttl ?? mark,
    )
    expect(written).toEqual(["1h", undefined, undefined, "1h", "5m", ephemeral])
    expect(warnings).toHaveLength(1)
  })

  it("is a breakpoint of OpenAI's where the model takes them", () => {
    const point = { prompt_cache_breakpoint: { mode: "explicit" } }
    const request = { messages: [marked(true, "system"), user] }
    expect(chat(request, "gpt-5.6").body).toMatchObject({ messages: [{ content: [{ type: "text", ...point }] }, user] })
    expect(responses(request, "gpt-5.6").body).toMatchObject({
      input: [{ content: [{ type: "input_text", ...point }] }, user],
    })
    expect(responses({ messages: [marked({ ttl: "1h" })] }, "gpt-5.6").body).toMatchObject({
      input: [{ content: [{ prompt_cache_breakpoint: { mode: "explicit", ttl: "12h" } }] }],
    })
  })

  it("is Anthropic's for Claude over Chat Completions too", () => {
    expect(chat({ messages: [marked(true), user] }, "anthropic/claude-sonnet-4.5").body).toMatchObject({
      messages: [{ content: [{ cache_control: ephemeral }] }, user],
    })
  })

  it("says so where it has no place or is one too many", () => {
    const answered: Message = { role: "assistant", content: "Yes.", cache: true }
    for (const encode of [chat, responses]) {
      const marks = [true, true, true, true].map(() => marked(true))
      expect(encode({ messages: [...marks, answered, user] }, "gpt-5.6").warnings).toEqual([
        "cache in messages[4] was dropped: gpt-5.6 takes marks from users and systems only",
        "1 cache marks were dropped: the service takes 3 a request",
      ])
    }
  })

  it("changes nothing for services that cache by themselves", () => {
    for (const encode of [chat, responses]) {
      const { body, warnings } = encode({ messages: [marked(true, "system"), user] })
      const without = encode({ messages: [{ role: "system", content: "Long." }, user] })
      expect(body).toEqual(without.body)
      expect(warnings).toEqual([])
    }
  })
})
