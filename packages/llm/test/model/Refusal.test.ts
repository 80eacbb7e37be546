/** What the door says of a request that it refuses: which field, what is wrong with it, and not more than can be read. */
import * as Result from "effect/Result"
import { describe, expect, it } from "vitest"
import { validateEmbeddingRequest, validateRequest } from "../../src/model/RequestValidation.ts"

const messages = [{ role: "user", content: "hello" }]

const refused = (input: unknown, validate: (input: unknown) => Result.Result<unknown, unknown> = validateRequest) => {
  const result = validate(input)
  return Result.isFailure(result) ? result.failure : "accepted"
}

describe("a refused request", () => {
  it.each([
    [{ messages, temperature: "hot" }, "temperature", "at temperature"],
    [{ messages, tools: [{ name: "f" }] }, "tools[0].parameters", "at tools[0].parameters"],
    [{ messages, maxTokens: 0 }, "maxTokens", "at maxTokens"],
    [{ messages, "max.tokens": 0 }, "max.tokens", "max.tokens does not exist"],
    [{ messages: [] }, "messages", "at messages"],
    [{ messages: [null] }, "messages[0]", "role is not one of"],
    [{ messages: ["hello"] }, "messages[0]", "role is not one of"],
    [{ messages: [...messages, { role: "user" }] }, "messages[1].content", "at messages[1].content"],
    [
      { messages, reasoning: { efort: "low" } },
      "reasoning.efort",
      'reasoning.efort does not exist; did you mean "effort"?',
    ],
    [
      { messages: [...messages, { role: "user", content: [{ type: "text", txt: "y" }] }] },
      "messages[1].content[0].txt",
      'did you mean "text"?',
    ],
    [
      { messages, responseFormat: { type: "json_schema" } },
      "responseFormat",
      'type is not one of "text", "json", "json-schema" at responseFormat',
    ],
    [
      { messages: [{ role: "user", content: [{ type: "image" }] }] },
      "messages[0].content[0]",
      "is without url and data",
    ],
    [
      { messages: [{ role: "user", content: [{ type: "image", url: "a.png" }] }] },
      "messages[0].content[0].url",
      "messages[0].content[0].url is an address that no provider can fetch: write http:, https: or data:",
    ],
  ])("names the field: %j", (input, parameter, words) => {
    expect(refused(input)).toMatchObject({ parameter, message: expect.stringMatching(/^invalid request: \S/) })
    expect(refused(input)).toMatchObject({ message: expect.stringContaining(words) })
  })

  it.each([undefined, null, "hello", 5])("that is a value without fields has none to name: %s", (input) => {
    expect(refused(input)).not.toHaveProperty("parameter")
    expect(refused(input)).toMatchObject({ message: "invalid request: Expected object" })
  })

  it("has no message or field that is too long to be read", () => {
    const long = (length: number) => refused({ messages, ["n".repeat(length)]: 1 })
    const name = "n".repeat(300)
    expect(long(300)).toMatchObject({ parameter: name, message: `invalid request: ${name} does not exist` })
    expect(long(301)).toMatchObject({ parameter: `${"n".repeat(299)}…` })
    const fits = "n".repeat(1000 - " does not exist".length)
    expect(long(fits.length)).toMatchObject({ message: `invalid request: ${fits} does not exist` })
    expect(long(fits.length + 1)).toMatchObject({ message: `invalid request: ${fits}n does not exi…` })
  })

  it("names what JSON cannot hold by a path that can be read", () => {
    expect(refused({ messages, providerOptions: { openai: { seed: 1n } } })).toMatchObject({
      parameter: "providerOptions.openai.seed",
      message:
        "invalid request: providerOptions.openai.seed is a BigInt, which JSON cannot hold: pass a number or a string",
    })
    const at = `providerOptions.openai.${"n".repeat(300)}`
    expect(refused({ messages, providerOptions: { openai: { ["n".repeat(300)]: 1n } } })).toMatchObject({
      parameter: `${at.slice(0, 299)}…`,
      message: expect.stringContaining("… is a BigInt"),
    })
  })

  it("names the first of several fields that JSON cannot hold", () => {
    const wrong = { a: 1n }
    const tool = { name: "f", parameters: wrong }
    const call = { type: "tool-call", id: "c", name: "f", arguments: wrong }
    const input = {
      messages: [...messages, { role: "assistant", content: [{ ...call, arguments: 1 }, call, call] }],
      tools: [{ name: "f", parameters: {} }, tool, tool],
    }
    expect(refused(input)).toMatchObject({ parameter: "tools[1].parameters.a" })
    expect(refused({ messages: input.messages })).toMatchObject({ parameter: "messages[1].content[1].arguments.a" })
    const responseFormat = { type: "json-schema", schema: wrong }
    expect(refused({ ...input, responseFormat })).toMatchObject({ parameter: "responseFormat.schema.a" })
    expect(refused({ ...input, responseFormat, providerOptions: { p: wrong } })).toMatchObject({
      parameter: "providerOptions.p.a",
    })
  })

  it.each([
    [
      "a field",
      {
        get messages(): never {
          throw new Error("no")
        },
      },
      "messages",
      "messages cannot be read: no",
    ],
  ])("is refused where %s cannot be read, and nothing is thrown", (_, input, parameter, words) => {
    expect(refused(input)).toMatchObject({ message: `invalid request: ${words}` })
    expect(refused(input)).toHaveProperty("parameter", parameter)
  })

  it("is refused where it can be read at the second time only", () => {
    let read = 0
    const input = {
      get messages() {
        read += 1
        if (read === 1) throw new Error("not yet")
        return messages
      },
    }
    expect(refused(input)).toMatchObject({ message: "invalid request: it cannot be read: not yet" })
    expect(refused(input)).toBe("accepted")
  })
})

describe("an accepted request", () => {
  it.each([
    { messages, seed: 1 },
    {
      messages: [{ role: "system", content: [{ type: "text", text: "Be brief.", cache: true }], cache: { ttl: "1h" } }],
    },
    { messages, tools: [{ name: "f", parameters: {} }], toolChoice: { name: "f" }, parallelToolCalls: false },
    { messages, responseFormat: { type: "json" }, reasoning: { effort: "low", tag: "think" } },
    { messages: [{ role: "tool", content: [{ type: "tool-result", toolCallId: "c", content: "x" }] }] },
  ])("is the caller's own: %j", (input) => {
    const result = validateRequest(input)
    expect(Result.isSuccess(result) && result.success).toEqual(input)
  })
})

describe("a plain question", () => {
  it.each([
    { messages },
    { messages: [{ role: "system", content: "Be brief." }, ...messages, { role: "assistant", content: "Hi." }] },
    { messages, model: "m", temperature: 0, maxTokens: 5, stop: ["a"], providerOptions: { p: { a: 1 } } },
  ])("passes as it is, and not as a copy: %j", (input) => {
    const result = validateRequest(input)
    expect(Result.isSuccess(result) && result.success).toBe(input)
  })
})

describe("a request for embeddings", () => {
  const refusedInputs = (input: unknown) => refused(input, validateEmbeddingRequest)

  it("is accepted with the fields that it has", () => {
    const input = { inputs: ["a"], model: "m", dimensions: 3, user: "u", providerOptions: { openai: { a: 1 } } }
    expect(refusedInputs(input)).toBe("accepted")
    expect(refusedInputs({ inputs: ["a"] })).toBe("accepted")
  })

  it.each([
    [{ inputs: [] }, "inputs", "at inputs"],
    [{ input: ["a"] }, "input", 'did you mean "inputs"?'],
    [{ inputs: ["a"], dimension: 3 }, "dimension", 'dimension does not exist; did you mean "dimensions"?'],
    [{ inputs: ["a"], temperature: 1 }, "temperature", "temperature does not exist"],
    [{ inputs: ["a", 1] }, "inputs[1]", "at inputs[1]"],
    [{ inputs: ["a"], dimensions: 0 }, "dimensions", "at dimensions"],
    [{ inputs: ["a"], providerOptions: { p: { a: Number.NaN } } }, "providerOptions.p.a", "is NaN"],
  ])("is refused by the field: %j", (input, parameter, words) => {
    expect(refusedInputs(input)).toMatchObject({ parameter, message: expect.stringContaining(words) })
  })

  it("is refused where it cannot be read, and nothing is thrown", () => {
    const input = {
      get inputs(): never {
        throw new Error("no")
      },
    }
    expect(refusedInputs(input)).toMatchObject({ message: "invalid request: inputs cannot be read: no" })
  })
})
