/** What is read from Responses: items, endings and failures, whole and in streams (laws 1, 2, 3 and 5). */
import { Result } from "effect"
import * as fc from "fast-check"
import { describe, expect, it } from "vitest"
import { background } from "../../../src/protocols/responses/Background.ts"
import type { LlmEvent } from "../../../src/model/LlmEvent.ts"
import * as Responses from "../../../src/protocols/responses/Responses.ts"
import { toReason } from "../../../src/protocols/failures/ProviderFailure.ts"
import { corpusIsThere, loadResponses } from "../../Corpus.ts"
import { framesOf, replay, summaryOf } from "../Replay.ts"

const usage = { input_tokens: 9, output_tokens: 5, total_tokens: 14 }
const response = (output: ReadonlyArray<unknown>, more: object = {}) => ({
  id: "resp_1",
  object: "response",
  status: "completed",
  model: "gpt-5-mini-2025-08-07",
  error: null,
  incomplete_details: null,
  output,
  usage,
  ...more,
})
const message = (text: string, more: object = {}) => ({
  id: "msg_1",
  type: "message",
  role: "assistant",
  status: "completed",
  content: [{ type: "output_text", text, annotations: [] }],
  ...more,
})
const refusal = { type: "message", role: "assistant", content: [{ type: "refusal", refusal: "No." }] }
const call = {
  id: "fc_1",
  type: "function_call",
  call_id: "call_1",
  name: "f",
  arguments: '{"a":1}',
  status: "completed",
}

const decode = (body: unknown) => {
  const decoded = Responses.protocol.decode(body)
  return Result.isSuccess(decoded)
    ? { ...decoded.success, fault: undefined }
    : { parts: [], finishReason: undefined, fault: decoded.failure }
}

type Event = { readonly type?: string; readonly [field: string]: unknown }
const stream = (...events: ReadonlyArray<Event>) =>
  replay(
    Responses.protocol,
    events.map((event, sequence_number) => ({
      name: event.type,
      data: JSON.stringify({ ...event, sequence_number }),
    })),
  )
const created: Event = { type: "response.created", response: response([], { status: "in_progress", usage: null }) }
const text = (delta: string, output_index = 0): Event => ({
  type: "response.output_text.delta",
  output_index,
  content_index: 0,
  delta,
})
const added = (item: object, output_index = 0): Event => ({ type: "response.output_item.added", output_index, item })
const done = (item: object, output_index = 0): Event => ({ type: "response.output_item.done", output_index, item })
const completed = (output: ReadonlyArray<unknown> = [], more: object = {}): Event => ({
  type: "response.completed",
  response: response(output, more),
})

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

describe("a Responses stream", () => {
  it("is whole at the event that carries the finished response, and at no other", () => {
    expect(stream(created, text("Hi"), done(message("Hi"))).ending).toBeUndefined()
    expect(stream(created, text("Hi"), done(message("Hi")), completed()).ending?.finishReason).toBe("stop")
  })

  it("is told by the type in its data where no event has a name", () => {
    const events = [created, text("Hi"), completed()]
    const { ending, parts } = replay(
      Responses.protocol,
      events.map((event) => ({ name: undefined, data: JSON.stringify(event) })),
    )
    expect(ending?.finishReason).toBe("stop")
    expect(parts).toEqual([{ type: "text", text: "Hi" }])
  })

  it("ends with the id that a later request may go on from, as a whole answer does", () => {
    expect(stream(created, text("Hi"), completed()).ending?.responseId).toBe("resp_1")
    expect(decode(response([message("Hi")]))).toMatchObject({ responseId: "resp_1" })
  })

  it("does not take [DONE] for an end", () => {
    const frames = [created, text("Hi")].map((event) => ({ name: event.type, data: JSON.stringify(event) }))
    expect(replay(Responses.protocol, [...frames, { name: undefined, data: "[DONE]" }]).ending).toBeUndefined()
  })

  it("tells items apart by their place where ids change within one", () => {
    const piece = (delta: string, item_id: string) => ({ ...text(delta), item_id })
    const { parts } = stream(created, added(message(""), 0), piece("Hel", "a"), piece("lo", "b"), completed())
    expect(parts).toEqual([{ type: "text", text: "Hello" }])
  })

  it("tells items apart by their id where no event has a place", () => {
    const piece = (delta: string, item_id: string): Event => ({ type: "response.output_text.delta", item_id, delta })
    const { parts } = stream(
      created,
      { type: "response.output_item.added", item: message("", { id: "a" }) },
      piece("One", "a"),
      { type: "response.output_item.done", item: message("One", { id: "a" }) },
      { type: "response.output_item.added", item: message("", { id: "b" }) },
      piece("Two", "b"),
      completed(),
    )
    expect(parts).toEqual([
      { type: "text", text: "One" },
      { type: "text", text: "Two" },
    ])
  })

  it("keeps overlapping items apart", () => {
    const { parts } = stream(created, text("a", 0), text("b", 1), text("a", 0), text("b", 1), completed())
    expect(parts).toEqual([
      { type: "text", text: "aa" },
      { type: "text", text: "bb" },
    ])
  })

  it("says what only the end of an item, or of the answer, brings", () => {
    expect(stream(created, text("Hel"), done(message("Hello")), completed()).parts).toEqual([
      { type: "text", text: "Hello" },
    ])
    expect(stream(created, completed([message("Hi"), call])).parts).toMatchObject([
      { type: "text", text: "Hi" },
      { type: "tool-call", id: "call_1" },
    ])
    expect(stream(created, done(message("Hi"), 0), completed([message("Hi"), call])).parts).toHaveLength(2)
  })

  it("does not repeat an answer whose end numbers its items otherwise", () => {
    const { parts } = stream(created, done(message("Hi"), 0), done(call, 0), completed([message("Hi"), call]))
    expect(parts).toMatchObject([{ type: "text", text: "Hi" }, { type: "tool-call" }])
    expect(stream(created, done(message("Hi"), 7), completed([message("Hi")])).parts).toHaveLength(1)
  })

  it("takes encrypted reasoning from the end of its item: at the beginning it is another value", () => {
    const thought = (encrypted_content: string) => ({ type: "reasoning", summary: [], encrypted_content })
    const { parts } = stream(created, added(thought("short")), done(thought("whole")), completed([thought("anew")]))
    expect(parts).toEqual([{ type: "reasoning", text: "", redacted: "whole", protocol: "responses" }])
  })

  it("keeps sources that no item's end repeats", () => {
    const annotation = { type: "url_citation", url: "https://example.com" }
    const { parts } = stream(
      created,
      added(message("")),
      text("Hi"),
      { type: "response.output_text.annotation.added", output_index: 0, annotation },
      completed(),
    )
    expect(parts).toMatchObject([{ type: "text" }, { value: { annotations: [annotation] } }])
  })

  it("keeps the figures of an answer that its provider cut short", () => {
    const failed = { type: "response.failed", response: response([], { status: "failed", error: { message: "x" } }) }
    expect(stream(created, text("Hi"), failed).usage).toEqual({ inputTokens: 9, outputTokens: 5, totalTokens: 14 })
  })

  it("passes over events that nobody knows", () => {
    const { ending, parts } = stream(
      created,
      { type: "keepalive" },
      text("Hi"),
      { type: "response.hologram.delta", output_index: 0, delta: "no" },
      { type: "response.mcp_list_tools.in_progress", output_index: 3 },
      completed(),
    )
    expect(ending?.finishReason).toBe("stop")
    expect(parts).toEqual([{ type: "text", text: "Hi" }])
  })
})

describe("a failure over Responses", () => {
  const words = { code: "rate_limit_exceeded", message: "Too fast." }
  const error: Event = { type: "error", error: { type: "requests", param: null, ...words } }
  const failed: Event = { type: "response.failed", response: response([], { status: "failed", error: words }) }
  const wanted = { _tag: "RateLimitError", message: "Too fast.", code: "rate_limit_exceeded" }

  it.each([
    ["an error event with its words inside", [error]],
    ["an error event with its words beside its type", [{ type: "error", param: null, ...words }]],
    ["a failed response", [failed]],
    ["both, of which the first tells", [error, failed]],
    ["an error field alone", [{ error: words }]],
  ])("means the same as %s", (_, events: ReadonlyArray<Event>) => {
    const { ending, fault } = stream(created, text("Hi"), ...events)
    expect(ending).toBeUndefined()
    expect(fault?._tag === "ProviderFailure" && toReason(fault, {})).toMatchObject(wanted)
  })

  it.each([
    ["a failed response", response([], { status: "failed", error: words })],
    ["an error body", { error: words }],
  ])("means the same in a body under 200: %s", (_, body) => {
    const { fault } = decode(body)
    expect(fault?._tag === "ProviderFailure" && toReason(fault, {})).toMatchObject(wanted)
  })

  it("is the server's where a failed response says nothing, and where it was cancelled", () => {
    for (const status of ["failed", "cancelled"]) {
      const { fault } = decode(response([], { status }))
      expect(fault?._tag === "ProviderFailure" && toReason(fault, {})._tag).toBe("ServerError")
      const streamed = stream(created, { type: `response.${status}`, response: response([], { status: null }) })
      expect(streamed.fault?._tag === "ProviderFailure" && toReason(streamed.fault, {})._tag).toBe("ServerError")
    }
  })

  it.each([
    ["server_error", "ServerError"],
    ["invalid_prompt", "ContentFilterError"],
    ["bio_policy", "ContentFilterError"],
    ["misalignment_policy_violation", "ContentFilterError"],
    ["failed_to_download_image", "InvalidRequestError"],
    ["image_content_policy_violation", "ContentFilterError"],
  ])("of the code %s is a %s", (code, tag) => {
    const { fault } = decode(response([], { status: "failed", error: { code, message: "x" } }))
    expect(fault?._tag === "ProviderFailure" && toReason(fault, {})._tag).toBe(tag)
  })
})

describe("any JSON", () => {
  const types = [
    "response.created",
    "response.completed",
    "response.incomplete",
    "response.failed",
    "response.output_item.added",
    "response.output_item.done",
    "response.output_text.delta",
    "response.output_text.done",
    "response.function_call_arguments.delta",
    "response.reasoning_summary_text.delta",
    "response.reasoning_text.delta",
    "response.refusal.delta",
    "response.output_text.annotation.added",
    "error",
  ]
  const itemTypes = ["message", "reasoning", "function_call", "custom_tool_call", "shell_call", "x"]
  const item = fc.record(
    {
      type: fc.constantFrom(...itemTypes),
      content: fc.oneof(
        fc.jsonValue(),
        fc.array(fc.record({ type: fc.string(), text: fc.jsonValue(), annotations: fc.jsonValue() })),
      ),
      summary: fc.jsonValue(),
      arguments: fc.jsonValue(),
      call_id: fc.jsonValue(),
      name: fc.jsonValue(),
      environment: fc.jsonValue(),
      encrypted_content: fc.jsonValue(),
    },
    { requiredKeys: ["type"] },
  )
  const value = fc.oneof(fc.jsonValue(), fc.string(), fc.nat(3), item)
  const output = fc.oneof(fc.jsonValue(), fc.array(fc.oneof(item, fc.jsonValue()), { maxLength: 4 }))
  const body = fc.record(
    {
      status: fc.oneof(fc.constantFrom("completed", "failed", "incomplete", "queued"), fc.jsonValue()),
      output,
      error: fc.jsonValue(),
      incomplete_details: fc.jsonValue(),
      usage: fc.jsonValue(),
      model: fc.jsonValue(),
    },
    { requiredKeys: [] },
  )

  it("as a body is an answer or a fault, never a defect", { timeout: 60_000 }, () => {
    fc.assert(
      fc.property(fc.oneof(body, fc.jsonValue()), (odd) => {
        expect(Result.isResult(Responses.protocol.decode(odd))).toBe(true)
        expect(Responses.protocol.decodeFailure(odd, 500)._tag).toBe("ProviderFailure")
      }),
      { numRuns: 500 },
    )
  })

  it("as events is an answer or a fault, never a defect", { timeout: 60_000 }, () => {
    const event = fc.record(
      {
        type: fc.constantFrom(...types),
        output_index: fc.oneof(fc.nat(2), fc.jsonValue()),
        content_index: value,
        item: value,
        item_id: value,
        delta: value,
        text: value,
        annotation: value,
        response: fc.oneof(body, fc.jsonValue()),
        error: fc.oneof(fc.constant(undefined), fc.jsonValue()),
      },
      { requiredKeys: ["type"] },
    )
    fc.assert(
      fc.property(fc.array(fc.oneof(event, fc.jsonValue()), { maxLength: 12 }), (events) => {
        const frames = events.map((one) => ({ name: undefined, data: JSON.stringify(one) ?? "null" }))
        const { ending, fault } = replay(Responses.protocol, frames)
        expect(ending === undefined || fault === undefined).toBe(true)
        const following = background()
        for (const { data } of frames) {
          following.note(data)
          following.pending(data)
        }
        following.resume()
      }),
      { numRuns: 500 },
    )
  })
})

describe.skipIf(!corpusIsThere)("recorded answers of Responses", () => {
  const exchanges = loadResponses()

  it("read the same from the events of a stream as from the response that ends it", () => {
    const streams = exchanges.filter(({ kind, tags }) => kind === "sse" && !tags.includes("delta-mismatch"))
    let compared = 0
    for (const exchange of streams) {
      const frames = framesOf(exchange.response.body)
      const last = frames.map(({ data }) => (data.startsWith("{") ? JSON.parse(data) : {})).at(-1)
      const whole = decode(last.response)
      // Trimmed fixtures end with an empty answer, or one whose reasoning is encrypted anew.
      if (whole.parts.length === 0) continue
      compared++
      const streamed = replay(Responses.protocol, frames)
      const withoutDetails = (parts: typeof whole.parts) => summaryOf(parts)
      expect([exchange.id, withoutDetails(streamed.parts)]).toEqual([exchange.id, withoutDetails(whole.parts)])
      expect(streamed.ending?.finishReason).toBe(whole.finishReason)
    }
    expect(compared).toBeGreaterThan(120)
  })

  /** What an item must come back as: without what only a stored item has, or a reader of the answer needs. */
  const resent = (item: Record<string, any>): ReadonlyArray<unknown> => {
    switch (item["type"]) {
      case "message":
        return item["content"]
          .filter(({ text }: any) => text !== "")
          .map((part: any) => ({
            role: "assistant",
            content: part.type === "refusal" ? [{ type: "refusal", refusal: part.refusal }] : part.text,
            ...(item["phase"] ? { phase: item["phase"] } : {}),
          }))
      case "reasoning": {
        const { content, encrypted_content, summary } = item
        if (encrypted_content) return [{ type: "reasoning", summary, encrypted_content }]
        return (content ?? []).map((part: any) => ({
          type: "reasoning",
          summary: [],
          content: [{ type: "reasoning_text", text: part.text }],
        }))
      }
      case "function_call": {
        const { call_id, caller, name, namespace } = item
        const args = item["arguments"]
        return [
          {
            type: "function_call",
            call_id,
            name,
            arguments: JSON.stringify(JSON.parse(args === "" ? "{}" : args)),
            ...(namespace ? { namespace } : {}),
            ...(caller ? { caller } : {}),
          },
        ]
      }
      default:
        return [item]
    }
  }

  it("go back item by item, in order, with nothing lost", () => {
    let items = 0
    for (const exchange of exchanges.filter(({ kind }) => kind === "json")) {
      const { fault, parts } = decode(exchange.response.body)
      if (fault !== undefined || parts.length === 0) continue
      const output: ReadonlyArray<Record<string, any>> = exchange.response.body.output
      const encoded = Responses.protocol.encode(
        {
          messages: [
            { role: "user", content: "Hi" },
            { role: "assistant", content: parts },
          ],
        },
        { model: "gpt-5-mini", provider: "openai", stream: false },
      )
      const input = Result.isSuccess(encoded) ? (encoded.success.body["input"] as ReadonlyArray<unknown>) : []
      // Texts without a phase that follow each other are joined.
      const texts = output.filter((item) => item["type"] === "message" && !item["phase"])
      if (texts.length > 1) continue
      items += output.length
      expect([exchange.id, input.slice(1)]).toEqual([exchange.id, output.flatMap(resent)])
    }
    expect(items).toBeGreaterThan(500)
  })
})
