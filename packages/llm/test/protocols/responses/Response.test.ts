/** How answers of Responses end, and what their items become (laws 3, 4 and 5). */
import { Result } from "effect"
import { describe, expect, it } from "vitest"
import type { LlmEvent } from "../../../src/model/LlmEvent.ts"
import * as Responses from "../../../src/protocols/responses/Responses.ts"
import { response, message, refusal, call, decode, stream, created, done, completed } from "./Answers.ts"

describe("how a Responses answer ended", () => {
  it.each([
    ["a text", [message("Hi")], {}, "stop"],
    ["a call", [message("Hi"), call], {}, "tool-calls"],
    ["a call whose own status lags behind", [{ ...call, status: "in_progress" }], {}, "tool-calls"],
    ["a call beside a refusal", [refusal, call], {}, "tool-calls"],
    ["a refusal", [refusal], {}, "content-filter"],
    ["a custom call", [{ type: "custom_tool_call", call_id: "c", name: "f", input: "x" }], {}, "tool-calls"],
    ["a computer call", [{ type: "computer_call", call_id: "c", action: {} }], {}, "tool-calls"],
    ["a patch", [{ type: "apply_patch_call", call_id: "c", operation: {} }], {}, "tool-calls"],
    ["a local shell", [{ type: "shell_call", call_id: "c", environment: { type: "local" } }], {}, "tool-calls"],
    [
      "a shell that its provider answered",
      [
        { type: "shell_call", call_id: "c" },
        { type: "shell_call_output", call_id: "c" },
      ],
      {},
      "stop",
    ],
    [
      "a shell in a container",
      [{ type: "shell_call", call_id: "c", environment: { type: "container_auto" } }],
      {},
      "stop",
    ],
    ["a search of tools by the client", [{ type: "tool_search_call", execution: "client" }], {}, "tool-calls"],
    ["a search of tools by the provider", [{ type: "tool_search_call", execution: "server" }], {}, "stop"],
    ["a hosted tool alone", [{ type: "web_search_call", id: "ws_1" }], {}, "stop"],
    ["an approval to give", [{ type: "mcp_approval_request", id: "mcpr_1" }], {}, "pause"],
    ["`complete`, as a recorded gateway says", [message("Hi")], { status: "complete" }, "stop"],
    [
      "the longest answer",
      [message("Hi")],
      { status: "incomplete", incomplete_details: { reason: "max_output_tokens" } },
      "length",
    ],
    [
      "a filter",
      [message("Hi")],
      { status: "incomplete", incomplete_details: { reason: "content_filter" } },
      "content-filter",
    ],
    ["a reason of the future", [], { status: "incomplete", incomplete_details: { reason: "steered" } }, "other"],
    ["a status of the future", [message("Hi")], { status: "high_tide" }, "other"],
  ])("is told by its status and its items: %s", (_, output, more, finishReason) => {
    expect(decode(response(output, more)).finishReason).toBe(finishReason)
    const type = (more as { status?: string }).status === "incomplete" ? "response.incomplete" : "response.completed"
    const { ending, isComplete } = stream(created, ...output.map(done), { type, response: response(output, more) })
    expect(ending?.finishReason).toBe(finishReason)
    expect(isComplete).toBe(true)
  })

  it.each([
    ["queued", { status: "queued" }],
    ["in progress", { status: "in_progress" }],
    ["without a status", { status: null }],
    ["without output", { output: null }],
  ])("is not told by one that is %s, which is no answer", (_, more) => {
    expect(decode(response([], more)).fault?._tag).toBe("Unreadable")
  })
})

describe("the items of a Responses answer", () => {
  const partsOf = (...output: ReadonlyArray<object>) => {
    const whole = decode(response(output)).parts
    const streamed = stream(created, ...output.map((item, place) => done(item, place)), completed(output)).parts
    expect(streamed).toEqual(whole)
    return whole
  }
  const other = (value: object) => ({ type: "other", provider: "responses", value })

  it("are parts, in order", () => {
    expect(partsOf({ type: "reasoning", summary: [], encrypted_content: "gAAA" }, message("Hi"), call)).toEqual([
      { type: "reasoning", text: "", redacted: "gAAA", protocol: "responses" },
      { type: "text", text: "Hi" },
      { type: "tool-call", id: "call_1", name: "f", arguments: { a: 1 } },
    ])
  })

  it("have a part for each summary of reasoning, the last with what only the provider can read", () => {
    const summary = ["First.", "Then."].map((one) => ({ type: "summary_text", text: one }))
    expect(partsOf({ type: "reasoning", summary, encrypted_content: "gAAA" })).toEqual([
      { type: "reasoning", text: "First." },
      { type: "reasoning", text: "Then.", redacted: "gAAA", protocol: "responses" },
    ])
  })

  it("name the protocol of open reasoning, which goes back over it", () => {
    expect(partsOf({ type: "reasoning", summary: [], content: [{ type: "reasoning_text", text: "Hm." }] })).toEqual([
      { type: "reasoning", text: "Hm.", protocol: "responses" },
    ])
  })

  it("name who wrote their reasoning, where that is known", () => {
    const item = { type: "reasoning", summary: [], encrypted_content: "gAAA" }
    const known = Responses.protocolOf("xai").decode(response([item]))
    const marked = { protocolData: { responses: { provider: "xai" } } }
    expect(Result.isSuccess(known) && known.success.parts).toMatchObject([{ redacted: "gAAA", ...marked }])
    const decoder = Responses.protocolOf("xai").decodeStream()
    const events: Array<LlmEvent> = []
    decoder.push(undefined, JSON.stringify(done(item)), events)
    expect(events).toMatchObject([{ type: "part-end", part: { redacted: "gAAA", ...marked } }])
  })

  it("keep sources and phase behind their text", () => {
    const annotation = { type: "url_citation", url: "https://example.com" }
    const content = [{ type: "output_text", text: "Hi", annotations: [annotation] }]
    expect(partsOf({ type: "message", phase: "final_answer", content })).toEqual([
      { type: "text", text: "Hi" },
      other({ type: "message", phase: "final_answer", annotations: [annotation] }),
    ])
  })

  it("keep the text of a custom call, and that it was one", () => {
    expect(partsOf({ type: "custom_tool_call", call_id: "c", name: "sh", input: "ls -a" })).toEqual([
      {
        type: "tool-call",
        id: "c",
        name: "sh",
        arguments: "ls -a",
        protocolData: { responses: { type: "custom_tool_call" } },
      },
    ])
  })

  it("are kept whole where they have no part, hosted tools and those of a future kind", () => {
    const search = { type: "web_search_call", id: "ws_1", action: { type: "search", queries: ["a"] } }
    const future = { type: "hologram", depth: [1, null] }
    expect(partsOf(search, future)).toEqual([search, future].map(other))
  })

  it("are a picture, and what belongs to it, where the model drew one", () => {
    const item = { type: "image_generation_call", id: "ig_1", output_format: "jpeg" }
    expect(partsOf({ ...item, result: "/9j/" })).toEqual([
      { type: "image", mediaType: "image/jpeg", data: "/9j/" },
      other(item),
    ])
    expect(partsOf({ ...item, result: null })).toEqual([other({ ...item, result: null })])
  })

  it("keep a content part of a future kind inside its message", () => {
    const part = { type: "output_hologram", data: "x" }
    expect(partsOf(message("Hi", { content: [part] }))).toEqual([
      other({ type: "message", role: "assistant", content: [part] }),
    ])
  })

  it("read no arguments as none, and keep those that are not JSON, with a warning", () => {
    expect(partsOf({ ...call, arguments: "" })).toMatchObject([{ arguments: {} }])
    const cut = decode(response([{ ...call, arguments: '{"a"' }]))
    expect(cut).toMatchObject({ parts: [{ arguments: '{"a"' }], warnings: [expect.stringContaining("not JSON")] })
  })
})
