/** How an answer of a JSON Schema is asked for where a model cannot be held to it, and what strict tools become (law 18). */
import { describe, expect, it } from "vitest"
import type { JsonSchema } from "../../../src/protocols/encoding/JsonSchema.ts"
import type { Message } from "../../../src/model/LlmRequest.ts"
import { chat, messages, user, wires } from "./Encoded.ts"

const schema = { type: "object", properties: { n: { type: "integer" } } }
const format = { type: "json-schema", schema } as const
const open = { type: "object", additionalProperties: { type: "string" } }
const tool = (name: string, more: object = {}) => ({ name, parameters: schema, ...more })
const older = "claude-3-5-haiku-20241022"

describe("a strict tool", () => {
  it("has its schema in the wire's form, and one that is not strict keeps its own", () => {
    for (const tools of [
      [tool("a", { strict: true }), tool("b", { parameters: open })],
      [tool("b", { parameters: open }), tool("a", { strict: true })],
    ]) {
      const { body, warnings } = chat({ tools })
      const written = Object.fromEntries(body["tools"].map((one: any) => [one.function.name, one.function]))
      expect(written.a).toMatchObject({ strict: true, parameters: { required: ["n"], additionalProperties: false } })
      expect(written.b.parameters).toEqual(open)
      expect(warnings).toEqual([])
    }
  })

  it("is said to be dropped, and why, where its schema cannot be enforced", () => {
    expect(chat({ tools: [tool("a", { strict: true, parameters: open })] }).warnings).toEqual([
      "strict of the tool a was dropped: its schema cannot be enforced, it is an object whose property names are open",
    ])
  })
})

/** A schema of so many values besides texts: itself, what holds its properties, and these. */
const large = (parts: number) => ({
  type: "object",
  properties: Object.fromEntries(Array.from({ length: parts - 2 }, (_, at) => [`k${at}`, { type: "string" }])),
})

describe("a schema that would hold the event loop", () => {
  const more = "invalid request: JSON Schema of more than 5500 values besides texts at"

  it.each(wires)("is refused by its field and its bound before it is written for a wire: %s", (_, encode) => {
    const refused = (schema: JsonSchema) => encode({ responseFormat: { type: "json-schema", schema } }).refused
    expect(refused(large(5500))).toBeUndefined()
    expect(refused(large(5501))).toMatchObject({
      message: `${more} responseFormat.schema`,
      parameter: "responseFormat.schema",
    })
  })

  it.each(wires)("is refused as a strict tool's, alone or with others, and not as another tool's: %s", (_, encode) => {
    const refused = (parts: number, count: number, strict = true) =>
      encode({ tools: Array.from({ length: count }, (_, at) => tool(`t${at}`, { parameters: large(parts), strict })) })
        .refused
    expect(refused(5501, 2)).toMatchObject({ message: `${more} tools[0].parameters`, parameter: "tools[0].parameters" })
    expect(refused(5501, 2, false)).toBeUndefined()
    expect(refused(2000, 4)).toBeUndefined()
    expect(refused(2001, 4)).toMatchObject({
      message: "invalid request: JSON Schema of more than 8000 values besides texts at tools",
      parameter: "tools",
    })
  })
})

describe("the tool that stands for a format", () => {
  it("is the only one to call, once, where the request has no others", () => {
    const { body, warnings } = messages({ responseFormat: format }, older)
    expect(body["tools"]).toEqual([
      { name: "answer", description: "Gives the final answer. Call it once.", input_schema: schema },
    ])
    expect(body["tool_choice"]).toEqual({ type: "tool", name: "answer", disable_parallel_tool_use: true })
    expect(warnings).toEqual([`responseFormat was sent as the tool answer: ${older} cannot enforce its schema`])
  })

  it("is one of several that may be called at once, where the request has others", () => {
    const { body } = messages({ responseFormat: { ...format, name: "count" }, tools: [tool("a")] }, older)
    expect(body["tools"].map(({ name }: any) => name)).toEqual(["a", "count"])
    expect(body["tool_choice"]).toEqual({ type: "any" })
  })

  it("is the only one where the request forbids the others", () => {
    const { body } = messages({ responseFormat: format, tools: [tool("a")], toolChoice: "none" }, older)
    expect(body["tools"].map(({ name }: any) => name)).toEqual(["answer"])
    expect(body["tool_choice"]).toMatchObject({ type: "tool", name: "answer" })
  })
})

describe("the instruction that stands for a format", () => {
  const system = (content: string): Message => ({ role: "system", content })
  const asked = `Answer with JSON only, without any other text. The JSON must fit this JSON Schema:\n${JSON.stringify(schema)}`
  const written = (conversation: ReadonlyArray<Message>) =>
    chat({ messages: conversation, responseFormat: format }, "deepseek-reasoner")

  it("stands after the systems at the beginning, and the conversation stays as it is", () => {
    const later: ReadonlyArray<Message> = [user, { role: "assistant", content: "Yes?" }, system("Late."), user]
    for (const systems of [[], [system("Be kind.")], [system("Be kind."), system("Be short.")]]) {
      const { body, warnings } = written([...systems, ...later])
      expect(body["messages"]).toEqual([...systems, system(asked), ...later])
      expect(body["response_format"]).toEqual({ type: "json_object" })
      expect(warnings).toEqual([
        "responseFormat was sent as an instruction: deepseek-reasoner cannot enforce its schema",
      ])
    }
  })

  it("stands at the end where there are only systems", () => {
    expect(written([system("Be kind."), system("Be short.")]).body["messages"]).toEqual([
      system("Be kind."),
      system("Be short."),
      system(asked),
    ])
  })

  it("stands alone where the model has no mode for JSON, or the wire has none", () => {
    expect(chat({ responseFormat: format }, "o1-mini").body).not.toHaveProperty("response_format")
    const thinking = { providerOptions: { anthropic: { thinking: { type: "enabled", budget_tokens: 1024 } } } }
    const { body, warnings } = messages({ responseFormat: format, ...thinking }, older)
    expect(body).not.toHaveProperty("output_config")
    expect(body).not.toHaveProperty("tools")
    expect(warnings).toEqual([`responseFormat was sent as an instruction: ${older} cannot enforce its schema`])
  })

  it.each([[null], ["enabled"], [3], [{}], [{ type: "disabled" }], [{ budget_tokens: 1024 }]])(
    "is not needed where the request's own thinking is %j",
    (thinking) => {
      const { body } = messages({ responseFormat: format, providerOptions: { anthropic: { thinking } } }, older)
      expect(body).toMatchObject({ tool_choice: { type: "tool", name: "answer" } })
    },
  )
})

describe("a format that is not to be enforced", () => {
  const loose = { ...format, strict: false }

  it("is a hint as it was given where the wire takes one", () => {
    const { body, warnings } = chat({ responseFormat: loose })
    expect(body["response_format"]).toEqual({
      type: "json_schema",
      json_schema: { name: "answer", schema, strict: false },
    })
    expect(warnings).toEqual([])
  })

  it("is enforced all the same where the wire has nothing else", () => {
    expect(messages({ responseFormat: loose }).body).toMatchObject({
      output_config: { format: { type: "json_schema", schema: { additionalProperties: false } } },
    })
  })
})
