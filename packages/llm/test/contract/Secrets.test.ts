/** Keys and redirects: what a server echoes, what a wrong address says, and where a key must not travel. */
import { afterAll, beforeAll, describe, expect, it, vi } from "@effect/vitest"
import * as Effect from "effect/Effect"
import type * as Layer from "effect/Layer"
import {
  Anthropic,
  AzureOpenAi,
  type LlmError,
  LLMInterface,
  type LlmProvider,
  OpenAi,
  withRetry,
  withTelemetry,
} from "../../src/index.ts"
import { type CallName, elsewhere, goodAnswer } from "../faults/FaultScenario.ts"
import { type Answer, end, FaultServer, type RecordedRequest, write } from "../faults/FaultServer.ts"
import { head, stream, whole } from "../faults/HttpText.ts"
import { goodStream, type WireText } from "../faults/WireText.ts"
import { ask, open, patient, serve } from "./Ask.ts"
import { useBareEnvironment } from "./BareEnvironment.ts"
import { Exposure } from "./Exposure.ts"
import { law } from "./Laws.ts"
import { type Cell, cells, providers } from "./Providers.ts"

useBareEnvironment("debug")

const canary = "sk-canary-7f3a9c1e5b2d8046"

/** The same characters to who parses JSON. */
const spelt = canary.replaceAll("-", "\\u002D").replace("7f", "\\u0037f")

const base64 = (text: string): string => Buffer.from(text).toString("base64")
const percentEncoded = Array.from(canary, (character) => `%${character.charCodeAt(0).toString(16)}`).join("")
const masked = `${canary.slice(0, 7)}${"*".repeat(12)}${canary.slice(-4)}`

/** The key, and enough of it to be worth stealing. */
const leaks = (text: string): ReadonlyArray<string> =>
  [
    canary,
    canary.slice(0, 12),
    canary.slice(-12),
    base64(canary),
    base64(`user:${canary}`).slice(8, -4),
    percentEncoded,
    masked,
    `${canary.slice(0, 7)}*`,
    `*${canary.slice(-4)}`,
  ].filter((piece) => text.includes(piece))

const errorBody = (wire: WireText, message: string, more: object = {}): string =>
  wire.name !== "messages"
    ? JSON.stringify({ error: { message, type: "invalid_request_error", param: null, code: null, ...more } })
    : JSON.stringify({ type: "error", error: { type: "invalid_request_error", message, ...more }, request_id: "req" })

const event = (data: string): string => `event: error\ndata: ${data}\n\n`
const quoted = `Invalid proxy server token passed. Received API Key = ${canary}, Key Hash = 5e88`
const everywhere = { type: canary, param: canary, code: canary, detail: canary, details: { error_code: canary } }
const page = `<html><head><title>${canary}</title></head><body>${canary}</body></html>`

/** The ways in which a server may say a key back. */
const echoes: Readonly<Record<string, (wire: WireText, call: CallName) => Answer>> = {
  "an error status": (wire) => whole(errorBody(wire, quoted), 401),
  "every field of an error status": (wire) => whole(errorBody(wire, quoted, everywhere), 400),
  "an error status whose JSON spells the key in its own way": (wire) =>
    whole(errorBody(wire, quoted).replaceAll(canary, spelt), 401),
  "an error event whose JSON spells the key in its own way": (wire) =>
    stream(wire.opening, event(errorBody(wire, quoted).replaceAll(canary, spelt))),
  "an error status, percent-encoded": (wire) => whole(errorBody(wire, `no such key: ${percentEncoded}`), 401),
  "an error status, in base64": (wire) => whole(errorBody(wire, `Basic ${base64(`user:${canary}`)} is unknown`), 401),
  "an error status, half-masked": (wire) => whole(errorBody(wire, `Incorrect API key provided: ${masked}.`), 401),
  "an error event, half-masked": (wire) => stream(wire.opening, event(errorBody(wire, `Key ${masked} is gone`))),
  "an error body of plain text": () => whole(`key ${canary} not known`, 403),
  "an error page": () => whole(page, 502, { "content-type": "text/html" }),
  "an error body longer than its excerpt": (wire) =>
    whole(errorBody(wire, `${"x".repeat(1930)}${canary}${"y".repeat(3000)}`), 500),
  "an error body under 200": (wire) => whole(errorBody(wire, quoted)),
  "every field of an error body under 200": (wire) => whole(errorBody(wire, quoted, everywhere)),
  "a page under 200": () => whole(page, 200, { "content-type": "text/html" }),
  "a body that is no JSON": () => whole(`${canary} is not JSON`),
  "a body that is broken JSON": () => whole(`{"${canary}": ${canary}}`),
  "a body of another kind": () => whole(JSON.stringify({ received: { headers: { authorization: canary } } })),
  "a body of another kind, cut inside the key": () => whole(JSON.stringify(`${"x".repeat(476)}${canary}`)),
  "an error event": (wire) => stream(wire.opening, event(errorBody(wire, quoted))),
  "every field of an error event": (wire) => stream(wire.opening, event(errorBody(wire, quoted, everywhere))),
  "an error event of plain text": (wire) => stream(wire.opening, event(quoted)),
  "an event that is no JSON": (wire) => stream(wire.opening, `data: {${canary}\n\n`, wire.terminal),
  "an event cut inside the key": (wire) =>
    stream(wire.opening, `data: {${"x".repeat(476)}${canary}\n\n`, wire.terminal),
  "its request id": (wire) =>
    whole(errorBody(wire, "no"), 400, { "x-request-id": canary, "request-id": canary, "x-canary": canary }),
}

const cases = Object.entries(echoes).flatMap(([form, answer]) => cells.map((cell) => ({ ...cell, form, answer })))

/** Asks, and notes whatever comes of it. */
const expose = Effect.fnUntraced(function* (
  exposure: Exposure,
  layer: Layer.Layer<LlmProvider, LlmError>,
  call: CallName,
) {
  const seen = yield* exposure.watch(
    Effect.scoped(Effect.flatMap(open(layer.pipe(withRetry({ times: 0 }), withTelemetry)), (llm) => ask(llm, call))),
  )
  exposure.show(seen)
  if (seen.error !== undefined) exposure.showFailure(seen.error)
  return seen
})

/** Everything that was written to stderr, by all tests: one spy, because they run at the same time. */
const logged: Array<string> = []
beforeAll(() => {
  vi.spyOn(process.stderr, "write").mockImplementation((chunk) => logged.push(String(chunk)) > 0)
})
afterAll(() => {
  vi.restoreAllMocks()
})

describe.concurrent(law.secrets, patient, () => {
  it.live.each(cases)(
    "not when the server echoes it in $form ($on)",
    Effect.fnUntraced(function* ({ answer, call, provider }) {
      const server = yield* serve(() => answer(provider.wire, call))
      const exposure = new Exposure()
      const seen = yield* expose(exposure, provider.layer(server.url, canary), call)
      expect(seen.error).toBeDefined()
      for (const { headers } of server.requests) expect(headers).toMatchObject(provider.headerOf(canary))
      expect(leaks(exposure.all())).toEqual([])
    }),
  )

  it.live.each(cells)(
    "not when all is well ($on)",
    Effect.fnUntraced(function* ({ call, provider }) {
      const server = yield* serve(() => goodAnswer(provider.wire, call))
      const exposure = new Exposure()
      const seen = yield* expose(exposure, provider.layer(server.url, canary), call)
      expect(seen.response?.metadata.attempts).toHaveLength(1)
      expect(exposure.all()).toContain("gen_ai.provider.name")
      expect(leaks(exposure.all())).toEqual([])
    }),
  )

  it.live.each(cells)(
    "not when an answer names it as model, finish reason and request id ($on)",
    Effect.fnUntraced(function* ({ call, provider }) {
      const said = (text: string) =>
        text.replaceAll(/"(gpt-5-mini-2025-08-07|claude-sonnet-5|stop|end_turn)"/g, JSON.stringify(canary))
      const { wire } = provider
      const server = yield* serve(() => [
        write(
          head(200, {
            "content-type": call === "generate" ? "application/json" : "text/event-stream",
            "x-request-id": canary,
            "request-id": canary,
            connection: "close",
          }),
        ),
        write(call === "generate" ? said(wire.answer("Hello")) : goodStream(wire).map(said).join("")),
        end,
      ])
      const exposure = new Exposure()
      const seen = yield* expose(exposure, provider.layer(server.url, canary), call)
      for (const { headers } of server.requests) expect(headers).toMatchObject(provider.headerOf(canary))
      expect(exposure.all()).toContain("<redacted>")
      expect(seen.response?.metadata.servedModel).toBe("<redacted>")
      expect(leaks(exposure.all())).toEqual([])
    }),
  )

  const quotesRequest = (request: RecordedRequest) =>
    whole(JSON.stringify({ error: { message: `${request.path} ${JSON.stringify(request.headers)}` } }), 400)
  const ownSecrets: Readonly<Record<string, (url: string) => Layer.Layer<LlmProvider, LlmError>>> = {
    "a header of the caller's": (url) =>
      OpenAi.layer({
        apiKey: "sk-other-0123456789",
        apiBase: `${url}/v1`,
        model: "m",
        headers: { "x-gateway-token": canary },
      }),
    "a header of the caller's at Anthropic": (url) =>
      Anthropic.layer({
        apiKey: "sk-other-0123456789",
        apiBase: url,
        model: "m",
        headers: { authorization: `Bearer ${canary}` },
      }),
    "a query in the API base": (url) =>
      OpenAi.layer({
        apiKey: "sk-other-0123456789",
        apiBase: `${url}/v1?api-version=2024-10-21&code=${canary}`,
        model: "m",
      }),
    "the password of a header of the caller's at Azure": (url) =>
      AzureOpenAi.layer({
        apiKey: "sk-other-0123456789",
        apiBase: url,
        model: "m",
        headers: { "proxy-authorization": `Basic ${base64(`user:${canary}`)}` },
      }),
  }
  it.live.each(
    Object.entries(ownSecrets).flatMap(([what, layer]) =>
      (["generate", "stream"] as const).map((call) => ({ call, layer, what })),
    ),
  )(
    "not $what that the server echoes ($call)",
    Effect.fnUntraced(function* ({ call, layer }) {
      // A page under 404 is told with the address that was asked.
      const server = yield* serve((request) => (request.index === 0 ? quotesRequest(request) : whole(page, 404)))
      const exposure = new Exposure()
      const seen = yield* expose(exposure, layer(server.url), call)
      expect(seen.error?.reason.message).toContain("<redacted>")
      yield* expose(exposure, layer(server.url), call)
      expect(server.requests).toHaveLength(2)
      expect(leaks(exposure.all())).toEqual([])
    }),
  )

  it.live.each(cells)(
    "not when it is taken for a model's name ($on)",
    Effect.fnUntraced(function* ({ call, provider }) {
      const server = yield* serve(() => goodAnswer(provider.wire, call))
      const llm = yield* open(provider.layer(server.url, canary))
      for (const model of [canary, `openai/${canary}`, "sk-proj-another-0123456789"]) {
        const { error } = yield* ask(llm, call, { messages: [{ role: "user", content: "Hi" }], model })
        const exposure = new Exposure()
        exposure.showFailure(error)
        expect(error?.reason).toMatchObject({ _tag: "InvalidRequestError", parameter: "model" })
        expect(exposure.all()).not.toContain(model)
        expect(leaks(exposure.all())).toEqual([])
      }
      expect(server.requests).toHaveLength(0)
    }),
  )

  const wrongBases = ["https://key.invalid:99999", "http://[::1", "not a url", "ftp://127.0.0.1", "http://127.0.0.1:1"]
  it.live.each(cells.flatMap((cell) => wrongBases.map((base) => ({ ...cell, base }))))(
    "not when the API base is $base ($on)",
    Effect.fnUntraced(function* ({ base, call, provider }) {
      const exposure = new Exposure()
      const result = yield* Effect.result(expose(exposure, provider.layer(base, canary), call))
      const error = result._tag === "Failure" ? result.failure : result.success.error
      exposure.showFailure(error)
      expect(["ConfigurationError", "ConnectionError"]).toContain(error?.reason._tag)
      expect(leaks(exposure.all())).toEqual([])
    }),
  )

  it.live.each([{ call: "generate" }, { call: "stream" }] as const)(
    "not an Entra token that the server echoes ($call)",
    Effect.fnUntraced(function* ({ call }) {
      const server = yield* serve(() => whole(JSON.stringify({ error: { message: `bad token ${canary}` } }), 401))
      const exposure = new Exposure()
      const entraToken = () => Promise.resolve(canary)
      const layer = AzureOpenAi.layer({ apiBase: server.url, model: "my-deployment", entraToken })
      const seen = yield* expose(exposure, layer, call)
      expect(server.requests[0]?.headers["authorization"]).toBe(`Bearer ${canary}`)
      expect(seen.error?.reason._tag).toBe("AuthenticationError")
      expect(leaks(exposure.all())).toEqual([])
    }),
  )

  it.each(providers)("not in what promises resolve with, nor in their log ($name)", async (provider) => {
    await using server = await FaultServer.start(() => whole(errorBody(provider.wire, quoted), 401))
    await using llm = new LLMInterface({ ...provider.options(server.url, canary), maxRetries: 0 })
    const exposure = new Exposure()
    exposure.show(llm)
    const messages = [{ role: "user", content: "Say hello." }] as const
    const response = await llm.generate({ messages })
    expect(response).toMatchObject({ text: "", errorType: "AuthenticationError" })
    exposure.show(response)
    const events = llm.stream({ messages })
    exposure.show(await events.response)
    exposure.show(events)
    await events.next().catch((error: unknown) => exposure.showFailure(error))
    await vi.waitUntil(() => logged.join("\n").includes(`provider=${provider.provider}`), patient)
    exposure.show(logged)
    expect(leaks(exposure.all())).toEqual([])
  })
})

describe.concurrent(law.redirects, patient, () => {
  const statuses = [301, 302, 303, 307, 308]
  const redirects: ReadonlyArray<Cell & { readonly status: number }> = cells.flatMap((cell) =>
    statuses.map((status) => ({ ...cell, status })),
  )
  it.live.each(redirects)(
    "not $status, and the key is never sent there ($on)",
    Effect.fnUntraced(function* ({ call, provider, status }) {
      const other = yield* serve(() => goodAnswer(provider.wire, call))
      const server = yield* serve(() => whole("", status, { location: `${other.url}${elsewhere}` }))
      const llm = yield* open(provider.layer(server.url, canary).pipe(withRetry({ times: 0 })))
      const seen = yield* ask(llm, call)
      expect(seen.error?.reason._tag).toBe("InvalidResponseError")
      expect(server.requests).toHaveLength(1)
      expect(other.connections).toEqual([])
    }),
  )
})
