/** How a conversation goes over Responses, and what of it goes nowhere else (laws 20 and 26). */
import { describe, expect, it } from "vitest"
import type { Message } from "../../../src/model/LlmRequest.ts"
import * as ChatCompletions from "../../../src/protocols/chat-completions/ChatCompletions.ts"
import * as Messages from "../../../src/protocols/messages/Messages.ts"
import { assistant, encodeWith, inputOf, plain, user } from "./Encode.ts"

describe("a conversation in Responses", () => {
  const call = { type: "tool-call", id: "call_1", name: "weather", arguments: { city: "Bern" } } as const
  const callItem = { type: "function_call", call_id: "call_1", name: "weather", arguments: '{"city":"Bern"}' }

  it("writes calls and their outputs as items", () => {
    expect(
      inputOf([
        user,
        assistant({ type: "text", text: "Let me see." }, call),
        { role: "tool", content: [{ type: "tool-result", toolCallId: "call_1", content: "21 degrees" }] },
      ]),
    ).toEqual([
      { role: "user", content: "Hi" },
      { role: "assistant", content: "Let me see." },
      callItem,
      { type: "function_call_output", call_id: "call_1", output: "21 degrees" },
    ])
  })

  it("writes {} for a call without arguments, and keeps arguments that are not JSON as they are", () => {
    expect(inputOf([user, assistant({ ...call, arguments: {} })])).toMatchObject([{}, { arguments: "{}" }])
    expect(inputOf([user, assistant({ ...call, arguments: '{"ci' })])).toMatchObject([{}, { arguments: '{"ci' }])
  })

  it("keeps pictures and files in tool results", () => {
    const content = [
      { type: "text", text: "a map" },
      { type: "image", url: "https://example.com/a.png" },
    ] as const
    const result: Message = { role: "tool", content: [{ type: "tool-result", toolCallId: "call_1", content }] }
    expect(inputOf([user, assistant(call), result])).toMatchObject([
      {},
      {},
      {
        type: "function_call_output",
        output: [
          { type: "input_text", text: "a map" },
          { type: "input_image", image_url: "https://example.com/a.png" },
        ],
      },
    ])
  })

  it("sends encrypted reasoning back without an id, with its summaries", () => {
    const input = inputOf([
      user,
      assistant(
        { type: "reasoning", text: "First." },
        { type: "reasoning", text: "Then.", redacted: "gAAA", protocol: "responses" },
        { type: "reasoning", text: "", redacted: "gBBB", protocol: "responses" },
        call,
      ),
    ])
    expect(input).toEqual([
      { role: "user", content: "Hi" },
      {
        type: "reasoning",
        summary: [
          { type: "summary_text", text: "First." },
          { type: "summary_text", text: "Then." },
        ],
        encrypted_content: "gAAA",
      },
      { type: "reasoning", summary: [], encrypted_content: "gBBB" },
      callItem,
    ])
  })

  it("leaves reasoning behind that another service wrote, which alone can read it", () => {
    const of = (provider: string) =>
      ({
        type: "reasoning",
        text: "Hm.",
        redacted: "gAAA",
        protocol: "responses",
        protocolData: { responses: { provider } },
      }) as const
    const own = plain({ messages: [user, assistant(of("openai"), call)] })
    expect(own.body["input"]).toMatchObject([{}, { type: "reasoning", encrypted_content: "gAAA" }, {}])
    const foreign = plain({ messages: [user, assistant(of("xai"), call)] })
    expect(foreign.body["input"]).toEqual([{ role: "user", content: "Hi" }, callItem])
    expect(foreign.warnings).toHaveLength(1)
  })

  it("sends open reasoning back as its content", () => {
    const thought = { type: "reasoning", text: "Hm.", protocol: "responses" } as const
    expect(inputOf([user, assistant(thought, call)])).toMatchObject([
      {},
      { type: "reasoning", summary: [], content: [{ type: "reasoning_text", text: "Hm." }] },
      {},
    ])
  })

  it.each([
    ["a summary of nothing", { type: "reasoning", text: "Hm." }],
    ["Anthropic's", { type: "reasoning", text: "Hm.", signature: "c2ln" }],
    ["Anthropic's redacted", { type: "reasoning", text: "", redacted: "b3Bh" }],
  ] as const)("drops reasoning that nobody there can read, with a warning: %s", (_, part) => {
    const { body, warnings } = plain({ messages: [user, assistant(part, call)] })
    expect(body["input"]).toEqual([{ role: "user", content: "Hi" }, callItem])
    expect(warnings).toHaveLength(1)
  })

  it.each([
    ["Chat Completions", ChatCompletions.protocol],
    ["Messages", Messages.protocol],
  ])("leaves its reasoning behind in %s", (_, protocol) => {
    const part = { type: "reasoning", text: "Hm.", redacted: "gAAA", protocol: "responses" } as const
    const messages = [user, assistant(part, { type: "text", text: "So." }), user]
    const { body, warnings } = encodeWith(protocol, "claude-sonnet-5")({ messages })
    expect(JSON.stringify(body)).not.toContain("gAAA")
    expect(warnings).toHaveLength(1)
  })

  it("sends a phase back with the message that had it", () => {
    const detail = (phase: string) =>
      ({ type: "other", provider: "responses", value: { type: "message", phase, annotations: [{}] } }) as const
    expect(
      inputOf([
        user,
        assistant(
          { type: "text", text: "I will look." },
          detail("commentary"),
          { type: "text", text: "It is warm." },
          detail("final_answer"),
        ),
      ]),
    ).toEqual([
      { role: "user", content: "Hi" },
      { role: "assistant", content: "I will look.", phase: "commentary" },
      { role: "assistant", content: "It is warm.", phase: "final_answer" },
    ])
  })

  it("joins texts that another provider cut for its citations", () => {
    const texts = ["One", " and", " two."].map((text) => ({ type: "text", text }) as const)
    expect(inputOf([user, assistant(...texts)])).toMatchObject([{}, { content: "One and two." }])
  })

  it("sends refusals, hosted items, and items of a future kind back whole", () => {
    const search = { type: "web_search_call", id: "ws_1", status: "completed", action: { type: "search" } }
    const future = { type: "hologram_call", depth: 3 }
    const other = (value: unknown) => ({ type: "other", provider: "responses", value }) as const
    expect(
      inputOf([
        user,
        assistant(other({ ...search, created_by: "x" }), other(future), { type: "refusal", text: "No." }),
        user,
      ]),
    ).toEqual([
      { role: "user", content: "Hi" },
      search,
      future,
      { role: "assistant", content: [{ type: "refusal", refusal: "No." }] },
      { role: "user", content: "Hi" },
    ])
  })

  it("sends a picture back inside the item that made it, and no other picture", () => {
    const item = { type: "image_generation_call", id: "ig_1", status: "completed" }
    const picture = { type: "image", mediaType: "image/png", data: "iVBORw0KGgo=" } as const
    const made = { type: "other", provider: "responses", value: item } as const
    expect(inputOf([user, assistant(picture, made)])).toEqual([
      { role: "user", content: "Hi" },
      { ...item, result: "iVBORw0KGgo=" },
    ])
    for (const content of [[picture], [picture, { type: "text", text: "So." } as const]]) {
      const { body, warnings } = plain({ messages: [user, assistant(...content), user] })
      expect(JSON.stringify(body)).not.toContain("iVBOR")
      expect(warnings[0]).toContain("picture")
    }
  })

  it("drops what another protocol kept, with a warning", () => {
    const part = { type: "other", provider: "messages", value: { type: "server_tool_use" } } as const
    const { body, warnings } = plain({ messages: [user, assistant(part, { type: "text", text: "So." })] })
    expect(body["input"]).toMatchObject([{}, { content: "So." }])
    expect(warnings).toHaveLength(1)
  })

  it("sends a call's namespace back, and answers a custom call in its own form", () => {
    const input = inputOf([
      user,
      assistant(
        { ...call, protocolData: { responses: { namespace: "places" } } },
        {
          type: "tool-call",
          id: "call_2",
          name: "sh",
          arguments: "ls -a",
          protocolData: { responses: { type: "custom_tool_call" } },
        },
      ),
      {
        role: "tool",
        content: [
          { type: "tool-result", toolCallId: "call_1", content: "21" },
          { type: "tool-result", toolCallId: "call_2", content: "." },
        ],
      },
    ])
    expect(input).toEqual([
      { role: "user", content: "Hi" },
      { ...callItem, namespace: "places" },
      { type: "custom_tool_call", call_id: "call_2", name: "sh", input: "ls -a" },
      { type: "function_call_output", call_id: "call_1", output: "21" },
      { type: "custom_tool_call_output", call_id: "call_2", output: "." },
    ])
  })

  it("shortens a long call id the same way in the call and in its output", () => {
    const long = "x".repeat(80)
    const other = `${"x".repeat(79)}y`
    const input = inputOf([
      user,
      assistant({ ...call, id: long }, { ...call, id: other }),
      {
        role: "tool",
        content: [
          { type: "tool-result", toolCallId: long, content: "1" },
          { type: "tool-result", toolCallId: other, content: "2" },
        ],
      },
    ]) as ReadonlyArray<{ readonly call_id?: string }>
    const ids = input.map((item) => item.call_id)
    expect(ids[1]?.length).toBeLessThanOrEqual(64)
    expect(ids[1]).toBe(ids[3])
    expect(ids[2]).toBe(ids[4])
    expect(ids[1]).not.toBe(ids[2])
  })
})
