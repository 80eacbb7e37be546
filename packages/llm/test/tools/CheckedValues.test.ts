/** How much a value may hold to be checked against a schema: past that it is refused, whichever library would check it. */
import { setImmediate as nextTurn } from "node:timers/promises"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { afterEach, describe, expect, it } from "vitest"
import * as zod from "zod"
import { type AnySchema, LLMInterface, tool } from "../../src/index.ts"
import { maxDigits, maxPlainValues } from "../../src/protocols/Limits.ts"
import * as SchemaReader from "../../src/tools/schemas/SchemaReader.ts"
import { FaultServer } from "../faults/FaultServer.ts"
import { stream, whole } from "../faults/HttpText.ts"

const open: Array<AsyncDisposable> = []
afterEach(async () => {
  for (const resource of open.splice(0)) await resource[Symbol.asyncDispose]()
})

const message = (content: object, finish: string) =>
  whole(JSON.stringify({ choices: [{ index: 0, message: { role: "assistant", ...content }, finish_reason: finish }] }))

const event = (choice: object) => `data: ${JSON.stringify({ choices: [{ index: 0, ...choice }] })}\n\n`

/** A model that writes this text, whole or as one piece, or calls the tool `t` with it. `asked` counts the questions. */
const writing = async (text: string, isCall = false) => {
  const asked: Array<string> = []
  const end = event({ delta: {}, finish_reason: "stop" })
  const server = await FaultServer.start(({ body }) => {
    asked.push(body)
    if (body.includes('"stream":true')) return stream(`${event({ delta: { content: text } })}${end}data: [DONE]\n\n`)
    if (!isCall) return message({ content: text }, "stop")
    if (body.includes('"role":"tool"')) return message({ content: "done" }, "stop")
    const call = { id: "a", type: "function", function: { name: "t", arguments: text } }
    return message({ content: null, tool_calls: [call] }, "tool_calls")
  })
  const llm = new LLMInterface({
    provider: "openai",
    apiKey: "sk-test",
    apiBase: `${server.url}/v1`,
    model: "gpt-5-mini",
    maxRetries: 0,
    logger: false,
  })
  open.push(llm, server)
  return { llm, asked }
}

const listSchemas: Readonly<Record<string, AnySchema>> = {
  "effect/Schema": Schema.Struct({ items: Schema.Array(Schema.Finite) }),
  zod: zod.object({ items: zod.array(zod.number()) }),
  "JSON Schema": { type: "object", properties: { items: { type: "array", items: { type: "number" } } } },
}

/** An object that holds so many values, itself and its list among them. */
const holding = (count: number): string => `{"items":[${"1,".repeat(count - 2).slice(0, -1)}]}`

const tooMany = `it holds more than ${maxPlainValues} values`

describe.each(Object.keys(listSchemas))("a value for a schema of %s", (name) => {
  const schema = listSchemas[name] ?? {}

  it("is read where it holds as many values as may be, whole and streamed", async () => {
    const { llm } = await writing(holding(maxPlainValues))
    const wanted = { object: { items: { length: maxPlainValues - 2 } } }
    expect(await llm.generateObject({ prompt: "Go.", schema })).toMatchObject(wanted)
    expect(await llm.streamObject({ prompt: "Go.", schema }).response).toMatchObject(wanted)
  })

  it("is asked for again, and then fails, where it holds one more, whole and streamed", async () => {
    const { asked, llm } = await writing(holding(maxPlainValues + 1))
    const wanted = { errorType: "InvalidResponseError", error: expect.stringContaining(tooMany) }
    expect(await llm.generateObject({ prompt: "Go.", schema })).toMatchObject(wanted)
    expect(asked).toHaveLength(2)
    expect(asked[1]).toContain(`the answer does not fit the schema: ${tooMany}`)
    expect(await llm.streamObject({ prompt: "Go.", schema }).response).toMatchObject(wanted)
    expect(asked).toHaveLength(4)
  })

  it("makes a call whose arguments hold one more a mistaken one, which does not run", async () => {
    const { llm } = await writing(holding(maxPlainValues + 1), true)
    let runs = 0
    const t = tool({ name: "t", parameters: schema, execute: () => ++runs })
    const response = await llm.runTools({ prompt: "Go.", tools: [t] })
    expect(JSON.stringify(response)).toContain(`The arguments do not fit the tool's schema: ${tooMany}`)
    expect(runs).toBe(0)
  })

  it("may be anything else than JSON has, and is never a defect", async () => {
    const reader = await Effect.runPromise(SchemaReader.make(schema))
    const circle: { items?: unknown } = {}
    circle.items = [circle]
    expect(await Effect.runPromise(reader.read(circle))).toMatchObject({ failure: tooMany })
    const thrower = {
      items: {
        get length(): number {
          throw new Error("no length")
        },
      },
    }
    expect(await Effect.runPromise(reader.read(thrower))).toMatchObject({
      failure: expect.stringContaining("no length"),
    })
    expect(await Effect.runPromise(reader.read({ items: Array(2 ** 32 - 1) }))).toMatchObject({ failure: tooMany })
  })
})

it("a list at the root is counted as what was asked for", async () => {
  const schema = { type: "array", items: { type: "number" } } as const
  const items = (count: number) => JSON.stringify({ value: Array.from({ length: count }, () => 1) })
  const right = await writing(items(maxPlainValues - 1))
  expect(await right.llm.generateObject({ prompt: "Go.", schema })).toHaveProperty("object.length", maxPlainValues - 1)
  const wrong = await writing(items(maxPlainValues))
  expect(await wrong.llm.generateObject({ prompt: "Go.", schema })).toHaveProperty("errorType", "InvalidResponseError")
})

it("a value that is too much reaches no check", async () => {
  let checks = 0
  const schema = {
    "~standard": {
      version: 1,
      vendor: "own",
      validate: (value: unknown) => {
        checks++
        return { value }
      },
      jsonSchema: { input: () => ({ type: "object" }), output: () => ({ type: "object" }) },
    },
  } as const
  const reader = await Effect.runPromise(SchemaReader.make(schema))
  await Effect.runPromise(reader.read(JSON.parse(holding(maxPlainValues + 1))))
  expect(checks).toBe(0)
  await Effect.runPromise(reader.read(JSON.parse(holding(maxPlainValues))))
  expect(checks).toBe(1)
})

it.each<[string, number, AnySchema]>([
  ["looks at each value once", 30_000, { type: "object", properties: { a: { enum: ["x", "y"] } } }],
  [
    "allows null beside a text",
    10_000,
    { type: "object", properties: { a: { anyOf: [{ type: "string" }, { type: "null" }] } } },
  ],
  ["follows a reference", 15_000, { type: "array", items: { $ref: "#/$defs/a" }, $defs: { a: { type: "number" } } }],
  [
    "has ten alternatives",
    4000,
    { type: "array", items: { oneOf: Array.from({ length: 10 }, (_, a) => ({ const: a })) } },
  ],
])("a schema that %s is checked with up to %s values", async (_, most, schema) => {
  const reader = await Effect.runPromise(SchemaReader.make(schema))
  expect(reader.mostValues()).toBe(most)
  const list = (count: number) => Array.from({ length: count - 1 }, () => 1)
  expect(await Effect.runPromise(reader.read(list(most + 1)))).toMatchObject({
    failure: `it holds more than ${most} values`,
  })
  expect(await Effect.runPromise(reader.read(list(most)))).not.toMatchObject({
    failure: expect.stringContaining("holds more"),
  })
})

it("an optional property that came as null is taken out of the longest value that is checked", async () => {
  const item = { type: "object", properties: { a: { type: "number" } } } as const
  const count = maxPlainValues / 2 - 1
  const { llm } = await writing(JSON.stringify({ value: Array.from({ length: count }, () => ({ a: null })) }))
  const response = await llm.generateObject({ prompt: "Go.", schema: { type: "array", items: item } })
  expect("error" in response ? response.error : response.object).toEqual(Array.from({ length: count }, () => ({})))
})

it("a number written as a text has so many digits at most", async () => {
  const reader = await Effect.runPromise(SchemaReader.make(Schema.Struct({ a: Schema.BigInt })))
  const right = { a: "9".repeat(maxDigits) }
  expect(await Effect.runPromise(reader.read(right))).toMatchObject({ success: { a: BigInt(right.a) } })
  for (const a of ["9".repeat(maxDigits + 1), `-${"1".repeat(maxDigits)}`, `${" ".repeat(maxDigits)}1`]) {
    const failure = `it holds a number of more than ${maxDigits} digits`
    expect(await Effect.runPromise(reader.read({ a }))).toMatchObject({ failure })
  }
})

describe("a format of a JSON Schema", () => {
  const reading = async (format: string, text: string) => {
    const schema = { type: "object", properties: { a: { type: "string", format } } } as const
    return Effect.runPromise(Effect.flatMap(SchemaReader.make(schema), ({ read }) => read({ a: text })))
  }

  it("whose own check would not end says no", async () => {
    expect(await reading("url", `http://${"a".repeat(60)}!`)).toHaveProperty("success")
    expect(await reading("url", `http://${"a-".repeat(60)} `)).toHaveProperty("failure")
    expect(await reading("url", `mailto:${"a".repeat(60)}`)).toHaveProperty("failure")
    expect(await reading("url", "https://example.com/a?b#c")).toHaveProperty("success")
  })

  it("of a time is not tried on a text that is none", async () => {
    expect(await reading("date-time", "2026-11-26T10:00:00Z")).toHaveProperty("success")
    expect(await reading("date-time", "today")).toMatchObject({ failure: expect.stringContaining("date-time") })
    expect(await reading("date-time", "t".repeat(1000))).toMatchObject({ failure: expect.stringContaining("too long") })
  })
})

it("of what is wrong in a JSON Schema all is told where it is little, and the first where it is much", async () => {
  const schema = { type: "object", properties: { items: { type: "array", items: { type: "string" } } } } as const
  const { read } = await Effect.runPromise(SchemaReader.make(schema))
  const wrong = (count: number) => ({ items: Array.from({ length: count }, () => 1) })
  expect(await Effect.runPromise(read(wrong(3)))).toMatchObject({ failure: expect.stringContaining("#/items/2") })
  const much = await Effect.runPromise(read(wrong(5000)))
  expect(much).toMatchObject({ failure: expect.stringContaining("#/items/0") })
  expect(much).not.toMatchObject({ failure: expect.stringContaining("#/items/4999") })
})

it("a value that comes in one piece is read in many turns of the event loop", async () => {
  const { llm } = await writing(JSON.stringify({ a: "a".repeat(400_000) }))
  const streamed = llm.streamObject({ prompt: "Go.", schema: { type: "object" } })
  const end = new AbortController()
  let turns = 0
  const counted = (async () => {
    for (; !end.signal.aborted; turns++) await nextTurn()
  })()
  expect(await streamed.response).toHaveProperty("object.a.length", 400_000)
  end.abort()
  await counted
  expect(turns).toBeGreaterThan(400_000 / 4096)
})
