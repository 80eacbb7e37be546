/** What is kept of each model, and by what requests are told apart. */
import { describe, expect, it } from "@effect/vitest"
import { kindOf } from "../../../src/policies/mechanisms/Around.ts"
import { kindAndModel, perModel } from "../../../src/policies/mechanisms/PerModel.ts"

describe("what is kept of a model", () => {
  it("is made once", () => {
    let made = 0
    const known = perModel(() => ({ number: ++made }))
    expect([known("a"), known("b"), known("a")]).toEqual([{ number: 1 }, { number: 2 }, { number: 1 }])
  })

  it("is forgotten where a thousand others were used since, and not before", () => {
    let made = 0
    const known = perModel(() => ({ number: ++made }))
    const first = known("first")
    for (let other = 0; other < 999; other++) known(`other ${other}`)
    expect(known("first")).toBe(first)
    for (let other = 0; other < 999; other++) known(`later ${other}`)
    expect(known("first")).toBe(first)
    for (let other = 0; other < 1000; other++) known(`last ${other}`)
    expect(known("first")).not.toBe(first)
  })
})

describe("requests of a model", () => {
  const identity = { name: "p", model: "standard" }

  it("are told apart by what they ask for, by whether they stream, and by their model", () => {
    const requests = [{}, { inputs: [] }, { about: "models" }, { about: "tokens" }] as const
    expect(requests.map(kindOf)).toEqual(["answer", "embeddings", "models", "tokens"])
    const kinds = [
      kindAndModel({}, identity, false),
      kindAndModel({}, identity, true),
      kindAndModel({ inputs: [] }, identity, false),
      kindAndModel({ model: "other" }, identity, false),
      kindAndModel({}, { name: "p" }, false),
    ]
    expect(new Set(kinds).size).toBe(kinds.length)
  })

  it("are the same where they name the model that is asked anyway, or none of no known name", () => {
    expect(kindAndModel({ model: "standard" }, identity, true)).toBe(kindAndModel({}, identity, true))
    expect(kindAndModel({ model: "" }, { name: "p" }, true)).toBe(kindAndModel({}, { name: "p" }, true))
  })
})
