/** The JSON in what a model wrote. */
import * as Result from "effect/Result"
import { describe, expect, it } from "vitest"
import { jsonIn, ThinkingFilter } from "../../src/tools/AnswerValue.ts"

describe("the JSON of a text", () => {
  it.each([
    ["alone", '{"a":1}'],
    ["between blanks", ' \n{"a":1}\n'],
    ["in a fence", '```json\n{"a":1}\n```'],
    ["in a fence among words", 'Sure:\n```\n{"a":1}\n```\nAnything else?'],
    ["among words", 'Here it is: {"a":1}. Anything else?'],
    ["after thinking", '<think>{"a":2} or so?</think>\n\n{"a":1}'],
    ["after thinking, in a fence", '\n<think>hm</think>```json\n{"a":1}```'],
  ])("is found %s", (_, text) => {
    expect(jsonIn(text)).toEqual(Result.succeed({ a: 1 }))
  })

  it.each(["", "No.", '{"a":', "```json\n```", "}{"])("is not found in %j", (text) => {
    expect(Result.isFailure(jsonIn(text))).toBe(true)
  })
})

describe("thinking", () => {
  it("is taken out of pieces, wherever they are cut", () => {
    const text = ' <think>{"a":2}<</think >no</think>{"a":1}</think>'
    for (let size = 1; size <= text.length; size++) {
      const filter = new ThinkingFilter()
      let passed = ""
      for (let from = 0; from < text.length; from += size) passed += filter.pass(text.slice(from, from + size))
      expect(passed).toBe('{"a":1}</think>')
    }
  })

  it("that is none is passed on at once", () => {
    const filter = new ThinkingFilter()
    expect(filter.pass("<t")).toBe("")
    expect(filter.pass("able>")).toBe("<table>")
  })
})
