/**
 * Law 20 at the door: a misspelt field is refused by name wherever it stands, and what looks plain is checked no less than
 * what does not.
 */
import { describe, expect, it } from "@effect/vitest"
import * as fc from "fast-check"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import { LlmRequest } from "../../src/model/LlmRequest.ts"
import { validateRequest } from "../../src/model/RequestValidation.ts"

const messages = [{ role: "user", content: "hello" }]

/** A field that no loop over the fields comes to. */
const hidden = (name: string, value: unknown): object => Object.defineProperty({}, name, { value })

class Hot {
  readonly messages = messages
  get temperature() {
    return "hot"
  }
}

class Silent extends Array<unknown> {
  override *[Symbol.iterator](): ArrayIterator<unknown> {}
}

const parameterOf = (input: unknown): string | undefined => {
  const result = validateRequest(input)
  return Result.isFailure(result) ? result.failure.parameter : "accepted"
}

describe("a request", () => {
  it.each([
    ["in the request", { messages, maxToken: 1 }, "maxToken"],
    ["in a plain message", { messages: [{ role: "user", content: "hello", nam: "x" }] }, "messages[0].nam"],
    [
      "in a later message",
      { messages: [...messages, { role: "assistant", content: "hi", toolCalls: [] }] },
      "messages[1].toolCalls",
    ],
    [
      "in a part",
      { messages: [{ role: "user", content: [{ type: "text", text: "x", txt: "y" }] }] },
      "messages[0].content[0].txt",
    ],
    ["in a tool", { messages, tools: [{ name: "f", parameters: {}, desciption: "x" }] }, "tools[0].desciption"],
    ["in the tool choice", { messages, toolChoice: { name: "f", type: "function" } }, "toolChoice.type"],
    [
      "in the response format",
      { messages, responseFormat: { type: "json-schema", schema: {}, scheme: {} } },
      "responseFormat.scheme",
    ],
  ])("with a misspelt field %s is refused by its name", (_, input, parameter) => {
    expect(parameterOf(input)).toBe(parameter)
  })

  it.each([
    ["a text that is none", { messages: [{ role: "user", content: 1 }] }],
    ["a role that is none", { messages: [{ role: "robot", content: "hello" }] }],
    ["a plain text of a tool's", { messages: [{ role: "tool", content: "hello" }] }],
    ["a temperature that is none", { messages, temperature: "hot" }],
    ["no message", { messages: [] }],
    // oxlint-disable-next-line no-sparse-arrays
    ["a hole among the messages", { messages: [, ...messages] }],
    ["messages that are none", { messages: "hello" }],
    ["messages that are hidden, and wrong", hidden("messages", [{ role: "user", content: 42 }])],
    ["a hidden field that is wrong", { __proto__: hidden("temperature", "hot"), messages }],
    ["a field of its class that is wrong", new Hot()],
    [
      "a wrong field that its proxy keeps to itself",
      new Proxy({ messages, temperature: "hot" }, { ownKeys: () => [] }),
    ],
    ["messages of a class that goes over others", { messages: Silent.from([{ role: "user", content: 42 }]) }],
    ["nothing", undefined],
  ])("with %s is refused", (_, input) => {
    expect(parameterOf(input)).not.toBe("accepted")
  })

  it.each(Object.keys(LlmRequest.fields))(
    "that is plain but for %s, which is no such value, is refused by its name",
    (name) => {
      const refused = parameterOf({ messages, [name]: () => "wrong" })
      expect(refused?.startsWith(name), refused).toBe(true)
    },
  )

  it("is read in the order of its fields: the first that is wrong is named, whatever a later one does", () => {
    const later = {
      get user() {
        throw new Error("boom")
      },
    }
    const wrong = { messages, temperature: "hot" }
    expect(parameterOf(Object.defineProperties(wrong, Object.getOwnPropertyDescriptors(later)))).toBe("temperature")
  })

  it("with a getter that is right once is accepted, where another field needs the whole check", () => {
    let reads = 0
    const request = {
      messages,
      tools: [{ name: "f", parameters: { type: "object" } }],
      get user() {
        return reads++ === 0 ? "u" : 5
      },
    }
    expect(parameterOf(request)).toBe("accepted")
  })

  it("may name any option of a provider's, and leave known fields undefined", () => {
    const request = {
      messages,
      model: undefined,
      tools: undefined,
      providerOptions: { openai: { anything: { at: "all" } } },
    }
    expect(parameterOf(request)).toBe("accepted")
  })

  it.each([
    [{ messages, max_tokens: 1 }, 'max_tokens does not exist; did you mean "maxTokens"?'],
    [{ messages, temprature: 1 }, 'temprature does not exist; did you mean "temperature"?'],
    [{ messages, stopSequences: [] }, 'stopSequences does not exist; did you mean "stop"?'],
    [{ messages, xyzzy: 1 }, "xyzzy does not exist"],
    [
      { messages: [{ role: "user", content: [{ type: "image", image: "AAAA" }] }] },
      'messages[0].content[0].image does not exist; did you mean "data"?',
    ],
    [
      { messages: [{ role: "user", content: [{ type: "image", url: "https://example.com/a.png", data: "AAAA" }] }] },
      "messages[0].content[0].url is not the only source: name only one",
    ],
    [{ messages: [{ role: "user", contents: "x" }] }, 'messages[0].contents does not exist; did you mean "content"?'],
    [
      { messages, tools: [{ name: "f", parameters: {}, desciption: "x" }] },
      'tools[0].desciption does not exist; did you mean "description"?',
    ],
    [
      { messages: [{ role: "bot", content: "x" }] },
      'role is not one of "system", "user", "assistant", "tool" at messages[0]',
    ],
    [
      { messages: [{ role: "user", content: [{ type: "txt" }] }] },
      'type is not one of "text", "image", "file" at messages[0].content[0]',
    ],
  ])("says which field may be meant: %j", (input, message) => {
    const result = validateRequest(input)
    expect(Result.isFailure(result) && result.failure.message).toBe(`invalid request: ${message}`)
  })

  it.each([
    ["both an address and bytes", { type: "image", url: "https://example.com/a.png", data: "AAAA" }, ".url"],
    ["an address and an upload", { type: "file", url: "https://example.com/a.pdf", fileId: "f" }, ".url"],
    ["bytes and an upload", { type: "file", data: "AAAA", fileId: "f" }, ".fileId"],
    ["neither", { type: "image" }, ""],
    ["a file's address", { type: "image", url: "file:///tmp/a.png" }, ".url"],
    ["a browser's object", { type: "image", url: "blob:https://example.com/1" }, ".url"],
    ["a path", { type: "image", url: "a.png" }, ".url"],
  ])("with a picture or a file that names %s is refused", (_, part, at) => {
    expect(parameterOf({ messages: [{ role: "user", content: [part] }] })).toBe(`messages[0].content[0]${at}`)
  })

  it.each([
    { type: "image", url: "HTTPS://example.com/a.png" },
    { type: "image", url: "http://127.0.0.1/a.png" },
    { type: "image", url: "data:image/png;base64,AAAA" },
    { type: "image", data: "AAAA" },
    { type: "file", fileId: "f" },
  ])("may hold %j", (part) => {
    expect(parameterOf({ messages: [{ role: "user", content: [part] }] })).toBe("accepted")
  })

  it("is accepted where its schema accepts it, and nowhere else", () => {
    const decode = Schema.decodeUnknownResult(LlmRequest, { onExcessProperty: "error" })
    const odd = fc.constantFrom<unknown>(
      undefined,
      null,
      "",
      "x",
      0,
      1,
      -1,
      0.5,
      Number.NaN,
      true,
      [],
      ["x"],
      [1],
      {},
      {
        openai: { seed: 1 },
      },
    )
    const content = fc.oneof({ weight: 4, arbitrary: fc.constant<unknown>("hello") }, { weight: 1, arbitrary: odd })
    const role = fc.constantFrom<unknown>("system", "user", "assistant", "user", "tool", "developer", undefined)
    const message = fc.oneof(
      { weight: 8, arbitrary: fc.record({ role, content }) },
      { weight: 1, arbitrary: fc.record({ role, content, name: odd }) },
      { weight: 1, arbitrary: odd },
    )
    const said = fc.oneof({ weight: 9, arbitrary: fc.array(message, { maxLength: 3 }) }, { weight: 1, arbitrary: odd })
    const more = fc.dictionary(fc.constantFrom(...Object.keys(LlmRequest.fields), "maxToken", "__proto__"), odd, {
      maxKeys: 2,
    })
    fc.assert(
      fc.property(said, more, (heard, fields) => {
        const input = { messages: heard, ...fields }
        expect(Result.isSuccess(validateRequest(input))).toBe(Result.isSuccess(decode(input)))
      }),
      { numRuns: 3000 },
    )
  })
})
