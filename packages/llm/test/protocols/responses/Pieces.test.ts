/** The items of Responses in pieces: which event says what, to which item it belongs, and what the end of an item adds. */
import { describe, expect, it } from "vitest"
import { added, call, completed, created, done, type Event, message, response, stream, text } from "./Answers.ts"

const said = (text: string) => ({ type: "text", text })
const redacted = (value: string, text = "") => ({ type: "reasoning", text, redacted: value, protocol: "responses" })
const event = (type: string, fields: object = {}): Event => ({ type: `response.${type}`, output_index: 0, ...fields })
const thought = (more: object = {}) => ({ type: "reasoning", summary: [], ...more })
const summaryText = (text: string) => ({ type: "summary_text", text })

describe("a stream of Responses", () => {
  it("hands its pieces on as they come", () => {
    const { events } = stream(
      created,
      event("reasoning_summary_text.delta", { summary_index: 0, delta: "S" }),
      done(thought({ summary: [summaryText("S")], encrypted_content: "x" })),
      event("reasoning_text.delta", { output_index: 1, content_index: 0, delta: "H" }),
      done(thought({ content: [{ type: "reasoning_text", text: "H" }] }), 1),
      event("refusal.delta", { output_index: 2, content_index: 0, delta: "No" }),
      event("output_text.delta", { output_index: 3, content_index: 0, delta: "a" }),
      event("output_text.delta", { output_index: 3, content_index: 0, delta: "" }),
      event("output_text.delta", { output_index: 3, content_index: 0, delta: 3 }),
      event("output_text.delta", { output_index: 3, content_index: 0, delta: "b" }),
      added({ ...call, arguments: "" }, 4),
      event("function_call_arguments.delta", { output_index: 4, delta: '{"a":' }),
      event("function_call_arguments.delta", { output_index: 4, delta: "" }),
      event("function_call_arguments.delta", { output_index: 4, delta: 3 }),
      event("function_call_arguments.delta", { output_index: 4, delta: "1}" }),
      done(call, 4),
      completed(),
    )
    expect(events).toEqual([
      { type: "response-start", servedModel: "gpt-5-mini-2025-08-07" },
      { type: "reasoning-delta", index: 0, delta: "S" },
      { type: "part-end", index: 0, part: redacted("x", "S") },
      { type: "reasoning-delta", index: 1, delta: "H" },
      { type: "part-end", index: 1, part: { type: "reasoning", text: "H", protocol: "responses" } },
      { type: "refusal-delta", index: 2, delta: "No" },
      { type: "text-delta", index: 3, delta: "a" },
      { type: "text-delta", index: 3, delta: "b" },
      { type: "tool-call-start", index: 4, id: "call_1", name: "f" },
      { type: "tool-call-delta", index: 4, delta: '{"a":' },
      { type: "tool-call-delta", index: 4, delta: "1}" },
      { type: "tool-call-end", index: 4, id: "call_1", name: "f", arguments: { a: 1 } },
    ])
  })

  it.each([
    ["output_text", "content_index", "text", said("ab")],
    ["refusal", "content_index", "refusal", { type: "refusal", text: "ab" }],
    ["reasoning_summary_text", "summary_index", "text", { type: "reasoning", text: "ab" }],
    ["reasoning_text", "content_index", "text", { type: "reasoning", text: "ab", protocol: "responses" }],
  ])("says at the end of a text what no piece brought: %s", (name, place, field, part) => {
    const delta = event(`${name}.delta`, { [place]: 0, delta: "a" })
    const end = (text: unknown) => event(`${name}.done`, { [place]: 0, [field]: text })
    expect(stream(created, delta, end("ab"), completed()).parts).toEqual([part])
    expect(stream(created, delta, end("ab"), end("ab"), completed()).parts).toEqual([part])
    expect(stream(created, end("ab"), completed()).parts).toEqual([part])
    expect(stream(created, end("ab"), end("another"), end(null), completed()).parts).toEqual([part])
  })

  it.each([
    ["output_text", "content_index"],
    ["refusal", "content_index"],
    ["reasoning_summary_text", "summary_index"],
    ["reasoning_text", "content_index"],
  ])("tells the texts of an item apart by their place, which may be left out for the first: %s", (name, place) => {
    const pieces = (...places: ReadonlyArray<number | undefined>) =>
      places.map((at, k) => event(`${name}.delta`, { [place]: at, delta: String(k) }))
    const texts = (...places: ReadonlyArray<number | undefined>) =>
      stream(created, ...pieces(...places), completed()).parts.map((part) => ("text" in part ? part.text : part))
    expect(texts(0, 1, 0, 1)).toEqual(["02", "13"])
    expect(texts(undefined, 1, 0)).toEqual(["02", "1"])
    const ends = [
      event(`${name}.done`, { text: "0", refusal: "0" }),
      event(`${name}.done`, { [place]: 1, text: "1", refusal: "1" }),
    ]
    const { parts } = stream(created, ...pieces(0, 1), ...ends, completed())
    expect(parts).toHaveLength(2)
  })

  it("takes whatever is not a number for one place", () => {
    const at = (content_index: unknown, delta: string) => event("output_text.delta", { content_index, delta })
    expect(stream(created, at("a", "1"), at({ toString: 1 }, "2"), completed()).parts).toEqual([said("12")])
  })

  it("tells a text from a refusal in the same place", () => {
    const refuse = event("refusal.delta", { content_index: 0, delta: "No" })
    const { ending, parts } = stream(created, text("a"), refuse, text("b"), completed())
    expect(parts).toEqual([said("ab"), { type: "refusal", text: "No" }])
    expect(ending?.finishReason).toBe("content-filter")
  })

  it("begins no item by arguments, sources, or what is no item", () => {
    const odd = [null, "x", 3].flatMap((item) => [added(item as unknown as object), done(item as unknown as object)])
    const events = [
      event("function_call_arguments.delta", { delta: "{}" }),
      event("output_text.annotation.added", { annotation: {} }),
    ]
    expect(stream(created, ...odd, ...events, completed()).parts).toEqual([])
    expect(
      stream(created, text("a"), event("function_call_arguments.delta", { delta: "{}" }), completed()).parts,
    ).toEqual([said("a")])
  })

  it("ends an item where another begins in its place", () => {
    const { parts } = stream(
      created,
      added(call),
      event("function_call_arguments.delta", { delta: "{}" }),
      added(message("")),
      text("a"),
      completed(),
    )
    expect(parts).toEqual([{ type: "tool-call", id: "call_1", name: "f", arguments: { a: 1 } }, said("a")])
  })

  it("belongs to the item of the event before it where it names none", () => {
    const nameless = (type: string, fields: object): Event => ({ type: `response.${type}`, ...fields })
    const { parts } = stream(
      created,
      nameless("output_item.added", { item: { ...call, id: "a", arguments: "" } }),
      nameless("function_call_arguments.delta", { delta: '{"a":' }),
      nameless("output_item.added", { item: message("", { id: "b" }), item_id: "" }),
      nameless("output_text.delta", { delta: "x" }),
      nameless("function_call_arguments.delta", { delta: "2}", item_id: "a" }),
      completed(),
    )
    expect(parts).toEqual([{ type: "tool-call", id: "call_1", name: "f", arguments: { a: 2 } }, said("x")])
  })

  it("tells the tier that any event named, and begins with the first event about the response", () => {
    const tier = { ...created, response: response([], { status: "in_progress", service_tier: "flex" }) }
    const untold = { service_tier: undefined }
    expect(stream(tier, text("a"), completed([], untold)).ending?.billing).toMatchObject({ serviceTier: "flex" })
    expect(stream(created, completed([], { service_tier: "flex" })).ending?.billing).toMatchObject({
      serviceTier: "flex",
    })
    expect(stream(created, completed()).ending?.billing).toBeUndefined()
    expect(stream(created).events).toEqual([{ type: "response-start", servedModel: "gpt-5-mini-2025-08-07" }])
  })

  it("ends as its last event says, unless that says completed and the response knows better", () => {
    const end = (type: string, status: unknown, more: object = {}) =>
      stream(created, { type: `response.${type}`, response: response([], { status, ...more }) })
    const cut = { incomplete_details: { reason: "max_output_tokens" } }
    expect(end("completed", null).ending?.rawFinishReason).toBe("completed")
    expect(end("completed", "in_progress").ending?.rawFinishReason).toBe("completed")
    expect(end("completed", "incomplete", cut).ending?.rawFinishReason).toBe("incomplete:max_output_tokens")
    expect(end("incomplete", "completed", cut).ending?.rawFinishReason).toBe("incomplete:max_output_tokens")
    expect(end("incomplete", "in_progress").ending?.rawFinishReason).toBe("incomplete")
    expect(end("failed", "completed").fault?._tag).toBe("ProviderFailure")
  })
})

describe("a call of Responses in pieces", () => {
  const pieces = (name: string, ...deltas: ReadonlyArray<string>) =>
    deltas.map((delta) => event(`${name}.delta`, { delta }))

  it("has the arguments of its pieces where its end has none", () => {
    const deltas = pieces("function_call_arguments", '{"b":', "2}")
    const args = (...ends: ReadonlyArray<Event>) =>
      stream(created, added({ ...call, arguments: "" }), ...deltas, ...ends, completed()).parts
    for (const parts of [args(), args(done({ ...call, arguments: "" })), args(done({ ...call, arguments: null }))]) {
      expect(parts).toEqual([{ type: "tool-call", id: "call_1", name: "f", arguments: { b: 2 } }])
    }
    expect(args(done(call))).toMatchObject([{ arguments: { a: 1 } }])
    expect(args(done({ ...call, arguments: { c: 3 } }))).toMatchObject([{ arguments: { c: 3 } }])
  })

  it("has the input of its pieces where it is a custom one", () => {
    const custom = { type: "custom_tool_call", call_id: "c", name: "sh", input: "" }
    const own = { protocolData: { responses: { type: "custom_tool_call" } } }
    const { events, parts } = stream(
      created,
      added(custom),
      ...pieces("custom_tool_call_input", "ls ", "-a"),
      completed(),
    )
    expect(parts).toEqual([{ type: "tool-call", id: "c", name: "sh", arguments: "ls -a", ...own }])
    expect(events[1]).toEqual({ type: "tool-call-start", index: 0, id: "c", name: "sh" })
  })

  it("begins at its end where its name comes there, and may have none", () => {
    const nameless = { ...call, name: "" }
    expect(stream(created, added(nameless), done(call), completed()).parts).toMatchObject([{ name: "f" }])
    for (const name of ["", 3, null]) {
      const { parts } = stream(created, added({ ...call, name }), completed())
      expect(parts).toMatchObject([{ name: "", arguments: { a: 1 } }])
    }
  })
})

describe("reasoning of Responses in pieces", () => {
  it("is ended by what only the provider can read, on the last of its texts", () => {
    const summary = [summaryText("a"), summaryText("b")]
    const pieces = [0, 1].map((summary_index) =>
      event("reasoning_summary_text.delta", { summary_index, delta: "ab"[summary_index] }),
    )
    expect(stream(created, ...pieces, done(thought({ summary, encrypted_content: "x" })), completed()).parts).toEqual([
      { type: "reasoning", text: "a" },
      redacted("x", "b"),
    ])
    const content = [{ type: "reasoning_text", text: "c" }]
    expect(stream(created, done(thought({ summary, content })), completed()).parts).toEqual([
      { type: "reasoning", text: "a" },
      { type: "reasoning", text: "b" },
      { type: "reasoning", text: "c", protocol: "responses" },
    ])
  })

  it("leaves a text that stands in its item a text", () => {
    expect(
      stream(created, added(thought()), text("a"), done(thought({ encrypted_content: "x" })), completed()).parts,
    ).toEqual([said("a"), redacted("x")])
  })

  it("is read without what is none", () => {
    const summary = [null, "x", 3, summaryText("a")]
    expect(stream(created, done(thought({ summary, content: "x" })), completed()).parts).toEqual([
      { type: "reasoning", text: "a" },
    ])
  })
})
