/** Bodies and streams of Messages: their ends, their figures, and what is no answer. */
import { describe, expect, it } from "vitest"
import { decode, ended, events, opening, start, stopped, stream, text, whole } from "./Answers.ts"

describe("a body of Messages", () => {
  it.each([
    ["a text", "Hi", "it is not a JSON object", "$"],
    ["null", null, "it is not a JSON object", "$"],
    ["without content", { stop_reason: "end_turn" }, "it has no content", "content"],
    ["whose content is a text", { content: "Hi", stop_reason: "end_turn" }, "it has no content", "content"],
  ])("cannot be read where it is %s, and it says where", (_, body, problem, position) => {
    const { fault } = decode(body)
    expect(fault).toMatchObject({ _tag: "Unreadable", position })
    expect(fault?.message).toContain(problem)
  })

  it("is the failure that it reports, beside content too", () => {
    const error = { type: "overloaded_error", message: "Busy." }
    const failure = { _tag: "ProviderFailure", message: "Busy.", type: "overloaded_error" }
    for (const body of [{ type: "error", error }, whole([text("a")], { error }), [{ error }]]) {
      expect(decode(body).fault).toMatchObject(failure)
    }
    expect(events(opening(), { type: "error", error }).fault).toMatchObject(failure)
    expect(events(opening(), { message: "Busy.", code: "busy" }).fault).toMatchObject({ message: "Busy." })
    expect(decode(whole([text("a")], { error: null })).parts).toEqual([text("a")])
  })

  it("is not whole without a reason", () => {
    expect(decode(whole([text("a")], { stop_reason: null })).fault).toMatchObject({ _tag: "Abandoned", text: "a" })
    expect(decode(whole([text("a")], { stop_reason: "max_tokens" }))).toMatchObject({
      finishReason: "length",
      rawFinishReason: "max_tokens",
      servedModel: "m",
    })
  })
})

describe("the end of a stream of Messages", () => {
  it("is message_stop, behind which nothing is read", () => {
    const late = start(text("late"), 9)
    const { ending, isComplete, parts } = events(opening(), start(text("a")), ended, stopped, late)
    expect(ending?.finishReason).toBe("stop")
    expect(isComplete).toBe(true)
    expect(parts).toEqual([text("a")])
  })

  it("may have its reason in the beginning, and keeps the last one told", () => {
    const reason = (stop_reason: unknown) => ({ type: "message_delta", delta: { stop_reason } })
    const early = opening({ stop_reason: "end_turn" })
    expect(events(early, stopped).ending?.rawFinishReason).toBe("end_turn")
    expect(events(early, reason(null), stopped).ending?.rawFinishReason).toBe("end_turn")
    expect(events(early, reason("max_tokens"), stopped).ending?.rawFinishReason).toBe("max_tokens")
    for (const odd of ["x", null]) {
      expect(events(opening(), { type: "message_delta", delta: odd }, stopped).ending).toBeUndefined()
    }
  })

  it("is none where the message is none", () => {
    expect(events({ type: "message_start", message: null }, stopped).ending).toBeUndefined()
  })
})

describe("the figures of Messages", () => {
  const rows: ReadonlyArray<readonly [string, object, object]> = [
    [
      "what was read and written is input, too",
      { input_tokens: 1, cache_read_input_tokens: 2, cache_creation_input_tokens: 4, output_tokens: 8 },
      { inputTokens: 7, outputTokens: 8, totalTokens: 15, cachedInputTokens: 2, cacheWriteTokens: 4 },
    ],
    ["without a cache", { input_tokens: 1, output_tokens: 8 }, { inputTokens: 1, outputTokens: 8, totalTokens: 9 }],
    ["input alone", { input_tokens: 1 }, { inputTokens: 1 }],
    ["output alone", { output_tokens: 8 }, { outputTokens: 8 }],
    [
      "a cache without input",
      { cache_read_input_tokens: 2, output_tokens: 8 },
      { outputTokens: 8, cachedInputTokens: 2 },
    ],
    ["thinking", { output_tokens_details: { thinking_tokens: 3 } }, { reasoningTokens: 3 }],
    ["details that are none", { output_tokens: 8, output_tokens_details: null }, { outputTokens: 8 }],
  ]

  it.each(rows)("are read the same whole and in a stream: %s", (_, usage, expected) => {
    expect(decode(whole([], { usage })).usage).toStrictEqual(expected)
    expect(events(opening({ usage }), ended, stopped).usage).toStrictEqual(expected)
    expect(events(opening(), { ...ended, usage }, stopped).usage).toStrictEqual(expected)
  })

  it.each([[undefined], [null], ["x"]])("are unknown where they are %j", (usage) => {
    expect(decode(whole([], { usage })).usage).toEqual({})
    expect(events(opening({ usage }), ended, stopped).usage).toEqual({})
  })

  it("are the last ones told, where null tells nothing", () => {
    const late = { ...ended, usage: { input_tokens: null, output_tokens: 9 } }
    const { usage } = events(opening({ usage: { input_tokens: 5, output_tokens: 1 } }), late, stopped)
    expect(usage).toEqual({ inputTokens: 5, outputTokens: 9, totalTokens: 14 })
  })

  it("tell how the answer was billed", () => {
    const usage = { input_tokens: 1, service_tier: "priority" }
    const billed = { serviceTier: "priority" }
    expect(decode(whole([], { usage })).billing).toMatchObject(billed)
    expect(events(opening({ usage }), ended, stopped).ending?.billing).toMatchObject(billed)
    expect(stream().ending?.billing).toBeUndefined()
  })
})
