/** How a request in undici's hands is ended: at once or with its body, after which its connection is closed, and behind a proxy. */
import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import type { Proxy } from "../../../src/transport/undici/Proxy.ts"
import { ProxyError } from "../../../src/transport/undici/ProxyError.ts"
import type { UndiciExchange } from "../../../src/transport/undici/UndiciExchange.ts"
import { begun, data, end, failed, read, start } from "./Controlled.ts"

describe("the end of an exchange", () => {
  it.live("before that of its body aborts the request once, and drops what still comes", () =>
    Effect.gen(function* () {
      const { controller, exchange, told } = begun(start(), data("a"))
      yield* exchange.head
      yield* read(exchange)
      expect(exchange.close(false)).toBeUndefined()
      exchange.close(false)
      expect(told).toEqual(["abort: aborted"])
      data("b")(exchange, controller)
      expect(yield* read(exchange)).toEqual(failed("aborted"))
    }),
  )

  it.live("waits for a body that is about to end, aborts nothing, and drops what still comes of it", () =>
    Effect.gen(function* () {
      const { controller, exchange, told } = begun(start(), data("a"))
      yield* exchange.head
      exchange.onResponseData(controller, new Uint8Array(200 * 1024))
      const closing = yield* Effect.forkChild(exchange.close(true) ?? Effect.die("nothing to wait for"), {
        startImmediately: true,
      })
      // What nobody reads must not keep the socket paused.
      expect(told).toEqual(["pause", "resume"])
      exchange.onResponseData(controller, new Uint8Array(200 * 1024))
      expect(closing.pollUnsafe()).toBeUndefined()
      const timers = () => process.getActiveResourcesInfo().filter((name) => name === "Timeout").length
      const before = timers()
      end(exchange)
      expect(timers()).toBe(before - 1)
      yield* Fiber.join(closing)
      expect(told).toEqual(["pause", "resume"])
      expect(yield* read(exchange)).toBe("done")
    }),
  )

  it.live("waits no longer than 25 ms for it", () =>
    Effect.gen(function* () {
      const { exchange, told } = begun(start())
      yield* exchange.head
      const startedMs = performance.now()
      yield* exchange.close(true) ?? Effect.die("nothing to wait for")
      expect(performance.now() - startedMs).toBeGreaterThan(20)
      expect(told).toEqual(["abort: aborted"])
    }),
  )

  it.live("after that of its body has nothing to wait for", () =>
    Effect.gen(function* () {
      const { exchange, told } = begun(start(), end)
      yield* exchange.head
      expect(exchange.close(true)).toBeUndefined()
      const { controller, exchange: other } = begun(start())
      yield* other.head
      const closing = other.close(true)
      other.onResponseError(controller, new Error("lost"))
      expect(Exit.isSuccess(yield* Effect.exit(closing ?? Effect.die("nothing")))).toBe(true)
      expect(told).toEqual([])
    }),
  )
})

describe("behind a proxy", () => {
  const proxy: Proxy = {
    origin: "http://p.test:1",
    protocol: "http:",
    host: "p.test:1",
    hostname: "p.test",
    port: "1",
    authorization: undefined,
  }
  const behind = (forwards: boolean) => (exchange: UndiciExchange) => exchange.carriedBy(proxy, forwards)

  it.live("a 407 is the proxy's where it forwards the request, and the service's behind a tunnel", () =>
    Effect.gen(function* () {
      const forwarded = begun(behind(true), start(407))
      const error = yield* Effect.flip(forwarded.exchange.head)
      expect(error.message).toContain("the proxy http://p.test:1 refused the connection with 407: it wants credentials")
      expect(error.cause).toBeInstanceOf(ProxyError)
      expect(forwarded.told).toEqual(["abort: refused by the proxy"])
      expect((yield* begun(behind(false), start(407)).exchange.head).status).toBe(407)
      expect((yield* begun(behind(true), start(403)).exchange.head).status).toBe(403)
      expect((yield* begun(start(407)).exchange.head).status).toBe(407)
    }),
  )

  it.live("a failure says what lay between", () =>
    Effect.gen(function* () {
      const lost = begun(behind(false), (exchange) => exchange.onResponseError(undefined, new Error("lost")))
      const error = yield* Effect.flip(lost.exchange.head)
      expect(error).toMatchObject({ via: "the proxy http://p.test:1", cause: { message: "lost" } })
      expect(error.message).toBeUndefined()
      const direct = begun((exchange) => exchange.onResponseError(undefined, new Error("lost")))
      expect((yield* Effect.flip(direct.exchange.head)).via).toBeUndefined()
    }),
  )
})
