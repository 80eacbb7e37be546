/** What is sent over Responses (laws 13, 20, 21 and 26). */
import { Result } from "effect"
import { describe, expect, it } from "vitest"
import type { AssistantMessage, LlmRequest, Message } from "../../../src/model/LlmRequest.ts"
import * as ChatCompletions from "../../../src/protocols/chat-completions/ChatCompletions.ts"
import * as Messages from "../../../src/protocols/messages/Messages.ts"
import type { EncodeOptions, Protocol } from "../../../src/protocols/Protocol.ts"
import * as Responses from "../../../src/protocols/responses/Responses.ts"

const user: Message = { role: "user", content: "Hi" }

const encodeWith =
  (protocol: Protocol, model: string) =>
  (request: Partial<LlmRequest> = {}, options: Partial<EncodeOptions> = {}) => {
    const encoded = protocol.encode(
      { messages: [user], ...request },
      { model, provider: "openai", stream: false, ...options },
    )
    return Result.isSuccess(encoded)
      ? { ...encoded.success, refused: undefined }
      : { body: {} as Record<string, any>, warnings: [], refused: encoded.failure }
  }
const plain = encodeWith(Responses.protocol, "gpt-4o")
const reasoning = encodeWith(Responses.protocol, "gpt-5-mini")

const inputOf = (messages: ReadonlyArray<Message>) => plain({ messages }).body["input"]
const assistant = (...content: Exclude<AssistantMessage["content"], string>): Message => ({
  role: "assistant",
  content,
})

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
    expect(ids[1]).toHaveLength(64)
    expect(ids[1]).toBe(ids[3])
    expect(ids[2]).toBe(ids[4])
    expect(ids[1]).not.toBe(ids[2])
  })
})
