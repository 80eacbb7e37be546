/** What reaches a wire is JSON that every provider can read (law 20). */
import { Result } from "effect"
import * as fc from "fast-check"
import { describe, expect, it } from "vitest"
import { bodyText, isCut, jsonText } from "../../../src/protocols/encoding/JsonText.ts"

const textOf = (body: object) => {
  const written = bodyText(body)
  return Result.isSuccess(written) ? written.success : written.failure
}

describe("the text of a body", () => {
  it("is well-formed, whatever the strings in it are, and otherwise what JSON.stringify writes", () => {
    const texts = fc.string({
      unit: fc.constantFrom("\ud83d\ude00", "a", "\\", "\\ud83d", "\n", '"', "\u00e9"),
      maxLength: 8,
    })
    fc.assert(
      fc.property(
        fc.dictionary(texts, fc.array(fc.oneof(texts, fc.double(), fc.boolean()), { maxLength: 4 })),
        (body) => {
          expect(textOf(body)).toEqual({ text: JSON.stringify(body), isRepaired: false })
        },
      ),
    )
    const units = fc
      .array(fc.constantFrom("\ud83d", "\ude00", "a", "\\", "\\ud83d", "\n", '"'))
      .map((all) => all.join(""))
    fc.assert(
      fc.property(fc.dictionary(units, units), (body) => {
        // By its text: `JSON.parse` of Node 24 misreads some keys with escapes, where a text is not Latin-1.
        const fields = Object.entries(body).map((pair) =>
          pair.map((text) => JSON.stringify(text.replaceAll(/\p{Surrogate}/gu, "\uFFFD"))).join(":"),
        )
        const text = `{${fields.join(",")}}`
        expect(textOf(body)).toEqual({ text, isRepaired: text !== JSON.stringify(body) })
      }),
    )
  })

  it("names the field that JSON cannot hold", () => {
    expect(textOf({ a: [{ b: 1n }] })).toMatchObject({ _tag: "InvalidRequestError", parameter: "a[0].b" })
  })
})

describe("half a character", () => {
  it.each([
    ["\ud83d", "\uFFFD"],
    ["\ude00", "\uFFFD"],
    ["a\udbffb\udc00c", "a\uFFFDb\uFFFDc".replace("b\uFFFD", "b\uFFFD")],
    ["\\ud83d\ud83d", "\\ud83d\uFFFD"],
    ["\\\\ud83d\ud83d", "\\\\ud83d\uFFFD"],
  ])("in %j is repaired, and told", (cut, whole) => {
    expect(isCut(cut)).toBe(true)
    expect(jsonText({ a: cut })).toEqual({ text: JSON.stringify({ a: whole }), isRepaired: true })
  })

  it.each(["\ud83d\ude00", "\\ud83d", "\\udfff", "\u001f\ud7ff\ue000", "plain"])("is not seen in %j", (text) => {
    expect(isCut(text)).toBe(false)
    expect(jsonText({ [text]: text })).toEqual({ text: JSON.stringify({ [text]: text }), isRepaired: false })
  })

  it("is none in what is not there, which is null", () => {
    expect(jsonText(undefined)).toEqual({ text: "null", isRepaired: false })
  })
})

describe("a body that JSON cannot hold", () => {
  const refused = (body: object) => {
    const failure = textOf(body)
    return "message" in failure ? { message: failure.message, parameter: failure.parameter } : undefined
  }

  it("is refused by the field that is wrong", () => {
    expect(refused({ a: [{ b: 1n }] })?.message).toMatch(/^invalid request: a\[0\]\.b /)
    expect(refused({ a: 1 })).toBeUndefined()
  })

  it("is refused with what its own code says, where every field seems right", () => {
    const body = Object.defineProperty({ a: 1 }, "toJSON", {
      value: () => {
        throw new Error("not today")
      },
      enumerable: false,
    })
    const told = refused(body)
    expect(told?.message).toMatch(/^invalid request: it /)
    expect(told?.message).toContain("not today")
    expect(told?.parameter).toBeUndefined()
    let asked = 0
    const once = Object.defineProperty({}, "a", {
      get: () => {
        if (asked++ === 0) throw new Error("not yet")
        return 1
      },
      enumerable: true,
    })
    expect(refused(once)).toEqual({ message: "invalid request: it cannot be read: not yet", parameter: undefined })
  })
})
