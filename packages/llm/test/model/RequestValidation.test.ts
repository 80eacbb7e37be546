/**
 * Law 20 at the door: a misspelt field is refused by name wherever it stands, and what looks plain is checked no less than
 * what does not.
 */
import { describe, expect, it } from "@effect/vitest"
import * as Result from "effect/Result"
import { validateRequest } from "../../src/model/RequestValidation.ts"

const messages = [{ role: "user", content: "hello" }]

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
    ["messages that are none", { messages: "hello" }],
    ["nothing", undefined],
  ])("with %s is refused", (_, input) => {
    expect(parameterOf(input)).not.toBe("accepted")
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
})
