/** Fields that may hold anything hold what JSON can write, or are refused by name before anything is sent (law 20). */
import { Result } from "effect"
import { describe, expect, it } from "vitest"
import { jsonProblem } from "../../src/model/JsonCopy.ts"
import { validateRequest } from "../../src/model/RequestValidation.ts"

const circle: Record<string, unknown> = {}
circle["self"] = { circle }

const deep = (levels: number): unknown => {
  let value: unknown = 1
  for (let level = 0; level < levels; level++) value = [value]
  return value
}

const throwing = {
  get secret(): never {
    throw new Error("no")
  },
}

const values: ReadonlyArray<readonly [string, unknown, string]> = [
  ["a BigInt", { n: 1n }, ".n"],
  ["a circle", circle, ".self.circle"],
  ["a getter that throws", throwing, ".secret"],
  [
    "a toJSON that throws",
    {
      when: {
        toJSON() {
          throw new Error("no")
        },
      },
    },
    ".when",
  ],
  ["nesting without end", { list: deep(100_000) }, ".list"],
  ["a number that is none", { n: [Number.NaN] }, ".n[0]"],
  ["a Map", { map: new Map() }, ".map"],
  ["a function", { run: () => {} }, ".run"],
]

const user = { role: "user", content: "Hi" }
const said = (part: object) => ({ messages: [user, { role: "assistant", content: [part] }] })

const places: ReadonlyArray<readonly [string, (value: unknown) => object]> = [
  ["providerOptions.openai", (value) => ({ messages: [user], providerOptions: { openai: value } })],
  ["tools[0].parameters", (value) => ({ messages: [user], tools: [{ name: "f", parameters: value }] })],
  ["responseFormat.schema", (value) => ({ messages: [user], responseFormat: { type: "json-schema", schema: value } })],
  ["messages[1].content[0].arguments", (value) => said({ type: "tool-call", id: "c", name: "f", arguments: value })],
  ["messages[1].content[0].value", (value) => said({ type: "other", provider: "messages", value })],
  [
    "messages[1].content[0].protocolData.messages",
    (value) => said({ type: "reasoning", text: "", protocolData: { messages: value } }),
  ],
]

describe.each(places)("%s", (place, requestWith) => {
  it.each(values)("refuses %s", (_, value, path) => {
    const refused = validateRequest(requestWith(value))
    expect(Result.isFailure(refused) ? refused.failure : refused).toMatchObject({ _tag: "InvalidRequestError" })
    const parameter = Result.isFailure(refused) ? (refused.failure.parameter ?? "") : ""
    expect(parameter.startsWith(`${place}${path}`)).toBe(true)
  })

  it("takes what JSON can write", () => {
    const value = { when: new Date(0), list: [1, "a", null, true, { nested: {} }], left: undefined }
    expect(Result.isSuccess(validateRequest(requestWith(value)))).toBe(true)
  })
})

it("a request whose own fields cannot be read is refused by name", () => {
  const request = {
    get messages(): never {
      throw new Error("no")
    },
  }
  const refused = validateRequest(request)
  expect(Result.isFailure(refused) ? refused.failure : refused).toMatchObject({ parameter: "messages" })
})

describe("what can be written as JSON", () => {
  it.each([
    ["a text", "a"],
    ["a number", 0],
    ["a truth", false],
    ["null", null],
    ["undefined", undefined],
    ["an object", { a: { b: "c" } }],
    ["an empty list", []],
    ["a list", ["a", 1, true, null, undefined, {}, [1]]],
  ])("is read once, since every call asks: %s", (_, value) => {
    let read = 0
    const counted = {
      get first() {
        return (read += 1)
      },
      value,
    }
    expect(jsonProblem({ counted }, "it")).toBeUndefined()
    expect(jsonProblem([counted], "it")).toBeUndefined()
    expect(read).toBe(2)
  })

  it("is asked for nothing but its fields", () => {
    const read: Array<string | symbol> = []
    const fields = { text: "a", number: 1, list: [{}] }
    const watched = new Proxy(fields, {
      get: (of, key) => {
        read.push(key)
        return Reflect.get(of, key) as unknown
      },
    })
    for (const value of [watched, { in: watched }, [[watched]]]) {
      read.length = 0
      expect(jsonProblem(value, "it")).toBeUndefined()
      expect(read).toEqual(Object.keys(fields))
    }
  })

  it("is what a hidden toJSON says", () => {
    const hidden = Object.defineProperty({}, "toJSON", { value: () => 1n })
    expect(jsonProblem({ hidden }, "it")).toMatchObject({ path: "it.hidden" })
  })
})
