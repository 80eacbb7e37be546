/** What comes back for one request, from its head on: what is noted of it, and what each way to fail is called. */
import { describe, expect, it } from "@effect/vitest"
import * as Cause from "effect/Cause"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import { TestClock } from "effect/testing"
import { AuthenticationError } from "../../src/model/LlmError.ts"
import type { RateLimits } from "../../src/model/LlmResponse.ts"
import { type CallContext, joinCall, within } from "../../src/call/CallContext.ts"
import { CallOptions } from "../../src/call/CallOptions.ts"
import type { Endpoint } from "../../src/transport/Endpoint.ts"
import { broken, type WireHeaders } from "../../src/transport/Transport.ts"
import { ask, type Seen } from "../contract/Ask.ts"
import { chat, fullText, goodStream } from "../faults/WireText.ts"
import { calls, providerOf, type Reply, reset } from "./Replies.ts"

type CallName = (typeof calls)[number]

/** A good answer's body, as the call asks for it. */
const good = (call: CallName): Reply => ({ reads: call === "generate" ? [chat.answer(fullText)] : goodStream(chat) })
const call = (name: CallName, reply: Reply, more?: Partial<Endpoint>) => ask(providerOf([reply], more).llm, name)
const reasonOf = ({ error }: Seen) => error?.reason

/** Runs a call within a changed context. */
const inCall = <A, E>(changed: Partial<CallContext>, effect: Effect.Effect<A, E>) =>
  joinCall((context) => within(effect, { ...context, ...changed }))

const now = Date.UTC(2026, 10, 26)

describe.each(calls)("the head of a response to %s", (name) => {
  it.effect("is a success from 200 to 299 and nothing else", () =>
    Effect.gen(function* () {
      for (const status of [200, 201, 299]) {
        expect((yield* call(name, { ...good(name), status })).response?.text).toBe(fullText)
      }
      for (const status of [0, 199, 300, 302, 400]) {
        const seen = yield* call(name, { ...good(name), status })
        expect(seen.response).toBeUndefined()
        expect(seen.error?.attempts).toMatchObject([{ status }])
      }
    }),
  )

  it.effect("that does not come is a failed connection, or the clock that ran out", () =>
    Effect.gen(function* () {
      const lost = yield* call(name, {
        head: Effect.fail(broken(Object.assign(new Error("x"), { code: "ECONNREFUSED" }))),
      })
      expect(reasonOf(lost)).toMatchObject({
        _tag: "ConnectionError",
        code: "ECONNREFUSED",
        message: "no response from https://api.test: ECONNREFUSED",
      })
      const late = yield* Effect.forkChild(inCall({ headersMs: 40 }, call(name, { head: Effect.never })), {
        startImmediately: true,
      })
      yield* TestClock.adjust(40)
      expect(reasonOf(yield* Fiber.join(late))).toMatchObject({
        _tag: "TimeoutError",
        clock: "headers",
        limitMs: 40,
        message: "no response headers from test within 40 ms",
      })
    }),
  )

  it.effect("that ends in a defect is that defect", () =>
    Effect.gen(function* () {
      const exit = yield* Effect.exit(call(name, { head: Effect.die("defect") }))
      expect(Exit.isFailure(exit) && Cause.squash(exit.cause)).toBe("defect")
    }),
  )

  it.effect("tells the request's name and its cost, and on request its limits and headers without secrets", () =>
    Effect.gen(function* () {
      yield* TestClock.setTime(now)
      const headers: WireHeaders = {
        "x-request-id": "req_1",
        "x-litellm-response-cost": "0.25",
        "x-ratelimit-remaining-requests": "7",
        "x-ratelimit-reset-requests": "2026-11-26T00:00:03Z",
        "x-echo": "sk-secret-key-1",
      }
      const limits = { requests: { remaining: 7, resetMs: 3000 } }
      const told: Array<RateLimits> = []
      const onLimits = (found: RateLimits) => void told.push(found)
      const plain = yield* inCall({ onLimits }, call(name, { ...good(name), headers }))
      expect(plain.response?.metadata).toMatchObject({ requestId: "req_1", costUsd: 0.25 })
      expect(plain.response?.metadata.attempts[0]).not.toHaveProperty("responseHeaders")
      expect(told).toEqual([limits])
      const asked = Effect.provideService(call(name, { ...good(name), headers }), CallOptions, {
        includeResponseHeaders: true,
      })
      const attempt = (yield* asked).response?.metadata.attempts[0]
      expect(attempt).toMatchObject({ limits, responseHeaders: { "x-request-id": "req_1" } })
      expect(JSON.stringify(attempt)).not.toContain("sk-secret-key-1")
      yield* inCall({ onLimits }, call(name, { ...good(name), headers: { "x-request-id": "req_1" } }))
      expect(told).toHaveLength(1)
    }),
  )
})

describe.each(calls)("a failing status, asked by %s", (name) => {
  const failing = (status: number, body: string, more: Reply = {}) => ({ status, reads: [body], ...more })

  it.effect("is the service's own words, with what its headers say", () =>
    Effect.gen(function* () {
      const headers = { "x-request-id": "req_1", "retry-after": "3", "x-should-retry": "false" }
      const body = '{"error":{"message":"slow down, sk-secret-key-1"}}'
      const reason = reasonOf(yield* call(name, failing(429, body, { headers })))
      expect(reason).toMatchObject({ _tag: "RateLimitError", status: 429, requestId: "req_1", retryAfterMs: 3000 })
      expect(reason).toMatchObject({ shouldRetry: false })
      expect(reason?.message).toContain("slow down")
      expect(reason?.message).not.toContain("{")
      expect(JSON.stringify(reason)).not.toContain("sk-secret-key-1")
    }),
  )

  it.effect("keeps the first 2,000 characters of its body", () =>
    Effect.gen(function* () {
      const reason = reasonOf(yield* call(name, failing(500, "x".repeat(2001))))
      expect(reason).toMatchObject({ _tag: "ServerError", body: `${"x".repeat(1999)}…` })
    }),
  )

  it.effect("counts a date in its words from the moment at which it came", () =>
    Effect.gen(function* () {
      yield* TestClock.setTime(now)
      const headers = { "retry-after": "Thu, 26 Nov 2026 00:00:09 GMT" }
      expect(reasonOf(yield* call(name, failing(503, "{}", { headers })))).toMatchObject({ retryAfterMs: 9000 })
    }),
  )

  it.effect("of 404 without JSON is an address at which nothing answers, shown without a secret", () =>
    Effect.gen(function* () {
      const url = () => "https://api.test/v2?key=sk-secret-key-1"
      const wrong = reasonOf(yield* call(name, failing(404, "<html>"), { url }))
      expect(wrong?.message).toMatch(
        /nothing answers at https:\/\/api\.test\/v2\?key=<redacted>: check the API base, most end in \/v1/,
      )
      const words = reasonOf(yield* call(name, failing(404, '{"error":{"message":"no such thing"}}')))
      expect(words?.message).toContain("no such thing")
      expect(reasonOf(yield* call(name, failing(403, "<html>")))?.message).not.toContain("nothing answers")
    }),
  )

  it.effect("says enough by itself where its body breaks off, and where it goes on for five seconds", () =>
    Effect.gen(function* () {
      expect(reasonOf(yield* call(name, failing(503, "the words", { end: reset })))).toMatchObject({
        status: 503,
        body: "",
      })
      const before = yield* Clock.currentTimeMillis
      const fiber = yield* Effect.forkChild(call(name, failing(503, "the words", { end: Effect.never })), {
        startImmediately: true,
      })
      for (let ms = 0; ms < 6000 && fiber.pollUnsafe() === undefined; ms += 100) yield* TestClock.adjust(100)
      expect(reasonOf(yield* Fiber.join(fiber))).toMatchObject({ status: 503, body: "" })
      expect((yield* Clock.currentTimeMillis) - before).toBe(5000)
    }),
  )

  it.effect("is read no further than a mebibyte", () =>
    Effect.gen(function* () {
      const piece = "x".repeat(512 * 1024)
      const { llm, seen } = providerOf([{ status: 503, reads: [piece, piece, "y", "z"], end: Effect.die("read on") }])
      expect(reasonOf(yield* ask(llm, name))).toMatchObject({ status: 503 })
      expect(seen.reads).toBe(3)
    }),
  )

  it.effect("of a refused key tells whether the key is another now, where the service can tell", () =>
    Effect.gen(function* () {
      const refused = failing(401, '{"error":{"message":"bad key"}}', { headers: { "x-request-id": "req_1" } })
      const asked: Array<string | undefined> = []
      const renewing = (isRenewed: boolean) => ({
        isRenewed: (sent: WireHeaders) => {
          asked.push(sent["authorization"])
          return Effect.succeed(isRenewed)
        },
      })
      const renewed = reasonOf(yield* call(name, refused, renewing(true)))
      expect(renewed).toMatchObject({ isKeyRenewed: true, status: 401, requestId: "req_1" })
      expect(renewed).toBeInstanceOf(AuthenticationError)
      expect(renewed?.message).toContain("bad key")
      expect(reasonOf(yield* call(name, refused, renewing(false)))).not.toHaveProperty("isKeyRenewed", true)
      expect(reasonOf(yield* call(name, refused))).not.toHaveProperty("isKeyRenewed", true)
      expect(reasonOf(yield* call(name, failing(500, "{}"), renewing(true)))).not.toHaveProperty("isKeyRenewed", true)
      expect(asked).toEqual(["Bearer sk-secret-key-1", "Bearer sk-secret-key-1"])
    }),
  )
})

describe("a whole body", () => {
  const limits = (maxBodyBytes: number) => ({ limits: { maxBodyBytes } })

  it.effect("may be as long as the limit and no longer", () =>
    Effect.gen(function* () {
      const body = chat.answer("ok")
      const size = body.length
      expect((yield* call("generate", { reads: [body] }, limits(size))).response?.text).toBe("ok")
      expect(reasonOf(yield* call("generate", { reads: [body] }, limits(size - 1)))).toMatchObject({
        _tag: "InvalidResponseError",
        message: `the answer is larger than ${size - 1} bytes`,
      })
    }),
  )

  it.effect(
    "that breaks off is an interruption with its status, or an invalid answer where its bytes mean nothing",
    () =>
      Effect.gen(function* () {
        expect(reasonOf(yield* call("generate", { reads: ['{"a"'], end: reset }))).toMatchObject({
          _tag: "StreamInterruptedError",
          message: "the answer broke off: the connection closed: ECONNRESET",
          status: 200,
        })
        const end = Effect.fail({ ...broken(undefined), unreadable: "its coding is corrupt" })
        expect(reasonOf(yield* call("generate", { reads: [], end }))).toMatchObject({
          _tag: "InvalidResponseError",
          message: "its coding is corrupt",
          position: "byte 0",
        })
      }),
  )

  it.effect("that cannot be read is kept in part, without secrets, with what its headers say", () =>
    Effect.gen(function* () {
      const headers = { "x-request-id": "req_1" }
      const reads = [`not JSON, sk-secret-key-1 ${"x".repeat(2000)}`]
      const reason = reasonOf(yield* call("generate", { reads, headers }))
      expect(reason).toMatchObject({ _tag: "InvalidResponseError", requestId: "req_1" })
      expect(JSON.stringify(reason)).toContain("not JSON, <redacted>")
      expect(JSON.stringify(reason)).not.toContain("sk-secret-key-1")
      expect(JSON.stringify(reason).length).toBeLessThan(2500)
    }),
  )

  it.effect("tells a failure as its status would, with the service's verdict and its time to come back", () =>
    Effect.gen(function* () {
      yield* TestClock.setTime(now)
      const body = '{"error":{"message":"slow down","code":"rate_limit_exceeded"}}'
      for (const name of calls) {
        const reply = { reads: [body], headers: { "x-should-retry": "false", "retry-after": "3" } }
        const reason = reasonOf(yield* call(name, reply))
        expect(reason).toMatchObject({ _tag: "RateLimitError", shouldRetry: false })
      }
      const event = reasonOf(yield* call("stream", { reads: [chat.opening, chat.errorEvent("rate-limit")] }))
      expect(event).toMatchObject({ _tag: "RateLimitError" })
    }),
  )

  it.effect("that its provider gave up is an interruption with the text and the figures", () =>
    Effect.gen(function* () {
      const choice = { index: 0, message: { role: "assistant", content: "half" }, finish_reason: "error" }
      const usage = { prompt_tokens: 9, completion_tokens: 5, total_tokens: 14 }
      const seen = yield* call("generate", { reads: [JSON.stringify({ model: "m", choices: [choice], usage })] })
      expect(reasonOf(seen)).toMatchObject({ _tag: "StreamInterruptedError" })
      expect(seen.error?.text).toBe("half")
      expect(seen.error?.attempts).toMatchObject([{ usage: { outputTokens: 5 } }])
    }),
  )

  it.effect("tells when it came as the time of its first output", () =>
    Effect.gen(function* () {
      const reply = { reads: [{ waitMs: 70 }, chat.answer("ok")] }
      const fiber = yield* Effect.forkChild(call("generate", reply), { startImmediately: true })
      yield* TestClock.adjust(70)
      expect((yield* Fiber.join(fiber)).response?.metadata.attempts).toMatchObject([{ firstOutputMs: 70 }])
    }),
  )
})
