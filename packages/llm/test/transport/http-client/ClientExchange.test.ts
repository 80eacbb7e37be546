/** One exchange by the program's client: what the client is asked, what its errors mean, and how long an end is waited for. */
import { gzipSync } from "node:zlib"
import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import { RequestInit } from "effect/http/FetchHttpClient"
import * as HttpClient from "effect/http/HttpClient"
import * as HttpClientError from "effect/http/HttpClientError"
import type * as HttpClientRequest from "effect/http/HttpClientRequest"
import * as HttpClientResponse from "effect/http/HttpClientResponse"
import * as Stream from "effect/Stream"
import { collectBody } from "../../../src/transport/Body.ts"
import { make } from "../../../src/transport/http-client/HttpClientTransport.ts"
import type { WireRequest } from "../../../src/transport/Transport.ts"

const request: WireRequest = {
  url: "https://api.test/v1",
  headers: { "content-type": "application/json", a: "b" },
  body: '{"a":1}',
}
const bytes = (text: string) => new TextEncoder().encode(text)

type Answer = (
  request: HttpClientRequest.HttpClientRequest,
) => Effect.Effect<HttpClientResponse.HttpClientResponse, HttpClientError.HttpClientError>

const over = (answer: Answer, wire: WireRequest = request) => make(HttpClient.make(answer))(wire)
const answering =
  (response: () => Response): Answer =>
  (asked) =>
    Effect.sync(() => HttpClientResponse.fromWeb(asked, response()))

/** A response whose body is this stream, beside what the client made of it. */
const streaming =
  (stream: Stream.Stream<Uint8Array, HttpClientError.HttpClientError>, released?: () => void): Answer =>
  (asked) =>
    Effect.acquireUseRelease(
      Effect.void,
      () => {
        const original = HttpClientResponse.fromWeb(asked, new Response(""))
        const response: HttpClientResponse.HttpClientResponse = Object.create(original, {
          stream: { get: () => stream },
        })
        return Effect.succeed(response)
      },
      () => Effect.sync(() => released?.()),
    )
const failing =
  (reason: (asked: HttpClientRequest.HttpClientRequest) => HttpClientError.HttpClientError["reason"]): Answer =>
  (asked) =>
    Effect.fail(new HttpClientError.HttpClientError({ reason: reason(asked) }))

describe("a request by a client", () => {
  it.effect("is a POST with its body and type unless it says otherwise, untraced, and follows no redirect", () =>
    Effect.gen(function* () {
      const seen: Array<HttpClientRequest.HttpClientRequest> = []
      const contexts: Array<readonly [boolean, unknown]> = []
      const answer: Answer = (asked) =>
        Effect.gen(function* () {
          seen.push(asked)
          const quiet = yield* HttpClient.TracerDisabledWhen
          contexts.push([quiet(asked), yield* Effect.serviceOption(RequestInit)])
          return HttpClientResponse.fromWeb(asked, new Response("text", { status: 201, headers: { "X-Name": "v" } }))
        })
      const exchange = over(answer)
      expect(yield* exchange.head).toMatchObject({ status: 201, headers: { "x-name": "v" } })
      expect(yield* collectBody(exchange, 10)).toBe("text")
      expect(seen[0]).toMatchObject({
        method: "POST",
        url: "https://api.test/v1",
        headers: { a: "b", "content-type": "application/json" },
      })
      expect(seen[0]?.body).toMatchObject({ _tag: "Uint8Array", contentType: "application/json" })
      expect(contexts).toMatchObject([[true, { value: { redirect: "manual" } }]])
      const { body: _, ...bare } = request
      yield* over(answer, { ...bare, method: "GET" }).head
      expect(seen[1]).toMatchObject({ method: "GET", body: { _tag: "Empty" } })
    }),
  )

  it.effect("fails with what the system said, or with the client's error where it said nothing", () =>
    Effect.gen(function* () {
      const cause = Object.assign(new Error("x"), { code: "ECONNREFUSED" })
      const known = over(failing((asked) => new HttpClientError.TransportError({ request: asked, cause })))
      expect(yield* Effect.flip(known.head)).toEqual({ _tag: "Broken", cause })
      const unknown = over(failing((asked) => new HttpClientError.TransportError({ request: asked })))
      expect((yield* Effect.flip(unknown.head)).cause).toBeInstanceOf(HttpClientError.HttpClientError)
    }),
  )

  it.effect("has the response in an error of its status", () =>
    Effect.gen(function* () {
      const exchange = over(
        failing((asked) => {
          const response = HttpClientResponse.fromWeb(asked, new Response("words", { status: 503 }))
          return new HttpClientError.StatusCodeError({ request: asked, response })
        }),
      )
      expect((yield* exchange.head).status).toBe(503)
      expect(yield* collectBody(exchange, 10)).toBe("words")
    }),
  )
})

describe("a body by a client", () => {
  it.effect("is decoded where its head names a coding that the client left", () =>
    Effect.gen(function* () {
      const headers = { "content-encoding": "gzip" }
      for (const body of [gzipSync("{}"), bytes("{}")]) {
        const exchange = over(answering(() => new Response(body, { headers })))
        yield* exchange.head
        expect(yield* collectBody(exchange, 10)).toBe("{}")
      }
    }),
  )

  it.effect("that never came is empty, one that breaks off is broken, and none is there before it is asked for", () =>
    Effect.gen(function* () {
      const empty = over(answering(() => new Response(null, { status: 204 })))
      yield* empty.head
      expect(yield* collectBody(empty, 10)).toBe("")
      const cause = new Error("cut")
      const cut = over((asked) =>
        streaming(
          Stream.fail(
            new HttpClientError.HttpClientError({
              reason: new HttpClientError.TransportError({ request: asked, cause }),
            }),
          ),
        )(asked),
      )
      yield* cut.head
      expect(yield* Effect.flip(collectBody(cut, 10))).toEqual({ _tag: "Broken", cause })
      const unsent = over(answering(() => new Response("a")))
      expect(yield* Effect.flip(collectBody(unsent, 10))).toMatchObject({
        _tag: "Broken",
        cause: { message: "nothing has been sent" },
      })
    }),
  )
})

describe("the end of an exchange by a client", () => {
  /** An exchange whose body waits before it ends, and what became of it. */
  const waiting = (wait: Effect.Effect<void>) => {
    const told: Array<string> = []
    const rest = Effect.as(
      Effect.ensuring(
        wait,
        Effect.sync(() => told.push("left")),
      ),
      bytes("b"),
    )
    const body = Stream.concat(Stream.succeed(bytes("a")), Stream.fromEffect(rest))
    const stream = Stream.ensuring(
      body,
      Effect.sync(() => void told.push("closed")),
    )
    return { exchange: over(streaming(stream)), told }
  }

  it.live("reads a body that is about to end to its end, and releases it", () =>
    Effect.gen(function* () {
      const { exchange, told } = waiting(Effect.sleep(1))
      yield* exchange.head
      yield* exchange.read
      yield* exchange.close(true) ?? Effect.die("nothing to release")
      expect(told).toEqual(["left", "closed"])
    }),
  )

  it.live("waits no longer than 25 ms for it", () =>
    Effect.gen(function* () {
      const { exchange, told } = waiting(Effect.never)
      yield* exchange.head
      yield* exchange.read
      const startedMs = performance.now()
      yield* Effect.uninterruptible(exchange.close(true) ?? Effect.die("nothing to release"))
      expect(performance.now() - startedMs).toBeGreaterThan(20)
      expect(told).toEqual(["left", "closed"])
    }),
  )

  it.live("does not wait where its answer is not complete, and there is nothing to read where none was sent", () =>
    Effect.gen(function* () {
      const { exchange, told } = waiting(Effect.sync(() => void told.push("read on")))
      yield* exchange.head
      yield* exchange.read
      yield* exchange.close(false) ?? Effect.die("nothing to release")
      expect(told).toEqual(["closed"])
      yield* over(answering(() => new Response("a"))).close(true) ?? Effect.die("nothing to release")
    }),
  )

  it.live("cannot fail: not by a body that breaks off meanwhile", () =>
    Effect.gen(function* () {
      const exchange = over((asked) => {
        const reason = new HttpClientError.TransportError({ request: asked })
        const body = Stream.concat(
          Stream.succeed(bytes("a")),
          Stream.fail(new HttpClientError.HttpClientError({ reason })),
        )
        return streaming(body)(asked)
      })
      yield* exchange.head
      yield* exchange.read
      yield* exchange.close(true) ?? Effect.die("nothing to release")
    }),
  )

  it.live("before its head comes interrupts the client", () =>
    Effect.gen(function* () {
      let interrupted = 0
      const exchange = over(() => Effect.onInterrupt(Effect.never, () => Effect.sync(() => void interrupted++)))
      const head = yield* Effect.forkChild(exchange.head, { startImmediately: true })
      yield* Fiber.interrupt(head)
      yield* exchange.close(false) ?? Effect.void
      expect(interrupted).toBe(1)
    }),
  )
})
