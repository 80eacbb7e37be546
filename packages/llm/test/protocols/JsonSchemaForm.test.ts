/** What each wire is sent of a JSON Schema, and how a value is read back from it. */
import * as fc from "fast-check"
import { describe, expect, it } from "vitest"
import { restored } from "../../src/protocols/encoding/FormedValue.ts"
import { isJsonSchema, type JsonSchema } from "../../src/protocols/encoding/JsonSchema.ts"
import { type Dialect, enforcedForm, openForm } from "../../src/protocols/encoding/JsonSchemaForm.ts"

const formOf = (schema: JsonSchema, dialect: Dialect = "openai"): JsonSchema => {
  const form = enforcedForm(schema, dialect)
  if (!form.enforced) throw new Error(form.problem)
  return form.schema
}

const problemOf = (schema: JsonSchema, dialect: Dialect = "openai"): string => {
  const form = enforcedForm(schema, dialect)
  return form.enforced ? "none" : form.problem
}

const object = (properties: JsonSchema, required = Object.keys(properties)): JsonSchema => ({
  type: "object",
  properties,
  required,
})

describe("the OpenAI form", () => {
  it("closes objects and requires every property: an optional one may be null", () => {
    expect(
      formOf(object({ name: { type: "string" }, age: { type: "integer", description: "years" } }, ["name"])),
    ).toEqual({
      type: "object",
      properties: {
        name: { type: "string" },
        age: { anyOf: [{ type: "integer" }, { type: "null" }], description: "years" },
      },
      required: ["name", "age"],
      additionalProperties: false,
    })
  })

  it("leaves a property that may be null already as it is", () => {
    const nullable = { anyOf: [{ type: "string" }, { type: "null" }] }
    expect(formOf(object({ a: nullable, b: { type: ["string", "null"] } }, []))).toMatchObject({
      properties: { a: nullable, b: { type: ["string", "null"] } },
    })
  })

  it("tells bounds in the description, and drops what says nothing", () => {
    const n = {
      type: "integer",
      minimum: 1,
      maximum: Number.MAX_SAFE_INTEGER,
      title: "N",
      default: 3,
      description: "A count",
    }
    expect(formOf({ $schema: "x", ...object({ n }) })).toMatchObject({
      properties: { n: { type: "integer", description: "A count (minimum: 1)" } },
    })
  })

  it("keeps a format that is enforced without the pattern that says the same", () => {
    const at = { type: "string", format: "date-time", pattern: "^long$" }
    expect(formOf(object({ at })).properties).toEqual({ at: { type: "string", format: "date-time" } })
    expect(formOf(object({ id: { type: "string", format: "nanoid", pattern: "^a$" } })).properties).toEqual({
      id: { type: "string", pattern: "^a$", description: '(format: "nanoid")' },
    })
  })

  it("writes oneOf as anyOf, const and enum with their type, and merges allOf", () => {
    const schema = object({
      either: { oneOf: [{ const: "a" }, { enum: [1, "b"] }] },
      both: { allOf: [object({ x: { type: "string" } }), object({ y: { type: "number" } })] },
    })
    expect(formOf(schema).properties).toEqual({
      either: {
        anyOf: [
          { const: "a", type: "string" },
          { enum: [1, "b"], type: ["integer", "string"] },
        ],
      },
      both: { ...object({ x: { type: "string" }, y: { type: "number" } }), additionalProperties: false },
    })
  })

  it("puts the object at the root that a reference names, and keeps only the definitions in use", () => {
    const tree = object({ children: { type: "array", items: { $ref: "#/definitions/a~1b" } } })
    const schema = { $ref: "#/definitions/a~1b", definitions: { "a/b": tree, other: object({}) } }
    const closed = {
      ...object({ children: { type: "array", items: { $ref: "#/$defs/a~1b" } } }),
      additionalProperties: false,
    }
    expect(formOf(schema)).toEqual({ ...closed, $defs: { "a/b": closed } })
  })

  it("lets a reference stand alone", () => {
    const schema = { ...object({ a: { $ref: "#/$defs/A", description: "an A" } }), $defs: { A: { type: "string" } } }
    expect(formOf(schema).properties).toEqual({ a: { anyOf: [{ $ref: "#/$defs/A" }], description: "an A" } })
  })

  it.each([
    [
      "a record",
      object({ any: { type: "object", additionalProperties: { type: "string" } } }),
      "open at properties.any",
    ],
    ["any value", object({ any: {} }), "any value there at properties.any"],
    ["a list of anything", object({ any: { type: "array" } }), "a list of anything at properties.any"],
    ["no object at the root", { type: "string" }, "its root is not an object"],
    ["a reference elsewhere", object({ a: { $ref: "https://example.com/a" } }), "it refers to https://example.com/a"],
  ])("says that %s cannot be enforced", (_, schema, problem) => {
    expect(problemOf(schema)).toContain(problem)
  })
})

describe("the Anthropic form", () => {
  it("keeps optional properties, and takes no recursion and no patterns", () => {
    const schema = object(
      { a: { type: "string", pattern: "^a$" }, b: { type: "array", items: { type: "string" }, minItems: 1 } },
      [],
    )
    expect(formOf(schema, "anthropic")).toEqual({
      type: "object",
      properties: {
        a: { type: "string", description: '(pattern: "^a$")' },
        b: { type: "array", items: { type: "string" }, minItems: 1 },
      },
      required: [],
      additionalProperties: false,
    })
    expect(problemOf({ ...object({ next: { $ref: "#" } }, []) }, "anthropic")).toBe("it is recursive")
  })

  it("requires every property once there are too many optional ones to compile", () => {
    const many = Object.fromEntries(Array.from({ length: 11 }, (_, place) => [`p${place}`, { type: "string" }]))
    expect(formOf(object(many, []), "anthropic").required).toEqual(Object.keys(many))
  })
})

const text = { type: "string" }

describe("each form", () => {
  /** The schema of a property `a` in a form. */
  const inner = (schema: unknown, dialect: Dialect = "openai"): unknown =>
    Reflect.get(formOf(object({ a: schema }), dialect).properties as object, "a")

  it("says the type of fixed values", () => {
    const typeOf = (value: unknown) => Reflect.get(inner({ const: value }) as object, "type")
    expect([1, 1.5, "a", true, null].map(typeOf)).toEqual(["integer", "number", "string", "boolean", "null"])
    expect(problemOf(object({ a: { const: [1] } }))).toBe("it is a list of anything at properties.a")
    expect(problemOf(object({ a: { const: { b: 1 } } }))).toContain("names are open at properties.a")
    expect(inner({ enum: ["a", "b"] })).toEqual({ enum: ["a", "b"], type: "string" })
    expect(inner({ enum: [null, "b", 1] })).toEqual({ enum: [null, "b", 1], type: ["null", "string", "integer"] })
  })

  it("says the type of objects and lists that only show it", () => {
    expect(inner({ properties: { b: text }, required: ["b"] })).toMatchObject({ type: "object", required: ["b"] })
    expect(inner({ items: text })).toEqual({ type: "array", items: text })
  })

  it("closes what may be an object among others, and asks what a list among others holds", () => {
    const either = { type: ["object", "null"], properties: { b: text }, required: ["b"] }
    expect(inner(either)).toEqual({ ...either, additionalProperties: false })
    expect(problemOf(object({ a: { type: ["array", "null"] } }))).toBe("it is a list of anything at properties.a")
    expect(inner({ type: ["array", "null"], items: text })).toEqual({ type: ["array", "null"], items: text })
  })

  it("tells several bounds in one description", () => {
    expect(inner({ ...text, minLength: 1, maxLength: 2 })).toEqual({
      ...text,
      description: "(minLength: 1, maxLength: 2)",
    })
    expect(inner({ ...text, format: "date", minLength: 3 })).toEqual({
      ...text,
      format: "date",
      description: "(minLength: 3)",
    })
    const safe = { minimum: Number.MIN_SAFE_INTEGER, maximum: Number.MAX_SAFE_INTEGER }
    expect(inner({ type: "integer", ...safe, nullable: false })).toEqual({ type: "integer" })
    expect(inner({ type: "integer", multipleOf: Number.MAX_SAFE_INTEGER })).toEqual({
      type: "integer",
      description: `(multipleOf: ${Number.MAX_SAFE_INTEGER})`,
    })
  })

  it("keeps what its wire enforces, and tells the rest", () => {
    const told = (note: string) => ({ description: `(${note})` })
    const uri = { ...text, format: "uri" }
    expect(inner(uri, "anthropic")).toEqual(uri)
    expect(inner(uri)).toEqual({ ...text, ...told('format: "uri"') })
    expect(inner({ ...text, format: "odd" }, "anthropic")).toEqual({ ...text, ...told('format: "odd"') })
    const list = (minItems: number) => ({ type: "array", items: text, minItems })
    for (const minItems of [0, 1]) {
      expect(inner(list(minItems), "anthropic")).toEqual(list(minItems))
      expect(inner(list(minItems))).toEqual({ type: "array", items: text, ...told(`minItems: ${minItems}`) })
    }
    expect(inner(list(2), "anthropic")).toEqual({ type: "array", items: text, ...told("minItems: 2") })
    for (const pattern of ["(?=a)", "(?!a)", "(?<b>a)"]) {
      expect(inner({ ...text, pattern })).toEqual({ ...text, ...told(`pattern: ${JSON.stringify(pattern)}`) })
    }
    for (const pattern of ["(?:a)", "^a"]) expect(inner({ ...text, pattern })).toEqual({ ...text, pattern })
  })

  it("makes a list of a tuple, and tells the order", () => {
    const number = { type: "number" }
    const order = 'a list of 2 in this order: {"type":"string"}, {"type":"number"}'
    const list = { type: "array", items: { anyOf: [text, number] } }
    expect(inner({ type: "array", prefixItems: [text, number] })).toEqual({ ...list, description: order })
    expect(inner({ type: "array", items: [text, number] })).toEqual({ ...list, description: order })
    expect(inner({ prefixItems: [text, number], items: number, type: "array", description: "Two" })).toEqual({
      type: "array",
      items: { anyOf: [text, number, number] },
      description: `Two (${order})`,
    })
  })

  it("makes one object of the branches of allOf", () => {
    const formed = (allOf: ReadonlyArray<unknown>, own: object = {}) => inner({ ...own, allOf })
    const closed = { additionalProperties: false }
    const both = { type: "object", properties: { b: text, c: text }, required: ["b", "c"], ...closed }
    expect(formed([object({ b: text }), object({ c: text })])).toEqual(both)
    expect(formed([object({ c: text })], object({ b: text }))).toEqual(both)
    expect(formed([{ description: "B" }], object({ b: text }))).toEqual({
      ...object({ b: text }),
      description: "B",
      ...closed,
    })
    expect(formed([object({ b: text })], { description: "B" })).toMatchObject({ description: "B", required: ["b"] })
    expect(formed([{ description: "not this" }, { ...text, minLength: 1 }], { description: "B" })).toEqual({
      ...text,
      description: "B (minLength: 1)",
    })
    expect(formed([{ allOf: [object({ c: text })] }], object({ b: text }))).toEqual(both)
    const optional = object({ b: text, c: text }, ["b"])
    expect(formed([{ required: ["c"] }], optional)).toEqual(both)
    expect(formed([optional], { required: ["c"] })).toMatchObject({ properties: { b: text, c: text } })
    const problem = "it has an allOf whose branches speak of the same thing at properties.a"
    expect(problemOf(object({ a: { allOf: [text, { type: "number" }] } }))).toBe(problem)
    expect(problemOf(object({ a: { allOf: [object({ b: text, d: text }), object({ c: text, b: text })] } }))).toBe(
      problem,
    )
  })

  it("follows references in allOf, and keeps those of the root", () => {
    const $defs = { b: object({ b: text }) }
    const schema = { ...object({ a: { allOf: [{ $ref: "#/$defs/b" }] } }), $defs }
    expect(formOf(schema).properties).toMatchObject({ a: { type: "object", required: ["b"] } })
    expect(formOf(object({ a: { $ref: "#" } })).properties).toEqual({ a: { $ref: "#" } })
    expect(problemOf(object({ a: { $ref: "#/properties/b" }, b: text }))).toBe(
      "it refers to #/properties/b at properties.a",
    )
  })

  it("is told by the place of the first problem", () => {
    expect(problemOf({ type: "object", properties: { a: true, b: 3 } })).toBe(
      "it allows any value there at properties.a",
    )
    expect(problemOf({ type: "object" })).toBe("it is an object whose property names are open")
    expect(problemOf({ type: "object", properties: {}, additionalProperties: {} })).toContain("names are open")
    expect(problemOf({ items: text })).toBe("its root is not an object")
    expect(problemOf(object({ a: object({ b: { anyOf: [text, {}] } }) }))).toBe(
      "it allows any value there at properties.a.properties.b.anyOf[1]",
    )
    expect(formOf({ properties: {} })).toMatchObject({ type: "object" })
  })

  it("lets an optional property be null under its own description", () => {
    expect(formOf(object({ a: text, b: { ...text, description: "B" } }, [])).properties).toStrictEqual({
      a: { anyOf: [text, { type: "null" }] },
      b: { anyOf: [text, { type: "null" }], description: "B" },
    })
  })
})

describe("definitions", () => {
  const to = (name: string) => ({ $ref: `#/$defs/${name}` })

  it("are kept where anything in use refers to them, under whatever name", () => {
    const $defs = { "a/b~ c": object({ next: to("b") }), b: text, idle: text, alsoIdle: to("idle") }
    const schema = { ...object({ a: { type: "array", items: to("a~1b~0%20c") } }), $defs }
    expect(Object.keys(formOf(schema).$defs as object)).toEqual(["a/b~ c", "b"])
    expect(formOf(schema, "anthropic").$defs).toMatchObject({ "a/b~ c": { required: ["next"] }, b: text })
  })

  it("are none where nothing refers to them", () => {
    expect(formOf({ ...object({ a: text }), $defs: { idle: text } })).not.toHaveProperty("$defs")
    expect(formOf(object({ a: text }))).not.toHaveProperty("$defs")
  })
})

describe("optional properties in the Anthropic form", () => {
  const many = (count: number) => Object.fromEntries(Array.from({ length: count }, (_, place) => [`p${place}`, text]))

  it("stay optional up to ten, those of inner objects included", () => {
    expect(formOf(object(many(10), []), "anthropic").required).toEqual([])
    expect(formOf(object({ ...many(20) }), "anthropic").required).toHaveLength(20)
    const inner = (count: number) =>
      object({ a: object(many(5), []), b: { type: "array", items: object(many(count), []) } })
    const required = (count: number) =>
      (formOf(inner(count), "anthropic").properties as Record<string, JsonSchema>).a?.required
    expect(required(5)).toEqual([])
    expect(required(6)).toHaveLength(5)
  })
})

describe("the schema of a tool that nobody enforces", () => {
  it("is as it was given, with an object at its root and no word of its draft", () => {
    expect(openForm({ $schema: "x", properties: { a: text } })).toEqual({ type: "object", properties: { a: text } })
    expect(openForm({ type: ["object", "null"] })).toEqual({ type: ["object", "null"] })
    const $defs = { a: object({ b: text }) }
    expect(openForm({ $ref: "#/$defs/a", $defs })).toEqual({ ...object({ b: text }), $defs })
  })
})

/** What OpenAI's strict mode refuses, written down apart from the code that avoids it. */
const offences = (schema: unknown): ReadonlyArray<string> => {
  if (Array.isArray(schema)) return schema.flatMap(offences)
  if (!isJsonSchema(schema)) return []
  const found: Array<string> = []
  if (isJsonSchema(schema.properties)) {
    const required = Array.isArray(schema.required) ? schema.required : []
    if (schema.additionalProperties !== false) found.push("open")
    if (Object.keys(schema.properties).some((name) => !required.includes(name))) found.push("optional")
    found.push(...Object.values(schema.properties).flatMap(offences))
  }
  for (const keyword of ["oneOf", "allOf", "not", "minimum", "maxLength", "prefixItems", "default", "uniqueItems"]) {
    if (keyword in schema) found.push(keyword)
  }
  return [...found, ...offences(schema.anyOf), ...offences(schema.items)]
}

const leaf: fc.Arbitrary<JsonSchema> = fc.constantFrom<JsonSchema>(
  { type: "string", maxLength: 3 },
  { type: "integer", minimum: 0, default: 1 },
  { enum: ["a", null] },
  { const: true },
  { type: ["string", "null"] },
)
const schemas = fc.letrec<{ any: JsonSchema; object: JsonSchema }>((tie) => ({
  object: fc
    .tuple(fc.dictionary(fc.constantFrom("a", "b", "c"), tie("any"), { maxKeys: 3 }), fc.subarray(["a", "b", "c"]))
    .map(([properties, wanted]) =>
      object(
        properties,
        wanted.filter((name) => name in properties),
      ),
    ),
  any: fc.oneof(
    { depthSize: "small", withCrossShrink: true },
    leaf,
    tie("object"),
    tie("any").map((items) => ({ type: "array", items, uniqueItems: true })),
    fc.array(tie("any"), { minLength: 1, maxLength: 3 }).map((oneOf) => ({ oneOf })),
  ),
}))

it("whatever is enforced has nothing in it that strict mode refuses", () => {
  fc.assert(
    fc.property(schemas.object, (schema) => {
      expect(offences(formOf(schema))).toEqual([])
    }),
  )
})

describe("a value written to a form", () => {
  it("loses the nulls that say that a property is absent, and no others", () => {
    const schema = {
      ...object(
        {
          a: { type: "string" },
          b: { type: ["string", "null"] },
          list: { type: "array", items: { $ref: "#/$defs/item" } },
          either: { anyOf: [object({ kind: { const: "x" }, x: { type: "string" } }, ["kind"]), { type: "null" }] },
        },
        [],
      ),
      $defs: { item: object({ n: { type: "number" } }, []) },
    }
    const value = { a: null, b: null, list: [{ n: null }, { n: 1 }], either: { kind: "x", x: null }, more: null }
    expect(restored(schema, value)).toEqual({ b: null, list: [{}, { n: 1 }], either: { kind: "x" }, more: null })
  })
})
