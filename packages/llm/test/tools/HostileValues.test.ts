/** What models write where a value is wanted, made to hurt: it ends as data, and the work is in proportion to its length. */
import * as Schema from "effect/Schema"
import { afterEach, describe, expect, it } from "vitest"
import { type AnySchema, LLMInterface, tool } from "../../src/index.ts"
import { FaultServer } from "../faults/FaultServer.ts"
import { stream, whole } from "../faults/HttpText.ts"

interface Tree {
  readonly a?: Tree | undefined
}
const Tree: Schema.Codec<Tree> = Schema.Struct({ a: Schema.optional(Schema.suspend(() => Tree)) })

const open: Array<AsyncDisposable> = []
afterEach(async () => {
  for (const resource of open.splice(0)) await resource[Symbol.asyncDispose]()
})

const interfaceAt = (server: FaultServer): LLMInterface => {
  const llm = new LLMInterface({
    provider: "openai",
    apiKey: "sk-test",
    apiBase: `${server.url}/v1`,
    model: "gpt-5-mini",
    maxRetries: 0,
    logger: false,
  })
  open.push(llm, server)
  return llm
}

const message = (content: object, finish: string) =>
  whole(JSON.stringify({ choices: [{ index: 0, message: { role: "assistant", ...content }, finish_reason: finish }] }))

const event = (choice: object) => `data: ${JSON.stringify({ choices: [{ index: 0, ...choice }] })}\n\n`

/** A model that writes these pieces, whole or one after the other. */
const writing = async (...pieces: ReadonlyArray<string>): Promise<LLMInterface> => {
  const end = event({ delta: {}, finish_reason: "stop" })
  const body = pieces.map((content) => event({ delta: { content } })).join("") + `${end}data: [DONE]\n\n`
  return interfaceAt(
    await FaultServer.start(({ json }) =>
      JSON.stringify(json).includes('"stream":true') ? stream(body) : message({ content: pieces.join("") }, "stop"),
    ),
  )
}

const nested = (depth: number): string => '{"a":'.repeat(depth) + "{}" + "}".repeat(depth)

const schemas: Readonly<Record<string, AnySchema>> = {
  "of effect/Schema": Tree,
  "in JSON Schema": { type: "object", properties: { a: { $ref: "#" } } },
  "that allows anything": { type: "object" },
}

const asked = { prompt: "Go.", repairs: 0 } as const

describe.each(Object.keys(schemas))("a value for a schema %s", (name) => {
  const schema = schemas[name] ?? {}

  it.each([129, 5000, 100_000])(
    "that is nested %i levels deep is a failure as data, whole and streamed",
    async (depth) => {
      const llm = await writing(nested(depth))
      const wanted = {
        errorType: "InvalidResponseError",
        error: expect.stringContaining("nested deeper than 128 levels"),
      }
      expect(await llm.generateObject({ ...asked, schema })).toMatchObject(wanted)
      expect(await llm.streamObject({ ...asked, schema }).response).toMatchObject(wanted)
    },
  )

  it("that is nested a hundred levels deep is read", async () => {
    const llm = await writing(nested(100))
    expect(await llm.generateObject({ ...asked, schema })).toHaveProperty("object.a.a.a")
    expect(await llm.streamObject({ ...asked, schema }).response).toHaveProperty("object.a.a.a")
  })

  it.each(["{", "[", '{"a":'])("that opens %j without end is a failure as data, in pieces too", async (bracket) => {
    const pieces = Array.from({ length: 3000 }, () => bracket)
    const llm = await writing(...pieces)
    expect(await llm.generateObject({ ...asked, schema })).toMatchObject({ errorType: "InvalidResponseError" })
    const streamed = llm.streamObject({ ...asked, schema })
    let count = 0
    const reading = (async () => {
      for await (const _ of streamed) count++
    })()
    await expect(reading).rejects.toMatchObject({ reason: { _tag: "InvalidResponseError" } })
    expect(count).toBeLessThan(3000)
    const whole = await (await writing(pieces.join(""))).streamObject({ ...asked, schema }).response
    expect(whole).toMatchObject({ errorType: "InvalidResponseError" })
  })
})

describe("a list whose items are to be different", () => {
  const list = (items: object): AnySchema => ({ type: "array", uniqueItems: true, items })
  const short = (text: string) => writing(text)

  it("is checked in proportion to its length", async () => {
    const items = Array.from({ length: 4900 }, (_, place) => ({ place }))
    const llm = await short(JSON.stringify(items))
    const response = await llm.generateObject({ ...asked, schema: list({ type: "object" }) })
    expect(response).toHaveProperty("object.length", 4900)
  })

  it.each([
    [[1, 2, 3], true],
    [[1, "1", true, [1], { a: 1 }], true],
    [[1, 2, 1], false],
    [[{ a: 1, b: 2 }, { c: 1 }, { b: 2, a: 1 }], false],
    [
      [
        [1, [2]],
        [1, [2]],
      ],
      false,
    ],
    [[...Array(2000).keys(), 7], false],
    [
      [
        [1, 1],
        [2, 2],
      ],
      true,
    ],
  ])("is what JSON Schema says of it: %j", async (items, isRight) => {
    const llm = await short(JSON.stringify(items))
    const response = await llm.generateObject({ ...asked, schema: list({}) })
    expect("error" in response).toBe(!isRight)
    if ("error" in response) expect(response.error).toMatch(/duplicate/i)
  })

  it("may stand anywhere in a schema, beside lists that may repeat", async () => {
    const schema: AnySchema = {
      type: "object",
      properties: {
        tags: { anyOf: [{ type: "array", uniqueItems: true }, { type: "null" }] },
        marks: { type: "array", items: { type: "number" } },
      },
    }
    const wrong = await short('{"tags":["a","b","a"],"marks":[1,1]}')
    expect(await wrong.generateObject({ ...asked, schema })).toMatchObject({ errorType: "InvalidResponseError" })
    const right = await short('{"tags":["a","b"],"marks":[1,1]}')
    expect(await right.generateObject({ ...asked, schema })).toMatchObject({ object: { marks: [1, 1] } })
  })
})

describe("a schema that cannot be followed", () => {
  const circles: Readonly<Record<string, AnySchema>> = {
    "is itself": { $ref: "#" },
    "holds itself by allOf": { type: "object", allOf: [{ $ref: "#" }] },
    "refers in a circle": {
      type: "object",
      properties: { a: { $ref: "#/$defs/x" } },
      $defs: { x: { allOf: [{ $ref: "#/$defs/y" }] }, y: { allOf: [{ $ref: "#/$defs/x" }] } },
    },
    "doubles at every step": {
      type: "object",
      allOf: [{ $ref: "#/$defs/d0" }],
      $defs: Object.fromEntries(
        Array.from({ length: 41 }, (_, at) => [
          `d${at}`,
          at === 40 ? { type: "object" } : { allOf: [{ $ref: `#/$defs/d${at + 1}` }, { $ref: `#/$defs/d${at + 1}` }] },
        ]),
      ),
    },
    "is nested without end": Array.from({ length: 2000 }).reduce<AnySchema>(
      (properties) => ({ type: "object", properties: { a: properties } }),
      { type: "object" },
    ),
    "has a reference that is no address": { type: "object", properties: { a: { $ref: "#/%" } } },
  }

  it.each(Object.keys(circles))("since it %s is a failure as data, and so is a tool that has it", async (name) => {
    const schema = circles[name] ?? {}
    const llm = await writing('{"a":{}}')
    const response = await llm.generateObject({ ...asked, schema })
    expect(response).toHaveProperty("metadata")
    const arranged = await llm.runTools({
      prompt: "Go.",
      tools: [tool({ name: "t", parameters: schema, execute: () => 1 })],
    })
    expect(arranged).toHaveProperty("metadata")
    const format = { type: "json-schema", name: "a", schema } as const
    expect(await llm.generate({ prompt: "Go.", responseFormat: format } as never)).toHaveProperty("metadata")
  })

  it("may refer to itself below: that is a tree", async () => {
    const llm = await writing('{"value":1,"next":{"value":2}}')
    const node = { type: "object", properties: { value: { type: "number" }, next: { $ref: "#" } }, required: ["value"] }
    expect(await llm.generateObject({ ...asked, schema: node })).toMatchObject({ object: { next: { value: 2 } } })
  })
})

describe("a schema that is none", () => {
  const standard = (validate: () => unknown) => ({
    "~standard": { version: 1, vendor: "own", validate, jsonSchema: { input: () => ({ type: "object" }) } },
  })
  const odd: Readonly<Record<string, unknown>> = {
    "a proxy that was revoked": (() => {
      const { proxy, revoke } = Proxy.revocable({}, {})
      revoke()
      return proxy
    })(),
    "one whose check gives nothing": standard(() => undefined),
    "one whose check gives no list of issues": standard(() => ({ issues: 5 })),
    "one whose issue is none": standard(() => ({ issues: [null] })),
    "one whose check throws": standard(() => {
      throw new Error("no")
    }),
  }

  it.each(Object.keys(odd))("%s is a failure as data", async (name) => {
    const llm = await writing('{"a":1}')
    expect(await llm.generateObject({ ...asked, schema: odd[name] } as never)).toHaveProperty("errorType")
    expect(await llm.streamObject({ ...asked, schema: odd[name] } as never).response).toHaveProperty("errorType")
  })

  it.each([Symbol("name"), Object.create(null), { toString: 1 }, null])(
    "and so is a name or a number that is none",
    async (value) => {
      const llm = await writing("{}")
      const schema = { type: "object" } as const
      expect(await llm.generateObject({ ...asked, schema, schemaName: value } as never)).toHaveProperty("errorType")
      expect(await llm.generateObject({ prompt: "Go.", schema, repairs: value } as never)).toHaveProperty("errorType")
    },
  )

  it.each([undefined, null, 5, "x"])("and so are arguments that are none: %j", async (options) => {
    const llm = await writing("{}")
    expect(await llm.streamObject(options as never).response).toMatchObject({ errorType: "InvalidRequestError" })
  })
})

describe("many calls of one id", () => {
  it("are run once each, and the work is in proportion to their number", async () => {
    const call = { id: "a", type: "function", function: { name: "add", arguments: "{}" } }
    const server = await FaultServer.start(({ json }) =>
      JSON.stringify(json).includes('"role":"tool"')
        ? message({ content: "done" }, "stop")
        : message({ content: null, tool_calls: Array.from({ length: 3000 }, () => call) }, "tool_calls"),
    )
    let runs = 0
    const add = tool({ name: "add", parameters: { type: "object" }, execute: () => ++runs })
    expect(await interfaceAt(server).runTools({ prompt: "Go.", tools: [add] })).toMatchObject({ text: "done" })
    expect(runs).toBe(3000)
  })
})
