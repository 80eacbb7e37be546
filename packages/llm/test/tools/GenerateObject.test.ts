/** `generateObject`: what the provider is asked for, and what is made of its answer. */
import * as Schema from "effect/Schema"
import { afterEach, describe, expect, it } from "vitest"
import { LLMInterface } from "../../src/index.ts"
import { FaultServer } from "../faults/FaultServer.ts"
import { whole } from "../faults/HttpText.ts"

const Person = Schema.Struct({ name: Schema.String, age: Schema.Int })

const chat = (text: string) =>
  whole(
    JSON.stringify({
      id: "chatcmpl-1",
      model: "gpt-5-mini",
      choices: [{ index: 0, message: { role: "assistant", content: text }, finish_reason: "stop" }],
    }),
    200,
    {},
  )

describe("generateObject", () => {
  const open: Array<AsyncDisposable> = []
  afterEach(async () => {
    for (const resource of open.splice(0)) await resource[Symbol.asyncDispose]()
  })

  const ask = async (text: string) => {
    const server = await FaultServer.start(() => chat(text))
    const llm = new LLMInterface({
      provider: "openai",
      apiKey: "sk-test",
      apiBase: `${server.url}/v1`,
      model: "gpt-5-mini",
      maxRetries: 0,
    })
    open.push(llm, server)
    const response = await llm.generateObject({
      messages: [{ role: "user", content: "Who?" }],
      schema: Person,
      repairs: 0,
    })
    return { response, server }
  }

  it("asks for the schema, closed and strict, without bounds that mean nothing", async () => {
    const { server } = await ask('{"name":"Ada","age":36}')
    expect(server.requests[0]?.json).toMatchObject({
      response_format: {
        type: "json_schema",
        json_schema: {
          name: "answer",
          strict: true,
          schema: {
            type: "object",
            properties: { name: { type: "string" }, age: { type: "integer" } },
            required: ["name", "age"],
            additionalProperties: false,
          },
        },
      },
    })
    expect(JSON.stringify(server.requests[0]?.json)).not.toContain(String(Number.MAX_SAFE_INTEGER))
  })

  it("gives the value beside the whole answer", async () => {
    const { response } = await ask('{"name":"Ada","age":36}')
    expect(response).toMatchObject({ object: { name: "Ada", age: 36 }, finishReason: "stop" })
  })

  it.each([
    ["is not JSON", "Ada is 36."],
    ["does not fit the schema", '{"name":"Ada","age":"old"}'],
  ])("says InvalidResponseError, with the text, where the answer %s", async (problem, text) => {
    const { response } = await ask(text)
    expect(response).toMatchObject({ text: "", errorType: "InvalidResponseError", partialText: text })
    expect("error" in response && response.error).toContain(problem)
  })

  it("says InvalidRequestError, before any request, where the schema is none", async () => {
    const { server } = await ask('{"name":"Ada","age":36}')
    const asked = server.requests.length
    const llm = new LLMInterface({ provider: "openai", apiKey: "sk-test", apiBase: server.url, model: "gpt-5-mini" })
    open.push(llm)
    const response = await llm.generateObject({
      messages: [{ role: "user", content: "Who?" }],
      // @ts-expect-error a program without types may pass anything
      schema: "Person",
    })
    expect(response).toMatchObject({ errorType: "InvalidRequestError", parameter: "schema" })
    expect(server.requests).toHaveLength(asked)
  })
})
