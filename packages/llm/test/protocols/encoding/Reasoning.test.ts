/** Reasoning that goes back to who thought it, stays behind elsewhere, and is asked for in each model's own way (law 26). */
import { describe, expect, it } from "vitest"
import type { AssistantMessage, Message } from "../../../src/model/LlmRequest.ts"
import { deepSeekReturn } from "../../../src/protocols/encoding/ServiceCapabilities.ts"
import { chat, messages, responses, user } from "./Encoded.ts"

const call = { type: "tool-call", id: "c1", name: "f", arguments: {} } as const
const result: Message = { role: "tool", content: [{ type: "tool-result", toolCallId: "c1", content: "42" }] }
const tools = [{ name: "f", parameters: { type: "object" } }]
type Part = Exclude<AssistantMessage["content"], string>[number]
const turn = (...content: ReadonlyArray<Part>) => ({ messages: [user, { role: "assistant", content } as const] })
const loop = (...content: ReadonlyArray<Part>) => ({ tools, messages: [...turn(...content).messages, result] })

const thought = (field: string, more: object = {}) =>
  ({ type: "reasoning", text: "Hm.", protocolData: { "chat-completions": { field, ...more } } }) as const
const signed = { type: "reasoning", text: "Hm.", signature: "sig" } as const

const said = (encoded: { readonly body: Readonly<Record<string, any>> }) => encoded.body["messages"][1]

describe("reasoning in Chat Completions", () => {
  it.each(["reasoning_content", "reasoning"])("goes back as %s where it came so", (field) => {
    expect(said(chat(turn(thought(field), call), "m"))).toMatchObject({ [field]: "Hm.", tool_calls: [{}] })
  })

  it("goes back as reasoning_details, signed and unsigned", () => {
    const details = [{ type: "reasoning.encrypted", data: "x", format: "google-gemini-v1", index: 0 }]
    expect(said(chat(turn(thought("reasoning", { reasoning_details: details }), call), "m"))).toMatchObject({
      reasoning_details: details,
    })
    expect(said(chat(turn(thought("reasoning_details"), call), "m"))).toMatchObject({
      reasoning_details: [{ type: "reasoning.text", text: "Hm." }],
    })
  })

  it("goes back as a content part where Mistral's came so", () => {
    expect(said(chat(turn(thought("thinking"), { type: "text", text: "So." }), "m"))).toMatchObject({
      content: [
        { type: "thinking", thinking: [{ type: "text", text: "Hm." }] },
        { type: "text", text: "So." },
      ],
    })
  })

  it("is written in tags on request only", () => {
    const request = turn(thought("reasoning"), { type: "text", text: "So." })
    expect(said(chat(request, "m", { returnedFields: ["<think>"] }))).toEqual({
      role: "assistant",
      content: "<think>Hm.</think>So.",
    })
    expect(JSON.stringify(chat(request, "m").body)).not.toContain("<think>")
  })

  it("stays behind with a warning where the service does not take it back", () => {
    const { body, warnings } = chat(turn(thought("reasoning_content"), call), "gpt-5")
    expect(JSON.stringify(body)).not.toContain("Hm.")
    expect(warnings.join()).toContain("reasoning")
    const foreign = chat(turn(signed, call), "m")
    expect(JSON.stringify(foreign.body)).not.toMatch(/Hm\.|sig/)
    expect(foreign.warnings).toHaveLength(1)
  })

  it("is needed by DeepSeek with tool calls, and is left out without them", () => {
    const encode = (...parts: ReadonlyArray<Part>) => chat(turn(...parts), "deepseek-v4", deepSeekReturn)
    expect(said(encode(thought("reasoning_content"), call))).toMatchObject({ reasoning_content: "Hm." })
    expect(said(encode(signed, call))).toMatchObject({ reasoning_content: "" })
    const without = encode(thought("reasoning_content"), { type: "text", text: "So." })
    expect(said(without)).toEqual({ role: "assistant", content: "So." })
    expect(without.warnings).toEqual([])
  })

  it("is Gemini's signature of a call, or the value that stands in for one", () => {
    const extra = (signature: string) => ({ extra_content: { google: { thought_signature: signature } } })
    const gemini = { returnedFields: ["extra_content", "thought_signature"], foreignCall: extra("dummy") }
    const own = { ...call, protocolData: { "chat-completions": extra("sig") } }
    const calls = (...parts: ReadonlyArray<Part>) => said(chat(turn(...parts), "gemini-3-pro", gemini)).tool_calls
    expect(calls(own, { ...call, id: "c2" })).toMatchObject([extra("sig"), { id: "c2" }])
    expect(calls(own, { ...call, id: "c2" })[1]).not.toHaveProperty("extra_content")
    expect(calls(call, { ...call, id: "c2" })).toMatchObject([extra("dummy"), { id: "c2" }])
    expect(JSON.stringify(chat(turn(own), "gpt-5").body)).not.toContain("thought_signature")
  })
})

describe("a tool loop that another model began, in Messages", () => {
  const budget = { reasoning: { budgetTokens: 2000 } }

  it("goes on without thinking, with a warning", () => {
    const { body, warnings } = messages({ ...loop(thought("reasoning_content"), call), ...budget })
    expect(body).not.toHaveProperty("thinking")
    expect(warnings.join()).toContain("turned off for this turn")
  })

  it("goes on thinking where the model itself began it", () => {
    const { body } = messages({ ...loop(signed, call), ...budget })
    expect(body).toMatchObject({ thinking: { type: "enabled", budget_tokens: 2000 } })
    expect(said({ body }).content[0]).toEqual({ type: "thinking", thinking: "Hm.", signature: "sig" })
  })
})

describe("how a model is asked to think", () => {
  it("effort in either place is one effort, the nearest that the model knows", () => {
    for (const request of [{ reasoning: { effort: "max" } }, { reasoningEffort: "max" }] as const) {
      const { body, warnings } = chat(request, "gpt-5")
      expect(body).toMatchObject({ reasoning_effort: "high" })
      expect(warnings).toHaveLength(1)
    }
    expect(responses({ reasoningEffort: "none" }, "gpt-5").body).toMatchObject({ reasoning: { effort: "minimal" } })
    expect(responses({ reasoningEffort: "minimal" }, "gpt-5.6").body).toMatchObject({ reasoning: { effort: "low" } })
    expect(chat({ reasoningEffort: "minimal" }, "gpt-5-pro").body).toMatchObject({ reasoning_effort: "high" })
  })

  it("effort is a budget for Claude models that know no effort", () => {
    const { body } = messages({ reasoningEffort: "low" }, "claude-sonnet-4-5")
    expect(body).toMatchObject({ thinking: { type: "enabled", budget_tokens: 2048 } })
    expect(body["max_tokens"]).toBeGreaterThan(2048)
    expect(messages({ reasoningEffort: "low" }).body).toMatchObject({ output_config: { effort: "low" } })
  })

  it("a budget stays below maxTokens, and frees words and tools", () => {
    const request = { maxTokens: 3000, temperature: 0, tools, toolChoice: "required" } as const
    const { body, warnings } = messages({ ...request, reasoning: { budgetTokens: 5000 } })
    expect(body).toMatchObject({ max_tokens: 3000, thinking: { budget_tokens: 2999 }, tool_choice: { type: "auto" } })
    expect(body).not.toHaveProperty("temperature")
    expect(warnings).toHaveLength(3)
    const small = messages({ maxTokens: 500, reasoning: { budgetTokens: 5000 } })
    expect(small.body).not.toHaveProperty("thinking")
    expect(small.warnings).toHaveLength(1)
  })

  it("a budget is adaptive thinking for models that decide themselves", () => {
    const { body, warnings } = messages({ reasoning: { budgetTokens: 5000, summary: "auto" } }, "claude-sonnet-5")
    expect(body).toMatchObject({ thinking: { type: "adaptive", display: "summarized" } })
    expect(warnings).toHaveLength(1)
  })

  it("a summary is asked for where the wire has one, and dropped with a warning elsewhere", () => {
    const reasoning = { effort: "low", summary: "detailed" } as const
    expect(responses({ reasoning }).body).toMatchObject({ reasoning: { effort: "low", summary: "detailed" } })
    expect(chat({ reasoning }, "gpt-5").warnings).toEqual(["reasoning.summary was dropped: gpt-5 does not accept it"])
  })

  it("is said in the service's own words", () => {
    const openRouter = { reasoningOption: "reasoning" } as const
    expect(chat({ reasoningEffort: "low" }, "m", openRouter).body).toMatchObject({ reasoning: { effort: "low" } })
    expect(chat({ reasoning: { budgetTokens: 2000 } }, "m", openRouter).body).toMatchObject({
      reasoning: { max_tokens: 2000 },
    })
    expect(chat({ reasoning: { budgetTokens: 2000 } }, "m", { budgetField: "thinking_budget" }).body).toMatchObject({
      thinking_budget: 2000,
    })
    expect(chat({ reasoningEffort: "none" }, "deepseek-v4").body).toMatchObject({ thinking: { type: "disabled" } })
  })
})
