/** What reaches a wire is JSON that every provider can read (law 20). */
import { Result } from "effect"
import * as fc from "fast-check"
import { describe, expect, it } from "vitest"
import { bodyText } from "../../../src/protocols/encoding/JsonText.ts"

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
        const written = textOf(body)
        const wellFormed = Object.fromEntries(
          Object.entries(body).map((pair) => pair.map((text) => text.replaceAll(/\p{Surrogate}/gu, "\uFFFD"))),
        )
        expect(written).toMatchObject({ isRepaired: JSON.stringify(wellFormed) !== JSON.stringify(body) })
        expect("text" in written ? JSON.parse(written.text) : written).toEqual(wellFormed)
      }),
    )
  })

  it("names the field that JSON cannot hold", () => {
    expect(textOf({ a: [{ b: 1n }] })).toMatchObject({ _tag: "InvalidRequestError", parameter: "a[0].b" })
  })
})
