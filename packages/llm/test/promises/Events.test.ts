/** `onEvent`: what a program without Effect is told of its calls. */
import { assert, describe, it } from "vitest"
import { type CallEvent, LLMInterface, OpenAi, unwrap, UsageLedger } from "../../src/index.ts"
import { chat, fullText } from "../faults/WireText.ts"

const messages = [{ role: "user" as const, content: "Hello." }]

const streamed = [chat.opening, chat.piece(fullText), chat.finish, chat.terminal].join("")

/** A service at which the first request fails for a moment. */
const flaky = (answer: string) => {
  let requests = 0
  return () => {
    requests += 1
    return Promise.resolve(
      requests === 1
        ? new Response("{}", { status: 503, headers: { "retry-after-ms": "1" } })
        : new Response(answer, {
            headers: { "content-type": answer === streamed ? "text/event-stream" : "application/json" },
          }),
    )
  }
}

const options = (answer: string) =>
  ({ provider: "openai", model: "gpt-5-mini", apiKey: "sk-1", fetch: flaky(answer), logger: false }) as const

const vectors = JSON.stringify({ data: [{ index: 0, embedding: [1, 2] }], model: "m", usage: { prompt_tokens: 1 } })

const expected = [
  "queued",
  "permit",
  "attempt-start",
  "attempt-end",
  "retry",
  "queued",
  "permit",
  "attempt-start",
  "first-output",
  "attempt-end",
  "call-end",
]

describe("onEvent", () => {
  it("is told each step of generate, and cannot break it", async () => {
    const events: Array<CallEvent> = []
    await using llm = new LLMInterface({
      ...options(chat.answer(fullText)),
      onEvent: (event) => {
        events.push(event)
        throw new Error("a broken listener")
      },
    })
    assert.strictEqual((await llm.generate({ messages })).text, fullText)
    assert.deepEqual(
      events.map(({ type }) => type),
      expected,
    )
    const retry = events.find((event) => event.type === "retry")
    assert.ok(retry !== undefined && retry.waitMs >= 1)
    const last = events.at(-1)
    assert.ok(last?.type === "call-end" && last.end === "answered" && last.metadata.attempts.length === 2)
  })

  it("is told each step of stream", async () => {
    const events: Array<string> = []
    const onEvent = (event: CallEvent) => events.push(event.type === "call-end" ? event.end : event.type)
    await using llm = new LLMInterface({ ...options(streamed), onEvent })
    const response = await llm.stream({ messages }).response
    assert.strictEqual(response.text, fullText)
    assert.deepEqual(events, [...expected.slice(0, -1), "answered"])
    assert.typeOf(response.metadata.attempts[1]?.firstOutputMs, "number")
    events.length = 0
  })

  it("is told of a stream that nobody reads to its end", async () => {
    const ends: Array<string> = []
    const body = new ReadableStream({
      start: (controller) => controller.enqueue(new TextEncoder().encode(chat.opening + chat.piece("Hel"))),
    })
    await using llm = new LLMInterface({
      ...options(streamed),
      fetch: () => Promise.resolve(new Response(body)),
      onEvent: (event) => (event.type === "call-end" ? ends.push(event.end) : undefined),
    })
    for await (const event of llm.stream({ messages })) if (event.type === "text-delta") break
    assert.deepEqual(ends, ["aborted"])
  })

  it("is told of embeddings, and of a stack of the program's own", async () => {
    const events: Array<string> = []
    const onEvent = (event: CallEvent) => events.push(event.type)
    await using llm = new LLMInterface({ ...options(vectors), embeddingModel: "text-embedding-3-small", onEvent })
    assert.deepEqual(unwrap(await llm.embed({ inputs: ["Hello."] })).embeddings, [[1, 2]])
    assert.include(events, "retry")
    assert.strictEqual(events.at(-1), "call-end")
    events.length = 0
    const layer = OpenAi.layer({
      apiKey: "sk-1",
      model: "m",
      fetch: () => Promise.resolve(new Response(chat.answer(fullText))),
    })
    await using own = LLMInterface.fromLayer(layer, { onEvent, logger: false })
    assert.strictEqual((await own.generate({ messages })).text, fullText)
    assert.deepEqual(events, ["attempt-start", "first-output", "attempt-end", "call-end"])
  })

  it("must be a function", async () => {
    const wrong: object = { ...options(chat.answer(fullText)), onEvent: "log" }
    await using llm = new LLMInterface(wrong)
    const answer = await llm.generate({ messages })
    assert.include("error" in answer ? answer.error : "", "onEvent: it is not a function")
  })
})

describe("usageLedger", () => {
  it("notes the calls of all interfaces that share it, embeddings too", async () => {
    const usageLedger = new UsageLedger()
    await using llm = new LLMInterface({ ...options(chat.answer(fullText)), usageLedger })
    await llm.generate({ messages })
    assert.include(usageLedger.total, { calls: 1, errors: 0, attempts: 2 })
    await using other = new LLMInterface({ ...options(vectors), embeddingModel: "text-embedding-3-small", usageLedger })
    await other.embed({ inputs: ["Hello."] })
    assert.deepEqual(
      usageLedger.byModel().map(({ calls, model }) => [model, calls]),
      [
        ["gpt-5-mini", 1],
        ["text-embedding-3-small", 1],
      ],
    )
  })

  it("must be one", async () => {
    const wrong: object = { ...options(chat.answer(fullText)), usageLedger: {} }
    await using llm = new LLMInterface(wrong)
    const answer = await llm.generate({ messages })
    assert.include("error" in answer ? answer.error : "", "usageLedger: it is not a UsageLedger")
  })
})
