/** What is sent over Responses beside the conversation (laws 13, 20 and 21). */
import { describe, expect, it } from "vitest"
import type { LlmRequest, Message } from "../../../src/model/LlmRequest.ts"
import * as ChatCompletions from "../../../src/protocols/chat-completions/ChatCompletions.ts"
import * as Messages from "../../../src/protocols/messages/Messages.ts"
import * as Responses from "../../../src/protocols/responses/Responses.ts"
import { encodeWith, inputOf, plain, reasoning, user } from "./Encode.ts"

describe("a Responses request", () => {
  it("is a model and input items, and asks the provider to store nothing", () => {
    expect(plain()).toEqual({
      body: { model: "gpt-4o", input: [{ role: "user", content: "Hi" }], store: false },
      warnings: [],
      refused: undefined,
    })
  })

  it("asks for encrypted reasoning where the model is known to reason, and nowhere else", () => {
    expect(reasoning().body["include"]).toEqual(["reasoning.encrypted_content"])
    expect(encodeWith(Responses.protocol, "grok-4.3")().body["include"]).toEqual(["reasoning.encrypted_content"])
    expect(plain().body).not.toHaveProperty("include")
    const unknown = encodeWith(Responses.protocol, "my-deployment")
    expect(unknown().body).not.toHaveProperty("include")
    expect(unknown({ reasoningEffort: "high" }).body).toMatchObject({
      reasoning: { effort: "high" },
      include: ["reasoning.encrypted_content"],
    })
    expect(unknown({ reasoningEffort: "none" }).body).not.toHaveProperty("include")
  })

  it("writes system messages as items of the model's own role, wherever they stand", () => {
    const messages: ReadonlyArray<Message> = [
      { role: "system", content: "Be brief." },
      user,
      { role: "system", content: [{ type: "text", text: "Now be long." }] },
      user,
    ]
    expect(plain({ messages }).body["input"]).toEqual([
      { role: "system", content: "Be brief." },
      { role: "user", content: "Hi" },
      { role: "system", content: [{ type: "input_text", text: "Now be long." }] },
      { role: "user", content: "Hi" },
    ])
    expect(reasoning({ messages }).body["input"]).toMatchObject([{ role: "developer" }, {}, { role: "developer" }, {}])
  })

  it("writes pictures by address, as data and by id, with their detail", () => {
    const content = [
      { type: "image", url: "https://example.com/a.png" },
      { type: "image", data: "iVBORw0KGgo=", detail: "original" },
      { type: "file", fileId: "file-1", mediaType: "image/png" },
    ] as const
    expect(inputOf([{ role: "user", content }])).toEqual([
      {
        role: "user",
        content: [
          { type: "input_image", image_url: "https://example.com/a.png", detail: "auto" },
          { type: "input_image", image_url: "data:image/png;base64,iVBORw0KGgo=", detail: "original" },
          { type: "input_image", file_id: "file-1" },
        ],
      },
    ])
  })

  it("writes files by address, as data and by id", () => {
    const content = [
      { type: "file", url: "https://example.com/a.pdf" },
      { type: "file", data: "JVBERi0x", filename: "a.pdf" },
      { type: "file", data: "aGVsbG8=", mediaType: "text/plain" },
      { type: "file", fileId: "file-1" },
      { type: "file", data: "iVBORw0KGgo=", mediaType: "image/png" },
    ] as const
    expect(inputOf([{ role: "user", content }])).toEqual([
      {
        role: "user",
        content: [
          { type: "input_file", file_url: "https://example.com/a.pdf" },
          { type: "input_file", filename: "a.pdf", file_data: "data:application/pdf;base64,JVBERi0x" },
          { type: "input_file", filename: "file.plain", file_data: "data:text/plain;base64,aGVsbG8=" },
          { type: "input_file", file_id: "file-1" },
          { type: "input_image", image_url: "data:image/png;base64,iVBORw0KGgo=", detail: "auto" },
        ],
      },
    ])
  })

  it("refuses audio by name, before anything is sent", () => {
    const audio = { type: "file", data: "UklGRg==", mediaType: "audio/wav" } as const
    expect(plain({ messages: [{ role: "user", content: [audio] }] }).refused).toMatchObject({
      _tag: "InvalidRequestError",
      parameter: "messages[0].content[0].mediaType",
    })
  })

  it("writes tools flat, and always says whether they are strict", () => {
    const tools = [
      { name: "weather", description: "Tells it.", parameters: { type: "object", properties: {} } },
      { name: "time", parameters: { type: "object", properties: {}, additionalProperties: false }, strict: true },
    ]
    const { body } = plain({ tools, toolChoice: { name: "time" }, parallelToolCalls: false })
    expect(body).toMatchObject({
      tools: [
        { type: "function", name: "weather", description: "Tells it.", strict: false },
        { type: "function", name: "time", strict: true },
      ],
      tool_choice: { type: "function", name: "time" },
      parallel_tool_calls: false,
    })
    expect(plain({ tools, toolChoice: "required" }).body["tool_choice"]).toBe("required")
  })

  it("drops what chooses between tools where there are none", () => {
    const { body, warnings } = plain({ toolChoice: "auto", parallelToolCalls: true })
    expect(body).not.toHaveProperty("tool_choice")
    expect(body).not.toHaveProperty("parallel_tool_calls")
    expect(warnings).toHaveLength(2)
  })

  it("asks for JSON under text.format", () => {
    const schema = {
      type: "object",
      properties: { a: { type: "string" } },
      required: ["a"],
      additionalProperties: false,
    }
    expect(plain({ responseFormat: { type: "json" } }).body["text"]).toEqual({ format: { type: "json_object" } })
    expect(plain({ responseFormat: { type: "json-schema", name: "thing", schema } }).body["text"]).toEqual({
      format: { type: "json_schema", name: "thing", schema, strict: true },
    })
  })

  it("raises maxTokens to the least that is accepted, with a warning", () => {
    expect(plain({ maxTokens: 100 }).body["max_output_tokens"]).toBe(100)
    const { body, warnings } = plain({ maxTokens: 5 })
    expect(body["max_output_tokens"]).toBe(16)
    expect(warnings).toEqual(["maxTokens was raised from 5 to 16, the least that is accepted"])
  })

  it("names each parameter that it has no field for", () => {
    const { body, warnings } = plain({
      stop: ["x"],
      seed: 1,
      frequencyPenalty: 1,
      presencePenalty: 1,
      temperature: 0.5,
    })
    expect(body).toEqual({ model: "gpt-4o", input: [user], temperature: 0.5, store: false })
    expect(warnings.map((warning) => warning.split(" ")[0]).toSorted()).toEqual([
      "frequencyPenalty",
      "presencePenalty",
      "seed",
      "stop",
    ])
  })

  it("goes on from a stored answer, whose calls need not be repeated", () => {
    const messages: ReadonlyArray<Message> = [
      { role: "tool", content: [{ type: "tool-result", toolCallId: "call_1", content: "21 degrees" }] },
    ]
    const { body, refused } = plain({ messages, previousResponseId: "resp_1" })
    expect(refused).toBeUndefined()
    expect(body).toEqual({
      model: "gpt-4o",
      previous_response_id: "resp_1",
      input: [{ type: "function_call_output", call_id: "call_1", output: "21 degrees" }],
    })
  })

  it.each([
    ["Chat Completions", ChatCompletions.protocol],
    ["Messages", Messages.protocol],
  ])("cannot be continued in %s, which is refused by name", (_, protocol) => {
    expect(encodeWith(protocol, "some-model")({ previousResponseId: "resp_1" }).refused).toMatchObject({
      _tag: "InvalidRequestError",
      parameter: "previousResponseId",
    })
  })
})

describe("the caller's own fields of a Responses request", () => {
  const own = (openai: Record<string, unknown>, request: Partial<LlmRequest> = {}) =>
    reasoning({ ...request, providerOptions: { openai, other: { never: true } } }).body

  it("stand last and untouched", () => {
    expect(own({ model: "mine", service_tier: "flex", metadata: { a: "b" } })).toMatchObject({
      model: "mine",
      service_tier: "flex",
      metadata: { a: "b" },
    })
    expect(own({})).not.toHaveProperty("never")
  })

  it("add hosted tools to functions, and outputs to what is included", () => {
    const tools = [{ name: "f", parameters: { type: "object" } }]
    const body = own({ tools: [{ type: "web_search" }], include: ["web_search_call.action.sources"] }, { tools })
    expect(body["tools"]).toMatchObject([{ type: "function", name: "f" }, { type: "web_search" }])
    expect(body["include"]).toEqual(["reasoning.encrypted_content", "web_search_call.action.sources"])
  })

  it("let a tool be chosen where only hosted ones are there", () => {
    expect(own({ tools: [{ type: "web_search" }] }, { toolChoice: "required" })["tool_choice"]).toBe("required")
  })

  it("add to reasoning and text what the request did not say", () => {
    const body = own(
      { reasoning: { summary: "auto" }, text: { verbosity: "low" } },
      { reasoningEffort: "high", responseFormat: { type: "json" } },
    )
    expect(body["reasoning"]).toEqual({ effort: "high", summary: "auto" })
    expect(body["text"]).toEqual({ format: { type: "json_object" }, verbosity: "low" })
  })

  it.each([[{ conversation: "conv_1" }], [{ previous_response_id: "resp_1" }], [{ background: true }]])(
    "leave the storing to the provider where they build on it: %j",
    (fields) => {
      expect(own(fields)).not.toHaveProperty("store")
    },
  )

  it("decide over storing", () => {
    expect(own({ store: true })["store"]).toBe(true)
  })
})
