/** JSON that models might write to hurt who checks it, and a schema of each library for it. */
import * as Schema from "effect/Schema"
import * as zod from "zod"
import type { AnySchema } from "../../../src/index.ts"
import { maxCheckedValues, maxDepth, maxPlainValues } from "../../../src/protocols/Limits.ts"

/** The libraries that check. */
export const kinds = ["effect", "zod", "json"] as const

type Schemas = Readonly<Record<(typeof kinds)[number], AnySchema>>

/** A value, as text of about so many characters. */
export interface Value {
  readonly name: string
  readonly text: (size: number) => string
  readonly schemas: Schemas
}

/** As many of a piece as fit, and at most so many, as a list. */
const list = (size: number, piece: string, most = Infinity): string => {
  const count = Math.max(1, Math.min(most, Math.floor(size / (piece.length + 1))))
  return `{"items":[${`${piece},`.repeat(count).slice(0, -1)}]}`
}

const listOf = (effect: Schema.Codec<unknown>, ofZod: zod.ZodType, json: object): Schemas => ({
  effect: Schema.Struct({ items: Schema.Array(effect) }),
  zod: zod.object({ items: zod.array(ofZod) }),
  json: {
    type: "object",
    properties: { items: { type: "array", items: json } },
    required: ["items"],
    additionalProperties: false,
  },
})

const object = (properties: object) => ({
  type: "object",
  properties,
  required: Object.keys(properties),
  additionalProperties: false,
})

const numbers = listOf(Schema.Finite, zod.number(), { type: "number" })
const strings = listOf(Schema.String, zod.string(), { type: "string" })
const words = listOf(Schema.String.check(Schema.isPattern(/^[a-z]+$/)), zod.string().regex(/^[a-z]+$/), {
  type: "string",
  pattern: "^[a-z]+$",
})
const oneKey = listOf(
  Schema.Struct({ a: Schema.Finite }),
  zod.object({ a: zod.number() }),
  object({ a: { type: "number" } }),
)
const optional = listOf(
  Schema.Struct({ a: Schema.optional(Schema.Finite) }),
  zod.object({ a: zod.number().optional() }),
  {
    type: "object",
    properties: { a: { type: "number" } },
    additionalProperties: false,
  },
)
const names = ["b", "c", "d", "e", "f", "g", "h", "i", "j", "k"] as const
const unions = (count: number) => {
  const some = names.slice(0, count)
  return listOf(
    Schema.Union(some.map((name) => Schema.Struct({ [name]: Schema.Finite }))),
    zod.union(some.map((name) => zod.object({ [name]: zod.number() }))),
    { anyOf: some.map((name) => object({ [name]: { type: "number" } })) },
  )
}

interface Tree {
  readonly a?: ReadonlyArray<Tree> | undefined
}
const Tree: Schema.Codec<Tree> = Schema.Struct({
  a: Schema.optional(Schema.Array(Schema.suspend(() => Tree))),
}).annotate({ identifier: "Tree" })
const zodTree: zod.ZodType = zod.object({ a: zod.array(zod.lazy(() => zodTree)).optional() })
const trees: Schemas = {
  effect: Tree,
  zod: zodTree,
  json: { type: "object", properties: { a: { type: "array", items: { $ref: "#" } } }, additionalProperties: false },
}

const records: Schemas = {
  effect: Schema.Record(Schema.String, Schema.Finite),
  zod: zod.record(zod.string(), zod.number()),
  json: { type: "object", additionalProperties: { type: "number" } },
}

const text = (effect: Schema.Codec<string>, ofZod: zod.ZodType, json: object): Schemas => ({
  effect: Schema.Struct({ a: effect }),
  zod: zod.object({ a: ofZod }),
  json: object({ a: { type: "string", ...json } }),
})

const one = (make: (size: number) => string) => (size: number) => JSON.stringify({ a: make(size) })
const some = (piece: string, most?: number) => (size: number) => list(size, piece, most)

const repeatedly = (deep: string, size: number): string =>
  `{"a":[${`${deep},`.repeat(Math.max(1, Math.floor(size / (deep.length + 1)))).slice(0, -1)}]}`

/** As deep as values may be, with what a tool's arguments stand in when they are sent. */
const levels = maxDepth - 8

const nested = (size: number): string => repeatedly(`${'{"a":['.repeat(levels / 2)}${"]}".repeat(levels / 2)}`, size)

const nestedLists = (size: number): string => repeatedly(`${"[".repeat(levels)}${"]".repeat(levels)}`, size)

/** The same as before the bound on depth. */
const nestedDeeper = (size: number): string => repeatedly(`${'{"a":['.repeat(200)}${"]}".repeat(200)}`, size)

/** As many empty objects as fit, all of them as deep as values may be. */
const wideAndDeep = (size: number): string => {
  return `{"a":${"[".repeat(levels)}${"{},".repeat(Math.max(1, Math.floor(size / 3))).slice(0, -1)}${"]".repeat(levels)}}`
}

const keys = (most: number) => (size: number) => {
  const fields: Array<string> = []
  for (let place = 0, length = 0; length < size && place < most; place++) {
    fields.push(`"k${place}":${place}`)
    length += fields.at(-1)?.length ?? 1
  }
  return `{${fields.join(",")}}`
}

/** A little less than as many values as are checked against any schema, and against a plain one. */
const checked = maxCheckedValues - 10
const plain = maxPlainValues - 10

export const values: ReadonlyArray<Value> = [
  ...[Infinity, plain, checked].flatMap((most): ReadonlyArray<Value> => {
    const many = most === Infinity ? "as many" : most === plain ? "many" : "fewer"
    return [
      { name: `${many} numbers`, text: some("1", most), schemas: numbers },
      { name: `${many} numbers for texts`, text: some("1", most), schemas: strings },
      { name: `${many} texts`, text: some('"abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrst"', most), schemas: words },
      {
        name: `${many} texts that do not match`,
        text: some('"abcdefghijklmnopqrstuvwxyzabcdefghijklmnop 1"', most),
        schemas: words,
      },
      { name: `${many} objects of one key`, text: some('{"a":1}', most / 2), schemas: oneKey },
      { name: `${many} objects of a wrong key`, text: some('{"b":1}', most / 2), schemas: oneKey },
      { name: `${many} objects of a wrong value`, text: some('{"a":"b"}', most / 2), schemas: oneKey },
      { name: `${many} empty objects`, text: some("{}", most), schemas: optional },
      { name: `${many} empty objects without their key`, text: some("{}", most), schemas: oneKey },
      { name: `${many} objects of none of two`, text: some('{"a":1}', most / 2), schemas: unions(2) },
      { name: `${many} empty objects of none of two`, text: some("{}", most), schemas: unions(2) },
      { name: `${many} empty objects of none of ten`, text: some("{}", most), schemas: unions(10) },
      { name: `${many} objects of the last of ten`, text: some('{"k":1}', most / 2), schemas: unions(10) },
      { name: `${many} empty lists for objects`, text: some("[]", most), schemas: oneKey },
    ]
  }),
  { name: "as nested", text: nested, schemas: trees },
  { name: "nested deeper", text: nestedDeeper, schemas: trees },
  { name: "as nested lists", text: nestedLists, schemas: trees },
  { name: "as many, nested", text: wideAndDeep, schemas: trees },
  { name: "many nested", text: () => nested(plain * 4), schemas: trees },
  { name: "fewer nested", text: () => nested(checked * 4), schemas: trees },
  { name: "as many keys", text: keys(Infinity), schemas: records },
  { name: "many keys", text: keys(plain), schemas: records },
  { name: "fewer keys", text: keys(checked), schemas: records },
  { name: "fewer keys that are not allowed", text: keys(checked), schemas: oneKey },
  {
    name: "a long text",
    text: one((size) => "a".repeat(size)),
    schemas: text(Schema.String.check(Schema.isMinLength(1)), zod.string().min(1), { minLength: 1 }),
  },
  {
    name: "a long text with a pattern",
    text: one((size) => `${"a".repeat(size)}1`),
    schemas: text(Schema.String.check(Schema.isPattern(/^[a-z]+$/)), zod.string().regex(/^[a-z]+$/), {
      pattern: "^[a-z]+$",
    }),
  },
  ...["a", "t", "/", "a.", "a@", "(", "a-"].flatMap((piece): ReadonlyArray<Value> =>
    [
      ["url", zod.url(), "uri"] as const,
      ["email", zod.email(), "email"] as const,
      ["date", zod.iso.datetime(), "date-time"] as const,
      ["host", zod.hostname(), "hostname"] as const,
    ].map(([name, ofZod, format]) => ({
      name: `a long text of ${piece} for ${name}`,
      text: one((size) => `${name === "url" ? "http://" : ""}${piece.repeat(size / piece.length)}`),
      schemas: text(Schema.String, ofZod, { format }),
    })),
  ),
  {
    name: "a number of a million digits",
    text: one((size) => "9".repeat(size)),
    schemas: {
      effect: Schema.Struct({ a: Schema.BigInt }),
      zod: zod.object({ a: zod.string() }),
      json: object({ a: { type: "string" } }),
    },
  },
]
