/** The parameters of a request in Chat Completions: each under its name, none that nobody set. */
import { Result } from "effect"
import { describe, expect, it } from "vitest"
import type { LlmRequest } from "../../../src/model/LlmRequest.ts"
import * as ChatCompletions from "../../../src/protocols/chat-completions/ChatCompletions.ts"
import { chat, user } from "../encoding/Encoded.ts"

const parameters = { type: "object", properties: {} }
const tools = [{ name: "f", parameters }]

describe("a Chat Completions request", () => {
  it("has no field that nobody set", () => {
    expect(chat({}).body).toStrictEqual({ model: "gpt-4o", messages: [user] })
    expect(chat({ tools }).body).toStrictEqual({
      model: "gpt-4o",
      messages: [user],
      tools: [{ type: "function", function: { name: "f", parameters } }],
    })
    expect(chat({ tools: [] }).body).not.toHaveProperty("tools")
  })

  it.each(["auto", "none", "required"] as const)("lets the model choose its tools: %s", (toolChoice) => {
    expect(chat({ tools, toolChoice }).body).toHaveProperty("tool_choice", toolChoice)
  })

  it("says where a model takes no choice about parallel calls", () => {
    const { body, warnings } = chat({ tools, parallelToolCalls: false }, "o3")
    expect(body).not.toHaveProperty("parallel_tool_calls")
    expect(warnings).toEqual(["parallelToolCalls was dropped: o3 does not accept it"])
  })

  it("asks for text by nothing, for JSON by its name, and for a schema strictly unless told otherwise", () => {
    const formatOf = (responseFormat: LlmRequest["responseFormat"]) => chat({ responseFormat }).body["response_format"]
    const schema = { type: "object", properties: {}, required: [], additionalProperties: false }
    expect(chat({ responseFormat: { type: "text" } }).body).not.toHaveProperty("response_format")
    expect(formatOf({ type: "json" })).toStrictEqual({ type: "json_object" })
    const asked = { type: "json-schema", schema } as const
    expect(formatOf(asked)).toStrictEqual({
      type: "json_schema",
      json_schema: { name: "answer", schema, strict: true },
    })
    expect(formatOf({ ...asked, name: "n", strict: false })).toStrictEqual({
      type: "json_schema",
      json_schema: { name: "n", schema, strict: false },
    })
  })

  it("asks a stream for its figures, but not a service that refuses the question", () => {
    const streamed = (streamUsage: boolean) => {
      const options = { model: "m", provider: "p", stream: true, capabilities: { streamUsage } }
      const encoded = ChatCompletions.protocol.encode({ messages: [user] }, options)
      return Result.isSuccess(encoded) ? encoded.success.body : undefined
    }
    const body = { model: "m", messages: [user], stream: true }
    expect(streamed(true)).toStrictEqual({ ...body, stream_options: { include_usage: true } })
    expect(streamed(false)).toStrictEqual(body)
  })

  it("cannot go on from a stored answer", () => {
    expect(chat({ previousResponseId: "resp_1" }).refused).toMatchObject({
      parameter: "previousResponseId",
      otherTargetMayTake: true,
    })
  })
})

describe("reasoning in a Chat Completions request", () => {
  it("is an effort that the model knows, or nothing", () => {
    expect(chat({}, "gpt-5").body).not.toHaveProperty("reasoning_effort")
    expect(chat({ reasoningEffort: "low" }, "gpt-5").body).toHaveProperty("reasoning_effort", "low")
  })

  it("has no field for a budget or a summary, and says so", () => {
    const reasoning = { budgetTokens: 9, summary: "auto" } as const
    expect(chat({ reasoning }, "m").body).toStrictEqual({ model: "m", messages: [user] })
    expect(chat({ reasoning }, "m").warnings).toEqual([
      "reasoning.budgetTokens was dropped: m does not accept it",
      "reasoning.summary was dropped: m does not accept it",
    ])
    const qwen = chat({ reasoning }, "m", { budgetField: "thinking_budget" })
    expect(qwen.body).toHaveProperty("thinking_budget", 9)
    expect(qwen.warnings).toEqual(["reasoning.summary was dropped: m does not accept it"])
  })

  it("has no budget where the request has none", () => {
    for (const request of [{}, { reasoning: {} }]) {
      expect(chat(request, "m", { budgetField: "thinking_budget" }).body).not.toHaveProperty("thinking_budget")
    }
  })

  it("is turned off in the service's own words where it has some, and only when asked", () => {
    const withoutReasoning = { thinking: { type: "disabled" } }
    const off = chat({ reasoningEffort: "none" }, "m", { withoutReasoning }).body
    expect(off).toMatchObject(withoutReasoning)
    expect(off).not.toHaveProperty("reasoning_effort")
    expect(chat({ reasoningEffort: "low" }, "m", { withoutReasoning }).body).not.toHaveProperty("thinking")
    expect(chat({ reasoningEffort: "none" }, "m").body).toHaveProperty("reasoning_effort", "none")
  })

  it("is turned off beside tools where the model cannot do both, and a warning says so", () => {
    const lowered = "reasoningEffort was lowered to none: gpt-5.6 does not reason with tools in Chat Completions"
    const both = chat({ tools, reasoningEffort: "high" }, "gpt-5.6")
    expect(both.body).toHaveProperty("reasoning_effort", "none")
    expect(both.warnings).toEqual([lowered])
    for (const request of [{ reasoningEffort: "high" }, { tools, reasoningEffort: "none" }] as const) {
      const { body, warnings } = chat(request, "gpt-5.6")
      expect(body).toHaveProperty("reasoning_effort", request.reasoningEffort)
      expect(warnings).toEqual([])
    }
    expect(chat({ tools, reasoningEffort: "high" }, "gpt-5").body).toHaveProperty("reasoning_effort", "high")
  })
})

describe("reasoning in OpenRouter's words", () => {
  const asked = (request: Partial<LlmRequest>) => chat(request, "m", { reasoningOption: "reasoning" }).body["reasoning"]

  it("is an effort or a budget, not both", () => {
    expect(asked({ reasoningEffort: "low" })).toStrictEqual({ effort: "low" })
    expect(asked({ reasoning: { budgetTokens: 9, effort: "low" } })).toStrictEqual({ max_tokens: 9 })
  })

  it("is no budget where reasoning is turned off", () => {
    expect(asked({ reasoning: { budgetTokens: 9, effort: "none" } })).toStrictEqual({ effort: "none" })
  })

  it("is left out of the answer where no summary is wanted", () => {
    expect(asked({ reasoning: { summary: "none" } })).toEqual({ exclude: true })
    expect(asked({ reasoning: { effort: "low", summary: "none" } })).toStrictEqual({ effort: "low", exclude: true })
    expect(asked({ reasoning: { effort: "low", summary: "auto" } })).toStrictEqual({ effort: "low" })
  })

  it("is not mentioned where the request does not", () => {
    for (const request of [{}, { reasoning: {} }, { reasoning: { summary: "auto" } }] as const) {
      expect(chat(request, "m", { reasoningOption: "reasoning" }).body).not.toHaveProperty("reasoning")
    }
  })
})
