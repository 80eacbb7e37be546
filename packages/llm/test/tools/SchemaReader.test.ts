/** Schemas of every kind, at the newest and the oldest version of each library that the library supports. */
import { toStandardJsonSchema } from "@valibot/to-json-schema"
import { describe, expect, it } from "@effect/vitest"
import { type } from "arktype"
import { type as oldestType } from "arktype-oldest"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import * as v from "valibot"
import * as oldestV from "valibot-oldest"
import * as z from "zod"
import * as mini from "zod/mini"
import * as oldestZ from "zod-oldest"
import type { AnySchema } from "../../src/tools/schemas/AnySchema.ts"
import * as SchemaReader from "../../src/tools/schemas/SchemaReader.ts"
import * as Tool from "../../src/tools/Tool.ts"
import { readyAll } from "../../src/tools/ToolCalls.ts"
import { withJsonSchema } from "../../src/tools/schemas/WithJsonSchema.ts"

const json = {
  type: "object",
  properties: {
    name: { type: "string" },
    age: { type: "integer" },
    tags: { type: "array", items: { type: "string" } },
  },
  required: ["name", "age"],
  additionalProperties: false,
} as const

const kinds: ReadonlyArray<readonly [string, AnySchema]> = [
  [
    "effect/Schema",
    Schema.Struct({
      name: Schema.String,
      age: Schema.Int,
      tags: Schema.optionalKey(Schema.Array(Schema.String)),
    }),
  ],
  ["zod 4.6", z.object({ name: z.string(), age: z.int(), tags: z.optional(z.array(z.string())) })],
  [
    "zod 4.0",
    oldestZ.object({
      name: oldestZ.string(),
      age: oldestZ.int(),
      tags: oldestZ.optional(oldestZ.array(oldestZ.string())),
    }),
  ],
  ["zod/mini", mini.object({ name: mini.string(), age: mini.int(), tags: mini.optional(mini.array(mini.string())) })],
  [
    "valibot 1.5",
    v.object({ name: v.string(), age: v.pipe(v.number(), v.integer()), tags: v.optional(v.array(v.string())) }),
  ],
  [
    "valibot 1.0",
    oldestV.object({
      name: oldestV.string(),
      age: oldestV.pipe(oldestV.number(), oldestV.integer()),
      tags: oldestV.optional(oldestV.array(oldestV.string())),
    }),
  ],
  [
    "valibot with its own converter",
    toStandardJsonSchema(
      v.object({ name: v.string(), age: v.pipe(v.number(), v.integer()), tags: v.optional(v.array(v.string())) }),
    ),
  ],
  ["arktype 2.2", type({ name: "string", age: "number.integer", "tags?": "string[]" })],
  ["arktype 2.0", oldestType({ name: "string", age: "number.integer", "tags?": "string[]" })],
  ["JSON Schema", json],
]

describe.each(kinds)("a schema of %s", (_, schema) => {
  it.effect("is told to the model as JSON Schema", () =>
    Effect.gen(function* () {
      const { jsonSchema } = yield* SchemaReader.make(schema)
      expect(jsonSchema).toMatchObject({
        type: "object",
        properties: {
          name: { type: "string" },
          age: { type: "integer" },
          tags: { type: "array", items: { type: "string" } },
        },
      })
      expect([...(jsonSchema["required"] as ReadonlyArray<string>)].sort()).toEqual(["age", "name"])
    }),
  )

  it.effect("gives the value, or says what is wrong with it and where", () =>
    Effect.gen(function* () {
      const { read } = yield* SchemaReader.make(schema)
      const value = { name: "Ada", age: 36, tags: ["x"] }
      expect(yield* read(value)).toEqual(Result.succeed(value))
      expect(yield* read({ name: "Ada", age: 36 })).toEqual(Result.succeed({ name: "Ada", age: 36 }))
      for (const wrong of [{ name: "Ada", age: "old" }, { name: "Ada" }, 7, null]) {
        const reading = yield* read(wrong)
        expect(Result.isFailure(reading)).toBe(true)
      }
      const reading = yield* read({ name: "Ada", age: "old" })
      expect(Result.isFailure(reading) && reading.failure).toMatch(/age|integer|number/i)
    }),
  )
})

describe("a schema", () => {
  it.effect("is read once", () =>
    Effect.gen(function* () {
      const schema = z.object({ n: z.number() })
      expect(yield* SchemaReader.make(schema)).toBe(yield* SchemaReader.make(schema))
    }),
  )

  it.effect("may check in its own time", () =>
    Effect.gen(function* () {
      const schema = z.object({ n: z.number().refine(async (n) => n > 1) })
      const { read } = yield* SchemaReader.make(schema)
      expect(Result.isFailure(yield* read({ n: 1 }))).toBe(true)
      expect(yield* read({ n: 2 })).toEqual(Result.succeed({ n: 2 }))
    }),
  )

  it.effect("tells the side that the model writes, and gives the other", () =>
    Effect.gen(function* () {
      const length = z.object({ text: z.string().transform((text) => text.length) })
      const reader = yield* SchemaReader.make(length)
      expect(reader.jsonSchema).toMatchObject({ properties: { text: { type: "string" } } })
      expect(yield* reader.read({ text: "four" })).toEqual(Result.succeed({ text: 4 }))
      const when = yield* SchemaReader.make(Schema.Struct({ at: Schema.DateFromString }))
      expect(when.jsonSchema).toMatchObject({ properties: { at: { type: "string" } } })
      expect(yield* when.read({ at: "2026-01-01" })).toEqual(Result.succeed({ at: new Date("2026-01-01") }))
    }),
  )

  it.effect("that JSON Schema cannot say is refused before anything is sent, by the library that says so", () =>
    Effect.gen(function* () {
      const error = yield* Effect.flip(SchemaReader.make(z.object({ at: z.date() })))
      expect(error).toMatchObject({ _tag: "InvalidRequestError", parameter: "schema" })
      expect(error.message).toContain("zod")
    }),
  )

  it.effect("of a library without JSON Schema may have one beside it", () =>
    Effect.gen(function* () {
      const foreign = {
        "~standard": {
          version: 1 as const,
          vendor: "foreign",
          validate: (value: unknown) => (value === 1 ? { value: "one" } : { issues: [{ message: "not one" }] }),
        },
      }
      const error = yield* Effect.flip(SchemaReader.make(foreign))
      expect(error.message).toContain("withJsonSchema")
      const { jsonSchema, read } = yield* SchemaReader.make(withJsonSchema(foreign, { const: 1 }))
      expect(jsonSchema).toEqual({ const: 1 })
      expect(yield* read(1)).toEqual(Result.succeed("one"))
      expect(yield* read(2)).toEqual(Result.fail("not one"))
    }),
  )

  it.effect.each([
    ["a text", "Person"],
    ["nothing", undefined],
    ["a list", []],
    ["some object", { name: "string" }],
  ])("that is %s is none", ([, schema]) =>
    Effect.gen(function* () {
      // @ts-expect-error a program without types may pass anything
      const error = yield* Effect.flip(SchemaReader.make(schema))
      expect(error).toMatchObject({ parameter: "schema" })
    }),
  )
})

describe("a JSON Schema that would hold the event loop", () => {
  const problemOf = (schema: AnySchema) =>
    Effect.match(SchemaReader.make(schema), { onFailure: ({ message }) => message, onSuccess: () => "none" })
  const list = <A>(count: number, make: (place: number) => A) => Array.from({ length: count }, (_, at) => make(at))
  const properties = (count: number, property: object) => ({
    type: "object",
    properties: Object.fromEntries(list(count, (at) => [`k${at}`, property])),
    required: list(count, (at) => `k${at}`),
  })

  it.effect("is refused by its bound before it is compiled, and one of 5,000 properties is read", () =>
    Effect.gen(function* () {
      expect(yield* problemOf(properties(5000, { type: "string", description: "A text." }))).toBe("none")
      expect(yield* problemOf(properties(5497, { type: "string" }))).toBe("none")
      expect(yield* problemOf(properties(5498, { type: "string" }))).toBe(
        "invalid request: the schema cannot be read: it holds more than 5500 values besides texts",
      )
      expect(yield* problemOf({ type: "object", enum: list(30_000, (at) => `${at}`) })).toBe(
        "invalid request: the schema cannot be read: it holds more than 25000 values",
      )
    }),
  )

  it.effect("is refused as a tool's parameters, by its place", () =>
    Effect.gen(function* () {
      const tool = Tool.make("t", { parameters: properties(5498, { type: "string" }), execute: () => Effect.void })
      const problem = yield* Effect.flip(readyAll([tool]))
      expect(problem).toMatchObject({ _tag: "InvalidRequestError", parameter: "tools[0].parameters" })
      expect(problem.message).toContain("it holds more than 5500 values besides texts")
    }),
  )
})
