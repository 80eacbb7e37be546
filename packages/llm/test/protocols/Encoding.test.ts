/** What is sent, on both wire formats (laws 13, 20 and 21). */
import { Result } from "effect"
import { describe, expect, it } from "vitest"
import type { LlmRequest, Message } from "../../src/model/LlmRequest.ts"
import * as ChatCompletions from "../../src/protocols/chat-completions/ChatCompletions.ts"
import * as Messages from "../../src/protocols/messages/Messages.ts"
import { bareModelName } from "../../src/protocols/encoding/abilities/BareModelName.ts"
import { capabilitiesOf } from "../../src/protocols/encoding/ModelCapabilities.ts"
import type { EncodeOptions, Protocol } from "../../src/protocols/Protocol.ts"

const user: Message = { role: "user", content: "Hi" }
const call: Message = { role: "assistant", content: [{ type: "tool-call", id: "c1", name: "f", arguments: { a: 1 } }] }
const result: Message = { role: "tool", content: [{ type: "tool-result", toolCallId: "c1", content: "42" }] }

const encodeWith =
  (protocol: Protocol, provider: string, model: string) =>
  (request: Partial<LlmRequest>, options: Partial<EncodeOptions> = {}) => {
    const encoded = protocol.encode({ messages: [user], ...request }, { model, provider, stream: false, ...options })
    return Result.isSuccess(encoded)
      ? { ...encoded.success, refused: undefined }
      : { body: {} as Record<string, any>, warnings: [], refused: encoded.failure }
  }
const chat = encodeWith(ChatCompletions.protocol, "openai", "gpt-4o")
const anthropic = encodeWith(Messages.protocol, "anthropic", "claude-opus-4-5")

const both = [
  ["Chat Completions", chat],
  ["Messages", anthropic],
] as const

describe.each(both)("a request in %s", (_, encode) => {
  it("refuses a tool result without its call, by name", () => {
    const { refused } = encode({ messages: [user, result] })
    expect(refused).toMatchObject({ _tag: "InvalidRequestError", parameter: "messages[1].content[0].toolCallId" })
    expect(encode({ messages: [user, call, result] }).refused).toBeUndefined()
  })

  it("refuses messages that all are empty", () => {
    const { refused } = encode({
      messages: [
        { role: "user", content: "" },
        { role: "assistant", content: [] },
      ],
    })
    expect(refused).toMatchObject({ _tag: "InvalidRequestError", parameter: "messages" })
  })

  it("drops an empty message with a warning", () => {
    const { body, warnings } = encode({ messages: [{ role: "user", content: " " }, user] })
    expect(body["messages"]).toHaveLength(1)
    expect(warnings).toEqual(["messages[0] was dropped: it is empty"])
  })

  it("refuses an image that is nowhere", () => {
    const { refused } = encode({ messages: [{ role: "user", content: [{ type: "image" }] }] })
    expect(refused).toMatchObject({ parameter: "messages[0].content[0]" })
  })

  it("takes the caller's own fields last, untouched", () => {
    const own = { model: "mine", extra: { deep: [1] }, messages: "theirs" }
    const { body } = encode({ providerOptions: { openai: own, anthropic: own, other: { never: true } } })
    expect(body).toMatchObject(own)
    expect(body).not.toHaveProperty("never")
  })

  it("keeps the functions beside the tools that the caller's own fields add", () => {
    const hosted = { type: "web_search_20260209", name: "web_search" }
    const own = { openai: { tools: [hosted] }, anthropic: { tools: [hosted] } }
    const { body } = encode({ tools: [{ name: "f", parameters: { type: "object" } }], providerOptions: own })
    expect(body["tools"]).toHaveLength(2)
    expect(body["tools"]).toContain(hosted)
  })

  it("does not choose among tools that are not there", () => {
    const { body, warnings } = encode({ toolChoice: "required", parallelToolCalls: false })
    expect(body).not.toHaveProperty("tool_choice")
    expect(warnings).toHaveLength(2)
  })
})

describe("a Chat Completions request", () => {
  it("writes every kind of message", () => {
    const { body, warnings } = chat({
      messages: [
        { role: "system", content: "Be kind." },
        {
          role: "user",
          content: [
            { type: "text", text: "Look" },
            { type: "image", url: "https://example.com/a.png", detail: "low" },
            { type: "image", data: "iVBORw0KGgo=" },
            { type: "file", data: "JVBERi0=", filename: "a.pdf" },
            { type: "file", fileId: "file-1" },
          ],
        },
        call,
        result,
      ],
    })
    expect(warnings).toEqual([])
    expect(body["messages"]).toEqual([
      { role: "system", content: "Be kind." },
      {
        role: "user",
        content: [
          { type: "text", text: "Look" },
          { type: "image_url", image_url: { url: "https://example.com/a.png", detail: "low" } },
          { type: "image_url", image_url: { url: "data:image/png;base64,iVBORw0KGgo=" } },
          { type: "file", file: { filename: "a.pdf", file_data: "data:application/pdf;base64,JVBERi0=" } },
          { type: "file", file: { file_id: "file-1" } },
        ],
      },
      {
        role: "assistant",
        content: null,
        tool_calls: [{ id: "c1", type: "function", function: { name: "f", arguments: '{"a":1}' } }],
      },
      { role: "tool", tool_call_id: "c1", content: "42" },
    ])
  })

  it("shows what a tool returned besides text in a user message after all results", () => {
    const two: Message = {
      role: "assistant",
      content: [
        { type: "tool-call", id: "a", name: "f", arguments: {} },
        { type: "tool-call", id: "b", name: "f", arguments: {} },
      ],
    }
    const image = { type: "image", url: "https://example.com/a.png" } as const
    const { body, warnings } = chat({
      messages: [
        user,
        two,
        { role: "tool", content: [{ type: "tool-result", toolCallId: "a", content: [image] }] },
        { role: "tool", content: [{ type: "tool-result", toolCallId: "b", content: "text" }] },
      ],
    })
    const roles = (body["messages"] as Array<{ role: string }>).map(({ role }) => role)
    expect(roles).toEqual(["user", "assistant", "tool", "tool", "user"])
    expect(warnings).toHaveLength(1)
  })

  it("writes every parameter under its wire name", () => {
    const parameters = { type: "object", properties: {}, required: [], additionalProperties: false }
    const { body, warnings } = chat(
      {
        temperature: 0.5,
        topP: 0.9,
        maxTokens: 10,
        stop: ["END"],
        seed: 1,
        frequencyPenalty: 0.1,
        presencePenalty: 0.2,
        tools: [{ name: "f", description: "d", parameters, strict: true }],
        toolChoice: { name: "f" },
        parallelToolCalls: false,
        responseFormat: { type: "json-schema", name: "n", schema: parameters },
        user: "u",
      },
      { stream: true },
    )
    expect(warnings).toEqual([])
    expect(body).toEqual({
      model: "gpt-4o",
      messages: [{ role: "user", content: "Hi" }],
      temperature: 0.5,
      top_p: 0.9,
      max_completion_tokens: 10,
      stop: ["END"],
      seed: 1,
      frequency_penalty: 0.1,
      presence_penalty: 0.2,
      tools: [{ type: "function", function: { name: "f", description: "d", parameters, strict: true } }],
      tool_choice: { type: "function", function: { name: "f" } },
      parallel_tool_calls: false,
      response_format: { type: "json_schema", json_schema: { name: "n", schema: parameters, strict: true } },
      user: "u",
      stream: true,
      stream_options: { include_usage: true },
    })
  })

  it("drops what a reasoning model refuses, and says so", () => {
    const { body, warnings } = chat(
      {
        messages: [{ role: "system", content: "s" }, user],
        temperature: 0.5,
        presencePenalty: 1,
        stop: ["x"],
        maxTokens: 5,
      },
      { model: "openai/gpt-5-mini-2025-08-07" },
    )
    expect(body).toMatchObject({ max_completion_tokens: 5, messages: [{ role: "developer" }, { role: "user" }] })
    expect(body).not.toHaveProperty("temperature")
    expect(body).not.toHaveProperty("presence_penalty")
    expect(warnings).toEqual([
      "temperature was dropped: openai/gpt-5-mini-2025-08-07 does not accept it",
      "presencePenalty was dropped: openai/gpt-5-mini-2025-08-07 does not accept it",
      "stop was dropped: openai/gpt-5-mini-2025-08-07 does not accept it",
    ])
  })

  it("keeps temperature for gpt-5.1 where reasoning is off", () => {
    const request = { temperature: 0.5, reasoningEffort: "none" } as const
    expect(chat(request, { model: "gpt-5.1" }).body).toMatchObject({ temperature: 0.5, reasoning_effort: "none" })
    expect(chat({ temperature: 0.5 }, { model: "gpt-5.1" }).body).not.toHaveProperty("temperature")
  })

  it("believes a deployment about itself", () => {
    const capabilities = { sampling: "refused", maxTokensField: "max_tokens" } as const
    const { body, warnings } = chat(
      { temperature: 1, maxTokens: 5 },
      { model: "prod", provider: "azure", capabilities },
    )
    expect(body).toEqual({ model: "prod", messages: [{ role: "user", content: "Hi" }], max_tokens: 5 })
    expect(warnings).toHaveLength(1)
  })

  it("sends text that a model wrote for arguments back as it is", () => {
    const broken: Message = { role: "assistant", content: [{ type: "tool-call", id: "c", name: "f", arguments: "{" }] }
    expect(chat({ messages: [user, broken] }).body).toMatchObject({
      messages: [{}, { tool_calls: [{ function: { arguments: "{" } }] }],
    })
  })
})

describe("a Messages request", () => {
  it("hoists the system, merges turns, and puts tool results first in theirs", () => {
    const two: Message = {
      role: "assistant",
      content: [
        { type: "text", text: "Let me see." },
        { type: "tool-call", id: "a.1", name: "f", arguments: { x: 1 } },
        { type: "tool-call", id: "b", name: "g", arguments: {} },
      ],
    }
    const { body, warnings } = anthropic({
      messages: [
        { role: "system", content: "Be kind." },
        user,
        { role: "user", content: "There" },
        two,
        { role: "tool", content: [{ type: "tool-result", toolCallId: "a.1", content: "1" }] },
        { role: "user", content: "And?" },
        { role: "tool", content: [{ type: "tool-result", toolCallId: "b", content: "2", isError: true }] },
      ],
    })
    expect(warnings).toEqual([])
    expect(body).toEqual({
      model: "claude-opus-4-5",
      max_tokens: 64_000,
      system: "Be kind.",
      messages: [
        {
          role: "user",
          content: [
            { type: "text", text: "Hi" },
            { type: "text", text: "There" },
          ],
        },
        {
          role: "assistant",
          content: [
            { type: "text", text: "Let me see." },
            { type: "tool_use", id: expect.stringMatching(/^[\w-]+$/), name: "f", input: { x: 1 } },
            { type: "tool_use", id: "b", name: "g", input: {} },
          ],
        },
        {
          role: "user",
          content: [
            { type: "tool_result", tool_use_id: expect.stringMatching(/^[\w-]+$/), content: "1" },
            { type: "tool_result", tool_use_id: "b", content: "2", is_error: true },
            { type: "text", text: "And?" },
          ],
        },
      ],
    })
  })

  it("returns thinking and unknown blocks as they came", () => {
    const content = [
      { type: "thinking", thinking: "Hm", signature: "sig" },
      { type: "redacted_thinking", data: "xyz" },
      { type: "server_tool_use", id: "s", name: "web_search", input: { q: "x" } },
      { type: "web_search_tool_result", tool_use_id: "s", content: [{ encrypted_content: "e" }] },
      { type: "text", text: "So." },
    ]
    const answer = Messages.protocol.decode({ content, stop_reason: "pause_turn" })
    const parts = Result.isSuccess(answer) ? answer.success.parts : []
    const { body, warnings } = anthropic({ messages: [user, { role: "assistant", content: parts }] })
    expect(body["messages"]).toMatchObject([{ role: "user" }, { role: "assistant", content }])
    expect(warnings).toEqual([])
  })

  it("ends a prefilled answer without white space", () => {
    const { body } = anthropic({ messages: [user, { role: "assistant", content: "The answer is \n" }] })
    expect(body).toMatchObject({ messages: [{}, { content: [{ text: "The answer is" }] }] })
  })

  it("writes media as sources", () => {
    const { body } = anthropic({
      messages: [
        {
          role: "user",
          content: [
            { type: "image", url: "data:image/png;base64,AAAA" },
            { type: "image", url: "https://example.com/a.png" },
            { type: "file", data: "JVBERi0=", filename: "a.pdf" },
            { type: "file", data: "SGVsbG8=", mediaType: "text/plain" },
            { type: "file", fileId: "file_1" },
          ],
        },
      ],
    })
    expect(body).toMatchObject({
      messages: [
        {
          content: [
            { type: "image", source: { type: "base64", media_type: "image/png", data: "AAAA" } },
            { type: "image", source: { type: "url", url: "https://example.com/a.png" } },
            { type: "document", source: { type: "base64", media_type: "application/pdf" }, title: "a.pdf" },
            { type: "document", source: { type: "text", media_type: "text/plain", data: "Hello" } },
            { type: "document", source: { type: "file", file_id: "file_1" } },
          ],
        },
      ],
    })
  })

  it("writes every parameter that has a field, and says which have none", () => {
    const schema = { type: "object", properties: {} }
    const { body, warnings } = anthropic(
      {
        temperature: 1.5,
        topP: 0.9,
        maxTokens: 10,
        stop: ["END", "\n"],
        seed: 1,
        frequencyPenalty: 0.1,
        presencePenalty: 0.2,
        tools: [{ name: "f", description: "d", parameters: schema }],
        toolChoice: "required",
        parallelToolCalls: false,
        responseFormat: { type: "json-schema", schema },
        reasoningEffort: "high",
        user: "u",
      },
      { stream: true },
    )
    expect(body).toMatchObject({
      max_tokens: 10,
      temperature: 1,
      stop_sequences: ["END"],
      tools: [{ name: "f", description: "d", input_schema: schema }],
      tool_choice: { type: "any", disable_parallel_tool_use: true },
      output_config: { effort: "high", format: { type: "json_schema", schema } },
      metadata: { user_id: "u" },
      stream: true,
    })
    expect(body).not.toHaveProperty("top_p")
    for (const parameter of ["temperature", "topP", "seed", "frequencyPenalty", "presencePenalty", "stop"]) {
      expect(warnings.some((warning) => warning.startsWith(parameter))).toBe(true)
    }
  })

  it("sends no sampling parameters to Claude Opus 4.7 and later", () => {
    const { body, warnings } = anthropic({ temperature: 0.5 }, { model: "claude-sonnet-5" })
    expect(body).not.toHaveProperty("temperature")
    expect(warnings).toEqual(["temperature was dropped: claude-sonnet-5 does not accept it"])
  })
})

describe("the capability table", () => {
  it.each([
    ["openai/gpt-5-mini", "gpt-5-mini"],
    ["ft:gpt-4o-mini-2024-07-18:acme::id", "gpt-4o-mini-2024-07-18:acme::id"],
    ["us.anthropic.claude-opus-4-5-20251101-v1:0", "claude-opus-4-5-20251101-v1:0"],
    ["anthropic/claude-sonnet-4.5", "claude-sonnet-4-5"],
    ["anthropic/claude-4.7-opus", "claude-opus-4-7"],
  ])("knows %s as %s", (name, bare) => expect(bareModelName(name)).toBe(bare))

  it.each([
    ["gpt-4o", "openai", { maxTokensField: "max_completion_tokens", sampling: "accepted", reasoningEffort: false }],
    ["o3", "openai", { sampling: "refused", systemRole: "developer" }],
    ["o1-mini", "openai", { systemRole: "user" }],
    ["gpt-5.2", "openai", { sampling: "without-reasoning" }],
    ["gpt-6-astra", "openai", { sampling: "refused" }],
    ["gpt-5-chat-latest", "openai", { sampling: "accepted" }],
    ["DeepSeek-R1", "azure", { maxTokensField: "max_tokens" }],
    ["llama3.2", "litellm", { maxTokensField: "max_tokens", sampling: "accepted", reasoningEffort: true }],
    ["gpt-oss-20b", "litellm", { maxTokensField: "max_tokens", systemRole: "system" }],
    [
      "claude-sonnet-4-20250514",
      "anthropic",
      { sampling: "accepted", temperatureWithTopP: true, reasoningEffort: false },
    ],
    ["claude-opus-4-1-20250805", "anthropic", { temperatureWithTopP: false, reasoningEffort: false }],
    ["claude-opus-4-7", "anthropic", { sampling: "refused", reasoningEffort: true }],
    ["claude-haiku-5-5", "anthropic", { sampling: "refused" }],
  ])("%s on %s", (model, _, expected) => {
    expect(capabilitiesOf(model, undefined)).toMatchObject(expected)
  })
})

describe("an answer of a JSON Schema", () => {
  const schema = { type: "object", properties: { n: { type: "integer", minimum: 1 } } }
  const format = { type: "json-schema", name: "count", schema } as const
  const open = { type: "object", additionalProperties: { type: "string" } }

  it("is asked for in the wire's own format, in the form that the wire enforces", () => {
    const closed = { additionalProperties: false, required: ["n"] }
    expect(chat({ responseFormat: format }).body).toMatchObject({
      response_format: { type: "json_schema", json_schema: { name: "count", strict: true, schema: closed } },
    })
    const { body } = anthropic({ responseFormat: format })
    expect(body).toMatchObject({ output_config: { format: { type: "json_schema", schema: { required: [] } } } })
    expect(JSON.stringify(body)).not.toContain('"minimum"')
  })

  it("is a hint to Chat Completions where the schema cannot be enforced, and says so", () => {
    const { body, warnings } = chat({ responseFormat: { ...format, schema: open } })
    expect(body).toMatchObject({ response_format: { json_schema: { strict: false, schema: open } } })
    expect(warnings.join()).toContain("property names are open")
  })

  it("is a tool that must be called where the model or the schema has no better way", () => {
    const older = { model: "claude-3-5-haiku-20241022" }
    for (const { body, warnings } of [
      anthropic({ responseFormat: format }, older),
      anthropic({ responseFormat: { ...format, schema: open } }),
    ]) {
      expect(body).toMatchObject({
        tools: [{ name: "count", input_schema: { type: "object" } }],
        tool_choice: { type: "tool", name: "count", disable_parallel_tool_use: true },
      })
      expect(body).not.toHaveProperty("output_config")
      expect(warnings.join()).toContain("sent as the tool count")
    }
    const other = { name: "look_up", parameters: { type: "object" } }
    expect(anthropic({ responseFormat: format, tools: [other] }, older).body).toMatchObject({
      tools: [{ name: "look_up" }, { name: "count" }],
      tool_choice: { type: "any" },
    })
  })

  it("is an instruction where a tool cannot be forced", () => {
    const { body } = chat({ responseFormat: format }, { model: "deepseek-reasoner" })
    expect(body).toMatchObject({ response_format: { type: "json_object" }, messages: [{ role: "system" }, {}] })
    const thinking = { providerOptions: { anthropic: { thinking: { type: "enabled", budget_tokens: 1024 } } } }
    const thoughtful = anthropic({ responseFormat: { ...format, schema: open }, ...thinking })
    expect(thoughtful.body["system"]).toContain("JSON")
    expect(thoughtful.body).not.toHaveProperty("tools")
  })
})

it("a strict tool whose schema cannot be enforced is not strict, and says so", () => {
  const parameters = { type: "object", additionalProperties: { type: "string" } }
  const { body, warnings } = chat({ tools: [{ name: "f", parameters, strict: true }] })
  expect(body).toMatchObject({ tools: [{ function: { strict: false, parameters } }] })
  expect(warnings.join()).toContain("strict of the tool f was dropped")
})
