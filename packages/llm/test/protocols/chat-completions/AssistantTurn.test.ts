/** What an assistant said before, as Chat Completions takes it back. */
import { describe, expect, it } from "vitest"
import type { AssistantMessage } from "../../../src/model/LlmRequest.ts"
import type { ModelCapabilities } from "../../../src/protocols/encoding/ModelCapabilities.ts"
import { chat, user } from "../encoding/Encoded.ts"

type Part = Exclude<AssistantMessage["content"], string>[number]

const call = { type: "tool-call", id: "c1", name: "f", arguments: {} } as const
const text = { type: "text", text: "So." } as const
const thought = (own: Readonly<Record<string, unknown>>, text = "Hm.") =>
  ({ type: "reasoning", text, protocolData: { "chat-completions": own } }) as const
const kept = (value: object, provider = "chat-completions") => ({ type: "other", provider, value }) as const

/** The turn as it is sent, and the warnings. */
const sent = (capabilities: Partial<ModelCapabilities>, ...content: ReadonlyArray<Part>) => {
  const { body, warnings } = chat({ messages: [user, { role: "assistant", content }, user] }, "m", capabilities)
  return { turn: body["messages"].length === 3 ? body["messages"][1] : undefined, warnings }
}

describe("an assistant's turn in Chat Completions", () => {
  it("of one text is that text", () => {
    const { body, warnings } = chat({ messages: [user, { role: "assistant", content: "Yes." }, user] })
    expect(body["messages"][1]).toStrictEqual({ role: "assistant", content: "Yes." })
    expect(warnings).toEqual([])
  })

  it("puts its texts together, and its refusals", () => {
    const no = { type: "refusal", text: "No" } as const
    expect(sent({}, text, { type: "text", text: " Then." })).toStrictEqual({
      turn: { role: "assistant", content: "So. Then." },
      warnings: [],
    })
    expect(sent({}, no, { ...no, text: "!" }).turn).toStrictEqual({
      role: "assistant",
      content: null,
      refusal: "No!",
    })
    expect(sent({}, text, no).turn).toStrictEqual({ role: "assistant", content: "So.", refusal: "No" })
  })

  it("has calls beside a text, and no content without one", () => {
    const tool_calls = [{ id: "c1", type: "function", function: { name: "f", arguments: "{}" } }]
    expect(sent({}, text, call).turn).toStrictEqual({ role: "assistant", content: "So.", tool_calls })
    expect(sent({}, call).turn).toStrictEqual({ role: "assistant", content: null, tool_calls })
  })

  it("is dropped with a warning where nothing of it has a field", () => {
    expect(sent({}, thought({ field: "reasoning" }))).toEqual({
      turn: undefined,
      warnings: ["messages[1] was dropped: nothing of it has a field in Chat Completions"],
    })
  })

  it("leaves a picture behind with a warning", () => {
    const { turn, warnings } = sent({}, { type: "image", url: "https://example.com/a.png" }, text)
    expect(turn).toStrictEqual({ role: "assistant", content: "So." })
    expect(warnings).toEqual(["a picture in messages[1] was dropped: Chat Completions takes none from an assistant"])
  })

  it("takes fields of the message back, and leaves behind what only told something", () => {
    const signature = { thought_signature: "SIG" }
    expect(sent({}, text, kept(signature))).toStrictEqual({
      turn: { role: "assistant", content: "So.", ...signature },
      warnings: [],
    })
    expect(sent({}, text, kept({ type: "citations", citations: [1] }))).toStrictEqual({
      turn: { role: "assistant", content: "So." },
      warnings: [],
    })
  })

  it.each([
    ["another protocol's", kept({ thought_signature: "SIG" }, "messages"), "messages"],
    [
      "a value of another kind",
      { type: "other", provider: "chat-completions", value: "x" } as const,
      "chat-completions",
    ],
  ])("leaves an other part behind with a warning: %s", (_, part, provider) => {
    expect(sent({}, text, part)).toStrictEqual({
      turn: { role: "assistant", content: "So." },
      warnings: [`an "other" part of ${provider} in messages[1] was dropped: Chat Completions has no field for it`],
    })
  })

  it("drops signatures that its service does not take back, and says which", () => {
    const signed = { ...call, protocolData: { "chat-completions": { extra_content: { a: 1 } } } }
    const { turn, warnings } = sent({ returnedFields: ["reasoning"] }, kept({ thought_signature: "SIG" }), signed)
    expect(turn).toStrictEqual({
      role: "assistant",
      content: null,
      tool_calls: [{ id: "c1", type: "function", function: { name: "f", arguments: "{}" } }],
    })
    expect(warnings).toEqual([
      "a signature of the message was dropped: m does not take it back",
      "a signature of a tool call was dropped: m does not take it back",
    ])
  })
})

describe("reasoning that goes back in Chat Completions", () => {
  const details = [{ type: "reasoning.encrypted", data: "x" }]
  const dropped = "the reasoning of earlier turns was dropped: m does not take it back over Chat Completions"

  it("is one field, whatever number of parts it has", () => {
    const { turn } = sent({}, thought({ field: "reasoning" }), thought({ field: "reasoning" }, "Ah."), text)
    expect(turn).toStrictEqual({ role: "assistant", content: "So.", reasoning: "Hm.Ah." })
  })

  it("is one list of details, whatever number of parts it has", () => {
    const { turn } = sent(
      {},
      thought({ field: "reasoning", reasoning_details: details }),
      thought({ field: "reasoning_details" }),
      text,
    )
    expect(turn.reasoning_details).toEqual([...details, { type: "reasoning.text", text: "Hm." }])
  })

  it("of which no field is known is a detail", () => {
    expect(sent({}, thought({}), text).turn).toStrictEqual({
      role: "assistant",
      content: "So.",
      reasoning_details: [{ type: "reasoning.text", text: "Hm." }],
    })
  })

  it("leaves its details behind where the service takes only its field", () => {
    const own = { field: "reasoning", reasoning_details: details }
    expect(sent({ returnedFields: ["reasoning"] }, thought(own), text)).toStrictEqual({
      turn: { role: "assistant", content: "So.", reasoning: "Hm." },
      warnings: [],
    })
    expect(sent({ returnedFields: ["reasoning_details"] }, thought(own), text).turn).toStrictEqual({
      role: "assistant",
      content: "So.",
      reasoning_details: details,
    })
  })

  it("stays behind with a warning where the service does not take its field", () => {
    expect(sent({ returnedFields: ["reasoning"] }, thought({ field: "thinking" }), text)).toStrictEqual({
      turn: { role: "assistant", content: "So." },
      warnings: [dropped],
    })
  })

  it("of another protocol stays behind with a warning, also where reasoning is written in tags", () => {
    for (const capabilities of [{}, { returnedFields: ["<think>"] }]) {
      expect(sent(capabilities, { type: "reasoning", text: "Hm.", signature: "s" }, text)).toStrictEqual({
        turn: { role: "assistant", content: "So." },
        warnings: [dropped],
      })
    }
  })

  it("is written in tags before the text that follows it", () => {
    const { turn } = sent({ returnedFields: ["<think>"] }, text, thought({ field: "reasoning" }), text)
    expect(turn.content).toBe("So.<think>Hm.</think>So.")
  })

  it("is a content part where it came as one, with a text or without", () => {
    const part = { type: "thinking", thinking: [{ type: "text", text: "Hm." }] }
    expect(sent({}, thought({ field: "thinking" }), call).turn.content).toEqual([part])
    expect(sent({}, text, thought({ field: "thinking" }), thought({ field: "thinking" })).turn).toStrictEqual({
      role: "assistant",
      content: [part, part, { type: "text", text: "So." }],
    })
  })

  it("goes back without tool calls unless the service wants it with them only", () => {
    const own = thought({ field: "reasoning" })
    expect(sent({}, own, text).turn).toHaveProperty("reasoning", "Hm.")
    expect(sent({ reasoningReturn: "with-tool-calls" }, own, text).turn).not.toHaveProperty("reasoning")
    expect(sent({ reasoningReturn: "with-tool-calls" }, own, call).turn).toHaveProperty("reasoning", "Hm.")
  })
})

describe("a turn that another service wrote", () => {
  const signature = { extra_content: { google: { thought_signature: "dummy" } } }
  const gemini = { foreignCall: signature }

  it("gets the fields that the service needs beside calls, and keeps its own", () => {
    const foreignTurn = { reasoning_content: "" }
    expect(sent({ foreignTurn }, call).turn).toHaveProperty("reasoning_content", "")
    expect(sent({ foreignTurn }, thought({ field: "reasoning_content" }), call).turn).toHaveProperty(
      "reasoning_content",
      "Hm.",
    )
    expect(sent({ foreignTurn }, text).turn).not.toHaveProperty("reasoning_content")
  })

  it("gets the signature that stands in for one on its first call only", () => {
    const { turn } = sent(gemini, call, { ...call, id: "c2" })
    expect(turn.tool_calls[0]).toMatchObject(signature)
    expect(turn.tool_calls[1]).not.toHaveProperty("extra_content")
  })

  it.each([
    ["one of its calls", [{ ...call, id: "c2", protocolData: { "chat-completions": { extra_content: 1 } } }]],
    ["the message, in the field of calls", [kept({ extra_content: 1 })]],
    ["the message, in a field of its own", [kept({ thought_signature: "SIG" })]],
  ])("gets none where the service itself signed %s", (_, parts) => {
    expect(sent(gemini, call, ...parts).turn.tool_calls[0]).not.toHaveProperty("extra_content")
  })

  it("is signed where any of the fields is there", () => {
    const own = { ...call, protocolData: { "chat-completions": { a: 1 } } }
    expect(sent({ foreignCall: { a: 0, b: 0 } }, own).turn.tool_calls[0]).not.toHaveProperty("b")
  })
})
