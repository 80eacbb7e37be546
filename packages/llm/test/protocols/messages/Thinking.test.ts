/** How a request of Messages makes the model think: by effort, by budget, as much as it likes, or not at all. */
import { describe, expect, it } from "vitest"
import type { AssistantMessage, LlmRequest, Message } from "../../../src/model/LlmRequest.ts"
import type { ModelCapabilities } from "../../../src/protocols/encoding/ModelCapabilities.ts"
import { messages as encode, user } from "../encoding/Encoded.ts"

const byBudget = "claude-opus-4-5"
const adaptive = "claude-sonnet-5"

/** What is said of thinking and its limits, and the warnings. */
const asked = (request: Partial<LlmRequest>, model = byBudget, capabilities: Partial<ModelCapabilities> = {}) => {
  const { body, warnings } = encode(request, model, capabilities)
  const { max_tokens, output_config, thinking } = body
  return { max_tokens, thinking, effort: output_config?.effort, warnings }
}
const budget = (budgetTokens: number, more: object = {}) => ({ reasoning: { budgetTokens, ...more } })

describe("a budget for thinking in Messages", () => {
  const enabled = (budget_tokens: number, more: object = {}) => ({ type: "enabled", budget_tokens, ...more })
  const told = (to: number, from: number) => `the budget for reasoning was set to ${to} tokens from ${from}`
  const limited = { maxOutputTokens: 10_000 }

  it.each([
    ["as asked", 5000, enabled(5000), []],
    ["the least that is accepted", 1024, enabled(1024), []],
    ["raised to the least", 100, enabled(1024), []],
    ["all but one token", 9999, enabled(9999), []],
    ["below what the model can write", 10_000, enabled(9999), [told(9999, 10_000)]],
  ])("without maxTokens is %s, and the model may write all it can", (_, tokens, thinking, warnings) => {
    expect(asked(budget(tokens), byBudget, limited)).toStrictEqual({
      max_tokens: 10_000,
      thinking,
      effort: undefined,
      warnings,
    })
  })

  it("comes on top of the default where it is not known how much the model can write", () => {
    const unknown = { maxOutputTokens: undefined, defaultMaxTokens: 8192 }
    expect(asked(budget(5000), byBudget, unknown)).toMatchObject({ max_tokens: 13_192, thinking: enabled(5000) })
    expect(asked(budget(1), byBudget, unknown)).toMatchObject({ max_tokens: 9216, thinking: enabled(1024) })
  })

  it.each([
    [3000, 2000, enabled(2000), []],
    [3000, 2999, enabled(2999), []],
    [3000, 3000, enabled(2999), [told(2999, 3000)]],
    [3000, 100, enabled(1024), [told(1024, 100)]],
    [1025, 1024, enabled(1024), []],
    [1024, 1024, undefined, ["reasoning was dropped: thinking needs 1024 tokens, and maxTokens is 1024"]],
  ])("fits below maxTokens of %i: %i", (maxTokens, tokens, thinking, warnings) => {
    expect(asked({ maxTokens, ...budget(tokens) })).toStrictEqual({
      max_tokens: maxTokens,
      thinking,
      effort: undefined,
      warnings,
    })
  })

  it("goes beside an effort", () => {
    expect(asked({ maxTokens: 3000, reasoningEffort: "low", ...budget(2000) })).toMatchObject({
      thinking: enabled(2000),
      effort: "low",
    })
  })

  it.each([
    ["minimal", 1024],
    ["low", 2048],
    ["medium", 8192],
    ["high", 16_384],
    ["xhigh", 24_576],
    ["max", 31_999],
  ] as const)("is what the effort %s stands for where the model knows no effort", (reasoningEffort, tokens) => {
    expect(asked({ reasoningEffort }, "claude-sonnet-4-5")).toMatchObject({
      thinking: enabled(tokens),
      effort: undefined,
      warnings: [],
    })
    expect(asked({ reasoningEffort, ...budget(3000) }, "claude-sonnet-4-5").thinking).toEqual(enabled(3000))
  })

  it.each([
    ["none", "omitted"],
    ["auto", "summarized"],
    ["detailed", "summarized"],
  ] as const)("says how thinking is shown where the request does: %s", (summary, display) => {
    for (const maxTokens of [3000, undefined]) {
      expect(asked({ maxTokens, ...budget(2000, { summary }) }).thinking).toStrictEqual(enabled(2000, { display }))
    }
    expect(asked({ maxTokens: 3000, ...budget(2000) }).thinking).toStrictEqual(enabled(2000))
  })
})

describe("thinking in Messages", () => {
  it("is not mentioned where the request does not", () => {
    for (const model of [byBudget, adaptive, "claude-sonnet-4-5", "claude-3-5-haiku-20241022"]) {
      expect(encode({ maxTokens: 9 }, model).body).not.toHaveProperty("thinking")
      expect(encode({ maxTokens: 9 }, model).body).not.toHaveProperty("output_config")
      expect(encode({ maxTokens: 9, reasoning: {} }, model).warnings).toEqual([])
    }
  })

  it("is turned off on request, unless the model knows efforts without that one", () => {
    for (const model of [adaptive, "claude-sonnet-4-5"]) {
      expect(asked({ maxTokens: 9, reasoningEffort: "none" }, model)).toStrictEqual({
        max_tokens: 9,
        thinking: { type: "disabled" },
        effort: undefined,
        warnings: [],
      })
    }
    const any = { efforts: undefined }
    expect(asked({ reasoningEffort: "none" }, adaptive, any).thinking).toEqual({ type: "disabled" })
    const efforts = { efforts: ["low", "high"] } as const
    expect(asked({ maxTokens: 9, reasoningEffort: "none" }, byBudget, efforts)).toMatchObject({
      thinking: undefined,
      effort: "low",
    })
    expect(asked({ maxTokens: 9, reasoningEffort: "low" }, "claude-sonnet-4-5").thinking).toBeUndefined()
  })

  it("has low as its least effort, and says so", () => {
    expect(asked({ reasoningEffort: "minimal" })).toMatchObject({
      effort: "low",
      warnings: [`reasoningEffort was raised to low: ${byBudget} has no minimal effort`],
    })
    expect(asked({ reasoningEffort: "low" })).toMatchObject({ effort: "low", warnings: [] })
  })

  it("is dropped by the name that it was asked for by, where the model cannot", () => {
    const model = "claude-3-5-haiku-20241022"
    const plain = { max_tokens: 9, thinking: undefined, effort: undefined }
    const dropped = (name: string) => [`${name} was dropped: ${model} does not accept it`]
    expect(asked({ maxTokens: 9, reasoningEffort: "high" }, model)).toStrictEqual({
      ...plain,
      warnings: dropped("reasoningEffort"),
    })
    expect(asked({ maxTokens: 9, ...budget(5000) }, model)).toStrictEqual({ ...plain, warnings: dropped("reasoning") })
    expect(asked({ maxTokens: 9 }, model)).toStrictEqual({ ...plain, warnings: [] })
  })
})

describe("thinking of a model that decides itself, in Messages", () => {
  const own = `reasoning.budgetTokens was dropped: ${adaptive} decides itself how long it thinks`

  it.each<readonly [string, Partial<LlmRequest>, object | undefined, ReadonlyArray<string>]>([
    ["a budget", budget(5000), { type: "adaptive" }, [own]],
    ["a budget and a summary", budget(5000, { summary: "auto" }), { type: "adaptive", display: "summarized" }, [own]],
    ["a summary", { reasoning: { summary: "auto" } }, { type: "adaptive", display: "summarized" }, []],
    ["no summary", { reasoning: { summary: "none" } }, { type: "adaptive", display: "omitted" }, []],
    ["nothing", {}, undefined, []],
  ])("is asked for by %s", (_, request, thinking, warnings) => {
    const { body, ...encoded } = encode({ maxTokens: 9, ...request }, adaptive)
    expect(body["thinking"]).toStrictEqual(thinking)
    expect("thinking" in body).toBe(thinking !== undefined)
    expect(body["max_tokens"]).toBe(9)
    expect(encoded.warnings).toEqual(warnings)
  })

  it("may have an effort, which asks for no thinking of its own", () => {
    expect(asked({ reasoningEffort: "high" }, adaptive)).toMatchObject({ thinking: undefined, effort: "high" })
  })

  it("is asked for by a summary only where the model can decide", () => {
    expect(asked({ reasoning: { summary: "auto" } }).thinking).toBeUndefined()
    const either = { thinking: "either" } as const
    expect(asked({ reasoning: { summary: "auto" } }, byBudget, either).thinking).toMatchObject({ type: "adaptive" })
  })
})

describe("a tool loop in Messages that thinks by a budget", () => {
  type Part = Exclude<AssistantMessage["content"], string>[number]
  const call = { type: "tool-call", id: "c", name: "f", arguments: {} } as const
  const result: Message = { role: "tool", content: [{ type: "tool-result", toolCallId: "c", content: "1" }] }
  const signed = { type: "reasoning", text: "Hm", signature: "s" } as const
  const loop = (parts: ReadonlyArray<Part>, ...after: ReadonlyArray<Message>) =>
    asked({ maxTokens: 3000, ...budget(2000), messages: [user, { role: "assistant", content: parts }, ...after] })

  it("does not think where another model called the tools, and says so", () => {
    const off = {
      max_tokens: 3000,
      thinking: undefined,
      effort: undefined,
      warnings: [
        "reasoning was turned off for this turn: another model called the tools, and Anthropic wants its own thinking",
      ],
    }
    expect(loop([call], result)).toStrictEqual(off)
    expect(loop([call], result, user)).toStrictEqual(off)
    expect(loop([{ type: "text", text: "a" }, call], result)).toStrictEqual(off)
    expect(loop([{ type: "text", text: "a" }, signed, call], result)).toStrictEqual(off)
    expect(
      asked({
        maxTokens: 3000,
        reasoningEffort: "low",
        ...budget(2000),
        messages: [user, { role: "assistant", content: [call] }, result],
      }),
    ).toStrictEqual({ ...off, effort: "low" })
  })

  it.each<readonly [string, () => ReturnType<typeof loop>]>([
    ["the model thought first", () => loop([signed, call], result)],
    ["its thinking cannot be read", () => loop([{ type: "reasoning", text: "", redacted: "x" }, call], result)],
    ["the loop is over", () => loop([call], result, { role: "assistant", content: "a" }, user)],
    ["the answer has begun", () => loop([call], result, { role: "assistant", content: "a" })],
    ["no tool was called", () => loop([{ type: "text", text: "a" }], user)],
    [
      "the conversation begins with an answer",
      () => asked({ maxTokens: 3000, ...budget(2000), messages: [{ role: "assistant", content: "a" }] }),
    ],
    ["nothing was said before", () => asked({ maxTokens: 3000, ...budget(2000) })],
  ])("thinks where %s", (_, encoded) => {
    const { thinking, warnings } = encoded()
    expect(thinking).toMatchObject({ type: "enabled", budget_tokens: 2000 })
    expect(warnings).toEqual([])
  })

  it("is refused as such where nobody says anything, or called a tool", () => {
    const refusalOf = (message: Message) => encode({ ...budget(2000), messages: [message] }).refused
    expect(refusalOf({ role: "system", content: "S" })).toMatchObject({ parameter: "messages" })
    expect(refusalOf(result)).toMatchObject({ parameter: "messages[0].content[0].toolCallId" })
  })
})
