/** One exchange by `fetch`: what the function is given, what its body may be made of, and when reading of it stops. */
import { createContext, runInContext } from "node:vm"
import { describe, expect, it } from "@effect/vitest"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Result from "effect/Result"
import { collectBody } from "../../../src/transport/Body.ts"
import { layer, layerOptions, make } from "../../../src/transport/fetch/FetchTransport.ts"
import { Transport, type WireRequest } from "../../../src/transport/Transport.ts"

const request: WireRequest = { url: "https://api.test/v1", headers: { a: "b" }, body: "{}" }
const bytes = (text: string) => new TextEncoder().encode(text)

/** A body that tells what becomes of it. `pull` is asked for each piece. */
const bodyOf = (
  pull: (controller: ReadableStreamDefaultController<unknown>, pulled: number) => void | Promise<void>,
) => {
  const told = { pulled: 0, cancelled: 0 }
  const stream = new ReadableStream<unknown>(
    {
      pull: (controller) => pull(controller, ++told.pulled),
      cancel: () => void told.cancelled++,
    },
    { highWaterMark: 0 },
  )
  return { stream, told }
}
const responseOf = (body: unknown, more: object = {}) =>
  ({ status: 200, headers: new Headers({ "X-Name": "v" }), body, ...more }) as Response

/** An exchange whose function gives this response, and the signal that it was given. */
const over = (response: Response | Promise<Response>, wire: WireRequest = request) => {
  const seen: Array<RequestInit> = []
  const exchange = make((_, init) => {
    seen.push(init)
    return Promise.resolve(response)
  })(wire)
  return { exchange, seen }
}
const textOf = (response: Response) =>
  Effect.gen(function* () {
    const { exchange } = over(response)
    yield* exchange.head
    return yield* collectBody(exchange, 1000)
  })

describe("a request by fetch", () => {
  it.effect("is a POST with its body unless it says otherwise, and follows no redirect", () =>
    Effect.gen(function* () {
      const posted = over(responseOf(null))
      expect(yield* posted.exchange.head).toEqual({ status: 200, headers: { "x-name": "v" } })
      expect(posted.seen).toMatchObject([{ method: "POST", headers: { a: "b" }, redirect: "manual", body: "{}" }])
      const { body: _, ...bare } = request
      const got = over(responseOf(null), { ...bare, method: "GET" })
      yield* got.exchange.head
      expect(got.seen[0]?.method).toBe("GET")
      expect(got.seen[0]).not.toHaveProperty("body")
    }),
  )

  it.effect("that is interrupted is aborted, and a response that comes all the same is cancelled", () =>
    Effect.gen(function* () {
      let answer: (response: Response) => void = () => undefined
      const { exchange, seen } = over(new Promise((resolve) => (answer = resolve)))
      const waiting = yield* Effect.forkChild(exchange.head, { startImmediately: true })
      expect(seen[0]?.signal?.aborted).toBe(false)
      yield* Fiber.interrupt(waiting)
      expect(Exit.hasDies(yield* Fiber.await(waiting))).toBe(false)
      expect(seen[0]?.signal?.aborted).toBe(true)
      const { stream, told } = bodyOf((controller) => controller.enqueue(bytes("a")))
      answer(responseOf(stream))
      yield* Effect.promise(() => new Promise((resolve) => setImmediate(resolve)))
      expect(told).toEqual({ pulled: 0, cancelled: 1 })
      expect(exchange.close(false)).toBeUndefined()
    }),
  )
})

describe("a body by fetch", () => {
  const streamOf = (...pieces: ReadonlyArray<unknown>) =>
    bodyOf((controller, pulled) =>
      pulled > pieces.length ? controller.close() : controller.enqueue(pieces[pulled - 1]),
    ).stream

  it.effect("may be bytes, of another realm too, texts, none, or only a whole one", () =>
    Effect.gen(function* () {
      const foreign: unknown = runInContext("new Uint8Array([120, 97, 98, 120]).subarray(1, 3)", createContext({}))
      expect(foreign instanceof Uint8Array).toBe(false)
      expect(yield* textOf(responseOf(streamOf(bytes("é"), "ü", foreign)))).toBe("éüab")
      expect(yield* textOf(responseOf(null))).toBe("")
      const whole = { arrayBuffer: () => Promise.resolve(bytes("whole").buffer) }
      expect(yield* textOf(responseOf(undefined, whole))).toBe("whole")
    }),
  )

  it.effect("of anything else is a broken one, as is one that fails", () =>
    Effect.gen(function* () {
      const odd = yield* Effect.flip(textOf(responseOf(streamOf(7))))
      expect(odd).toMatchObject({
        _tag: "Broken",
        cause: { message: "the response's body holds neither bytes nor text" },
      })
      const { stream } = bodyOf(() => Promise.reject(new Error("cut")))
      expect(yield* Effect.flip(textOf(responseOf(stream)))).toMatchObject({
        _tag: "Broken",
        cause: { message: "cut" },
      })
    }),
  )

  it.effect("before its head, after its end and after the exchange's has nothing to read", () =>
    Effect.gen(function* () {
      const { exchange } = over(responseOf(streamOf("a")))
      expect(yield* collectBody(exchange, 10)).toBe("")
      yield* exchange.head
      expect(yield* collectBody(exchange, 10)).toBe("a")
      expect(yield* collectBody(exchange, 10)).toBe("")
      const { stream, told } = bodyOf((controller) => controller.enqueue(bytes("a")))
      const closed = over(responseOf(stream))
      yield* closed.exchange.head
      closed.exchange.close(false)
      expect(yield* collectBody(closed.exchange, 10)).toBe("")
      expect(told).toEqual({ pulled: 0, cancelled: 1 })
    }),
  )
})

describe("the end of an exchange by fetch", () => {
  const opened = Effect.fnUntraced(function* (pull: Parameters<typeof bodyOf>[0]) {
    const { stream, told } = bodyOf(pull)
    const { exchange, seen } = over(responseOf(stream))
    yield* exchange.head
    return { exchange, told, isAborted: () => seen[0]?.signal?.aborted }
  })

  it.live("aborts what was not read, once", () =>
    Effect.gen(function* () {
      const { exchange, isAborted, told } = yield* opened((controller) => controller.enqueue(bytes("a")))
      expect(isAborted()).toBe(false)
      expect(exchange.close(false)).toBeUndefined()
      exchange.close(false)
      expect(exchange.close(true)).toBeUndefined()
      expect([isAborted(), told.cancelled]).toEqual([true, 1])
    }),
  )

  it.live("of a body that was read to its end has nothing to do", () =>
    Effect.gen(function* () {
      const { exchange, isAborted } = yield* opened((controller) => controller.close())
      expect(yield* collectBody(exchange, 10)).toBe("")
      expect(exchange.close(true)).toBeUndefined()
      expect(isAborted()).toBe(false)
    }),
  )

  it.live("reads a body that is about to end to its end, and aborts nothing", () =>
    Effect.gen(function* () {
      const { exchange, isAborted, told } = yield* opened((controller, pulled) =>
        pulled > 15 ? controller.close() : controller.enqueue(bytes("a")),
      )
      const timers = () => process.getActiveResourcesInfo().filter((name) => name === "Timeout").length
      const before = timers()
      yield* exchange.close(true) ?? Effect.die("nothing to wait for")
      expect([isAborted(), told]).toEqual([false, { pulled: 16, cancelled: 0 }])
      expect(timers()).toBe(before)
    }),
  )

  it.live("reads no more than sixteen pieces more of it, and waits no longer than 25 ms for them", () =>
    Effect.gen(function* () {
      const eager = yield* opened((controller) => controller.enqueue(bytes("a")))
      yield* eager.exchange.close(true) ?? Effect.die("nothing to wait for")
      expect([eager.isAborted(), eager.told]).toEqual([true, { pulled: 16, cancelled: 1 }])
      const silent = yield* opened(() => new Promise<void>(() => undefined))
      const startedMs = performance.now()
      yield* silent.exchange.close(true) ?? Effect.die("nothing to wait for")
      expect(performance.now() - startedMs).toBeGreaterThan(20)
      expect([silent.isAborted(), silent.told.pulled]).toEqual([true, 1])
    }),
  )

  it.live("cannot fail: not by a body that breaks off, nor by one that cannot be cancelled, nor without one", () =>
    Effect.gen(function* () {
      const cut = yield* opened(() => Promise.reject(new Error("cut")))
      yield* cut.exchange.close(true) ?? Effect.die("nothing to wait for")
      expect(cut.isAborted()).toBe(true)
      const stuck = new ReadableStream({ cancel: () => Promise.reject(new Error("stuck")) })
      const { exchange } = over(responseOf(stuck))
      yield* exchange.head
      exchange.close(false)
      const without = over(responseOf(null))
      yield* without.exchange.head
      yield* without.exchange.close(true) ?? Effect.void
      expect(without.seen[0]?.signal?.aborted).toBe(false)
      yield* Effect.promise(() => new Promise((resolve) => setImmediate(resolve)))
    }),
  )
})

describe("the platform's fetch as the transport", () => {
  it.effect("is the one that the platform has at each call", () =>
    Effect.gen(function* () {
      const open = Context.get(yield* Layer.build(layer), Transport)
      const { fetch } = globalThis
      const asked: Array<unknown> = []
      globalThis.fetch = (url) => {
        asked.push(url)
        return Promise.resolve(responseOf(null))
      }
      yield* Effect.ensuring(
        open(request).head,
        Effect.sync(() => (globalThis.fetch = fetch)),
      )
      expect(asked).toEqual(["https://api.test/v1"])
    }).pipe(Effect.scoped),
  )

  it.effect("connects as it does: a proxy is a mistake that says so, and none may be asked for", () =>
    Effect.gen(function* () {
      const built = (proxy: string | false | undefined) => Effect.result(Layer.build(layerOptions({ proxy })))
      expect(Result.isSuccess(yield* built(false))).toBe(true)
      expect(Result.isSuccess(yield* built(undefined))).toBe(true)
      const { message, reason } = yield* Effect.flip(Effect.flatMap(built("http://p.test"), Effect.fromResult))
      expect(reason).toMatchObject({ _tag: "ConfigurationError", setting: "proxy" })
      expect(message).toContain("give a fetch of your own that goes through the proxy")
    }).pipe(Effect.scoped),
  )
})
