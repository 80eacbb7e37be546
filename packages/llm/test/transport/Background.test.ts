/** Answers that a provider makes in the background: asked for until they are there, and streams that go on where they were. */
import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import { TestClock } from "effect/testing"
import { type LlmRequest, OpenAi, AzureOpenAi, type LlmProvider, type LlmError, withTimeout } from "../../src/index.ts"
import type * as Layer from "effect/Layer"
import { ask, open, outcomeOf, serve } from "../contract/Ask.ts"
import type { CallName } from "../faults/FaultScenario.ts"
import { inTurn, stall } from "../faults/FaultServer.ts"
import { chunk, stream, streamHead, whole } from "../faults/HttpText.ts"

const request: LlmRequest = {
  messages: [{ role: "user", content: "Think long." }],
  providerOptions: { openai: { background: true }, azure: { background: true } },
}

const message = { type: "message", role: "assistant", content: [{ type: "output_text", text: "It is warm." }] }
const response = (status: string, output: ReadonlyArray<object> = [], more: object = {}) => ({
  id: "resp_1",
  object: "response",
  background: true,
  status,
  model: "gpt-5-mini",
  output,
  error: null,
  usage: null,
  ...more,
})
const body = (status: string, output?: ReadonlyArray<object>) => whole(JSON.stringify(response(status, output)))

/** What a model that reasons is asked for with every question. */
const sealed = "include[]=reasoning.encrypted_content"

const event = (sequence_number: number, type: string, more: object = {}) =>
  `event: ${type}\ndata: ${JSON.stringify({ type, sequence_number, ...more })}\n\n`
const opening = event(0, "response.queued", { response: response("queued") })
const piece = (number: number, delta: string) =>
  event(number, "response.output_text.delta", { output_index: 0, content_index: 0, delta })
const completed = (number: number) =>
  event(number, "response.completed", { response: response("completed", [message]) })

/** A call whose waits take no time: the clock moves on whenever nothing else does. */
const askQuickly = (layer: Layer.Layer<LlmProvider, LlmError>, call: CallName, wanted: LlmRequest = request) =>
  Effect.gen(function* () {
    const llm = yield* open(layer)
    const fiber = yield* Effect.forkChild(ask(llm, call, wanted))
    while (fiber.pollUnsafe() === undefined) {
      yield* Effect.promise(() => new Promise((resolve) => setImmediate(resolve)))
      yield* TestClock.adjust("100 millis")
    }
    return yield* Fiber.join(fiber)
  })

const openAi = (url: string) =>
  OpenAi.layer({ apiKey: "key", apiBase: `${url}/v1`, model: "gpt-5-mini", wireApi: "responses" })

describe("an answer in the background", () => {
  it.effect(
    "is ordered once, and asked for until it is there",
    Effect.fnUntraced(function* () {
      const server = yield* serve(inTurn(body("queued"), body("in_progress"), body("completed", [message])))
      const seen = yield* askQuickly(openAi(server.url), "generate")
      expect(seen.response).toMatchObject({ text: "It is warm.", finishReason: "stop" })
      expect(seen.response?.metadata.attempts).toHaveLength(1)
      expect(server.requests.map(({ method, path }) => `${method} ${path}`)).toEqual([
        "POST /v1/responses",
        `GET /v1/responses/resp_1?${sealed}`,
        `GET /v1/responses/resp_1?${sealed}`,
      ])
      expect(server.requests[0]?.json).toMatchObject({ background: true })
      expect(server.requests[0]?.json).not.toHaveProperty("store")
      expect(server.requests.map(({ headers }) => headers["authorization"])).toEqual(Array(3).fill("Bearer key"))
    }),
  )

  it.effect(
    "is asked for with everything that its request wanted included, so that its reasoning can be sent back",
    Effect.fnUntraced(function* () {
      const thought = { type: "reasoning", id: "rs_1", summary: [], encrypted_content: "sealed" }
      const server = yield* serve(inTurn(body("queued"), body("completed", [thought, message])))
      const include = ["message.output_text.logprobs"]
      const wanted = { ...request, providerOptions: { openai: { background: true, include } } }
      const seen = yield* askQuickly(openAi(server.url), "generate", wanted)
      expect(server.requests[1]?.path).toBe(`/v1/responses/resp_1?${sealed}&include[]=message.output_text.logprobs`)
      expect(JSON.stringify(seen.response?.parts)).toContain('"sealed"')
      const plain = yield* serve(inTurn(body("queued"), body("completed", [message])))
      const layer = OpenAi.layer({ apiKey: "key", apiBase: plain.url, model: "gpt-4o", wireApi: "responses" })
      yield* askQuickly(layer, "generate")
      expect(plain.requests[1]?.path).toBe("/responses/resp_1")
    }),
  )

  it.effect(
    "keeps the query of an Azure address",
    Effect.fnUntraced(function* () {
      const server = yield* serve(inTurn(body("queued"), body("completed", [message])))
      const layer = AzureOpenAi.layer({
        apiKey: "key",
        apiBase: server.url,
        apiVersion: "2025-04-01-preview",
        model: "mine",
        wireApi: "responses",
      })
      expect((yield* askQuickly(layer, "generate")).text).toBe("It is warm.")
      expect(server.requests[1]?.path).toBe("/openai/responses/resp_1?api-version=2025-04-01-preview")
    }),
  )

  it.effect(
    "survives questions that fail, and no more than a few of them",
    Effect.fnUntraced(function* () {
      const busy = whole("{}", 503)
      const server = yield* serve(inTurn(body("queued"), busy, busy, body("completed", [message])))
      expect((yield* askQuickly(openAi(server.url), "generate")).text).toBe("It is warm.")
      const dead = yield* serve(
        inTurn(body("queued"), whole('{"error":{"message":"Gone.","code":"server_error"}}', 500)),
      )
      const seen = yield* askQuickly(openAi(dead.url), "generate")
      expect(outcomeOf(seen)).toBe("ServerError")
      expect(dead.requests.filter(({ method }) => method === "POST")).toHaveLength(1)
      expect(dead.requests).toHaveLength(6)
    }),
  )

  it.effect(
    "that fails or was cancelled is that failure, whole and in a stream",
    Effect.fnUntraced(function* () {
      const error = { code: "rate_limit_exceeded", message: "Too fast." }
      const failed = response("failed", [], { error })
      const server = yield* serve(inTurn(body("queued"), whole(JSON.stringify(failed))))
      expect(outcomeOf(yield* askQuickly(openAi(server.url), "generate"))).toBe("RateLimitError")
      const cut = stream(opening, piece(1, "It "))
      const streaming = yield* serve(inTurn(cut, stream(event(2, "response.failed", { response: failed }))))
      expect(outcomeOf(yield* askQuickly(openAi(streaming.url), "stream"))).toBe("RateLimitError")
    }),
  )

  it.effect(
    "goes on where its stream was cut, inside an event too, and says nothing twice",
    Effect.fnUntraced(function* () {
      const server = yield* serve(
        inTurn(
          stream(opening, piece(1, "It "), piece(2, "is ").slice(0, 40)),
          stream(piece(2, "is ")),
          stream(piece(3, "warm."), completed(4)),
        ),
      )
      const seen = yield* askQuickly(openAi(server.url), "stream")
      expect(seen.text).toBe("It is warm.")
      expect(seen.response?.finishReason).toBe("stop")
      expect(server.requests.map(({ method, path }) => `${method} ${path}`)).toEqual([
        "POST /v1/responses",
        `GET /v1/responses/resp_1?stream=true&starting_after=1&${sealed}`,
        `GET /v1/responses/resp_1?stream=true&starting_after=2&${sealed}`,
      ])
    }),
  )

  it.effect(
    "whose stream cannot go on tells why, with the text so far",
    Effect.fnUntraced(function* () {
      const gone = whole('{"error":{"message":"No such response.","code":null,"type":"invalid_request_error"}}', 404)
      const server = yield* serve(inTurn(stream(opening, piece(1, "It ")), gone))
      const seen = yield* askQuickly(openAi(server.url), "stream")
      expect(seen.error?.message).toContain("No such response.")
      expect(seen.error?.text).toBe("It ")
    }),
  )

  it.effect(
    "that is not in the background is cut where its stream is cut",
    Effect.fnUntraced(function* () {
      const server = yield* serve(inTurn(stream(opening, piece(1, "It "))))
      const seen = yield* askQuickly(openAi(server.url), "stream", { messages: request.messages })
      expect(outcomeOf(seen)).toBe("StreamInterruptedError")
      expect(server.requests).toHaveLength(1)
    }),
  )

  it.effect(
    "ends with the call's deadline, and closes its connection",
    Effect.fnUntraced(function* () {
      const server = yield* serve(inTurn(body("queued"), body("in_progress")))
      const seen = yield* askQuickly(openAi(server.url).pipe(withTimeout("30 seconds")), "generate")
      expect(outcomeOf(seen)).toBe("TimeoutError")
      // Each question waits longer, up to 8 seconds.
      expect(server.requests.length).toBeLessThan(10)
      const silent = yield* serve(inTurn(stream(opening, piece(1, "It ")), [streamHead(), chunk(": ping\n\n"), stall]))
      const cut = yield* askQuickly(openAi(silent.url).pipe(withTimeout("30 seconds")), "stream")
      expect(outcomeOf(cut)).toBe("TimeoutError")
      yield* Effect.promise(() => silent.requests[1]?.connection.closed ?? Promise.reject())
    }),
  )
})
