/** Whatever a caller passes becomes a request of this library's own, or an error that names the field. */
import * as fc from "fast-check"
import { describe, expect, it } from "vitest"
import { isLlmError, LLMInterface } from "../../src/index.ts"
import type { GenerateOptions } from "../../src/promises/Llm.ts"
import { layer } from "../../src/testing/Scripted.ts"

const messages = [{ role: "user", content: "Hello." }] as const

/** Programs without types may pass anything. */
const anything = (value: unknown): GenerateOptions => {
  const holder: { readonly options: GenerateOptions } = JSON.parse('{"options":{}}')
  return Reflect.set(holder, "options", value) ? holder.options : holder.options
}

/** What both calls make of a value: the field that is named, or "answered". */
const told = async (value: unknown) => {
  const script = layer(["hello", "hello", "hello"])
  await using llm = LLMInterface.fromLayer(script, { logger: false })
  const options = anything(value)
  const generated = await llm.generate(options)
  const streamed = await llm.stream(options).response
  const thrown = await (async () => {
    try {
      for await (const _ of llm.stream(options)) continue
      return "answered"
    } catch (error) {
      if (!isLlmError(error)) throw error
      return error.reason
    }
  })()
  const field = (response: typeof generated) =>
    "error" in response ? `${response.errorType} ${response.parameter} ${response.error}` : "answered"
  expect(field(streamed)).toBe(field(generated))
  if (typeof thrown !== "string" && "error" in generated) expect(thrown.message).toBe(generated.error)
  else expect(thrown).toBe("answered")
  return { generated, requests: script.requests }
}

const circle: Record<string, unknown> = {}
circle["again"] = { circle }

const deep = () => {
  let value: unknown = 1
  for (let depth = 0; depth < 20_000; depth++) value = [value]
  return value
}

describe("arguments that are no request are refused by the name of the field", () => {
  it.each<readonly [string, unknown, string | undefined, RegExp]>([
    ["nothing", undefined, undefined, /is not an object/],
    ["null", null, undefined, /is not an object/],
    ["a text", "hello", undefined, /is not an object/],
    ["a list", [messages], undefined, /is not an object/],
    ["no messages", {}, "messages", /messages/],
    ["a model that is a number", { messages, model: 42 }, "model", /model/],
    ["a model that is an object", { messages, model: { name: "x" } }, "model", /model/],
    ["a signal that is none", { messages, signal: {} }, "signal", /AbortSignal/],
    ["a signal that is null", { messages, signal: null }, "signal", /AbortSignal/],
    ["a timeout that is none", { messages, timeout: "soon" }, "timeout", /30 seconds/],
    ["a timeout of nothing", { messages, timeout: 0 }, "timeout", /above 0/],
    ["a timeout that is an object", { messages, timeout: Symbol("x") }, "timeout", /duration/],
    ["a misspelt field", { messages, maxtoken: 1 }, "maxtoken", /maxtoken does not exist; did you mean "maxTokens"/],
    ["a field of another call", { messages, schema: {} }, "schema", /did you mean "responseFormat"/],
    ["a misspelt setting", { messages, abortSignal: 1 }, "abortSignal", /did you mean "signal"/],
    ["half a retry", { messages, maxRetries: 0.5 }, "maxRetries", /whole number/],
    ["headers that are a list", { messages, headers: ["x"] }, "headers", /plain object/],
    ["a header with a line end", { messages, headers: { "x-a": "b\r\nc: d" } }, 'headers["x-a"]', /HTTP/],
    ["a header beyond Latin-1", { messages, headers: { "x-a": "\u{1f600}" } }, 'headers["x-a"]', /HTTP/],
    ["a header with a bad name", { messages, headers: { "x a": "b" } }, 'headers["x a"]', /name/],
    ["a BigInt", { messages, providerOptions: { openai: { n: 1n } } }, "providerOptions.openai.n", /BigInt/],
    [
      "a circle",
      { messages, providerOptions: { openai: circle } },
      "providerOptions.openai.again.circle",
      /refers back/,
    ],
    [
      "a function",
      { messages, tools: [{ name: "f", parameters: { run: () => 1 } }] },
      "tools[0].parameters.run",
      /function/,
    ],
    [
      "a number that JSON does not have",
      { messages, providerOptions: { openai: { x: [Number.NaN] } } },
      "providerOptions.openai.x[0]",
      /NaN/,
    ],
    [
      "a promise",
      { messages, providerOptions: { openai: { x: Promise.resolve(1) } } },
      "providerOptions.openai.x",
      /await/,
    ],
    ["a Map", { messages, providerOptions: { openai: { x: new Map() } } }, "providerOptions.openai.x", /Map/],
    [
      "bytes in the wrong place",
      { messages, providerOptions: { openai: { x: new Uint8Array(2) } } },
      "providerOptions.openai.x",
      /bytes/,
    ],
    [
      "a toJSON that throws",
      {
        messages,
        providerOptions: {
          openai: {
            x: {
              toJSON: () => {
                throw new Error("boom")
              },
            },
          },
        },
      },
      "providerOptions.openai.x",
      /boom/,
    ],
    [
      "a getter that throws",
      {
        messages: [
          {
            role: "user",
            get content(): string {
              throw new Error("boom")
            },
          },
        ],
      },
      "messages[0].content",
      /boom/,
    ],
    [
      "a proxy that throws",
      {
        messages: new Proxy([], {
          get: () => {
            throw new Error("boom")
          },
        }),
      },
      undefined,
      /boom/,
    ],
  ])("%s", async (_, value, parameter, message) => {
    const { generated } = await told(value)
    expect(generated).toMatchObject({ text: "", errorType: "InvalidRequestError", isRetryable: false })
    expect("error" in generated && generated.error).toMatch(message)
    if (parameter !== undefined) expect(generated).toMatchObject({ parameter })
  })

  it("nesting without end", async () => {
    const { generated } = await told({ messages, providerOptions: { openai: { x: deep() } } })
    expect(generated).toMatchObject({ errorType: "InvalidRequestError" })
    expect("error" in generated && generated.error).toContain("128 levels")
  })

  it("a list longer than memory", async () => {
    const { generated } = await told({ messages, stop: Array(2 ** 32 - 1) })
    expect(generated).toMatchObject({ errorType: "InvalidRequestError", parameter: "stop" })
  })
})

it("for any argument at all, generate resolves, and stream resolves and throws nothing but LlmError", async () => {
  const value = fc.anything({
    withBigInt: true,
    withDate: true,
    withMap: true,
    withNullPrototype: true,
    withSparseArray: true,
    withTypedArray: true,
    withBoxedValues: true,
    withObjectString: true,
    withUnicodeString: true,
  })
  const arguments_ = fc.oneof(
    value,
    fc.record(
      {
        messages: fc.oneof(fc.constant(messages), fc.array(fc.record({ role: value, content: value })), value),
        model: value,
        tools: fc.oneof(value, fc.array(value)),
        providerOptions: fc.oneof(value, fc.dictionary(fc.string(), fc.dictionary(fc.string(), value))),
        signal: value,
        timeout: value,
        maxRetries: value,
        headers: fc.oneof(value, fc.dictionary(fc.string(), value)),
        temperature: value,
      },
      { requiredKeys: [] },
    ),
  )
  await fc.assert(
    fc.asyncProperty(arguments_, async (options) => {
      expect((await told(options)).generated).toHaveProperty("metadata")
    }),
    { numRuns: 300 },
  )
})

describe("what is sent is what JSON would write of what was passed", () => {
  it.each<readonly [string, unknown, unknown]>([
    ["a date", new Date(0), "1970-01-01T00:00:00.000Z"],
    ["an address", new URL("https://example.com/a"), "https://example.com/a"],
    ["a boxed text", new String("x"), "x"],
    ["something that writes itself", { toJSON: () => ({ a: 1 }) }, { a: 1 }],
    [
      "a class of the program's",
      new (class Point {
        x = 1
      })(),
      { x: 1 },
    ],
    ["a name that JavaScript knows", JSON.parse('{"__proto__":{"a":1}}'), JSON.parse('{"__proto__":{"a":1}}')],
    ["the same object twice, which is no circle", [circle["none"], { a: 1 }], [undefined, { a: 1 }]],
  ])("%s", async (_, value, written) => {
    const { requests } = await told({ messages, providerOptions: { openai: { value } } })
    expect(JSON.stringify(requests[0]?.providerOptions?.["openai"]?.["value"])).toBe(JSON.stringify(written))
  })

  it("a shared object is written twice", async () => {
    const shared = { a: 1 }
    const { requests } = await told({ messages, providerOptions: { openai: { x: shared, y: shared } } })
    expect(requests[0]?.providerOptions).toEqual({ openai: { x: { a: 1 }, y: { a: 1 } } })
  })
})

describe("bytes of a picture or a file", () => {
  const bytes = new Uint8Array([137, 80, 78, 71, 13, 10, 26, 10, 0, 255])
  const base64 = Buffer.from(bytes).toString("base64")
  const around = new Uint8Array(20)
  around.set(bytes, 5)

  it.each<readonly [string, unknown]>([
    ["a Uint8Array", bytes],
    ["a view into a larger buffer", around.subarray(5, 15)],
    ["a Buffer", Buffer.from(bytes)],
    ["an ArrayBuffer", bytes.buffer],
    ["a DataView", new DataView(bytes.buffer)],
    ["a Blob", new Blob([bytes])],
    ["base64", base64],
  ])("as %s are sent as base64", async (_, data) => {
    const part = { type: "image", data, mediaType: "image/png" }
    const result = { type: "tool-result", toolCallId: "c1", content: [part] }
    const call = { type: "tool-call", id: "c1", name: "f", arguments: {} }
    const { generated, requests } = await told({
      messages: [
        { role: "user", content: [{ type: "text", text: "See." }, part, { ...part, type: "file" }] },
        { role: "assistant", content: [call] },
        { role: "tool", content: [result] },
      ],
    })
    expect(generated).toMatchObject({ text: "hello" })
    const sent = { type: "image", data: base64, mediaType: "image/png" }
    expect(requests[0]?.messages).toEqual([
      { role: "user", content: [{ type: "text", text: "See." }, sent, { ...sent, type: "file" }] },
      { role: "assistant", content: [call] },
      { role: "tool", content: [{ ...result, content: [sent] }] },
    ])
  })

  it("of a Blob bring their type along, unless the part says one", async () => {
    const data = new Blob([bytes], { type: "image/png" })
    const content = [
      { type: "image", data },
      { type: "image", data, mediaType: "image/webp" },
    ]
    const { requests } = await told({ messages: [{ role: "user", content }] })
    expect(requests[0]?.messages[0]?.content).toEqual([
      { type: "image", data: base64, mediaType: "image/png" },
      { type: "image", data: base64, mediaType: "image/webp" },
    ])
  })

  it("of a Blob that cannot be read are an error", async () => {
    class Torn extends Blob {
      override arrayBuffer(): Promise<ArrayBuffer> {
        return Promise.reject(new Error("the file has changed"))
      }
    }
    const content = [{ type: "image", data: new Torn([bytes]) }]
    const { generated } = await told({ messages: [{ role: "user", content }] })
    expect(generated).toMatchObject({ errorType: "InvalidRequestError" })
    expect("error" in generated && generated.error).toContain("the file has changed")
  })

  it("an address is sent as its text", async () => {
    const content = [{ type: "image", url: new URL("https://example.com/a.png") }]
    const { requests } = await told({ messages: [{ role: "user", content }] })
    expect(requests[0]?.messages[0]?.content).toEqual([{ type: "image", url: "https://example.com/a.png" }])
  })
})
