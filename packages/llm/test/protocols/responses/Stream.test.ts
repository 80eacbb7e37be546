/** Streams of Responses, and failures in every form (laws 1, 2 and 3). */
import { describe, expect, it } from "vitest"
import * as Responses from "../../../src/protocols/responses/Responses.ts"
import { toReason } from "../../../src/protocols/failures/ProviderFailure.ts"
import { replay } from "../Replay.ts"
import {
  type Event,
  response,
  message,
  call,
  decode,
  stream,
  created,
  text,
  added,
  done,
  completed,
} from "./Answers.ts"

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

  it("tells no id of an answer that was not stored, whole or streamed: nothing can go on from it", () => {
    const unstored = { store: false }
    const begun = { ...created, response: response([], { status: "in_progress", usage: null, ...unstored }) }
    expect(stream(begun, text("Hi"), completed([], unstored)).ending?.responseId).toBeUndefined()
    expect(decode(response([message("Hi")], unstored))).not.toMatchObject({ responseId: "resp_1" })
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
