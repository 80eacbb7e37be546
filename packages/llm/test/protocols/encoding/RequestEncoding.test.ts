/** What every encoder checks and says: the caller's own fields, empty messages, results without calls, dropped parameters (laws 13, 20 and 21). */
import { describe, expect, it } from "vitest"
import type { Message } from "../../../src/model/LlmRequest.ts"
import { limitOf, RequestEncoding } from "../../../src/protocols/encoding/RequestEncoding.ts"
import { withOneEffort } from "../../../src/protocols/encoding/ReasoningChoice.ts"
import { chat, messages, responses, user, wires } from "./Encoded.ts"

const own = (fields: Record<string, unknown>) => ({ providerOptions: { openai: fields, anthropic: fields } })
const provider = { "Chat Completions": "openai", Messages: "anthropic", Responses: "openai" } as const
const tools = [{ name: "f", parameters: { type: "object" } }]

describe.each(wires)("the caller's own fields in %s", (name, encode) => {
  const at = `providerOptions.${provider[name as keyof typeof provider]}`

  it.each([
    ["n", 2, "an answer is one answer"],
    ["best_of", 3, "an answer is one answer"],
    ["stream", true, "call the one that you mean"],
  ])("may not say %s: %j", (field, value, message) => {
    expect(encode(own({ [field]: value })).refused).toMatchObject({
      _tag: "InvalidRequestError",
      parameter: `${at}.${field}`,
      message: expect.stringContaining(message),
    })
  })

  it.each([
    ["n", 1],
    ["n", "2"],
    ["best_of", 1],
    ["best_of", null],
    ["stream", false],
    ["background", false],
    ["background", "true"],
  ])("may say %s: %j", (field, value) => {
    const { body, refused } = encode(own({ [field]: value }))
    expect(refused).toBeUndefined()
    expect(body[field]).toBe(value)
  })

  it("may say a limit and a temperature, and the request is told with them", () => {
    const encoded = encode(own({ temperature: 0.25 }))
    expect(encoded).toMatchObject({ temperature: 0.25 })
    expect(encode(own({ temperature: "warm" }))).toMatchObject({ temperature: undefined })
  })
})

it("an answer in the background is refused but where it is followed", () => {
  const request = own({ background: true })
  for (const encode of [chat, messages]) {
    expect(encode(request).refused).toMatchObject({
      parameter: expect.stringMatching(/^providerOptions\.(openai|anthropic)\.background$/),
      message: expect.stringContaining("wireApi is responses"),
    })
  }
  expect(responses(request)).toMatchObject({ refused: undefined, body: { background: true } })
})

it("the limit of an answer is read under each protocol's name for it", () => {
  expect(limitOf({ max_tokens: 1, max_completion_tokens: 2, max_output_tokens: 3 })).toBe(1)
  expect(limitOf({ max_completion_tokens: 2, max_output_tokens: 3 })).toBe(2)
  expect(limitOf({ max_output_tokens: 3 })).toBe(3)
  expect(limitOf({ max_tokens: "3" })).toBeUndefined()
  expect(limitOf({})).toBeUndefined()
})

describe("the notes of one encoding", () => {
  it("hold each warning once, and the first refusal", () => {
    const encoding = new RequestEncoding()
    for (const warning of ["a", "b", "a"]) encoding.warn(warning)
    expect(encoding.warnings).toEqual(["a", "b"])
    encoding.refuse("x", "it is odd")
    encoding.refuseHere("y", "it is odder")
    expect(encoding.finish({}, {}, { provider: "openai" })).toMatchObject({
      failure: { message: "invalid request: it is odd at x", parameter: "x" },
    })
    const here = new RequestEncoding()
    here.refuseHere("y", "it is odder")
    here.refuse("x", "it is odd")
    expect(here.finish({}, {}, { provider: "openai" })).toMatchObject({
      failure: { message: "invalid request: it is odder at y", parameter: "y", otherTargetMayTake: true },
    })
  })

  it("hold no refusal of a stream where the request has none", () => {
    const request = { providerOptions: { openai: { stream: true } } }
    expect(new RequestEncoding().finish({}, request, { provider: "openai" })).toMatchObject({
      success: { body: { stream: true } },
    })
  })

  it("say that the arguments of a call were repaired", () => {
    const encoding = new RequestEncoding()
    expect([encoding.argumentsText("{"), encoding.argumentsText({ a: 1 }), encoding.argumentsText(undefined)]).toEqual([
      "{",
      '{"a":1}',
      "{}",
    ])
    expect(encoding.warnings).toEqual([])
    expect(encoding.argumentsText({ a: "\ud83d" })).toBe('{"a":"\uFFFD"}')
    expect(encoding.warnings).toEqual([expect.stringContaining("U+FFFD")])
  })
})

describe.each(wires)("a conversation in %s", (_, encode) => {
  const call: Message = { role: "assistant", content: [{ type: "tool-call", id: "c", name: "f", arguments: {} }] }
  const result: Message = { role: "tool", content: [{ type: "tool-result", toolCallId: "c", content: "42" }] }

  it("loses what says nothing, with a warning each, and keeps what says anything", () => {
    const picture = { type: "image", data: "iVBORw0KGgo=" } as const
    const { warnings } = encode({
      messages: [
        { role: "user", content: [{ type: "text", text: " " }, picture] },
        { role: "assistant", content: [{ type: "text", text: "" }] },
        {
          role: "user",
          content: [
            { type: "text", text: " " },
            { type: "text", text: "Hi" },
          ],
        },
        { role: "assistant", content: "\n" },
        call,
        result,
      ],
    })
    expect(warnings).toEqual(["messages[1] was dropped: it is empty", "messages[3] was dropped: it is empty"])
  })

  it("is refused where nothing is left, and where a result has no call before it", () => {
    expect(encode({ messages: [{ role: "user", content: "" }] }).refused).toMatchObject({
      message: "invalid request: every message is empty at messages",
    })
    const said: Message = { role: "assistant", content: [{ type: "text", text: "c" }] }
    const refused = {
      parameter: "messages[2].content[0].toolCallId",
      message: expect.stringContaining('no earlier assistant message makes the tool call "c"'),
    }
    expect(encode({ messages: [user, said, result] }).refused).toMatchObject(refused)
    expect(encode({ messages: [user, { role: "assistant", content: "c" }, result] }).refused).toMatchObject(refused)
    expect(encode({ messages: [user, call, result] }).refused).toBeUndefined()
  })

  it("is told which options of tools were dropped where there are none", () => {
    expect(encode({ toolChoice: "required", parallelToolCalls: true }).warnings).toEqual([
      "toolChoice was dropped: there are no tools",
      "parallelToolCalls was dropped: there are no tools",
    ])
    expect(encode({ toolChoice: "none" }).warnings).toEqual([])
    expect(encode({ tools, toolChoice: "none" }).warnings).toEqual([])
  })
})

it("a stored answer is continued in Responses only", () => {
  for (const encode of [chat, messages]) {
    expect(encode({ previousResponseId: "r" }).refused).toMatchObject({
      parameter: "previousResponseId",
      message: expect.stringContaining("set wireApi to responses or send the whole conversation"),
      otherTargetMayTake: true,
    })
  }
  expect(responses({ previousResponseId: "r" }).body).toMatchObject({ previous_response_id: "r" })
})

describe("the parameters of sampling", () => {
  const warm = { temperature: 0.5, topP: 0.9 }
  const dropped = (parameter: string, model: string) => `${parameter} was dropped: ${model} does not accept it`

  it("are each dropped with a warning where the model refuses them", () => {
    expect(chat(warm, "o3").warnings).toEqual([dropped("temperature", "o3"), dropped("topP", "o3")])
    expect(chat({ ...warm, reasoningEffort: "none" }, "gpt-5.1").warnings).toEqual([])
    expect(chat({ ...warm, reasoningEffort: "low" }, "gpt-5.1").warnings).toHaveLength(2)
    expect(chat({ ...warm, reasoningEffort: "none" }, "gpt-5").warnings).toContain(dropped("temperature", "gpt-5"))
    expect(chat({ frequencyPenalty: 1, presencePenalty: 1 }, "o3").warnings).toEqual([
      dropped("frequencyPenalty", "o3"),
      dropped("presencePenalty", "o3"),
    ])
  })

  it("go together only where the model takes both", () => {
    const model = "claude-opus-4-5"
    const both = messages(warm)
    expect(both.body).toMatchObject({ temperature: 0.5 })
    expect(both.body).not.toHaveProperty("top_p")
    expect(both.warnings).toEqual([`topP was dropped: ${model} does not accept it together with temperature`])
    expect(messages({ topP: 0.9 })).toMatchObject({ body: { top_p: 0.9 }, warnings: [] })
    expect(messages({ temperature: 0.5 })).toMatchObject({ body: { temperature: 0.5 }, warnings: [] })
    expect(messages(warm, "claude-sonnet-4-20250514")).toMatchObject({ body: { temperature: 0.5, top_p: 0.9 } })
  })

  it("hold no empty list of stops", () => {
    expect(chat({ stop: [] }).body).not.toHaveProperty("stop")
    expect(chat({ stop: [] }, "gpt-5").warnings).toEqual([])
    expect(chat({ stop: ["x"] }).body).toMatchObject({ stop: ["x"] })
  })
})

describe("an effort", () => {
  it("in either place is one effort, and that of `reasoning` counts", () => {
    const request = { messages: [user], reasoningEffort: "low" } as const
    expect(withOneEffort(request)).toBe(request)
    expect(withOneEffort({ ...request, reasoning: { effort: "high" } }).reasoningEffort).toBe("high")
    expect(withOneEffort({ ...request, reasoning: { budgetTokens: 9 } }).reasoningEffort).toBe("low")
  })

  it("that the model does not know is moved to the nearest, the lower one of two, and both are named", () => {
    const knows = (...efforts: ReadonlyArray<"none" | "minimal" | "low" | "medium" | "high" | "xhigh" | "max">) => ({
      efforts,
    })
    const moved = (effort: "none" | "minimal" | "medium" | "max", efforts: ReturnType<typeof knows>) =>
      chat({ reasoningEffort: effort }, "m", efforts)
    expect(moved("max", knows("low", "high"))).toMatchObject({
      body: { reasoning_effort: "high" },
      warnings: ["reasoningEffort was lowered from max to high: m knows low, high"],
    })
    expect(moved("minimal", knows("none", "medium"))).toMatchObject({
      body: { reasoning_effort: "medium" },
      warnings: ["reasoningEffort was raised from minimal to medium: m knows none, medium"],
    })
    expect(moved("medium", knows("low", "high")).body).toMatchObject({ reasoning_effort: "low" })
    expect(moved("none", knows("minimal", "high")).body).toMatchObject({ reasoning_effort: "minimal" })
    expect(moved("medium", knows("medium")).warnings).toEqual([])
  })

  it("is dropped for a model that knows none", () => {
    const { body, warnings } = chat({ reasoningEffort: "low" }, "gpt-4o")
    expect(body).not.toHaveProperty("reasoning_effort")
    expect(warnings).toEqual(["reasoningEffort was dropped: gpt-4o does not accept it"])
  })

  it("has a budget and a summary beside it only where the wire has a field for them", () => {
    const model = "gpt-5"
    expect(chat({ reasoning: { budgetTokens: 9, summary: "auto" } }, model).warnings).toEqual([
      `reasoning.budgetTokens was dropped: ${model} does not accept it`,
      `reasoning.summary was dropped: ${model} does not accept it`,
    ])
    expect(chat({ reasoning: { summary: "none" } }, model).warnings).toEqual([])
  })
})
