/**
 * Connections on Node: as many as there are requests at once, used again, opened anew where one was lost, and none left
 * behind. The server counts them.
 */
import { describe, expect, it } from "@effect/vitest"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Pull from "effect/Pull"
import * as Result from "effect/Result"
import { Transport, type WireRequest } from "../../src/transport/Transport.ts"
import * as UndiciTransport from "../../src/transport/undici/UndiciTransport.ts"
import { type Answer, delay, end, FaultServer, type Script, stall } from "../faults/FaultServer.ts"
import { chunk, lastChunk, streamHead, whole } from "../faults/HttpText.ts"

const answer = (pauseMs: number): Answer => [delay(pauseMs), ...whole("{}")]

const drain = (read: ReturnType<Transport["Service"]>["read"]): Effect.Effect<void, unknown> =>
  Pull.matchEffect(read, {
    onSuccess: () => drain(read),
    onFailure: (cause) => Effect.failCause(cause),
    onDone: () => Effect.void,
  })

/** A server until the end of the test. */
const serve = (script: Script) =>
  Effect.acquireRelease(
    Effect.promise(() => FaultServer.start(script)),
    (server) => Effect.promise(() => server.close()),
  )

/** A transport of its own against a server of its own. */
const against = (script: Script) =>
  Effect.gen(function* () {
    const server = yield* serve(script)
    const open = Context.get(yield* Layer.build(UndiciTransport.layer), Transport)
    const openTo = (headers: WireRequest["headers"] = {}) => open({ url: `${server.url}/v1`, headers, body: "{}" })
    const ask = (headers?: WireRequest["headers"]) =>
      Effect.suspend(() => {
        const exchange = openTo(headers)
        return Effect.ensuring(
          Effect.flatMap(exchange.head, ({ status }) => Effect.as(drain(exchange.read), status)),
          Effect.suspend(() => exchange.close(false) ?? Effect.void),
        )
      })
    return { server, ask, open: openTo }
  })

const atOnce = (count: number) => Array.from({ length: count }, () => ({}))
/** A connection is free again a turn of the event loop after its answer. */
const pause = Effect.promise(() => new Promise((resolve) => setTimeout(resolve, 20)))

describe("connections", () => {
  it.live("one after the other share one", () =>
    Effect.gen(function* () {
      const { ask, server } = yield* against(() => answer(0))
      for (let index = 0; index < 10; index++) {
        expect(yield* ask()).toBe(200)
        yield* pause
      }
      expect(server.connections.length).toBe(1)
    }).pipe(Effect.scoped),
  )

  it.live("forty at once have forty, and the next forty the same", () =>
    Effect.gen(function* () {
      const { ask, server } = yield* against(() => answer(50))
      for (let round = 0; round < 3; round++) {
        yield* Effect.forEach(atOnce(40), () => ask(), { concurrency: "unbounded" })
        yield* pause
      }
      expect(server.requests.length).toBe(120)
      expect(server.connections.length).toBe(40)
    }).pipe(Effect.scoped),
  )

  it.live("one that the server closes while it is free is opened anew by the next request", () =>
    Effect.gen(function* () {
      const { ask, server } = yield* against(() => [...answer(0), end])
      for (let index = 0; index < 5; index++) {
        expect(yield* ask()).toBe(200)
        yield* pause
      }
      expect(server.connections.length).toBe(5)
      expect(server.requests.length).toBe(5)
    }).pipe(Effect.scoped),
  )

  it.live("one that is aborted is closed, and its place is taken by a new one", () =>
    Effect.gen(function* () {
      const { ask, server } = yield* against(({ index }) => (index === 0 ? [stall] : answer(0)))
      expect((yield* Effect.timeoutOption(ask(), 50))._tag).toBe("None")
      expect(yield* ask()).toBe(200)
      yield* Effect.promise(() => server.connections[0]?.closed ?? Promise.reject(new Error("no connection")))
      expect(server.connections.map(({ closedBy }) => closedBy)).toEqual(["client", undefined])
    }).pipe(Effect.scoped),
  )

  it.live("one that is aborted takes no free one with it", () =>
    Effect.gen(function* () {
      const { ask, server } = yield* against(({ index }) => (index === 1 ? [stall] : answer(0)))
      yield* Effect.all([ask(), Effect.timeoutOption(ask(), 60)], { concurrency: "unbounded" })
      yield* Effect.promise(() => server.requests[1]?.connection.closed ?? Promise.reject(new Error("no connection")))
      yield* pause
      expect(yield* ask()).toBe(200)
      expect(server.connections.length).toBe(2)
      expect(server.requests[2]?.connection.index).toBe(server.requests[0]?.connection.index)
    }).pipe(Effect.scoped),
  )

  it.live("a request that cannot be sent opens none, and leaves the free one to the next", () =>
    Effect.gen(function* () {
      const { ask, server } = yield* against(() => answer(0))
      const refused = { authorization: "Bearer two\nlines" }
      for (let index = 0; index < 3; index++) {
        expect(Result.isFailure(yield* Effect.result(ask(refused)))).toBe(true)
        expect(yield* ask()).toBe(200)
        yield* pause
      }
      expect(server.connections.length).toBe(1)
      expect(server.requests.length).toBe(3)
    }).pipe(Effect.scoped),
  )

  it.live("all close with the transport, those at work too", () =>
    Effect.gen(function* () {
      const server = yield* serve(({ index }) => (index < 10 ? answer(20) : [stall]))
      yield* Effect.scoped(
        Effect.gen(function* () {
          const open = Context.get(yield* Layer.build(UndiciTransport.layer), Transport)
          const exchanges = atOnce(15).map(() => open({ url: `${server.url}/v1`, headers: {}, body: "{}" }))
          yield* Effect.forEach(exchanges.slice(0, 10), ({ head }) => head, { concurrency: "unbounded" })
          yield* pause
          for (const { head } of exchanges.slice(10)) yield* Effect.forkScoped(head)
          yield* pause
        }),
      )
      const closed = yield* Effect.promise(() => Promise.all(server.connections.map((connection) => connection.closed)))
      expect(closed.length).toBe(10)
      expect(server.connections.every(({ closedBy }) => closedBy === "client")).toBe(true)
    }).pipe(Effect.scoped),
  )

  it.live("a call that outlives its transport opens none", () =>
    Effect.gen(function* () {
      const server = yield* serve(() => [stall])
      const open = yield* Effect.scoped(
        Effect.map(Layer.build(UndiciTransport.layer), (context) => Context.get(context, Transport)),
      )
      const { head } = open({ url: `${server.url}/v1`, headers: {}, body: "{}" })
      expect(yield* Effect.flip(head)).toMatchObject({ cause: { message: "the transport is closed" } })
      expect(server.connections.length).toBe(0)
    }).pipe(Effect.scoped),
  )

  it.live("the one that was free last is used first, and one that was lost meanwhile not at all", () =>
    Effect.gen(function* () {
      // The first is answered first; the second is closed while it is free.
      const { ask, server } = yield* against(({ index }) =>
        index < 3 ? [...answer(20 + 40 * index), ...(index === 1 ? [delay(120), end] : [])] : answer(0),
      )
      yield* Effect.forEach(atOnce(3), () => ask(), { concurrency: "unbounded" })
      yield* pause
      yield* ask()
      expect(server.requests[3]?.connection.index).toBe(server.requests[2]?.connection.index)
      yield* Effect.promise(() => server.requests[1]?.connection.closed ?? Promise.reject(new Error("no connection")))
      yield* pause
      yield* Effect.forEach(atOnce(2), () => ask(), { concurrency: "unbounded" })
      expect(server.connections.length).toBe(3)
    }).pipe(Effect.scoped),
  )

  it.live("one that is given up while it opens is closed, and carries nothing", () =>
    Effect.gen(function* () {
      const { ask, open, server } = yield* against(() => answer(0))
      for (let index = 0; index < 3; index++) {
        const exchange = open()
        const waiting = yield* Effect.forkChild(exchange.head, { startImmediately: true })
        yield* Fiber.interrupt(waiting)
        exchange.close(false)
      }
      yield* pause
      yield* pause
      expect(server.requests.length).toBe(0)
      expect(server.connections.every(({ closedBy }) => closedBy === "client")).toBe(true)
      expect(yield* ask()).toBe(200)
    }).pipe(Effect.scoped),
  )

  it.live("each address is asked by its own path and query, with the method and body that are given", () =>
    Effect.gen(function* () {
      const server = yield* serve(() => answer(0))
      const open = Context.get(yield* Layer.build(UndiciTransport.layer), Transport)
      for (const path of ["/a?b=1&c=%20", "/a?b=1&c=%20", "/a", "/"]) {
        const exchange = open({ url: `${server.url}${path}`, headers: { "x-path": path }, body: path })
        yield* exchange.head
        yield* exchange.close(true) ?? Effect.void
      }
      const bare = open({ url: server.url, method: "GET", headers: {} })
      yield* bare.head
      expect(server.requests.map(({ body, method, path }) => [method, path, body])).toEqual([
        ["POST", "/a?b=1&c=%20", "/a?b=1&c=%20"],
        ["POST", "/a?b=1&c=%20", "/a?b=1&c=%20"],
        ["POST", "/a", "/a"],
        ["POST", "/", "/"],
        ["GET", "/", ""],
      ])
      const other = yield* serve(() => answer(0))
      yield* open({ url: `${other.url}/a`, headers: {}, body: "{}" }).head
      expect(other.requests.length).toBe(1)
    }).pipe(Effect.scoped),
  )

  it.live("a read that is given up leaves what comes to the next", () =>
    Effect.gen(function* () {
      const { open } = yield* against(() => [streamHead(), delay(60), chunk("abc"), delay(60), chunk("def"), lastChunk])
      const exchange = open()
      yield* exchange.head
      expect((yield* Effect.timeoutOption(exchange.read, 20))._tag).toBe("None")
      yield* Effect.sleep(80)
      let text = ""
      const readOn: Effect.Effect<void, unknown> = Pull.matchEffect(exchange.read, {
        onSuccess: (chunks) => {
          for (const bytes of chunks) text += new TextDecoder().decode(bytes)
          return readOn
        },
        onFailure: (cause) => Effect.failCause(cause),
        onDone: () => Effect.void,
      })
      yield* readOn
      expect(text).toBe("abcdef")
    }).pipe(Effect.scoped),
  )
})
