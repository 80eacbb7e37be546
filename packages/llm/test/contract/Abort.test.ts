/** Law 11: an abort, wherever a call is. Each stage is awaited by a signal, and each socket's end is told by its server. */
import { once } from "node:events"
import { type AddressInfo, createServer, type Socket } from "node:net"
import { describe, expect, it } from "@effect/vitest"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Schedule from "effect/Schedule"
import * as Stream from "effect/Stream"
import { withConcurrency, withFallback, withRetry, withTimeout } from "../../src/index.ts"
import { callOf, goodAnswer, partial } from "../faults/FaultScenario.ts"
import { type Answer, inTurn, nowMs, type RecordedConnection, stall } from "../faults/FaultServer.ts"
import { whole } from "../faults/HttpText.ts"
import { fullText } from "../faults/WireText.ts"
import { ask, hello, open, patient, serve, type Service } from "./Ask.ts"
import { law } from "./Laws.ts"
import { type Cell, cells, type ContractProvider, streamCells } from "./Providers.ts"

/** Far more than the law's 100 ms, for a machine that is busy. */
const soonMs = 2000

/** Aborts a call and says how long the other side took to see its socket close. */
const abort = Effect.fnUntraced(function* (
  call: Fiber.Fiber<unknown, unknown>,
  connection: Pick<RecordedConnection, "closed">,
) {
  const abortedAtMs = nowMs()
  yield* Fiber.interrupt(call)
  return (yield* Effect.promise(() => connection.closed)) - abortedAtMs
})

/** The whole stack around one place, so that a permit that is not returned blocks the next call. */
const stack = (provider: ContractProvider, url: string, schedule = Schedule.spaced("5 millis")) =>
  provider
    .layer(url)
    .pipe(
      withTimeout({ headers: "20 seconds", firstOutput: "20 seconds", idle: "20 seconds", queue: "20 seconds" }),
      withConcurrency(1),
      withRetry({ times: 2, schedule }),
      withFallback(provider.layer(url)),
      withTimeout("30 seconds"),
    )

const isAnswered = Effect.fnUntraced(function* (llm: Service, { call }: Cell) {
  expect((yield* ask(llm, call)).text).toBe(fullText)
})

describe.concurrent(law[11], patient, () => {
  it.live.each(cells)(
    "queued: the call leaves the queue and sends nothing ($on)",
    Effect.fnUntraced(function* (cell) {
      const server = yield* serve(inTurn([stall], goodAnswer(cell.provider.wire, cell.call)))
      const llm = yield* open(stack(cell.provider, server.url))
      const first = yield* Effect.forkChild(ask(llm, cell.call), { startImmediately: true })
      const { connection } = yield* Effect.promise(() => server.request(0))
      const waiting = yield* Effect.forkChild(ask(llm, cell.call), { startImmediately: true })
      yield* Fiber.interrupt(waiting)
      expect(yield* abort(first, connection)).toBeLessThan(soonMs)
      yield* isAnswered(llm, cell)
      expect(server.requests).toHaveLength(2)
    }),
  )

  it.live.each(cells)(
    "connecting: a handshake that never ends is given up ($on)",
    Effect.fnUntraced(function* ({ call, provider }) {
      const silent = yield* Effect.acquireRelease(
        Effect.promise(async () => {
          const server = createServer()
          await once(server.listen(0, "127.0.0.1"), "listening")
          return server
        }),
        (server) => Effect.sync(() => server.close()),
      )
      const connected: Promise<ReadonlyArray<Socket>> = once(silent, "connection") as Promise<[Socket]>
      const llm = yield* open(stack(provider, `https://127.0.0.1:${(silent.address() as AddressInfo).port}`))
      const asking = yield* Effect.forkChild(ask(llm, call), { startImmediately: true })
      const [socket] = yield* Effect.promise(() => connected)
      if (socket === undefined) return expect.unreachable()
      const closed = new Promise<number>((resolve) => socket.on("close", () => resolve(nowMs())))
      socket.on("error", () => undefined)
      socket.resume()
      expect(yield* abort(asking, { closed })).toBeLessThan(soonMs)
    }),
  )

  it.live.each(cells)(
    "waiting for headers: the socket closes ($on)",
    Effect.fnUntraced(function* (cell) {
      const server = yield* serve(inTurn([stall], goodAnswer(cell.provider.wire, cell.call)))
      const llm = yield* open(stack(cell.provider, server.url))
      const asking = yield* Effect.forkChild(ask(llm, cell.call), { startImmediately: true })
      const { connection } = yield* Effect.promise(() => server.request(0))
      expect(yield* abort(asking, connection)).toBeLessThan(soonMs)
      expect(connection.closedBy).toBe("client")
      yield* isAnswered(llm, cell)
    }),
  )

  it.live.each(streamCells)(
    "streaming: the socket closes ($on)",
    Effect.fnUntraced(function* (cell) {
      const { wire } = cell.provider
      const server = yield* serve(inTurn([...partial(wire), stall], goodAnswer(wire, "stream")))
      const llm = yield* open(stack(cell.provider, server.url))
      const began = yield* Deferred.make<void>()
      const reading = Stream.runForEach(llm.stream(hello), (event) =>
        event.type === "text-delta" ? Deferred.succeed(began, undefined) : Effect.void,
      )
      const asking = yield* Effect.forkChild(reading, { startImmediately: true })
      yield* Deferred.await(began)
      const { connection } = yield* Effect.promise(() => server.request(0))
      expect(yield* abort(asking, connection)).toBeLessThan(soonMs)
      expect(connection.closedBy).toBe("client")
      yield* isAnswered(llm, cell)
    }),
  )

  it.live.each(streamCells)(
    "stopping to read a stream is an abort ($on)",
    Effect.fnUntraced(function* (cell) {
      const { wire } = cell.provider
      const server = yield* serve(inTurn([...partial(wire), stall], goodAnswer(wire, "stream")))
      const llm = yield* open(stack(cell.provider, server.url))
      yield* Stream.runDrain(Stream.take(llm.stream(hello), 2))
      const leftAtMs = nowMs()
      const { connection } = yield* Effect.promise(() => server.request(0))
      expect((yield* Effect.promise(() => connection.closed)) - leftAtMs).toBeLessThan(soonMs)
      expect(connection.closedBy).toBe("client")
      yield* isAnswered(llm, cell)
    }),
  )

  it.live.each(cells)(
    "backing off: the wait ends and nothing more is sent ($on)",
    Effect.fnUntraced(function* (cell) {
      const { wire } = cell.provider
      const busy: Answer = whole(wire.error("unavailable").body, 503)
      const server = yield* serve((request) => (request.index === 0 ? busy : goodAnswer(wire, callOf(request))))
      const backingOff = yield* Deferred.make<void>()
      const schedule = Schedule.spaced("10 seconds").pipe(
        Schedule.modifyDelay(({ duration }) => Effect.as(Deferred.succeed(backingOff, undefined), duration)),
      )
      const llm = yield* open(stack(cell.provider, server.url, schedule))
      const asking = yield* Effect.forkChild(ask(llm, cell.call), { startImmediately: true })
      yield* Deferred.await(backingOff)
      const abortedAtMs = nowMs()
      const exit = yield* Effect.andThen(Fiber.interrupt(asking), Fiber.await(asking))
      expect(Exit.isFailure(exit)).toBe(true)
      expect(nowMs() - abortedAtMs).toBeLessThan(soonMs)
      expect(server.requests).toHaveLength(1)
      yield* isAnswered(llm, cell)
      expect(server.requests).toHaveLength(2)
    }),
  )
})
