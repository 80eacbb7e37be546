/** Any status, headers and bytes at all, and any options at all: every call resolves, with one request told for one sent. */
import * as fc from "fast-check"
import { describe, expect, it } from "vitest"
import { type GenerateResponse, LLMInterface } from "../../src/index.ts"
import { oneOfEachWire } from "../contract/Providers.ts"
import { type Answer, end, FaultServer, reset, write } from "../faults/FaultServer.ts"
import { head, whole } from "../faults/HttpText.ts"
import { patient, runs } from "./Fuzzing.ts"
import { effectSurface, promiseSurface } from "./Surfaces.ts"

const key = "sk-fuzz-0123456789abcdef"

/** What may stand in a header, as bytes of Latin-1 on one line. */
const value = fc.oneof(
  fc.constantFrom(
    "",
    "0",
    "-1",
    "1e306",
    "9".repeat(400),
    "NaN",
    "Thu, 01 Jan 1970 00:00:00 GMT",
    "1, 2",
    "gzip",
    "br",
  ),
  fc.constantFrom("true", "false", "application/json", "text/event-stream", "text/html", "chunked", key),
  fc.stringMatching(/^[\x20-\x7e\xa0-\xff]{0,40}$/),
)
const names = fc.constantFrom(
  ..."content-type content-encoding x-request-id request-id retry-after-ms x-should-retry location".split(" "),
  ..."x-ratelimit-remaining-requests x-ratelimit-reset-requests anthropic-ratelimit-requests-reset".split(" "),
  ..."x-litellm-response-cost x-litellm-call-id set-cookie trailer connection retry-after".split(" "),
)

const bodies = fc.oneof(
  fc.json({ maxDepth: 4 }),
  fc.json().map((json) => `data: ${json}\n\n`),
  fc.json().map((json) => `{"error":${json}}`),
  fc.string({ maxLength: 200 }),
  fc.constantFrom("", "null", "[]", "{}", '"', "[DONE]", "data:", "\u0000", "\ufeff{}", "data: [DONE]\n\n"),
)

const answers: fc.Arbitrary<Answer> = fc.oneof(
  fc
    .record({
      status: fc.constantFrom(200, 200, 200, 201, 204, 301, 400, 401, 404, 408, 409, 413, 422, 429, 500, 503, 529, 599),
      headers: fc.dictionary(names, value, { maxKeys: 4, noNullPrototype: true }),
      body: bodies,
    })
    .map(({ body, headers, status }) => [...whole(body, status, { connection: "close", ...headers }), end]),
  fc.uint8Array({ maxLength: 300 }).map((bytes) => [write(head(200, { connection: "close" })), write(bytes), end]),
  fc.uint8Array({ maxLength: 100 }).map((bytes) => [write(bytes), end]),
  fc.constant([reset]),
)

const check = (response: GenerateResponse): void => {
  expect(JSON.stringify(response)).not.toContain(key)
  for (const attempt of response.metadata.attempts) {
    expect(attempt.retryAfterMs ?? 0).toBeGreaterThanOrEqual(0)
    expect(Number.isFinite(attempt.costUsd ?? 0)).toBe(true)
  }
}

describe.each(oneOfEachWire)("any answer at all to $name", patient, (provider) => {
  it("is an answer or an error as data, and one request", async () => {
    let answer: Answer = []
    await using server = await FaultServer.start(() => answer)
    const property = fc.asyncProperty(answers, fc.nat(3), async (given, way) => {
      answer = given
      const before = server.requests.length
      const options = { ...provider.options(server.url, key), maxRetries: 0, logger: false as const }
      await using llm = new LLMInterface({ ...options, timeout: "20 seconds" })
      const response = await (promiseSurface[way]?.(llm) ??
        effectSurface[way - 2]?.(provider.layer(server.url, key)) ??
        llm.generate({ messages: [] }))
      check(response)
      expect(response.metadata.attempts).toHaveLength(server.requests.length - before)
    })
    await fc.assert(property, runs(120))
  })
})

const optionNames = fc.constantFrom(
  ..."provider model apiKey apiBase apiVersion wireApi headers providers temperature maxTokens maxRetries".split(" "),
  ..."timeout idleTimeout attemptTimeout queueTimeout maxConcurrentRequests fallbacks fallbackText".split(" "),
  ..."logger logLevel fetch proxy odd".split(" "),
)

describe("any options at all", patient, () => {
  it("make an interface whose calls resolve, and which shows no key", async () => {
    await using server = await FaultServer.start(() => whole("{}"))
    const values = fc.oneof(
      fc.anything({ withBigInt: true, withMap: true, withDate: true, maxDepth: 2 }),
      fc.constantFrom<unknown>(
        key,
        "openai",
        "anthropic",
        "azure",
        "litellm",
        "fallback",
        "",
        "0",
        "-1",
        "1e999",
        false,
      ),
    )
    const options = fc.dictionary(optionNames, values, { maxKeys: 3, noNullPrototype: true })
    const property = fc.asyncProperty(options, async (odd) => {
      const given = {
        provider: "openai",
        apiKey: key,
        apiBase: `${server.url}/v1`,
        logger: false,
        maxRetries: 0,
        ...odd,
      }
      // Nothing is to leave this machine, whatever address was made up.
      const safe = { ...given, fetch: "fetch" in odd ? odd["fetch"] : () => Promise.reject(new Error("unreachable")) }
      const llm: LLMInterface = Reflect.construct(LLMInterface, [safe])
      const response = await llm.generate({ messages: [{ role: "user", content: "hello" }], timeout: 2000 })
      expect(JSON.stringify(response)).not.toContain(key)
      await llm.dispose()
    })
    await fc.assert(property, runs(150))
  })
})
