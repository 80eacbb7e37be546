/** Where an answer of Chat Completions stands in its body, its figures, and bodies that are none. */
import { describe, expect, it } from "vitest"
import type { Usage } from "../../../src/model/LlmResponse.ts"
import { decode, delta, message, stream, text } from "./Answers.ts"

describe("the answer in a body of Chat Completions", () => {
  it.each([
    ["the message of the first choice", [{ message: { content: "a" } }, { message: { content: "b" } }]],
    [
      "that of index 0",
      [
        { index: 1, message: { content: "b" } },
        { index: 0, message: { content: "a" } },
      ],
    ],
    [
      "that of index null",
      [
        { index: null, message: { content: "a" } },
        { index: 0, message: { content: "b" } },
      ],
    ],
    ["that of the only index", [{ index: 3, message: { content: "a" } }]],
    ["that of the first that is one", [null, "x", { index: 3, message: { content: "a" } }]],
    ["that of index 0 among what is none", [null, { index: 0, message: { content: "a" } }]],
    ["a delta", [{ delta: { content: "a" } }]],
    ["a text", [{ text: "a" }]],
    ["a message beside a delta and a text", [{ message: { content: "a" }, delta: { content: "b" }, text: "c" }]],
  ])("is %s", (_, choices) => {
    const [first, ...more] = choices
    const all = [first, ...more].map((one) =>
      typeof one === "object" && one !== null ? { ...one, finish_reason: "stop" } : one,
    )
    const { fault, parts } = decode({ choices: all })
    expect(fault).toBeUndefined()
    expect(parts).toEqual([text("a")])
  })

  it.each([
    ["no choices", { choices: [] }, "it has no choices", "choices"],
    ["choices that are none", { choices: "x" }, "it has no choices", "choices"],
    ["choices of nothing", { choices: [null] }, "it has no choices", "choices"],
    ["a choice without a message", { choices: [{ text: 3 }] }, "the message is missing", "choices[0].message"],
    ["a text", "Hi", "it is not a JSON object", "$"],
    ["a list", ["Hi"], "it is not a JSON object", "$"],
    ["null", null, "it is not a JSON object", "$"],
  ])("cannot be read of a body with %s, and it says where", (_, body, problem, position) => {
    const { fault } = decode(body)
    expect(fault).toMatchObject({ _tag: "Unreadable", position })
    expect(fault?.message).toContain(problem)
  })

  const error = { message: "Too fast.", code: "rate_limit_exceeded" }
  it.each([
    ["a body", { error }],
    ["a list", [{ error }]],
    ["a body beside choices", { ...message({ content: "a" }), error }],
    ["a choice", { choices: [{ index: 0, message: { content: "a" }, finish_reason: "stop", error }] }],
  ])("is the failure that %s reports", (_, body) => {
    expect(decode(body).fault).toMatchObject({ _tag: "ProviderFailure", message: "Too fast.", code: error.code })
  })

  it.each([[null], [false], [0], [""], [{}]])("is no failure beside an error of %j", (error) => {
    const choice = { index: 0, message: { content: "a" }, finish_reason: "stop", error }
    expect(decode({ choices: [choice], error }).parts).toEqual([text("a")])
    expect(stream({ choices: [{ ...choice, delta: choice.message }], error }).parts).toEqual([text("a")])
  })
})

describe("the end of a body of Chat Completions", () => {
  it("may go without a reason only where the output was counted", () => {
    const body = message({ content: "a" }, null)
    expect(decode(body).fault).toMatchObject({ _tag: "Abandoned", text: "a" })
    expect(decode({ ...body, usage: { prompt_tokens: 1 } }).fault).toMatchObject({ _tag: "Abandoned" })
    expect(decode({ ...body, usage: { completion_tokens: 1 } })).toMatchObject({
      fault: undefined,
      finishReason: "other",
      rawFinishReason: undefined,
    })
  })

  it("names its model, its reason, and how it was billed", () => {
    const body = { ...message({ content: "a" }, "length"), model: "m", service_tier: "flex" }
    expect(decode(body)).toMatchObject({
      servedModel: "m",
      rawFinishReason: "length",
      finishReason: "length",
      billing: { serviceTier: "flex" },
    })
  })
})

describe("the figures of Chat Completions", () => {
  const rows: ReadonlyArray<readonly [string, object, Usage]> = [
    [
      "OpenAI's names",
      { prompt_tokens: 3, completion_tokens: 2, total_tokens: 5 },
      { inputTokens: 3, outputTokens: 2, totalTokens: 5 },
    ],
    ["Anthropic's names", { input_tokens: 3, output_tokens: 2 }, { inputTokens: 3, outputTokens: 2, totalTokens: 5 }],
    [
      "a total that counts more",
      { prompt_tokens: 3, completion_tokens: 2, total_tokens: 9 },
      { inputTokens: 3, outputTokens: 2, totalTokens: 9 },
    ],
    [
      "a total that counts less",
      { prompt_tokens: 3, completion_tokens: 2, total_tokens: 1 },
      { inputTokens: 3, outputTokens: 2, totalTokens: 5 },
    ],
    ["a total alone", { total_tokens: 5 }, { totalTokens: 5 }],
    ["input alone", { prompt_tokens: 3 }, { inputTokens: 3 }],
    ["input and a total", { prompt_tokens: 3, total_tokens: 1 }, { inputTokens: 3, totalTokens: 1 }],
    ["output alone", { completion_tokens: 2 }, { outputTokens: 2 }],
    ["zeros", { prompt_tokens: 0, completion_tokens: 0 }, { inputTokens: 0, outputTokens: 0, totalTokens: 0 }],
    [
      "cached and written details",
      { prompt_tokens_details: { cached_tokens: 1, cache_write_tokens: 2 } },
      { cachedInputTokens: 1, cacheWriteTokens: 2 },
    ],
    ["cached_tokens", { cached_tokens: 1 }, { cachedInputTokens: 1 }],
    ["prompt_cache_hit_tokens", { prompt_cache_hit_tokens: 1 }, { cachedInputTokens: 1 }],
    ["num_cached_tokens", { num_cached_tokens: 1 }, { cachedInputTokens: 1 }],
    ["cache_read_input_tokens", { cache_read_input_tokens: 1 }, { cachedInputTokens: 1 }],
    ["cache_creation_input_tokens", { cache_creation_input_tokens: 2 }, { cacheWriteTokens: 2 }],
    ["reasoning in the details", { completion_tokens_details: { reasoning_tokens: 1 } }, { reasoningTokens: 1 }],
    ["reasoning beside them", { reasoning_tokens: 1 }, { reasoningTokens: 1 }],
    [
      "details that are none",
      { prompt_tokens_details: null, completion_tokens_details: "x", prompt_tokens: 3 },
      { inputTokens: 3 },
    ],
  ]

  it.each(rows)("are read from %s", (_, usage, expected) => {
    expect(decode({ ...message({ content: "a" }), usage }).usage).toStrictEqual(expected)
    expect(stream({ ...delta({ content: "a" }, "stop"), usage }).usage).toStrictEqual(expected)
  })

  const usage = { prompt_tokens: 3, completion_tokens: 2 }
  const expected = { inputTokens: 3, outputTokens: 2, totalTokens: 5 }
  it.each([
    ["the body", { usage }, {}],
    ["Groq's corner", { x_groq: { usage } }, {}],
    ["the choice", {}, { usage }],
    ["the choice, where the body's are null", { usage: null, x_groq: {} }, { usage }],
    ["the body before any other", { usage, x_groq: { usage: {} } }, { usage: {} }],
  ])("may stand in %s", (_, body, choice) => {
    expect(decode({ ...message({ content: "a" }, "stop", choice), ...body }).usage).toEqual(expected)
    expect(stream({ ...delta({ content: "a" }, "stop", choice), ...body }).usage).toEqual(expected)
  })

  it.each([[{}], [{ usage: "x" }], [{ x_groq: "x" }], [{ x_groq: { usage: "x" } }]])(
    "are unknown where there are none: %j",
    (body) => expect(decode({ ...message({ content: "a" }), ...body }).usage).toEqual({}),
  )
})
