/** The fakes of the promise API: a script, an answer, a failure, and an object that a program writes itself. */
import * as Schema from "effect/Schema"
import { describe, expect, expectTypeOf, it } from "vitest"
import { isLlmError, type Llm, LlmError, type LLMInterface, type LlmEvent, LlmResponse, unwrap } from "@wiseflow/llm"
import { Scripted } from "@wiseflow/llm/testing"

const messages = [{ role: "user", content: "Hello." }] as const

describe("Scripted.llm", () => {
  it("answers each call with the next answer, whichever call it is, and remembers the requests", async () => {
    const llm = Scripted.llm(["one", { text: ["t", "wo"] }, '{"name":"Ada"}'])
    expect(await llm.generate({ messages, temperature: 0.5 })).toMatchObject({ text: "one", finishReason: "stop" })

    const events: Array<LlmEvent> = []
    const stream = llm.stream({ messages })
    for await (const event of stream) events.push(event)
    expect(events.map(({ type }) => type)).toEqual(["response-start", "text-delta", "text-delta", "response-finish"])
    expect(unwrap(await stream.response).text).toBe("two")

    const { object } = unwrap(await llm.generateObject({ messages, schema: Schema.Struct({ name: Schema.String }) }))
    expect(object).toEqual({ name: "Ada" })
    expect(llm.requests.map(({ temperature }) => temperature)).toEqual([0.5, undefined, undefined])
    expect(llm.requests[2]?.responseFormat).toMatchObject({ type: "json-schema" })
  })

  it("gives tool calls and failures as the real one does", async () => {
    const llm = Scripted.llm([
      { toolCalls: [{ name: "weather", arguments: { city: "Berlin" } }] },
      { error: { _tag: "RateLimitError", retryAfterMs: 500 } },
      { text: "Hel", error: "StreamInterruptedError" },
    ])
    expect(await llm.generate({ messages })).toMatchObject({
      finishReason: "tool-calls",
      toolCalls: [{ id: "call_0", name: "weather", arguments: { city: "Berlin" } }],
    })
    expect(await llm.generate({ messages })).toMatchObject({ errorType: "RateLimitError", retryAfterMs: 500 })
    expect(await llm.stream({ messages }).response).toMatchObject({ partialText: "Hel" })
    expect(await llm.generate({ messages })).toMatchObject({ errorType: "InvalidRequestError" })
  })

  it("refuses what the real one refuses", async () => {
    const llm = Scripted.llm(["hello"])
    expect(await llm.generate({ messages: [] })).toMatchObject({ errorType: "InvalidRequestError" })
    expect(llm.requests).toEqual([])
  })

  it("says what is wrong with an answer of a script that was never type-checked", async () => {
    const llm = Scripted.llm(
      JSON.parse('[{ "object": { "name": "Ada" } }, { "error": "RateLimitErorr" }, { "error": { "_tag": "No" } }]'),
    )
    expect(await llm.generate({ messages })).toMatchObject({
      errorType: "InvalidRequestError",
      error: expect.stringMatching(
        /^"object" is not a field of a scripted answer: write a text, or an object with text, /,
      ),
    })
    expect(await llm.stream({ messages }).response).toMatchObject({
      errorType: "InvalidRequestError",
      error: '"RateLimitErorr" is not an error type; did you mean "RateLimitError"?',
    })
    expect(await llm.generate({ messages })).toMatchObject({ error: '"No" is not an error type' })
  })

  it("rejects where the signal aborts", async () => {
    const llm = Scripted.llm([{ stall: true }])
    const reason = new Error("enough")
    const controller = new AbortController()
    const pending = llm.generate({ messages, signal: controller.signal })
    controller.abort(reason)
    await expect(pending).rejects.toBe(reason)
  })
})

describe("one answer", () => {
  it("is a whole response", () => {
    expect(Schema.is(LlmResponse)(Scripted.response("hello"))).toBe(true)
    expect(Scripted.response("hello")).toMatchObject({ text: "hello", parts: [{ type: "text", text: "hello" }] })
  })

  it("is what Scripted.llm answers with, but for its time", async () => {
    const answer = {
      reasoning: "hm",
      text: ["a", "b"],
      toolCalls: [{ name: "f", arguments: [1] }],
      usage: { inputTokens: 3 },
    }
    const response = unwrap(await Scripted.llm([answer]).generate({ messages }))
    const { metadata, ...content } = Scripted.response(answer)
    expect(response).toMatchObject(content)
    const { attempts, latencyMs, timestamp, ...told } = metadata
    expect(response.metadata).toMatchObject(told)
    expect([attempts, latencyMs, timestamp]).toEqual([[], 0, "2026-01-01T00:00:00.000Z"])
  })

  it("may be a failure, which unwrap throws", () => {
    const failure = Scripted.failure({ _tag: "RateLimitError", retryAfterMs: 500 })
    expect(failure).toMatchObject({ text: "", errorType: "RateLimitError", isRetryable: true, retryAfterMs: 500 })
    expect(() => unwrap(failure)).toThrow(LlmError)
  })
})

it("an object with the functions is an Llm, and LLMInterface is one", async () => {
  const llm: Llm = {
    generate: () => Promise.resolve(Scripted.failure("OverloadedError")),
    generateObject: () => Promise.resolve(Scripted.failure("OverloadedError")),
    embed: () => Promise.resolve(Scripted.failure("OverloadedError")),
    stream: () => ({
      response: Promise.resolve(Scripted.response("hello")),
      async *[Symbol.asyncIterator]() {
        yield { type: "text-delta", index: 0, delta: "hello" }
      },
    }),
  }
  expect(
    isLlmError(
      await llm
        .generate({ messages })
        .then(unwrap)
        .catch((error: unknown) => error),
    ),
  ).toBe(true)
  expectTypeOf<LLMInterface>().toExtend<Llm>()
})
