/** A `fetch` of the program's own: it carries every request, an interruption reaches it, and nothing is read past a cancel. */
import { describe, expect, it } from "@effect/vitest"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Stream from "effect/Stream"
import { LlmProvider } from "../../../src/index.ts"
import { goodAnswer, partial } from "../../faults/FaultScenario.ts"
import { stall } from "../../faults/FaultServer.ts"
import { chat, fullText } from "../../faults/WireText.ts"
import { ask, bodyOf, calls, provider, serve } from "../Sending.ts"

const nowhere = "http://127.0.0.1:9"
const encoder = new TextEncoder()

/** A body that tells what became of it: `pull` is asked for each piece. */
const body = (pull: (controller: ReadableStreamDefaultController<Uint8Array>) => void | Promise<void>) => {
  const told = { pulled: 0, cancelled: 0 }
  const stream = new ReadableStream<Uint8Array>(
    {
      pull: (controller) => {
        told.pulled++
        return pull(controller)
      },
      cancel: () => {
        told.cancelled++
      },
    },
    { highWaterMark: 0 },
  )
  return { stream, told }
}

describe("a fetch of the program's own", () => {
  it.live.each(calls)("is given the request, and its response is the answer (%s)", (call) =>
    Effect.gen(function* () {
      const seen: Array<readonly [string, RequestInit]> = []
      const fetch = (url: string, init: RequestInit) => {
        seen.push([url, init])
        return Promise.resolve(new Response(bodyOf(call, fullText)))
      }
      expect(yield* Effect.provide(ask(call), provider(nowhere, { fetch }))).toBe(fullText)
      expect(seen).toHaveLength(1)
      const [url, init] = seen[0] ?? []
      expect(url).toBe(`${nowhere}/v1/chat/completions`)
      expect(init).toMatchObject({ method: "POST", redirect: "manual", headers: { authorization: "Bearer sk-test" } })
      expect(JSON.parse(String(init?.body))).toMatchObject({ model: "gpt-5-mini" })
    }),
  )

  it.live.each(calls)("may be the platform's (%s)", (call) =>
    Effect.gen(function* () {
      const server = yield* serve(() => goodAnswer(chat, call))
      const { fetch } = globalThis
      expect(yield* Effect.provide(ask(call), provider(server.url, { fetch }))).toBe(fullText)
    }).pipe(Effect.scoped),
  )

  it.live.each(calls)("is told of an interruption before it answers (%s)", (call) =>
    Effect.gen(function* () {
      const asked = yield* Deferred.make<AbortSignal>()
      const fetch = (_: string, { signal }: RequestInit) => {
        if (signal) Deferred.doneUnsafe(asked, Effect.succeed(signal))
        return new Promise<Response>(() => undefined)
      }
      const asking = yield* Effect.forkChild(Effect.provide(ask(call), provider(nowhere, { fetch })))
      const signal = yield* Deferred.await(asked)
      expect(signal.aborted).toBe(false)
      yield* Fiber.interrupt(asking)
      expect(signal.aborted).toBe(true)
    }),
  )

  it.live.each(calls)("that answers after an interruption has its body cancelled, and none of it read (%s)", (call) =>
    Effect.gen(function* () {
      const asked = yield* Deferred.make<void>()
      let answer: (response: Response) => void = () => undefined
      const late = new Promise<Response>((resolve) => {
        answer = resolve
      })
      const fetch = () => {
        Deferred.doneUnsafe(asked, Effect.void)
        return late
      }
      const asking = yield* Effect.forkChild(Effect.provide(ask(call), provider(nowhere, { fetch })))
      yield* Deferred.await(asked)
      yield* Fiber.interrupt(asking)
      const { stream, told } = body((controller) => controller.enqueue(encoder.encode("data: {}\n\n")))
      answer(new Response(stream))
      yield* Effect.promise(() => new Promise((resolve) => setImmediate(resolve)))
      expect(told).toEqual({ pulled: 0, cancelled: 1 })
    }),
  )

  it.live("has its body cancelled by a reader that stops, and nothing is read after that", () =>
    Effect.gen(function* () {
      const { stream, told } = body((controller) => controller.enqueue(encoder.encode(chat.piece("more"))))
      const fetch = () => Promise.resolve(new Response(stream))
      yield* Effect.flatMap(LlmProvider, (llm) =>
        llm.stream({ messages: [{ role: "user", content: "hello" }] }).pipe(Stream.take(3), Stream.runDrain),
      ).pipe(Effect.provide(provider(nowhere, { fetch })))
      const { pulled } = told
      yield* Effect.promise(() => new Promise((resolve) => setTimeout(resolve, 40)))
      expect(told).toEqual({ pulled, cancelled: 1 })
    }),
  )

  it.live("closes its socket when a stream is interrupted", () =>
    Effect.gen(function* () {
      const server = yield* serve(() => [...partial(chat), stall])
      const { fetch } = globalThis
      const asking = yield* Effect.forkChild(Effect.provide(ask("stream"), provider(server.url, { fetch })))
      const { connection } = yield* Effect.promise(() => server.request(0))
      yield* Fiber.interrupt(asking)
      yield* Effect.promise(() => connection.closed)
      expect(connection.closedBy).toBe("client")
    }).pipe(Effect.scoped),
  )

  const odd: ReadonlyArray<readonly [string, () => unknown]> = [
    ["rejects", () => Promise.reject(new TypeError("fetch failed"))],
    [
      "throws",
      () => {
        throw new Error("no network")
      },
    ],
    ["gives nothing", () => undefined],
    ["gives what is no response", () => Promise.resolve({})],
  ]
  it.live.each(odd.flatMap(([what, fetch]) => calls.map((call) => ({ what, fetch, call }))))(
    "that $what is a failed connection ($call)",
    ({ call, fetch }) =>
      Effect.gen(function* () {
        const options = { fetch: fetch as () => Promise<Response> }
        const { reason } = yield* Effect.flip(Effect.provide(ask(call), provider(nowhere, options)))
        expect(reason._tag).toBe("ConnectionError")
      }),
  )

  it.live.each(calls)("may give a body of strings, or only a whole one (%s)", (call) =>
    Effect.gen(function* () {
      const text = bodyOf(call, fullText)
      const strings = new ReadableStream({
        start: (controller) => {
          controller.enqueue(text.slice(0, 20))
          controller.enqueue(text.slice(20))
          controller.close()
        },
      })
      const bodies: ReadonlyArray<object> = [
        { body: strings },
        { arrayBuffer: () => Promise.resolve(encoder.encode(text).buffer) },
      ]
      for (const held of bodies) {
        const fetch = () => Promise.resolve({ status: 200, headers: new Headers(), ...held } as Response)
        expect(yield* Effect.provide(ask(call), provider(nowhere, { fetch }))).toBe(fullText)
      }
    }),
  )

  it.live("and a proxy exclude each other", () =>
    Effect.gen(function* () {
      const { fetch } = globalThis
      const { reason } = yield* Effect.flip(
        Effect.provide(ask("generate"), provider(nowhere, { fetch, proxy: "http://127.0.0.1:3128" })),
      )
      expect(reason).toMatchObject({ _tag: "ConfigurationError", setting: "proxy" })
    }),
  )
})
