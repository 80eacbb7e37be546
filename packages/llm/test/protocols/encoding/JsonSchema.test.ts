/** JSON Schema as data: references are followed, nulls and circles are found, and values are read back (law 18). */
import { describe, expect, it } from "vitest"
import { restored } from "../../../src/protocols/encoding/FormedValue.ts"
import {
  allowsNull,
  dereferenced,
  isJsonSchema,
  isRecursive,
  type JsonSchema,
  mapInner,
  resolveReference,
  withPlainRoot,
} from "../../../src/protocols/encoding/JsonSchema.ts"

const text = { type: "string" }

it("is an object, unlike a list and null", () => {
  expect([{}, text].map(isJsonSchema)).toEqual([true, true])
  expect([null, [], true, "a", undefined, 3].map(isJsonSchema)).toEqual(Array(6).fill(false))
})

describe("a walk through a schema", () => {
  it("maps each schema directly inside, and tells the way there", () => {
    const places: Array<string> = []
    const schema = {
      type: "object",
      items: text,
      not: true,
      anyOf: [text, false, text],
      oneOf: "odd",
      properties: { a: text, b: true },
      $defs: { c: text },
      definitions: [],
      title: { type: "no schema" },
    }
    const mapped = mapInner(schema, (_, place) => {
      places.push(place)
      return place
    })
    expect(places).toEqual([".items", ".anyOf[0]", ".anyOf[2]", ".properties.a", ".$defs.c"])
    expect(mapped).toEqual({
      ...schema,
      items: ".items",
      anyOf: [".anyOf[0]", false, ".anyOf[2]"],
      properties: { a: ".properties.a", b: true },
      $defs: { c: ".$defs.c" },
    })
  })
})

describe("a reference", () => {
  const root = { $defs: { "a/b~c d": text, "~1": { type: "null" }, list: [text], n: 3 }, properties: { p: text } }

  it.each<readonly [string, JsonSchema | undefined]>([
    ["#", root],
    ["#/", root],
    ["#/properties/p", text],
    ["#/$defs/a~1b~0c%20d", text],
    ["#/$defs/~01", { type: "null" }],
    ["#/$defs/absent", undefined],
    ["#/$defs/absent/deeper", undefined],
    ["#/$defs/list/0", undefined],
    ["#/$defs/n", undefined],
    ["#/$defs/n/toFixed", undefined],
    ["#/toString", undefined],
    ["/properties/p", undefined],
    ["https://a.test/#/properties/p", undefined],
  ])("%s is followed inside the schema only", (reference, expected) => {
    expect(resolveReference(root, reference)).toEqual(expected)
  })

  it("at the top of a schema is replaced by what it names, with what stands beside it on top", () => {
    const chained = { $defs: { a: { $ref: "#/$defs/b", title: "A" }, b: { ...text, title: "B", minLength: 1 } } }
    const schema = { ...chained, $ref: "#/$defs/a", minLength: 2 }
    expect(dereferenced(schema, { $ref: "#/$defs/a", minLength: 2 })).toEqual({ ...text, title: "A", minLength: 2 })
    expect(withPlainRoot(schema)).toEqual({ ...chained, ...text, title: "A", minLength: 2 })
    const absent = { $ref: "#/$defs/absent" }
    expect(dereferenced(schema, absent)).toBe(absent)
    expect(dereferenced(schema, text)).toBe(text)
    expect(withPlainRoot(text)).toBe(text)
  })

  it("to itself ends", () => {
    const circle = { $defs: { a: { $ref: "#/$defs/b" }, b: { $ref: "#/$defs/a" } } }
    expect(dereferenced(circle, { $ref: "#/$defs/a" })).toHaveProperty("$ref")
  })
})

describe("null", () => {
  const root = { $defs: { nothing: { type: "null" }, tree: { anyOf: [{ $ref: "#/$defs/tree" }] } } }

  it.each<readonly [string, unknown]>([
    ["everything", true],
    ["what is not said", {}],
    ["what says nothing at all", undefined],
    ["its type", { type: "null" }],
    ["one of its types", { type: ["string", "null"] }],
    ["its value", { const: null }],
    ["one of its values", { enum: ["a", null] }],
    ["OpenAPI's nullable", { type: "string", nullable: true }],
    ["a branch of anyOf", { anyOf: [text, { type: "null" }] }],
    ["a branch of oneOf", { oneOf: [text, { $ref: "#/$defs/nothing" }] }],
    ["all branches of allOf", { allOf: [{ type: ["null", "string"] }, {}] }],
    ["a reference", { $ref: "#/$defs/nothing" }],
    ["a circle, for all that is known", { $ref: "#/$defs/tree" }],
  ])("fits %s", (_, schema) => {
    expect(allowsNull(root, schema)).toBe(true)
  })

  it.each<readonly [string, unknown]>([
    ["nothing", false],
    ["a type", text],
    ["types", { type: ["string", "number"] }],
    ["a value", { const: "null" }],
    ["values", { enum: ["null", 0] }],
    ["values, where the type would", { type: "null", enum: ["a"] }],
    ["a type that is not nullable", { type: "string", nullable: "true" }],
    ["a type, whatever a union beside it says", { type: "string", anyOf: [{}] }],
    ["branches of anyOf", { anyOf: [text, { type: "number" }] }],
    ["branches of oneOf", { oneOf: [text] }],
    ["one of the branches of allOf", { allOf: [{ type: "null" }, text] }],
  ])("does not fit %s", (_, schema) => {
    expect(allowsNull(root, schema)).toBe(false)
  })
})

describe("a circle", () => {
  const to = (name: string) => ({ $ref: `#/$defs/${name}` })

  it.each<readonly [string, JsonSchema]>([
    ["to the root", { properties: { next: { $ref: "#" } } }],
    ["of one definition", { items: to("a"), $defs: { a: { items: to("a") } } }],
    ["of two definitions", { items: to("a"), $defs: { a: { items: to("b") }, b: { anyOf: [text, to("a")] } } }],
    ["after another property", { properties: { a: text, b: { $ref: "#" }, c: text } }],
    ["under a property that is named like definitions", { properties: { "$defs.a": { $ref: "#" } } }],
  ])("is found %s", (_, schema) => {
    expect(isRecursive(schema)).toBe(true)
  })

  it.each<readonly [string, JsonSchema]>([
    ["no reference", { items: text }],
    ["a definition used twice", { anyOf: [to("a"), to("a")], $defs: { a: { items: to("b") }, b: text } }],
    ["a circle of definitions that nothing uses", { items: text, $defs: { a: { items: to("a") } } }],
    ["the same under the older name", { items: text, definitions: { a: { $ref: "#" } } }],
    ["a reference to nothing", { items: to("absent") }],
  ])("is not found in %s", (_, schema) => {
    expect(isRecursive(schema)).toBe(false)
  })
})

describe("a value that was written to an enforced form", () => {
  const object = (properties: JsonSchema, required: ReadonlyArray<string> = []) => ({
    type: "object",
    properties,
    required,
  })

  it("keeps what the schema does not name, what it requires and what may be null", () => {
    const schema = object({ a: text, b: text, c: { type: ["string", "null"] } }, ["b"])
    expect(restored(schema, { a: null, b: null, c: null, d: null, toString: null })).toEqual({
      b: null,
      c: null,
      d: null,
      toString: null,
    })
    expect(restored(schema, { a: "x" })).toEqual({ a: "x" })
    expect(restored(schema, "a")).toBe("a")
    expect(restored(schema, null)).toBeNull()
    expect(restored({ type: "object" }, { a: null })).toEqual({ a: null })
  })

  it("is read in lists and in tuples, each place by its own schema", () => {
    const one = object({ a: text })
    const two = object({ b: text })
    const value = [
      { a: null, b: null },
      { a: null, b: null },
      { a: null, b: null },
    ]
    const list = { type: "array", items: one }
    expect(restored(list, value)).toEqual([{ b: null }, { b: null }, { b: null }])
    expect(restored({ ...list, prefixItems: [two] }, value)).toEqual([{ a: null }, { b: null }, { b: null }])
    expect(restored({ type: "array" }, value)).toEqual(value)
  })

  it("is read by each branch of allOf", () => {
    const schema = { allOf: [object({ a: text }), true, object({ b: text })] }
    expect(restored(schema, { a: null, b: null, c: null })).toEqual({ c: null })
  })

  it.each<readonly [string, ReadonlyArray<unknown>, object, object]>([
    [
      "whose fixed value it has",
      [object({ k: { const: "x" }, a: text }), object({ k: { const: "y" }, b: text })],
      { k: "y" },
      { a: null },
    ],
    [
      "one of whose values it has",
      [object({ k: { enum: ["x"] }, a: text }), object({ k: { enum: ["y"] }, b: text })],
      { k: "y" },
      { a: null },
    ],
    [
      "whose keys it has",
      [object({ k: text, a: text }, ["k"]), object({ l: text, b: text }, ["l"])],
      { l: "y" },
      { a: null },
    ],
    ["that is an object", [text, false, { properties: { b: text } }], {}, { a: null }],
    ["that is the first of several", [object({ b: text }), object({ a: text })], {}, { a: null }],
    ["that may be any value", [object({ k: true, b: text })], { k: 3 }, { a: null }],
    ["whose fixed value is not there to tell", [object({ k: { const: "x" }, b: text })], {}, { a: null }],
  ])("is read by the branch of a union %s", (_, branches, own, kept) => {
    for (const union of ["anyOf", "oneOf"]) {
      expect(restored({ [union]: branches }, { a: null, b: null, ...own })).toEqual({ ...kept, ...own })
    }
  })

  it("stays as it is where it is of no branch", () => {
    const schema = { anyOf: [text, object({ k: { const: "x" }, a: text }), object({ b: text }, ["b"])] }
    expect(restored(schema, { k: "y", a: null })).toEqual({ k: "y", a: null })
    expect(restored(schema, { k: "x", a: null })).toEqual({ k: "x" })
    expect(restored({ anyOf: [{ type: "object", required: [3], properties: { a: text } }] }, { a: null })).toEqual({})
  })
})
