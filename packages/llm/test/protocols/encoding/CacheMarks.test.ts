/** One mark for caching serves every service that takes marks, and none is in the way of the others. */
import { describe, expect, it } from "vitest"
import type { CacheMark, Message } from "../../../src/model/LlmRequest.ts"
import { CacheMarks, chosenMarks, lifetimeAmong } from "../../../src/protocols/encoding/CacheMarks.ts"
import { chat, messages, responses, user } from "./Encoded.ts"

const marked = (cache: CacheMark, role: "system" | "user" = "user"): Message => ({ role, content: "Long.", cache })
const ephemeral = { type: "ephemeral" }

describe("a mark for caching", () => {
  it("is a breakpoint of Anthropic's on a part, a message, a system and a tool result", () => {
    const conversation: ReadonlyArray<Message> = [
      marked(true, "system"),
      {
        role: "user",
        content: [
          { type: "text", text: "Look.", cache: { ttl: "5m" } },
          { type: "text", text: "Now." },
        ],
      },
      {
        role: "assistant",
        content: [
          { type: "reasoning", text: "Hm.", signature: "s" },
          { type: "tool-call", id: "c", name: "f", arguments: {} },
        ],
        cache: true,
      },
      { role: "tool", content: [{ type: "tool-result", toolCallId: "c", content: "42", cache: true }] },
    ]
    const { body } = messages({ messages: conversation })
    expect(body).toMatchObject({
      system: [{ text: "Long.", cache_control: ephemeral }],
      messages: [
        { content: [{ cache_control: { ...ephemeral, ttl: "5m" } }, { text: "Now." }] },
        { content: [{ type: "thinking" }, { type: "tool_use", cache_control: ephemeral }] },
        { content: [{ type: "tool_result", cache_control: ephemeral }] },
      ],
    })
    expect(body["messages"][0].content[1]).not.toHaveProperty("cache_control")
    expect(body["messages"][1].content[0]).not.toHaveProperty("cache_control")
  })

  it("is one of four at most, the longer lifetimes first", () => {
    const many = [
      marked(true, "system"),
      ...([true, true, { ttl: "12h" }, { ttl: "5m" }, true] as ReadonlyArray<CacheMark>).map((mark) => marked(mark)),
    ]
    const { body, warnings } = messages({ messages: many })
    const written = [...body["system"], ...body["messages"][0].content].map(
      ({ cache_control: mark }) => mark?.ttl ?? mark,
    )
    expect(written).toEqual(["1h", undefined, undefined, "1h", "5m", ephemeral])
    expect(warnings).toHaveLength(1)
  })

  it("is a breakpoint of OpenAI's where the model takes them", () => {
    const point = { prompt_cache_breakpoint: { mode: "explicit" } }
    const request = { messages: [marked(true, "system"), user] }
    expect(chat(request, "gpt-5.6").body).toMatchObject({ messages: [{ content: [{ type: "text", ...point }] }, user] })
    expect(responses(request, "gpt-5.6").body).toMatchObject({
      input: [{ content: [{ type: "input_text", ...point }] }, user],
    })
    expect(responses({ messages: [marked({ ttl: "1h" })] }, "gpt-5.6").body).toMatchObject({
      input: [{ content: [{ prompt_cache_breakpoint: { mode: "explicit", ttl: "12h" } }] }],
    })
  })

  it("is Anthropic's for Claude over Chat Completions too", () => {
    expect(chat({ messages: [marked(true), user] }, "anthropic/claude-sonnet-4.5").body).toMatchObject({
      messages: [{ content: [{ cache_control: ephemeral }] }, user],
    })
  })

  it("says so where it has no place or is one too many", () => {
    const answered: Message = { role: "assistant", content: "Yes.", cache: true }
    for (const encode of [chat, responses]) {
      const marks = [true, true, true, true].map(() => marked(true))
      expect(encode({ messages: [...marks, answered, user] }, "gpt-5.6").warnings).toEqual([
        "cache in messages[4] was dropped: gpt-5.6 takes marks from users and systems only",
        "1 cache marks were dropped: the service takes 3 a request",
      ])
    }
  })

  it("says so where a part of an answer or of a tool's result carries it, and of nothing else", () => {
    const cache = { cache: true } as const
    const call = { type: "tool-call", id: "c", name: "f", arguments: {} } as const
    const text = { type: "text", text: "Yes." } as const
    const result = { type: "tool-result", toolCallId: "c", content: "42" } as const
    const dropped = (answer: object, ...results: ReadonlyArray<object>) => {
      const conversation = [user, { role: "assistant", ...answer }, { role: "tool", content: results }, user]
      return [chat, responses].map((encode) => {
        const told = encode({ messages: conversation as ReadonlyArray<Message> }, "gpt-5.6").warnings
        return told.flatMap((warning) => /^cache in (messages\[\d\])/.exec(warning)?.[1] ?? [])
      })
    }
    expect(dropped({ content: [text, call] }, result)).toEqual([[], []])
    const said = [user, { role: "assistant", content: "Yes." }, user] as const
    for (const encode of [chat, responses]) expect(encode({ messages: said }, "gpt-5.6").warnings).toEqual([])
    const two = { content: [text, call, { ...call, id: "d" }] }
    expect(dropped(two, result, { ...result, toolCallId: "d", ...cache })).toEqual([["messages[2]"], ["messages[2]"]])
    expect(dropped({ content: [text, call], ...cache }, result)).toEqual([["messages[1]"], ["messages[1]"]])
    expect(dropped({ content: [text, call] }, { ...result, ...cache })).toEqual([["messages[2]"], ["messages[2]"]])
    expect(dropped({ content: [text, call] }, { ...result, cache: undefined })).toEqual([[], []])
  })

  it("changes nothing for services that cache by themselves", () => {
    for (const encode of [chat, responses]) {
      const answer: Message = { role: "assistant", content: "Yes." }
      const { body, warnings } = encode({ messages: [marked(true, "system"), { ...answer, cache: true }, user] })
      const without = encode({ messages: [{ role: "system", content: "Long." }, answer, user] })
      expect(body).toEqual(without.body)
      expect(warnings).toEqual([])
    }
  })
})

describe("the marks of one conversation", () => {
  const [a, b, c, d, e] = ["a", "b", "c", "d", "e"].map((name) => ({ name }))
  const [five, thirty, hour, twelve] = (["5m", "30m", "1h", "12h"] as const).map((ttl) => ({ ttl }))

  it("are none where nothing is marked, or no block is", () => {
    const marks = new CacheMarks()
    marks.add(undefined, true)
    marks.add(a, undefined)
    expect(marks.isEmpty).toBe(true)
    expect(marks.among([{}, {}])).toEqual([])
    marks.add(a, true)
    expect(marks.isEmpty).toBe(false)
  })

  it("are the longer ones of two on one block, in the order of the blocks", () => {
    const marks = new CacheMarks()
    for (const [block, ...given] of [
      [a, hour, five],
      [b, five, hour],
      [c, true, five],
      [d, five, true],
      [e, true, true],
    ] as const) {
      for (const mark of given) marks.add(block, mark)
    }
    expect(marks.among([e as object, d, {}, c, b, a] as ReadonlyArray<Record<string, unknown>>)).toEqual([
      { block: e, ttl: undefined },
      { block: d, ttl: "5m" },
      { block: c, ttl: "5m" },
      { block: b, ttl: "1h" },
      { block: a, ttl: "1h" },
    ])
  })

  const chosen = (
    most: number,
    ...lifetimes: ReadonlyArray<{ readonly ttl: "5m" | "30m" | "1h" | "12h" } | undefined>
  ) =>
    chosenMarks(
      lifetimes.map((lifetime, place) => ({ block: { place }, ttl: lifetime?.ttl })),
      most,
    ).map(({ block, ttl }) => [block["place"], ttl])

  it("that a service takes are the first and the last ones, none twice", () => {
    expect(chosen(4)).toEqual([])
    expect(chosen(4, undefined, undefined)).toEqual([
      [0, undefined],
      [1, undefined],
    ])
    expect(chosen(2, undefined, undefined)).toEqual([
      [0, undefined],
      [1, undefined],
    ])
    expect(chosen(3, undefined, undefined, undefined, undefined).map(([place]) => place)).toEqual([0, 2, 3])
  })

  it("are each kept as long as every later one at least", () => {
    expect(chosen(9, five, undefined, hour, thirty, five, undefined)).toEqual([
      [0, "1h"],
      [1, "1h"],
      [2, "1h"],
      [3, "30m"],
      [4, "5m"],
      [5, undefined],
    ])
  })

  it("have the shortest of a service's lifetimes that is long enough, or its longest", () => {
    const known = ["5m", "30m", "1h"] as const
    const of = (one: typeof five) => lifetimeAmong(one?.ttl ?? "5m", known)
    expect([five, thirty, hour, twelve].map(of)).toEqual(["5m", "30m", "1h", "1h"])
    expect(lifetimeAmong("30m", ["5m", "1h"])).toBe("1h")
    expect(lifetimeAmong("30m", [])).toBeUndefined()
  })
})
