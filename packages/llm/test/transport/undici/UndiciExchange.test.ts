/** One request in undici's hands, told step by step what undici tells: what its reader sees, and what undici is told back. */
import { Socket } from "node:net"
import { gzipSync } from "node:zlib"
import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import { collectBody } from "../../../src/transport/Body.ts"
import { UndiciExchange } from "../../../src/transport/undici/UndiciExchange.ts"
import { begun, controlled, data, end, failed, read, start, turn } from "./Controlled.ts"

describe("the head", () => {
  it.live("is that of the answer, not of what comes before it, with all values of a header", () =>
    Effect.gen(function* () {
      const { exchange } = begun(start(103, { link: "early" }), start(200, { a: "1", b: ["2", "3"] }))
      expect(yield* exchange.head).toEqual({ status: 200, headers: { a: "1", b: "2, 3" } })
      const { controller, exchange: slow } = begun(start(103, { link: "early" }))
      const waiting = yield* Effect.forkChild(slow.head, { startImmediately: true })
      yield* turn
      start(204)(slow, controller)
      expect((yield* Fiber.join(waiting)).status).toBe(204)
    }),
  )

  it.live("comes first where all came in one read, and then what came with it, together", () =>
    Effect.gen(function* () {
      const { exchange } = begun(start(), data("a"), data("b"), end)
      expect((yield* exchange.head).status).toBe(200)
      expect(yield* read(exchange)).toEqual(["a", "b"])
      expect(yield* read(exchange)).toBe("done")
      expect(yield* read(exchange)).toBe("done")
    }),
  )

  it.live("fails with what undici says, with an end before it, and with what cannot be sent", () =>
    Effect.gen(function* () {
      const lost = begun((exchange, controller) => exchange.onResponseError(controller, new Error("lost")))
      expect(yield* Effect.flip(lost.exchange.head)).toEqual(failed("lost"))
      const ended = begun(end)
      expect(yield* Effect.flip(ended.exchange.head)).toEqual(failed("the response ended before its head"))
      const refused = new UndiciExchange(() => {
        throw new Error("invalid header")
      })
      expect(yield* Effect.flip(refused.head)).toEqual(failed("invalid header"))
      expect(refused.isEnded).toBe(true)
    }),
  )

  it.live("of an exchange that was closed before fails, and nothing is sent", () =>
    Effect.gen(function* () {
      let sent = 0
      const exchange = new UndiciExchange(() => {
        sent++
        return undefined
      })
      expect(exchange.isEnded).toBe(false)
      expect(exchange.close(false)).toBeUndefined()
      expect(yield* Effect.flip(exchange.head)).toEqual(failed("aborted"))
      expect(sent).toBe(0)
    }),
  )

  it.live("that is interrupted aborts the request, and closes the socket that was being opened", () =>
    Effect.gen(function* () {
      const { exchange, told } = begun()
      const waiting = yield* Effect.forkChild(exchange.head, { startImmediately: true })
      yield* Fiber.interrupt(waiting)
      expect(told).toEqual(["abort: aborted"])
      const socket = new Socket()
      const opening = new UndiciExchange(() => socket)
      const other = yield* Effect.forkChild(opening.head, { startImmediately: true })
      expect(socket.destroyed).toBe(false)
      socket.on("error", () => undefined)
      yield* Fiber.interrupt(other)
      expect(socket.destroyed).toBe(true)
    }),
  )
})

describe("the whole body", () => {
  const bytes = (chunks: ReadonlyArray<Uint8Array> | undefined) => chunks?.map((chunk) => Buffer.from(chunk).toString())

  it.live("is given at once where all of it has come, and what is left of it after a read", () =>
    Effect.gen(function* () {
      const { exchange } = begun(start(), data("a"), data("b"), end)
      yield* exchange.head
      expect(bytes(exchange.whole())).toEqual(["a", "b"])
      expect(yield* read(exchange)).toBe("done")
      const empty = begun(start(204), end).exchange
      yield* empty.head
      expect(empty.whole()).toEqual([])
    }),
  )

  it.live("is not given while more may come, nor where it broke off, nor in a coding", () =>
    Effect.gen(function* () {
      const more = begun(start(), data("a")).exchange
      yield* more.head
      expect(more.whole()).toBeUndefined()
      expect(yield* read(more)).toEqual(["a"])
      const lost = begun(start(), data("a"), (exchange, controller) =>
        exchange.onResponseError(controller, new Error("lost")),
      ).exchange
      yield* lost.head
      expect(lost.whole()).toBeUndefined()
      expect(yield* read(lost)).toEqual(["a"])
      expect(yield* Effect.flip(lost.read)).toEqual(failed("lost"))
      const coded = begun(
        start(200, { "content-encoding": "gzip" }),
        (exchange, controller) => exchange.onResponseData(controller, gzipSync("a")),
        end,
      ).exchange
      yield* coded.head
      expect(coded.whole()).toBeUndefined()
    }),
  )

  it.live("is not read where it is longer than it may be", () =>
    Effect.gen(function* () {
      const { exchange } = begun(start(), data("abc"), data("def"), end)
      yield* exchange.head
      expect(yield* Effect.flip(collectBody(exchange, 5))).toEqual({ _tag: "BodyTooLarge" })
      const fits = begun(start(), data("abc"), data("def"), end).exchange
      yield* fits.head
      expect(yield* collectBody(fits, 6)).toBe("abcdef")
    }),
  )
})

describe("a socket that was being opened", () => {
  it.live("is closed by the end of its exchange, but not once the request has begun on it", () =>
    Effect.gen(function* () {
      for (const begins of [false, true]) {
        const { controller, told } = controlled()
        const socket = new Socket().on("error", () => undefined)
        const exchange = new UndiciExchange(() => socket)
        yield* Effect.forkChild(exchange.head, { startImmediately: true })
        if (begins) exchange.onRequestStart(controller)
        exchange.close(false)
        expect(socket.destroyed).toBe(!begins)
        expect(told).toEqual(begins ? ["abort: aborted"] : [])
      }
    }),
  )

  it.live("is closed where the request was given up while it opened", () =>
    Effect.gen(function* () {
      const socket = new Socket().on("error", () => undefined)
      const exchange = new UndiciExchange((sent) => {
        sent.onResponseError(undefined, new Error("given up"))
        return socket
      })
      expect(yield* Effect.flip(exchange.head)).toEqual(failed("given up"))
      expect(socket.destroyed).toBe(false)
      exchange.close(true)
      expect(socket.destroyed).toBe(true)
    }),
  )

  it.live("is the request's where that began at once", () =>
    Effect.gen(function* () {
      const { controller, told } = controlled()
      const socket = new Socket().on("error", () => undefined)
      const exchange = new UndiciExchange((sent) => {
        sent.onRequestStart(controller)
        return socket
      })
      yield* Effect.forkChild(exchange.head, { startImmediately: true })
      exchange.close(false)
      expect([socket.destroyed, told]).toEqual([false, ["abort: aborted"]])
    }),
  )

  it.live("that opens after the end of its exchange carries nothing", () =>
    Effect.gen(function* () {
      const { controller, told } = controlled()
      const exchange = new UndiciExchange(() => undefined)
      yield* Effect.forkChild(exchange.head, { startImmediately: true })
      exchange.close(false)
      exchange.onRequestStart(controller)
      expect(told).toEqual(["abort: aborted"])
    }),
  )
})

describe("the body", () => {
  it.live("wakes a waiting reader once for all that came in one turn", () =>
    Effect.gen(function* () {
      const { controller, exchange } = begun(start())
      yield* exchange.head
      const waiting = yield* Effect.forkChild(read(exchange), { startImmediately: true })
      yield* turn
      expect(waiting.pollUnsafe()).toBeUndefined()
      data("a")(exchange, controller)
      data("b")(exchange, controller)
      expect(yield* Fiber.join(waiting)).toEqual(["a", "b"])
      const ending = yield* Effect.forkChild(read(exchange), { startImmediately: true })
      end(exchange)
      expect(yield* Fiber.join(ending)).toBe("done")
    }),
  )

  it.live("leaves a reader waiting whose bytes another took before it was woken", () =>
    Effect.gen(function* () {
      const { controller, exchange } = begun(start())
      yield* exchange.head
      data("a")(exchange, controller)
      expect(yield* read(exchange)).toEqual(["a"])
      const waiting = yield* Effect.forkChild(read(exchange), { startImmediately: true })
      yield* turn
      expect(waiting.pollUnsafe()).toBeUndefined()
      data("b")(exchange, controller)
      expect(yield* Fiber.join(waiting)).toEqual(["b"])
    }),
  )

  it.live("keeps for the next reader what came after one was interrupted", () =>
    Effect.gen(function* () {
      const { controller, exchange } = begun(start())
      yield* exchange.head
      const waiting = yield* Effect.forkChild(read(exchange), { startImmediately: true })
      yield* Fiber.interrupt(waiting)
      data("a")(exchange, controller)
      yield* turn
      expect(yield* read(exchange)).toEqual(["a"])
    }),
  )

  it.live("pauses its socket above 128 KiB that nobody has read, once, until it is read", () =>
    Effect.gen(function* () {
      const { controller, exchange, told } = begun(start())
      yield* exchange.head
      exchange.onResponseData(controller, new Uint8Array(128 * 1024))
      expect(told).toEqual([])
      data("x")(exchange, controller)
      data("y")(exchange, controller)
      expect(told).toEqual(["pause"])
      yield* exchange.read
      expect(told).toEqual(["pause", "resume"])
      data("z")(exchange, controller)
      yield* exchange.read
      expect(told).toEqual(["pause", "resume"])
      exchange.onResponseData(controller, new Uint8Array(128 * 1024 + 1))
      expect(told).toEqual(["pause", "resume", "pause"])
    }),
  )

  it.live("that breaks off gives what came before, and then fails", () =>
    Effect.gen(function* () {
      const { controller, exchange } = begun(start(), data("a"))
      yield* exchange.head
      exchange.onResponseError(controller, new Error("lost"))
      exchange.onResponseEnd()
      expect(yield* read(exchange)).toEqual(["a"])
      expect(yield* read(exchange)).toEqual(failed("lost"))
    }),
  )

  it.live("is decoded where its head names a coding", () =>
    Effect.gen(function* () {
      const { controller, exchange } = begun(start(200, { "content-encoding": "gzip" }))
      yield* exchange.head
      exchange.onResponseData(controller, gzipSync("text"))
      exchange.onResponseEnd()
      expect(yield* read(exchange)).toEqual(["text"])
      expect(yield* read(exchange)).toBe("done")
      // undici decodes nothing: a text that says that it is coded is corrupt.
      const { exchange: odd } = begun(start(200, { "content-encoding": "gzip" }), data("{}"), end)
      yield* odd.head
      expect(yield* read(odd)).toMatchObject({ unreadable: "the answer's gzip coding is corrupt" })
    }),
  )
})
