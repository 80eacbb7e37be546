/**
 * One request from a model's name to its release: which model and headers are sent, what is refused before anything is, what
 * of the secrets is shown nowhere, and how the exchange is closed.
 */
import { describe, expect, it } from "@effect/vitest"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Logger from "effect/Logger"
import * as References from "effect/References"
import { TestClock } from "effect/testing"
import { ConfigurationError, InvalidRequestError } from "../../src/model/LlmError.ts"
import type { LlmRequest } from "../../src/model/LlmRequest.ts"
import type { AttemptPlan } from "../../src/call/AttemptGate.ts"
import { type CallContext, joinCall, within } from "../../src/call/CallContext.ts"
import { CallOptions } from "../../src/call/CallOptions.ts"
import type { CallEvent } from "../../src/call/CallEvent.ts"
import type { Endpoint } from "../../src/transport/Endpoint.ts"
import * as HttpProvider from "../../src/transport/HttpProvider.ts"
import type { Exchange } from "../../src/transport/Transport.ts"
import { ask, hello, type Seen } from "../contract/Ask.ts"
import { chat, fullText, goodStream } from "../faults/WireText.ts"
import { calls, endpoint, providerOf, replying, type Reply, reset } from "./Replies.ts"

const good = (name: (typeof calls)[number]): Reply => ({
  reads: name === "generate" ? [chat.answer(fullText)] : goodStream(chat),
})
const inCall = <A, E>(changed: Partial<CallContext>, effect: Effect.Effect<A, E>) =>
  joinCall((context) => within(effect, { ...context, ...changed }))
const bodyOf = (body: string | undefined) => JSON.parse(body ?? "null")

describe.each(calls)("a request of %s", (name) => {
  const over = (more: Partial<Endpoint> = {}, reply: Reply = good(name)) => providerOf([reply], more)
  const asked = (more?: Partial<Endpoint>, request: LlmRequest = hello) => {
    const { closed, llm, requests } = over(more)
    return Effect.map(ask(llm, name, request), (seen) => ({ seen, requests, closed }))
  }
  /** What is refused before anything was sent: no attempt, no exchange. */
  const refusalOf = ({
    closed,
    requests,
    seen,
  }: {
    requests: ReadonlyArray<unknown>
    closed: ReadonlyArray<boolean>
    seen: Seen
  }) => {
    expect(seen.error?.attempts).toEqual([])
    expect([requests.length, closed.length]).toEqual([0, 0])
    return seen.error
  }

  it.effect("is of its own model or else of the service's, and of none without a setting named that gives one", () =>
    Effect.gen(function* () {
      expect(bodyOf((yield* asked()).requests[0]?.body)).toMatchObject({ model: "m" })
      expect(bodyOf((yield* asked({}, { ...hello, model: "own" })).requests[0]?.body)).toMatchObject({ model: "own" })
      expect(bodyOf((yield* asked()).requests[0]?.body).stream === true).toBe(name === "stream")
      const none = refusalOf(yield* asked({ model: undefined }))
      expect(none?.reason).toMatchObject({ _tag: "ConfigurationError", setting: "PRIMARY_MODEL" })
      expect(none?.message).toContain("PRIMARY_MODEL=<model>")
      const example = refusalOf(yield* asked({ model: undefined, exampleModel: "gpt-5-mini" }))
      expect(example?.message).toContain("PRIMARY_MODEL=gpt-5-mini")
      expect(example?.message).toContain("neither the layer nor the request names a model")
    }),
  )

  it.effect("with a key in the model's place is refused, and the key is shown nowhere", () =>
    Effect.gen(function* () {
      const headers = Effect.succeed({ "x-api-key": "a plain secret" })
      for (const model of ["sk-other-key-1234567", "m: a plain secret"]) {
        const error = refusalOf(yield* asked({ headers }, { ...hello, model }))
        expect(error?.reason).toMatchObject({ _tag: "InvalidRequestError", parameter: "model" })
        expect(error?.model).toBe("<redacted>")
        expect(JSON.stringify(error)).not.toContain(model)
      }
    }),
  )

  it.effect("that is invalid, cannot be written or has no address is refused, by its model", () =>
    Effect.gen(function* () {
      const empty = refusalOf(yield* asked({}, { messages: [] }))
      expect(empty).toMatchObject({ model: "m", reason: { _tag: "InvalidRequestError" } })
      const blank = refusalOf(yield* asked({}, { messages: [{ role: "user", content: " " }], model: "own" }))
      expect(blank).toMatchObject({ model: "own", reason: { _tag: "InvalidRequestError" } })
      const reason = new InvalidRequestError({ message: "no address", parameter: "model" })
      expect(refusalOf(yield* asked({ url: () => reason }))).toMatchObject({ model: "m", reason })
      const options = { ...hello, providerOptions: { test: { seed: 1n } } } as unknown as LlmRequest
      expect(refusalOf(yield* asked({}, options))).toMatchObject({
        model: "m",
        reason: { _tag: "InvalidRequestError" },
      })
    }),
  )

  it.effect("without the headers that it needs is refused", () =>
    Effect.gen(function* () {
      const reason = new ConfigurationError({ setting: "OPENAI_API_KEY", message: "no key" })
      expect(refusalOf(yield* asked({ headers: Effect.fail(reason) }))).toMatchObject({ model: "m", reason })
      const odd = refusalOf(yield* asked({ headers: Effect.succeed({ "x-team": "a\nb" }) }))
      expect(odd).toMatchObject({ model: "m", reason: { _tag: "ConfigurationError", setting: "headers" } })
    }),
  )

  it.effect("has the call's headers too, which replace none of the service's", () =>
    Effect.gen(function* () {
      const headers = { "x-team": "red", authorization: "Bearer other" }
      const { requests } = yield* Effect.provideService(asked(), CallOptions, { headers })
      expect(requests[0]?.headers).toMatchObject({ "x-team": "red", authorization: "Bearer sk-secret-key-1" })
      expect((yield* asked()).requests[0]?.headers).not.toHaveProperty("x-team")
    }),
  )

  it.effect("has a repaired text where its own holds half a character, and says so", () =>
    Effect.gen(function* () {
      const { requests, seen } = yield* asked({}, { messages: [{ role: "user", content: "a\ud800b" }] })
      expect(requests[0]?.body).toContain("a\ufffdb")
      expect(seen.response?.metadata.warnings).toContainEqual(expect.stringContaining("well-formed Unicode"))
      expect((yield* asked()).seen.response?.metadata.warnings).toEqual([])
    }),
  )

  it.effect("tells what was dropped from it, before what was repaired", () =>
    Effect.gen(function* () {
      const request: LlmRequest = { messages: [{ role: "user", content: "a\ud800b" }], temperature: 0.3 }
      const { requests, seen } = yield* asked({ capabilities: () => ({ sampling: "refused" }) }, request)
      expect(bodyOf(requests[0]?.body)).not.toHaveProperty("temperature")
      expect(seen.response?.metadata.warnings).toEqual([
        expect.stringContaining("temperature was dropped"),
        expect.stringContaining("well-formed Unicode"),
      ])
    }),
  )

  it.effect("shows no secret of its headers, its address or its transport in what the service echoes", () =>
    Effect.gen(function* () {
      const echo = "sk-secret-key-1 and query-secret-22 and proxy-secret-33"
      const { open } = replying({ status: 500, reads: [JSON.stringify({ error: { message: echo } })] })
      const secrets = ["proxy-secret-33"]
      const url = () => "https://api.test/v1?api-version=2025&sig=query-secret-22"
      const { error } = yield* ask(HttpProvider.make(endpoint({ url }), Object.assign(open, { secrets })), name)
      expect(error?.message).toContain("<redacted> and <redacted> and <redacted>")
      expect(JSON.stringify(error)).not.toMatch(/secret-key|query-secret|proxy-secret/)
    }),
  )

  it.effect(
    "goes through the gates of its call, which are told what is sent; refused, its exchange is closed unsent",
    () =>
      Effect.gen(function* () {
        const plans: Array<AttemptPlan> = []
        const reason = new ConfigurationError({ setting: "budget", message: "used up" })
        const gate = (answer: typeof reason | (() => void)) => ({
          enter: (plan: AttemptPlan) => {
            plans.push(plan)
            return answer
          },
        })
        const request = { ...hello, maxTokens: 7 }
        const open = over()
        let left = 0
        yield* inCall({ gates: [gate(() => void left++)] }, ask(open.llm, name, request))
        expect(plans).toMatchObject([{ provider: "test", model: "m", maxTokens: 7, request }])
        expect(left).toBe(1)
        const shut = over({}, { head: Effect.die("sent") })
        const seen = yield* inCall({ gates: [gate(reason)] }, ask(shut.llm, name))
        expect(seen.error).toMatchObject({ reason, attempts: [{ errorType: "ConfigurationError" }] })
        expect(shut.closed).toEqual([false])
      }),
  )

  it.effect("tells observers the provider's name in traces and its address without secrets", () =>
    Effect.gen(function* () {
      const events: Array<CallEvent> = []
      const observers = [(event: CallEvent) => void events.push(event)]
      const url = () => "https://api.test/v1?key=query-secret-22"
      yield* inCall({ observers }, asked({ url, telemetryName: "other.name" }))
      const start = events.find(({ type }) => type === "attempt-start")
      expect(start).toMatchObject({ telemetryName: "other.name", url: "https://api.test/v1?key=<redacted>" })
    }),
  )

  it.effect("costs what its service's own prices say, for the temperature and limit that were sent", () =>
    Effect.gen(function* () {
      const prices = { m: { input: 1_000_000, output: 0 } }
      const { seen } = yield* asked({ prices } as Partial<Endpoint>, { ...hello, temperature: 0.5, maxTokens: 9 })
      expect(seen.response?.metadata).toMatchObject({ temperature: 0.5, maxTokens: 9 })
      expect(seen.response?.metadata.costUsd).toBeGreaterThan(0)
    }),
  )

  it.effect("ends its attempt as it ends itself, when it does, and tells so once", () =>
    Effect.gen(function* () {
      const endOf = (reply: Reply, afterMs: number) =>
        Effect.gen(function* () {
          const events: Array<CallEvent> = []
          const observers = [(event: CallEvent) => void events.push(event)]
          const call = inCall({ observers }, ask(over({}, reply).llm, name))
          const fiber = yield* Effect.forkChild(call, { startImmediately: true })
          yield* TestClock.adjust(afterMs)
          yield* Fiber.interrupt(fiber)
          const ends = events.flatMap((event) => (event.type === "attempt-end" ? [event] : []))
          expect(ends).toHaveLength(1)
          return ends.map(({ exit, record }) => [
            Exit.isFailure(exit) ? String(Cause.squash(exit.cause)) : "ok",
            record.durationMs,
          ])[0]
        })
      expect(yield* endOf({ reads: [{ waitMs: 70 }, ...(good(name).reads ?? [])] }, 99)).toEqual(["ok", 70])
      expect(yield* endOf({ head: Effect.die("defect") }, 0)).toEqual(["defect", 0])
      const interrupted = expect.stringMatching(/interrupt/i)
      expect(yield* endOf({ head: Effect.never }, 50)).toEqual([interrupted, 50])
      expect(yield* endOf({ end: Effect.never }, 50)).toEqual([interrupted, 50])
    }),
  )

  it.effect("is logged at DEBUG by what its attempt tells, after its exchange was closed, and nowhere else", () =>
    Effect.gen(function* () {
      const told: Array<unknown> = []
      const logger = Logger.make(({ message }) => void told.push(message))
      const run = (level: "Debug" | "Info", more?: { readonly close: Effect.Effect<void> }) => {
        const { open } = replying({ ...good(name), headers: { "x-request-id": "req_1" } })
        const opened = (request: Parameters<typeof open>[0]): Exchange =>
          more === undefined ? open(request) : { ...open(request), close: () => more.close }
        return ask(HttpProvider.make(endpoint(), opened), name).pipe(
          Effect.provideService(References.MinimumLogLevel, level),
          Effect.provide(Logger.layer([logger])),
        )
      }
      yield* run("Info")
      expect(told).toEqual([])
      const line = { provider: "test", model: "m", status: 200, requestId: "req_1", durationMs: expect.any(Number) }
      yield* run("Debug")
      expect(told).toEqual([["API call", { ...line, errorType: undefined }]])
      yield* run("Debug", { close: Effect.sync(() => void told.push("closed")) })
      expect(told.slice(1)).toEqual(["closed", ["API call", { ...line, errorType: undefined }]])
      yield* run("Info", { close: Effect.sync(() => void told.push("closed")) })
      expect(told.at(-1)).toBe("closed")
    }),
  )

  it.effect("closes its exchange once, however it ends", () =>
    Effect.gen(function* () {
      const fine = over()
      yield* ask(fine.llm, name)
      // Only a stream is about to end when its answer is complete: a whole body has been read to its end.
      expect(fine.closed).toEqual([name === "stream"])
      const failing = over({}, { ...good(name), reads: [], end: reset })
      yield* ask(failing.llm, name)
      expect(failing.closed).toEqual([false])
      const refused = over({}, { status: 500 })
      yield* ask(refused.llm, name)
      expect(refused.closed).toEqual([false])
      for (const stalled of [over({}, { head: Effect.never }), over({}, { end: Effect.never })]) {
        const fiber = yield* Effect.forkChild(ask(stalled.llm, name), { startImmediately: true })
        yield* Effect.yieldNow
        yield* Fiber.interrupt(fiber)
        expect(stalled.closed).toEqual([false])
      }
    }),
  )
})
