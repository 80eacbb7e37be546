/** The parameters of a request in Messages: each under its name, none that nobody set, and what thinking leaves of them. */
import { describe, expect, it } from "vitest"
import type { LlmRequest } from "../../../src/model/LlmRequest.ts"
import { messages as encode, user } from "../encoding/Encoded.ts"

const parameters = { type: "object", properties: {} }
const tools = [{ name: "f", parameters }]
const model = "claude-opus-4-5"
const said = [{ role: "user", content: [{ type: "text", text: "Hi" }] }]

describe("a Messages request", () => {
  it("has no field that nobody set", () => {
    expect(encode({ maxTokens: 9 }).body).toStrictEqual({ model, max_tokens: 9, messages: said })
    expect(encode({ maxTokens: 9, tools: [] }).body).toStrictEqual({ model, max_tokens: 9, messages: said })
    expect(encode({ tools }).body["tools"]).toStrictEqual([{ name: "f", input_schema: parameters }])
  })

  it("says what a tool is for, and whether its schema is strict", () => {
    const strict = { type: "object", properties: {}, required: [], additionalProperties: false }
    const tool = { name: "f", description: "d", parameters: strict }
    const written = (more: object) => encode({ tools: [{ ...tool, ...more }] }).body["tools"][0]
    expect(written({})).toStrictEqual({ name: "f", description: "d", input_schema: strict })
    expect(written({ strict: true })).toMatchObject({ strict: true })
    expect(written({ strict: false })).toStrictEqual({
      name: "f",
      description: "d",
      input_schema: strict,
      strict: false,
    })
  })

  it.each<readonly [Partial<LlmRequest>, object | undefined]>([
    [{}, undefined],
    [{ toolChoice: "auto" }, { type: "auto" }],
    [{ toolChoice: "none" }, { type: "none" }],
    [{ toolChoice: "required" }, { type: "any" }],
    [{ toolChoice: { name: "f" } }, { type: "tool", name: "f" }],
    [{ parallelToolCalls: false }, { type: "auto", disable_parallel_tool_use: true }],
    [{ parallelToolCalls: true }, { type: "auto", disable_parallel_tool_use: false }],
    [
      { toolChoice: "required", parallelToolCalls: false },
      { type: "any", disable_parallel_tool_use: true },
    ],
    [{ toolChoice: "none", parallelToolCalls: false }, { type: "none" }],
  ])("chooses tools by one field: %j", (choice, expected) => {
    const { body } = encode({ tools, ...choice })
    expect(body["tool_choice"]).toStrictEqual(expected)
    expect("tool_choice" in body).toBe(expected !== undefined)
  })

  it("says that it has no JSON without a schema", () => {
    const { body, warnings } = encode({ responseFormat: { type: "json" } })
    expect(body).not.toHaveProperty("output_config")
    expect(warnings).toEqual([
      `responseFormat was dropped: ${model} writes JSON only to a schema; use json-schema, or ask for JSON in words`,
    ])
    expect(encode({ responseFormat: { type: "text" } }).warnings).toEqual([])
  })

  it("has effort and format in one field", () => {
    const schema = { type: "object", properties: {}, additionalProperties: false }
    const format = { type: "json_schema", schema: expect.objectContaining({ type: "object" }) }
    const responseFormat = { type: "json-schema", schema } as const
    expect(encode({ reasoningEffort: "low" }).body["output_config"]).toStrictEqual({ effort: "low" })
    expect(encode({ responseFormat }).body["output_config"]).toStrictEqual({ format })
    expect(encode({ reasoningEffort: "low", responseFormat }).body["output_config"]).toStrictEqual({
      effort: "low",
      format,
    })
  })

  it("holds a schema to what Anthropic enforces", () => {
    const schema = {
      type: "object",
      properties: {
        n: { type: "integer", minimum: 1 },
        list: { type: "array", items: { type: "string" }, minItems: 1 },
      },
      additionalProperties: false,
    }
    const { body } = encode({ responseFormat: { type: "json-schema", schema } })
    expect(JSON.stringify(body)).not.toContain('"minimum"')
    expect(body["output_config"].format.schema.properties.list.minItems).toBe(1)
    expect(body["output_config"].format.schema.required).toEqual([])
  })

  it.each([
    [0.5, 0.5, []],
    [1, 1, []],
    [1.5, 1, ["temperature was lowered from 1.5 to 1, the highest that Anthropic accepts"]],
  ])("has a temperature of 1 at most: %d", (temperature, expected, told) => {
    const { body, warnings } = encode({ temperature })
    expect([body["temperature"], warnings]).toEqual([expected, told])
  })

  it("has topP where it has no temperature", () => {
    expect(encode({ topP: 0.5 }).body).toHaveProperty("top_p", 0.5)
    expect(encode({ topP: 0.5, temperature: 0.5 }).body).not.toHaveProperty("top_p")
  })

  it("stops at what it can, and says that white space was dropped", () => {
    const dropped = "stop sequences of white space were dropped: Anthropic does not accept them"
    const stopped = (...stop: ReadonlyArray<string>) => {
      const { body, warnings } = encode({ stop })
      return ["stop_sequences" in body ? body["stop_sequences"] : "none", warnings]
    }
    expect(stopped("END")).toEqual([["END"], []])
    expect(stopped("END", "\n")).toEqual([["END"], [dropped]])
    expect(stopped(" ")).toEqual(["none", [dropped]])
    expect(stopped()).toEqual(["none", []])
  })

  it("cannot go on from a stored answer", () => {
    expect(encode({ previousResponseId: "resp_1" }).refused).toMatchObject({
      parameter: "previousResponseId",
      otherTargetMayTake: true,
    })
  })
})

describe("a Messages request that thinks by a budget", () => {
  const thinking = { maxTokens: 4000, reasoning: { budgetTokens: 2000 } }
  const asked = (request: Partial<LlmRequest>) => encode({ ...thinking, ...request })

  it("leaves the choice of words and tools to the model, and says so", () => {
    const { body, warnings } = asked({ temperature: 0.5, tools, toolChoice: "required", parallelToolCalls: false })
    expect(body).not.toHaveProperty("temperature")
    expect(body["tool_choice"]).toEqual({ type: "auto", disable_parallel_tool_use: true })
    expect(warnings).toEqual([
      "temperature was dropped: Anthropic sets it while the model thinks",
      "toolChoice was set to auto: no tool can be forced while the model thinks",
    ])
    expect(asked({ topP: 0.5 }).warnings).toEqual(["topP was dropped: Anthropic sets it while the model thinks"])
    expect(asked({ topP: 0.5 }).body).not.toHaveProperty("top_p")
    expect(asked({ tools, toolChoice: { name: "f" } }).body["tool_choice"]).toEqual({ type: "auto" })
  })

  it.each(["auto", "none"] as const)("keeps a choice of tools that forces none: %s", (toolChoice) => {
    const { body, warnings } = asked({ tools, toolChoice })
    expect(body["tool_choice"]).toEqual({ type: toolChoice })
    expect(warnings).toEqual([])
  })

  it("says nothing of what nobody asked for", () => {
    const { body, warnings } = asked({ tools })
    expect(body).not.toHaveProperty("tool_choice")
    expect(warnings).toEqual([])
    expect(encode({ temperature: 0.5, tools, toolChoice: "required" }).body).toMatchObject({
      temperature: 0.5,
      tool_choice: { type: "any" },
    })
  })
})

it("a user of a Messages request is its metadata", () => {
  expect(encode({ user: "u", messages: [user] }).body["metadata"]).toStrictEqual({ user_id: "u" })
})
