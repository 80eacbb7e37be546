/** What an assistant and its tools said before, as items of Responses: in their order, and without what nobody can read. */
import { describe, expect, it } from "vitest"
import type { AssistantMessage, CacheMark, Message, ToolMessage } from "../../../src/model/LlmRequest.ts"
import { responses } from "../encoding/Encoded.ts"
import { assistant, plain, user } from "./Encode.ts"

type Part = Exclude<AssistantMessage["content"], string>[number]

/** The items of a turn, and the warnings. */
const turn = (...parts: ReadonlyArray<Part>) => {
  const { body, warnings } = plain({ messages: [user, assistant(...parts), user] })
  return { items: (body["input"] as ReadonlyArray<unknown>).slice(1, -1), warnings }
}
const text = (text: string) => ({ type: "text", text }) as const
const said = (content: string, more: object = {}) => ({ role: "assistant", content, ...more })
const other = (value: unknown, provider = "responses") => ({ type: "other", provider, value }) as const
const summary = (text: string) => ({ type: "reasoning", text }) as const
const sealed = (text = "") => ({ type: "reasoning", text, redacted: "x", protocol: "responses" }) as const
const sealedItem = (...texts: ReadonlyArray<string>) => ({
  type: "reasoning",
  summary: texts.map((one) => ({ type: "summary_text", text: one })),
  encrypted_content: "x",
})
const call = { type: "tool-call", id: "c", name: "f", arguments: {} } as const
const callItem = { type: "function_call", call_id: "c", name: "f", arguments: "{}" }
const dropped = "reasoning was dropped: it holds nothing that the provider could read again"
const droppedPicture = "a picture was dropped: Responses takes none from an assistant but the one that it made itself"

describe("an assistant's turn in Responses", () => {
  it("of one text is that text", () => {
    const { body, warnings } = plain({ messages: [user, { role: "assistant", content: "a" }, user] })
    expect([body["input"][1], warnings]).toStrictEqual([said("a"), []])
  })

  it("joins its texts up to anything else, and leaves blank ones out", () => {
    expect(turn(text("a"), text("b"), call, text(" "), text("c"))).toStrictEqual({
      items: [said("ab"), callItem, said("c")],
      warnings: [],
    })
  })

  it("ends a message by its details, with its phase if it has one", () => {
    const detail = (phase: unknown) => other({ type: "message", phase, annotations: [1] })
    expect(turn(text("a"), detail("commentary"), text("b"), detail(undefined), text("c"))).toStrictEqual({
      items: [said("a", { phase: "commentary" }), said("b"), said("c")],
      warnings: [],
    })
    expect(turn(detail("commentary"), text("a")).items).toStrictEqual([said("a")])
    expect(turn(call, detail("commentary"), text("a")).items).toStrictEqual([callItem, said("a")])
  })

  it("sends refusals apart from texts, with the phase that they had", () => {
    const refusal = { type: "refusal", text: "No." } as const
    const item = { role: "assistant", content: [{ type: "refusal", refusal: "No." }] }
    expect(turn(text("a"), refusal, text("b")).items).toStrictEqual([said("a"), item, said("b")])
  })

  it("sends items back as they came, and their author not", () => {
    const content = { type: "message", role: "assistant", content: [{ type: "hologram" }] }
    const search = { type: "web_search_call", id: "ws" }
    expect(turn(other(content), other({ ...search, created_by: "x" })).items).toStrictEqual([content, search])
  })

  it.each([
    ["messages", other({ type: "x" }, "messages")],
    ["responses", other("x")],
  ])("leaves what is no item behind with a warning: of %s", (provider, part) => {
    expect(turn(part, text("a"))).toStrictEqual({
      items: [said("a")],
      warnings: [`an "other" part of ${provider} in messages[1] was dropped: Responses has no item for it`],
    })
  })

  it("is dropped with a warning where nothing of it is left", () => {
    expect(turn(summary("Hm"))).toStrictEqual({
      items: [],
      warnings: [dropped, "messages[1] was dropped: Responses has no item for anything in it"],
    })
  })

  it("calls tools with what belongs to the call, and nothing where nothing does", () => {
    const own = (fields: Readonly<Record<string, unknown>>) => ({ ...call, protocolData: { responses: fields } })
    expect(turn(call).items).toStrictEqual([callItem])
    expect(turn(own({})).items).toStrictEqual([callItem])
    expect(turn(own({ namespace: "n", caller: { id: "p" } })).items).toStrictEqual([
      { ...callItem, namespace: "n", caller: { id: "p" } },
    ])
    expect(turn({ ...call, protocolData: { "chat-completions": { namespace: "n" } } }).items).toStrictEqual([callItem])
  })
})

describe("reasoning that goes back in Responses", () => {
  it("has the summaries before it that have nothing between", () => {
    expect(turn(summary("a"), summary("b"), sealed("c"), sealed()).items).toStrictEqual([
      sealedItem("a", "b", "c"),
      sealedItem(),
    ])
  })

  it.each<readonly [string, Part, unknown]>([
    ["a text", text("a"), said("a")],
    [
      "a refusal",
      { type: "refusal", text: "No." },
      { role: "assistant", content: [{ type: "refusal", refusal: "No." }] },
    ],
    ["a call", call, callItem],
    [
      "open reasoning",
      { type: "reasoning", text: "b", protocol: "responses" },
      { type: "reasoning", summary: [], content: [{ type: "reasoning_text", text: "b" }] },
    ],
  ])("loses the summaries that end before it, with a warning: at %s", (_, between, item) => {
    expect(turn(summary("lost"), between, sealed("c"))).toStrictEqual({
      items: [item, sealedItem("c")],
      warnings: [dropped],
    })
  })

  it("begins another message behind it", () => {
    const open = { type: "reasoning", text: "b", protocol: "responses" } as const
    expect(turn(text("a"), open, text("c")).items).toMatchObject([said("a"), { type: "reasoning" }, said("c")])
    expect(turn(text("a"), { ...open, signature: "s" }, text("c")).items).toHaveLength(3)
  })

  it.each<readonly [string, Part]>([
    ["signed by another", { type: "reasoning", text: "a", signature: "s" }],
    ["sealed by another", { type: "reasoning", text: "a", redacted: "x" }],
    ["of another protocol", { type: "reasoning", text: "a", protocol: "messages" }],
    ["of another service", { ...sealed("a"), protocolData: { responses: { provider: "xai" } } }],
  ])("stays behind with a warning where it is %s", (_, part) => {
    expect(turn(part, sealed("b"))).toStrictEqual({ items: [sealedItem("b")], warnings: [dropped] })
  })

  it("takes the summaries of another service's reasoning with it", () => {
    const foreign = { ...sealed("b"), protocolData: { responses: { provider: "xai" } } }
    expect(turn(summary("a"), foreign, sealed("c"))).toStrictEqual({ items: [sealedItem("c")], warnings: [dropped] })
    const own = { ...sealed("b"), protocolData: { responses: { provider: "openai" } } }
    expect(turn(own, { ...own, protocolData: { responses: {} } }).items).toStrictEqual([
      sealedItem("b"),
      sealedItem("b"),
    ])
    expect(turn({ ...own, protocolData: { "chat-completions": {} } }).items).toStrictEqual([sealedItem("b")])
  })
})

describe("a picture that goes back in Responses", () => {
  const image = (data?: string) =>
    ({ type: "image", ...(data === undefined ? { url: "https://example.com/a.png" } : { data }) }) as const
  const item = { type: "image_generation_call", id: "ig" }

  it("stands in the item that made it, which may have none or its own", () => {
    expect(turn(image("AAAA"), other(item))).toStrictEqual({ items: [{ ...item, result: "AAAA" }], warnings: [] })
    expect(turn(other(item))).toStrictEqual({ items: [item], warnings: [] })
    const own = { ...item, result: "BBBB" }
    expect(turn(image("AAAA"), other(own))).toStrictEqual({ items: [own], warnings: [droppedPicture] })
    expect(turn(image("AAAA"), other(item), other(item)).items).toStrictEqual([{ ...item, result: "AAAA" }, item])
  })

  it.each<readonly [string, ReadonlyArray<Part>, ReadonlyArray<unknown>]>([
    ["it is at an address", [image(), other(item)], [item]],
    ["another follows it", [image("AAAA"), image("BBBB"), other(item)], [{ ...item, result: "BBBB" }]],
    ["another item follows it", [image("AAAA"), other({ type: "x_call" }), other(item)], [{ type: "x_call" }, item]],
    ["a text follows it", [image("AAAA"), text("a"), other(item)], [said("a"), item]],
    ["nothing follows it", [text("a"), image("AAAA")], [said("a")]],
  ])("is dropped with a warning where %s", (_, parts, items) => {
    expect(turn(...parts)).toStrictEqual({ items, warnings: [droppedPicture] })
  })

  it("ends the summaries before it", () => {
    expect(turn(summary("lost"), image("AAAA"), other(item), sealed())).toStrictEqual({
      items: [{ ...item, result: "AAAA" }, sealedItem()],
      warnings: [dropped],
    })
  })
})

describe("a tool's answer in Responses", () => {
  const answered = (content: ToolMessage["content"][number]["content"], more: object = {}) =>
    plain({
      messages: [
        user,
        assistant(call),
        { role: "tool", content: [{ type: "tool-result", toolCallId: "c", content, ...more }] },
      ],
    })

  it("is a text or parts, and says that isError has no field, where it is true", () => {
    expect(answered("1").body["input"][2]).toStrictEqual({ type: "function_call_output", call_id: "c", output: "1" })
    expect(answered([text("1")]).body["input"][2].output).toStrictEqual([{ type: "input_text", text: "1" }])
    expect(answered("1", { isError: true }).warnings).toEqual([
      "isError of a tool result was dropped: Responses has no field for it",
    ])
    expect(answered("1", { isError: false }).warnings).toEqual([])
  })

  it("names the part that is wrong by its place in the request", () => {
    const wav = { type: "file", mediaType: "audio/wav", data: "UklGRg==" } as const
    expect(answered([text("1"), wav]).refused).toMatchObject({
      parameter: "messages[2].content[0].content[1].mediaType",
    })
  })

  it("needs its call, unless the conversation is kept by the provider", () => {
    const messages: ReadonlyArray<Message> = [
      user,
      { role: "tool", content: [{ type: "tool-result", toolCallId: "c", content: "1" }] },
    ]
    expect(plain({ messages }).refused).toMatchObject({ parameter: "messages[1].content[0].toolCallId" })
    expect(plain({ messages, previousResponseId: "resp_1" }).refused).toBeUndefined()
  })
})

describe("marks for caching in Responses", () => {
  const marked = (...marks: ReadonlyArray<CacheMark | undefined>): Message => ({
    role: "user",
    content: marks.map((cache) => ({ ...text("a"), ...(cache === undefined ? {} : { cache }) })),
  })
  const written = (message: Message, model = "gpt-5.6") => {
    const { body, warnings } = responses({ messages: [message] }, model)
    return { marks: body["input"][0].content.map((part: any) => part.prompt_cache_breakpoint), warnings }
  }
  const explicit = { mode: "explicit" }

  it("stand on the parts that have them, or on the last part of a message, with the nearest lifetime", () => {
    expect(written(marked(true, undefined))).toStrictEqual({ marks: [explicit, undefined], warnings: [] })
    expect(written(marked({ ttl: "1h" }, { ttl: "5m" }, true)).marks).toStrictEqual([
      { ...explicit, ttl: "12h" },
      { ...explicit, ttl: "30m" },
      explicit,
    ])
    const last: Message = { role: "user", content: [text("a"), text("b"), text("c")], cache: true }
    expect(written(last).marks).toStrictEqual([undefined, undefined, explicit])
  })

  it("are three at most, and a warning says what was dropped", () => {
    expect(written(marked(true, true, true))).toStrictEqual({ marks: [explicit, explicit, explicit], warnings: [] })
    expect(written(marked(true, true, true, true, true)).warnings).toEqual([
      "2 cache marks were dropped: the service takes 3 a request",
    ])
  })

  it("are not written for a model that takes none, or takes others", () => {
    for (const model of ["gpt-4o", "claude-sonnet-4-5"]) {
      expect(written(marked(true, true), model).marks).toStrictEqual([undefined, undefined])
      expect(responses({ messages: [{ ...user, cache: true }] }, model).body["input"]).toStrictEqual([user])
    }
  })

  it("have no place in tool results, and a warning says so", () => {
    const result = { type: "tool-result", toolCallId: "c", content: "1", cache: true } as const
    const { warnings } = responses(
      { messages: [user, assistant(call), { role: "tool", content: [result] }] },
      "gpt-5.6",
    )
    expect(warnings).toEqual(["cache in messages[2] was dropped: gpt-5.6 takes marks from users and systems only"])
  })
})
