/** Law 10: each clock against a server that is silent where that clock listens. */
import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import { type LlmEvent, withFallback, withRetry, withTimeout } from "../../src/index.ts"
import { goodAnswer, partial } from "../faults/FaultScenario.ts"
import { type Answer, delay, inTurn, nowMs, stall, write } from "../faults/FaultServer.ts"
import { chunk, head, lastChunk, streamHead, whole } from "../faults/HttpText.ts"
import { comment, fullText, goodStream, partialText, pieces, type WireText } from "../faults/WireText.ts"
import { ask, hello, open, patient, quickRetry, serve, times } from "./Ask.ts"
import { law } from "./Laws.ts"
import { cells, generateCells, streamCells, wireCells, wireStreamCells } from "./Providers.ts"

/** What keeps a connection alive and says nothing. */
function* chatter(wire: WireText): Generator<ReturnType<typeof chunk>> {
  for (;;) {
    yield delay(20)
    yield chunk(wire.ping)
    yield chunk(comment())
    yield chunk(wire.unknownEvents)
  }
}

/** A whole stream with a pause before each event. */
const slow = (wire: WireText, pauseMs: number): Answer => [
  streamHead(),
  ...goodStream(wire).flatMap((event) => [delay(pauseMs), chunk(event)]),
  lastChunk,
]

describe.concurrent(law[10], patient, () => {
  it.live.each(cells)(
    "headers: each attempt that gets none is given up, and tried again ($on)",
    Effect.fnUntraced(function* ({ call, provider }) {
      const server = yield* serve(() => [stall])
      const llm = yield* open(provider.layer(server.url).pipe(withTimeout({ headers: 250 }), quickRetry))
      const { error } = yield* ask(llm, call)
      expect(error?.reason).toMatchObject({ _tag: "TimeoutError", clock: "headers", limitMs: 250 })
      expect(server.requests).toHaveLength(1 + times)
      for (const { connection } of server.requests) yield* Effect.promise(() => connection.closed)
    }),
  )

  it.live.each(wireCells)(
    "none: a failing status whose words never come says enough by itself ($on)",
    Effect.fnUntraced(function* ({ call, provider }) {
      const silent: Answer = [write(head(503, { "content-type": "application/json", "content-length": 200 })), stall]
      const server = yield* serve(inTurn(silent, goodAnswer(provider.wire, call)))
      const seen = yield* ask(yield* open(provider.layer(server.url).pipe(quickRetry)), call)
      expect(seen.text).toBe(fullText)
      expect(seen.response?.metadata.attempts[0]).toMatchObject({ status: 503, errorType: "OverloadedError" })
    }),
  )

  it.live.each(streamCells)(
    "first-output: neither pings nor comments nor unknown events are output ($on)",
    Effect.fnUntraced(function* ({ provider }) {
      const { wire } = provider
      const server = yield* serve(function* () {
        yield streamHead()
        yield chunk(wire.opening)
        yield* chatter(wire)
      })
      const llm = yield* open(provider.layer(server.url).pipe(withTimeout({ firstOutput: 300 }), quickRetry))
      const { error } = yield* ask(llm, "stream")
      expect(error?.reason).toMatchObject({ _tag: "TimeoutError", clock: "first-output", limitMs: 300 })
      expect(server.requests).toHaveLength(1 + times)
    }),
  )

  it.live.each(streamCells)(
    "idle: pings and comments do not reset it, and the text so far is kept ($on)",
    Effect.fnUntraced(function* ({ provider }) {
      const { wire } = provider
      const server = yield* serve(function* () {
        yield* partial(wire)
        yield* chatter(wire)
      })
      const llm = yield* open(provider.layer(server.url).pipe(withTimeout({ idle: 400 }), quickRetry))
      const { error } = yield* ask(llm, "stream")
      expect(error?.reason).toMatchObject({ _tag: "TimeoutError", clock: "idle", limitMs: 400 })
      expect(error?.text).toBe(partialText)
      expect(server.requests).toHaveLength(1)
      yield* Effect.promise(() => server.requests[0]?.connection.closed ?? Promise.reject())
    }),
  )

  it.live.each(wireStreamCells)(
    "idle: output resets it, so that a slow stream is whole ($on)",
    Effect.fnUntraced(function* ({ provider }) {
      const server = yield* serve(() => slow(provider.wire, 400))
      const llm = yield* open(provider.layer(server.url).pipe(withTimeout({ idle: 1500 })))
      expect((yield* ask(llm, "stream")).text).toBe(fullText)
    }),
  )

  it.live.each(wireStreamCells)(
    "idle: the time that a slow reader takes is not the provider's silence ($on)",
    Effect.fnUntraced(function* ({ provider }) {
      const server = yield* serve(() => goodAnswer(provider.wire, "stream"))
      const llm = yield* open(provider.layer(server.url).pipe(withTimeout({ idle: 300 })))
      const events: Array<LlmEvent> = []
      const readSlowly = (event: LlmEvent) =>
        Effect.andThen(
          Effect.sleep(350),
          Effect.sync(() => events.push(event)),
        )
      yield* Stream.runForEach(llm.stream(hello), readSlowly)
      expect(events.at(-1)?.type).toBe("response-finish")
    }),
  )

  it.live.each(streamCells)(
    "none: an answer that is whole does not wait for a server that then only sends heartbeats ($on)",
    Effect.fnUntraced(function* ({ provider }) {
      const { wire } = provider
      const said = goodStream(wire).filter((event) => !event.includes("[DONE]"))
      const server = yield* serve(function* () {
        yield streamHead()
        for (const event of said) yield chunk(event)
        yield* chatter(wire)
      })
      const startedMs = nowMs()
      const seen = yield* ask(yield* open(provider.layer(server.url)), "stream")
      expect([seen.text, seen.events.at(-1)?.type]).toEqual([fullText, "response-finish"])
      expect(nowMs() - startedMs).toBeLessThan(10_000)
      yield* Effect.promise(() => server.requests[0]?.connection.closed ?? Promise.reject())
    }),
  )

  const stalls: ReadonlyArray<readonly [string, (wire: WireText) => Answer]> = [
    ["before its headers", () => [stall]],
    ["after its headers", () => [streamHead(), stall]],
    ["in the middle", (wire) => [...partial(wire), stall]],
    ["while it answers slowly", (wire) => slow(wire, 300)],
  ]
  it.live.each(streamCells.flatMap((cell) => stalls.map(([where, answer]) => ({ ...cell, where, answer }))))(
    "total: it ends a stream $where, and is not tried again ($on)",
    Effect.fnUntraced(function* ({ answer, provider, where }) {
      const server = yield* serve(() => answer(provider.wire))
      const second = yield* serve(() => [stall])
      const stack = provider.layer(server.url).pipe(quickRetry, withFallback(provider.layer(second.url)))
      const { error } = yield* ask(yield* open(stack.pipe(withTimeout(800))), "stream")
      expect(error?.reason).toMatchObject({ _tag: "TimeoutError", clock: "total", limitMs: 800 })
      // Not within this call, but in a new one.
      expect(error?.isRetryable).toBe(true)
      // A target that brought nothing had its share of the deadline; one that had begun has all of it.
      expect([server.requests.length, second.requests.length]).toEqual([1, where === "in the middle" ? 0 : 1])
      yield* Effect.promise(() => server.requests[0]?.connection.closed ?? Promise.reject())
    }),
  )

  it.live.each(cells.flatMap((cell) => stalls.slice(0, 2).map(([where, answer]) => ({ ...cell, where, answer }))))(
    "total: a target that hangs $where leaves its fallback the time to answer ($call, $on)",
    Effect.fnUntraced(function* ({ answer, call, provider }) {
      const server = yield* serve(() => answer(provider.wire))
      const second = yield* serve(() => goodAnswer(provider.wire, call))
      const stack = provider.layer(server.url).pipe(quickRetry, withFallback(provider.layer(second.url)))
      const saved = yield* ask(yield* open(stack.pipe(withTimeout(1000))), call)
      expect(saved.text).toBe(fullText)
      expect([server.requests.length, second.requests.length]).toEqual([1, 1])
      const [hung, answered] = saved.response?.metadata.attempts ?? []
      expect([hung?.targetIndex, hung?.errorType, answered?.targetIndex]).toEqual([0, "TimeoutError", 1])
      expect(hung?.durationMs).toBeGreaterThanOrEqual(450)
      expect(hung?.durationMs).toBeLessThan(1000)
      yield* Effect.promise(() => server.requests[0]?.connection.closed ?? Promise.reject())
    }),
  )

  it.live.each(generateCells)(
    "total: it ends a whole answer that never comes ($on)",
    Effect.fnUntraced(function* ({ provider }) {
      const server = yield* serve(() => [stall])
      const { error } = yield* ask(
        yield* open(provider.layer(server.url).pipe(quickRetry, withTimeout(600))),
        "generate",
      )
      expect(error?.reason).toMatchObject({ _tag: "TimeoutError", clock: "total", limitMs: 600 })
      expect(error?.attempts).toMatchObject([{ provider: provider.provider, errorType: "TimeoutError" }])
      expect(server.requests).toHaveLength(1)
      yield* Effect.promise(() => server.requests[0]?.connection.closed ?? Promise.reject())
    }),
  )

  it.live.each(cells)(
    "total: retries and their waits count ($on)",
    Effect.fnUntraced(function* ({ call, provider }) {
      const failing = whole(provider.wire.error("server").body, 500)
      const server = yield* serve(() => [delay(100), ...failing])
      const llm = yield* open(provider.layer(server.url).pipe(withRetry({ times: 1000 }), withTimeout(900)))
      const startedMs = nowMs()
      const { error } = yield* ask(llm, call)
      expect(nowMs() - startedMs).toBeLessThan(5000)
      expect(error?.reason._tag).toBe("ServerError")
      expect(server.requests).toHaveLength(1)
    }),
  )

  it.live.each(streamCells)(
    "none is set unless given: silence alone ends nothing ($on)",
    Effect.fnUntraced(function* ({ provider }) {
      const { wire } = provider
      const quiet: Answer = [delay(300), streamHead(), delay(300), ...goodStream(wire).map(chunk), lastChunk]
      const server = yield* serve(() => quiet)
      const seen = yield* ask(yield* open(provider.layer(server.url).pipe(withTimeout({}))), "stream")
      expect(seen.text).toBe(pieces.join(""))
    }),
  )
})
