/** What each wire is sent of a JSON Schema, and how a value is read back from it. */
import * as fc from "fast-check"
import { describe, expect, it } from "vitest"
import { restored } from "../../src/protocols/encoding/FormedValue.ts"
import { isJsonSchema, type JsonSchema } from "../../src/protocols/encoding/JsonSchema.ts"
import { type Dialect, enforcedForm } from "../../src/protocols/encoding/JsonSchemaForm.ts"

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
