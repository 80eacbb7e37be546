/**
 * Effect's `HttpClient` as the transport: what a client opens is released before the call ends, its defects and interrupts
 * stay what they are, and its effects run in the caller's context.
 */
import * as NodeHttpClient from "@effect/platform-node/NodeHttpClient"
import { setImmediate as nextTurn } from "node:timers/promises"
import { describe, expect, it } from "@effect/vitest"
import * as Cause from "effect/Cause"
import * as Context from "effect/Context"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as FetchHttpClient from "effect/http/FetchHttpClient"
import * as HttpClient from "effect/http/HttpClient"
import * as HttpClientResponse from "effect/http/HttpClientResponse"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import * as Stream from "effect/Stream"
import { LlmProvider, OpenAi } from "../../../src/index.ts"
import { type CallName, goodAnswer, partial } from "../../faults/FaultScenario.ts"
import { type Answer, FaultServer, inTurn, type Script, stall } from "../../faults/FaultServer.ts"
import { streamHead, whole } from "../../faults/HttpText.ts"
import { chat, fullText } from "../../faults/WireText.ts"

const calls = ["generate", "stream"] as const
const hello = { messages: [{ role: "user" as const, content: "hello" }] }

const clients: Readonly<Record<string, Layer.Layer<HttpClient.HttpClient>>> = {
  fetch: FetchHttpClient.layer,
  undici: NodeHttpClient.layerUndici,
  "node:http": NodeHttpClient.layerNodeHttp,
}

const serve = (script: Script) =>
  Effect.acquireRelease(
    Effect.promise(() => FaultServer.start(script)),
    (server) => Effect.promise(() => server.close()),
  )

/** A provider that sends through this client. */
const over = (client: Layer.Layer<HttpClient.HttpClient>, url = "http://127.0.0.1:9") =>
  OpenAi.layerHttpClient({ apiKey: Redacted.make("sk-test"), apiBase: `${url}/v1`, model: "gpt-5-mini" }).pipe(
    Layer.provide(client),
  )

/** The text of one call. */
const ask = (call: CallName) =>
  Effect.flatMap(LlmProvider, (llm) =>
    call === "generate"
      ? Effect.map(llm.generate(hello), ({ text }) => text)
      : Stream.runFold(
          llm.stream(hello),
          () => "",
          (text, event) => (event.type === "text-delta" ? text + event.delta : text),
        ),
  )

const cells = Object.keys(clients).flatMap((client) => calls.map((call) => ({ client, call })))
const clientOf = (name: string) => clients[name] ?? FetchHttpClient.layer

describe("a client of the platform's", () => {
  it.live.each(cells)("answers ($call, $client)", ({ call, client }) =>
    Effect.gen(function* () {
      const server = yield* serve(() => goodAnswer(chat, call))
      expect(yield* Effect.provide(ask(call), over(clientOf(client), server.url))).toBe(fullText)
      expect(server.requests[0]?.headers["traceparent"]).toBeUndefined()
    }).pipe(Effect.scoped),
  )

  const stages: ReadonlyArray<readonly [string, Answer]> = [
    ["before the head", [stall]],
    ["after the head", [streamHead(), stall]],
    ["inside the body", [...partial(chat), stall]],
  ]
  it.live.each(cells.flatMap((cell) => stages.map(([stage, answer]) => ({ ...cell, stage, answer }))))(
    "closes its socket where the call is interrupted $stage ($call, $client)",
    ({ answer, call, client }) =>
      Effect.gen(function* () {
        const server = yield* serve(inTurn(answer))
        const asking = yield* Effect.forkChild(Effect.provide(ask(call), over(clientOf(client), server.url)))
        const { connection } = yield* Effect.promise(() => server.request(0))
        yield* Effect.sleep(20)
        yield* Fiber.interrupt(asking)
        yield* Effect.promise(() => connection.closed)
        expect(connection.closedBy).toBe("client")
      }).pipe(Effect.scoped),
  )

  it.live("uses its connection again after a stream that was read to its end", () =>
    Effect.gen(function* () {
      const server = yield* serve(() => goodAnswer(chat, "stream"))
      yield* Effect.gen(function* () {
        for (let index = 0; index < 5; index++) {
          expect(yield* ask("stream")).toBe(fullText)
          // A connection is free again a turn of the event loop after its answer.
          yield* Effect.promise(() => nextTurn())
          yield* Effect.promise(() => nextTurn())
        }
      }).pipe(Effect.provide(over(NodeHttpClient.layerUndici, server.url)))
      expect(server.requests).toHaveLength(5)
      expect(server.connections).toHaveLength(1)
    }).pipe(Effect.scoped),
  )

  it.live("that fails on a failing status means what the status means", () =>
    Effect.gen(function* () {
      const server = yield* serve(() => whole(`{"error":{"message":"slow down"}}`, 429))
      const strict = Layer.effect(
        HttpClient.HttpClient,
        Effect.map(HttpClient.HttpClient, HttpClient.filterStatusOk),
      ).pipe(Layer.provide(FetchHttpClient.layer))
      const error = yield* Effect.flip(Effect.provide(ask("generate"), over(strict, server.url)))
      expect(error.reason).toMatchObject({ _tag: "RateLimitError", status: 429 })
    }).pipe(Effect.scoped),
  )

  it.live("made of fetch keeps its own settings, and follows no redirect", () =>
    Effect.gen(function* () {
      const seen: Array<RequestInit | undefined> = []
      const fetch: typeof globalThis.fetch = (_, init) => {
        seen.push(init)
        return Promise.resolve(new Response(chat.answer(fullText)))
      }
      yield* Effect.provide(ask("generate"), over(FetchHttpClient.layer)).pipe(
        Effect.provideService(FetchHttpClient.Fetch, fetch),
        Effect.provideService(FetchHttpClient.RequestInit, { credentials: "include" }),
      )
      expect(seen).toMatchObject([{ credentials: "include", redirect: "manual", method: "POST" }])
    }),
  )
})

/** What was opened and released, and what the caller's context said at each step. */
class Recorder {
  opened = 0
  released = 0
  readonly tenants: Array<string> = []
  readonly parents: Array<string> = []
  readonly stalled = Deferred.makeUnsafe<void>()
  /** Says that it has come so far, and stays there. */
  readonly stall = Effect.andThen(
    Effect.suspend(() => Deferred.succeed(this.stalled, undefined)),
    Effect.never,
  )
}

const Tenant = Context.Reference<string>("test/Tenant", { defaultValue: () => "nobody" })

type Stage = "sending" | "reading"

const note = (recorder: Recorder) =>
  Effect.gen(function* () {
    recorder.tenants.push(yield* Tenant)
    const span = yield* Effect.option(Effect.currentParentSpan)
    recorder.parents.push(span._tag === "Some" && span.value._tag === "Span" ? span.value.name : "none")
  })

/** A release that takes its time: a call that does not wait for it ends first. */
const release = (recorder: Recorder) =>
  Effect.sleep(20).pipe(Effect.andThen(note(recorder)), Effect.andThen(Effect.sync(() => void recorder.released++)))

/** A client that answers from memory; `meanwhile` happens at its stage, once what it holds is open. */
const recording = (
  recorder: Recorder,
  body: string,
  stage?: Stage,
  meanwhile: Effect.Effect<void> = Effect.void,
): Layer.Layer<HttpClient.HttpClient> => {
  const at = (reached: Stage) => (reached === stage ? meanwhile : Effect.void)
  const open = Effect.andThen(
    note(recorder),
    Effect.sync(() => void recorder.opened++),
  )
  return Layer.succeed(
    HttpClient.HttpClient,
    HttpClient.make((request) => {
      const original = HttpClientResponse.fromWeb(request, new Response(body))
      const bytes = Stream.unwrap(
        Effect.gen(function* () {
          yield* Effect.acquireRelease(open, () => release(recorder))
          yield* at("reading")
          return Stream.make(new TextEncoder().encode(body))
        }),
      )
      const response: HttpClientResponse.HttpClientResponse = Object.create(original, { stream: { get: () => bytes } })
      return Effect.acquireUseRelease(
        open,
        () => Effect.as(at("sending"), response),
        () => release(recorder),
      )
    }),
  )
}

const answerOf = (call: CallName): string =>
  call === "generate"
    ? chat.answer(fullText)
    : [chat.opening, chat.piece(fullText), chat.finish, chat.terminal].join("")

const stageCells = calls.flatMap((call) => (["sending", "reading"] as const).map((stage) => ({ call, stage })))

describe("what a client holds", () => {
  it.live.each(calls)("is released before the call ends (%s)", (call) =>
    Effect.gen(function* () {
      const recorder = new Recorder()
      expect(yield* Effect.provide(ask(call), over(recording(recorder, answerOf(call))))).toBe(fullText)
      expect(recorder).toMatchObject({ opened: 2, released: 2 })
    }),
  )

  it.live.each(stageCells)("is released before an interrupted call ends ($call, $stage)", ({ call, stage }) =>
    Effect.gen(function* () {
      const recorder = new Recorder()
      const client = recording(recorder, answerOf(call), stage, recorder.stall)
      const asking = yield* Effect.forkChild(Effect.provide(ask(call), over(client)))
      yield* Deferred.await(recorder.stalled)
      expect(recorder.released).toBe(recorder.opened - 1)
      yield* Fiber.interrupt(asking)
      expect(recorder.released).toBe(recorder.opened)
    }),
  )

  it.live.each(calls)("is its own: two clients side by side each release what they opened (%s)", (call) =>
    Effect.gen(function* () {
      const first = new Recorder()
      const second = new Recorder()
      const stalled = recording(second, answerOf(call), "reading", second.stall)
      const asking = yield* Effect.forkChild(Effect.provide(ask(call), over(stalled)))
      yield* Deferred.await(second.stalled)
      yield* Effect.provide(ask(call), over(recording(first, answerOf(call))))
      expect([first.opened, first.released, second.opened, second.released]).toEqual([2, 2, 2, 1])
      yield* Fiber.interrupt(asking)
      expect([first.released, second.released]).toEqual([2, 2])
    }),
  )

  it.live.each(calls)("is opened, read and released in the caller's context (%s)", (call) =>
    Effect.gen(function* () {
      const recorder = new Recorder()
      yield* Effect.provide(ask(call), over(recording(recorder, answerOf(call)))).pipe(
        Effect.provideService(Tenant, "acme"),
        Effect.withSpan("the caller's"),
      )
      expect(recorder.tenants).toEqual(["acme", "acme", "acme", "acme"])
      expect(new Set(recorder.parents)).toEqual(new Set(["the caller's"]))
    }),
  )
})

describe("a client that ends otherwise than with an answer or an error", () => {
  it.live.each(stageCells)("dies: the call dies with it ($call, $stage)", ({ call, stage }) =>
    Effect.gen(function* () {
      const recorder = new Recorder()
      const client = recording(recorder, answerOf(call), stage, Effect.die(new Error("a bug")))
      const exit = yield* Effect.exit(Effect.provide(ask(call), over(client)))
      if (Exit.isSuccess(exit)) return expect.unreachable()
      expect(Cause.hasDies(exit.cause)).toBe(true)
      expect(Cause.hasInterrupts(exit.cause) || Cause.hasFails(exit.cause)).toBe(false)
      expect(recorder.released).toBe(recorder.opened)
    }),
  )

  it.live.each(stageCells)("is interrupted from inside: so is the call ($call, $stage)", ({ call, stage }) =>
    Effect.gen(function* () {
      const recorder = new Recorder()
      const client = recording(recorder, answerOf(call), stage, Effect.interrupt)
      const exit = yield* Effect.exit(Effect.provide(ask(call), over(client)))
      if (Exit.isSuccess(exit)) return expect.unreachable()
      expect(Cause.hasInterruptsOnly(exit.cause)).toBe(true)
      expect(recorder.released).toBe(recorder.opened)
    }),
  )
})
