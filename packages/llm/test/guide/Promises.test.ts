/** The guide's section for plain TypeScript: what promises resolve with, when they reject, and how things end. */
import { assert, describe, it } from "@effect/vitest"
import type { LlmEvent } from "../../src/model/LlmEvent.ts"
import type { GenerateResponse } from "../../src/promises/PromiseResponse.ts"
import { failed, succeeded } from "./Ask.ts"
import { answers, beginEvents, chatPieces, listen, refuses, type Reply } from "./LoopbackUpstream.ts"
import { runProgram } from "./ProgramRun.ts"

/** What `programs/promises.ts` saw. */
export interface PromiseSights {
  readonly answer: GenerateResponse
  readonly refusal: GenerateResponse
  readonly unwrapped: { readonly tag: string; readonly message: string } | undefined
  readonly isUnwrappedItself: boolean
  readonly generateRejectedWithReason: boolean
  readonly abortedBefore: boolean
  readonly abortedStream: { readonly text: string; readonly iterator: boolean; readonly response: boolean }
  readonly abortedUnread: string
  readonly streamed: { readonly events: ReadonlyArray<LlmEvent>; readonly whole: GenerateResponse }
  readonly brokenStream: { readonly text: string; readonly thrown: string; readonly response: GenerateResponse }
  readonly leftStream: GenerateResponse
  readonly disposal: {
    readonly pending: string
    readonly after: GenerateResponse
    readonly scoped: GenerateResponse
  }
}

/** Models that behave; `answers once … was …` is how the program learns what has become of another request. */
const behaviours = (): Reply => {
  const events = new Map<string, { readonly happened: Promise<void>; readonly happen: () => void }>()
  for (const event of ["silent was asked", "silent too was asked", "stalls unread was closed"]) {
    let happen = () => {}
    const happened = new Promise<void>((resolve) => {
      happen = resolve
    })
    events.set(event, { happened, happen })
  }
  return async (request, response, position) => {
    const model = String(request.body["model"])
    events.get(`${model} was asked`)?.happen()
    void request.closed.then(() => events.get(`${model} was closed`)?.happen())
    if (model === "answers") return answers("hello to you")(request, response, position)
    if (model === "refuses") return refuses(401)(request, response, position)
    if (model === "breaks") return void beginEvents(response).end(chatPieces(["Once", " upon"], model))
    if (model.startsWith("stalls")) return void beginEvents(response).write(chatPieces(["Once", " upon"], model))
    const event = events.get(model.replace("answers once ", ""))
    if (event === undefined) return
    await event.happened
    return answers("it was")(request, response, position)
  }
}

const program = new URL("programs/promises.ts", import.meta.url).pathname

const see = async () => {
  await using upstream = await listen(behaviours())
  const environment = { LLM_PROVIDER: "openai", OPENAI_API_KEY: "sk-1", OPENAI_API_BASE: upstream.url }
  const { code, stderr, stdout } = await runProgram(program, { environment: { ...environment, LLM_MAX_RETRIES: "0" } })
  assert.strictEqual(code, 0, stderr)
  const sights: PromiseSights = JSON.parse(stdout)
  await Promise.all(upstream.requests.map(({ closed }) => closed))
  return { sights, models: upstream.requests.map(({ body }) => body["model"]) }
}

describe("promises", () => {
  const seeing = see()

  it("success has text, parts, toolCalls, finishReason and metadata, and neither error nor errorType", async () => {
    const { sights } = await seeing
    const { metadata, ...answer } = succeeded(sights.answer)
    assert.deepStrictEqual(answer, {
      text: "hello to you",
      parts: [{ type: "text", text: "hello to you" }],
      toolCalls: [],
      finishReason: "stop",
    })
    const { latencyMs, timestamp, attempts, ...rest } = metadata
    assert.isAtLeast(latencyMs, 0)
    assert.strictEqual(new Date(timestamp).toISOString(), timestamp)
    assert.strictEqual(attempts.length, 1)
    assert.deepStrictEqual(rest, {
      provider: "openai",
      model: "answers",
      servedModel: "answers",
      usage: { inputTokens: 11, outputTokens: 7, totalTokens: 18 },
      usageStatus: "reported",
      requestId: "req_1",
      rawFinishReason: "stop",
      costUsd: null,
      warnings: [],
      degraded: false,
    })
    assert.isTrue(sights.isUnwrappedItself)
  })

  it("failure resolves with { text: '', error, errorType, metadata }, attempts included", async () => {
    const { sights } = await seeing
    const { error, errorType, metadata, text } = failed(sights.refusal)
    assert.deepStrictEqual([text, error, errorType], ["", "refused with 401", "AuthenticationError"])
    assert.deepStrictEqual(Object.keys(sights.refusal).toSorted(), [
      "body",
      "error",
      "errorType",
      "isRetryable",
      "metadata",
      "status",
      "text",
    ])
    assert.deepStrictEqual([failed(sights.refusal).status, failed(sights.refusal).isRetryable], [401, false])
    assert.deepStrictEqual(
      metadata.attempts.map(({ errorType, status }) => [status, errorType]),
      [[401, "AuthenticationError"]],
    )
    assert.strictEqual(metadata.usageStatus, "unknown")
  })

  it("unwrap throws the LlmError", async () => {
    const { sights } = await seeing
    assert.deepStrictEqual(sights.unwrapped, { tag: "AuthenticationError", message: "refused with 401" })
  })

  it("generate rejects only for the caller's abort, with the signal's reason", async () => {
    const { models, sights } = await seeing
    assert.isTrue(sights.generateRejectedWithReason)
    assert.isTrue(sights.abortedBefore)
    assert.notInclude(models, "never", "a call aborted before it began sends nothing")
  })

  it("stream is an AsyncIterable of events, and its response is generate's", async () => {
    const { sights } = await seeing
    const { events, whole } = sights.streamed
    assert.deepStrictEqual(
      events.map(({ type }) => type),
      ["response-start", "text-delta", "text-delta", "text-delta", "response-finish"],
    )
    const { metadata, ...streamed } = succeeded(whole)
    const { metadata: asked, ...answer } = succeeded(sights.answer)
    assert.deepStrictEqual(streamed, answer)
    assert.deepStrictEqual(metadata.usage, asked.usage)
    assert.deepStrictEqual(
      Object.keys(metadata)
        .filter((key) => key !== "maxTokens")
        .toSorted(),
      Object.keys(asked).toSorted(),
    )
    assert.strictEqual(metadata.maxTokens, 77)
  })

  it("stream throws LlmError if it breaks, and its response has the error as data", async () => {
    const { text, thrown, response } = (await seeing).sights.brokenStream
    assert.deepStrictEqual([text, thrown], ["Once upon", "StreamInterruptedError"])
    assert.strictEqual(failed(response).errorType, "StreamInterruptedError")
    assert.strictEqual(failed(response).partialText, "Once upon")
  })

  it("aborting a stream rejects iterator and response with the signal's reason", async () => {
    const { sights } = await seeing
    assert.deepStrictEqual(sights.abortedStream, { text: "Once upon", iterator: true, response: true })
    assert.strictEqual(sights.abortedUnread, "it was", "an abort closes the connection while nobody reads")
  })

  it("a stream that is left early resolves with what came of the answer", async () => {
    const { errorType, metadata, partialText } = failed((await seeing).sights.leftStream)
    assert.deepStrictEqual(
      [errorType, partialText, metadata.usageStatus],
      ["StreamInterruptedError", "Once upon", "unknown"],
    )
    assert.deepStrictEqual(
      metadata.attempts.map(({ status }) => status),
      [200],
    )
  })

  it("dispose ends what runs and may be called twice; await using does it too; afterwards there is no answer", async () => {
    const { after, pending, scoped } = (await seeing).sights.disposal
    assert.match(pending, /^AbortError/)
    for (const response of [after, scoped]) {
      assert.strictEqual(failed(response).errorType, "ConfigurationError")
      assert.match(failed(response).error, /disposed/)
    }
  })
})
