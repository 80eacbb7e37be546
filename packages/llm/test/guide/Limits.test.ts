/** The settings that bound a call: how many at once, how often, how long, and the defaults of requests. */
import { assert, describe, it } from "@effect/vitest"
import { ask, askSteps, failed, hello, succeeded } from "./Ask.ts"
import { answers, beginEvents, chatPieces, inTurn, listen, refuses, type Reply, silence } from "./LoopbackUpstream.ts"

const openai = (url: string) => ({
  LLM_PROVIDER: "openai",
  OPENAI_API_KEY: "sk-1",
  OPENAI_API_BASE: url,
  PRIMARY_MODEL: "gpt-5-mini",
})

/** Answers only once `crowd` requests have come: if fewer may be in flight, nobody is ever answered. */
const together = (crowd: number): Reply => {
  let open: () => void = () => {}
  const full = new Promise<void>((resolve) => {
    open = resolve
  })
  return async (request, response, position) => {
    if (position + 1 === crowd) open()
    await full
    await answers("hello")(request, response, position)
  }
}

describe.concurrent("LLM_CONCURRENT_NUMBER", () => {
  for (const [limit, environment] of [
    [5, {}],
    [2, { LLM_CONCURRENT_NUMBER: "2" }],
  ] as const) {
    it(`${limit} requests in flight at once, and no more, whole or streamed`, async () => {
      await using whole = await listen(together(limit))
      await using streamed = await listen(together(limit))
      const requests = Array.from({ length: 12 }, () => hello)
      const ended = await askSteps(
        [
          { environment: { OPENAI_API_BASE: whole.url }, options: {}, requests },
          { environment: { OPENAI_API_BASE: streamed.url }, options: {}, requests, streamed: true },
        ],
        { environment: { ...openai(""), ...environment } },
      )
      assert.strictEqual(ended.answers.length, 24)
      for (const answer of ended.answers) assert.strictEqual(succeeded(answer).text, "hello")
      for (const upstream of [whole, streamed]) {
        assert.strictEqual(upstream.mostInFlight(), limit)
        assert.strictEqual(upstream.requests.length, 12)
      }
    })
  }

  it("maxConcurrentRequests is the same, as an option", async () => {
    await using upstream = await listen(together(3))
    await askSteps([{ options: { maxConcurrentRequests: 3 }, requests: Array.from({ length: 9 }, () => hello) }], {
      environment: { ...openai(upstream.url), LLM_CONCURRENT_NUMBER: "1" },
    })
    assert.strictEqual(upstream.mostInFlight(), 3)
  })
})

describe.concurrent("LLM_MAX_RETRIES", () => {
  const soon = refuses(503, { "retry-after-ms": "1" })

  it("3 retries after the first attempt by default, and each is told", async () => {
    await using upstream = await listen(soon)
    const failure = failed(await ask(openai(upstream.url)))
    assert.strictEqual(failure.errorType, "OverloadedError")
    assert.strictEqual(upstream.requests.length, 4)
    assert.strictEqual(failure.metadata.attempts.length, 4)
    assert.deepStrictEqual(new Set(failure.metadata.attempts.map(({ status }) => status)), new Set([503]))
  })

  it("0 is none, and a retry that succeeds is an answer", async () => {
    await using refusing = await listen(soon)
    await using recovering = await listen(inTurn(soon, soon, answers("at last")))
    const { answers: all } = await askSteps([
      { environment: openai(refusing.url), options: { maxRetries: 0 }, requests: [hello] },
      { environment: { ...openai(recovering.url), LLM_MAX_RETRIES: "2" }, options: {}, requests: [hello] },
    ])
    assert.strictEqual(failed(all[0]).errorType, "OverloadedError")
    assert.strictEqual(refusing.requests.length, 1)
    assert.strictEqual(succeeded(all[1]).text, "at last")
    assert.deepStrictEqual(
      succeeded(all[1]).metadata.attempts.map(({ errorType }) => errorType),
      ["OverloadedError", "OverloadedError", undefined],
    )
  })
})

describe.concurrent("LLM_TIMEOUT and LLM_IDLE_TIMEOUT", () => {
  it("the whole call's deadline, in words or in milliseconds, and the connection is closed", async () => {
    await using upstream = await listen(silence)
    const { answers: all } = await askSteps(
      [
        { environment: { LLM_TIMEOUT: "0.4 seconds" }, options: {}, requests: [hello] },
        { environment: { LLM_TIMEOUT: "400 millis" }, options: {}, requests: [hello], streamed: true },
        { options: { timeout: "400 millis" }, requests: [hello] },
        { options: { timeout: 400 }, requests: [hello] },
      ],
      { environment: openai(upstream.url) },
    )
    assert.strictEqual(all.length, 4)
    for (const answer of all) {
      const failure = failed(answer)
      assert.strictEqual(failure.errorType, "TimeoutError")
      assert.match(failure.error, /400 ms/)
      assert.isAtLeast(failure.metadata.latencyMs, 390)
      assert.isBelow(failure.metadata.latencyMs, 5000)
    }
    assert.strictEqual(upstream.requests.length, 4)
    await Promise.all(upstream.requests.map(({ closed }) => closed))
  })

  it("the longest silence inside a stream, whose text so far is kept", async () => {
    await using upstream = await listen(({ body }, response) => {
      beginEvents(response).write(chatPieces(["Once", " upon"], body["model"]))
    })
    const { answers: all } = await askSteps(
      [
        { environment: { LLM_IDLE_TIMEOUT: "300 ms" }, options: {}, requests: [hello], streamed: true },
        { options: { idleTimeout: "300 millis" }, requests: [hello], streamed: true },
      ],
      { environment: { ...openai(upstream.url), LLM_MAX_RETRIES: "0" } },
    )
    for (const answer of all) {
      const failure = failed(answer)
      assert.strictEqual(failure.errorType, "TimeoutError")
      assert.match(failure.error, /idle/)
      assert.strictEqual(failure.partialText, "Once upon")
    }
  })
})

describe.concurrent("LLM_TEMPERATURE and LLM_MAX_TOKENS", () => {
  it("are unset by default, and defaults for requests that say nothing", async () => {
    await using upstream = await listen()
    const chat = { ...openai(upstream.url), PRIMARY_MODEL: "gpt-4.1" }
    const defaults = { LLM_TEMPERATURE: "0.7", LLM_MAX_TOKENS: "1000" }
    const { answers: all } = await askSteps(
      [
        { options: {}, requests: [hello] },
        { environment: defaults, options: {}, requests: [hello] },
        { environment: defaults, options: {}, requests: [{ ...hello, temperature: 0, maxTokens: 5 }] },
        { options: { temperature: 0.1, maxTokens: 9 }, requests: [hello] },
      ],
      { environment: chat },
    )
    const asked = upstream.requests.map(({ body }) => [
      body["temperature"],
      body["max_completion_tokens"] ?? body["max_tokens"],
    ])
    assert.deepStrictEqual(asked, [
      [undefined, undefined],
      [0.7, 1000],
      [0, 5],
      [0.1, 9],
    ])
    assert.deepStrictEqual(
      all.map((answer) => [succeeded(answer).metadata.temperature, succeeded(answer).metadata.maxTokens]),
      asked.map(([temperature, maxTokens]) => [temperature, maxTokens]),
    )
  })
})
