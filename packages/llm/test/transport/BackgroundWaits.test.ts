/** When an answer in the background is asked for again, how often that may fail, and what a reader sees of it. */
import { describe, expect, it } from "@effect/vitest"
import * as Cause from "effect/Cause"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Pull from "effect/Pull"
import * as Result from "effect/Result"
import { TestClock } from "effect/testing"
import { inBackground } from "../../src/transport/Background.ts"
import { broken, type Exchange, type WireRequest } from "../../src/transport/Transport.ts"

/** One answer of the service: its status, or no head at all, then its pieces and how they end. */
interface Answer {
  readonly status?: number | "broken"
  readonly pieces?: ReadonlyArray<string | Uint8Array>
  readonly end?: Exchange["read"]
}

const request: WireRequest = { url: "https://api.test/v1/responses?v=1", headers: { a: "b" }, body: "{}" }
const lost: Answer["end"] = Effect.fail(broken(new Error("lost")))
const bytes = (text: string) => new TextEncoder().encode(text)
const next = { path: "/id", query: "q=2" }

/**
 * An answer in the background over a service that answers in this order, the last answer again and again. `log` tells what
 * was asked when, and how each exchange was closed.
 */
const over = (
  answers: ReadonlyArray<Answer>,
  isStream: boolean,
  limits: { body?: number; event?: number } = {},
  { order = request, where = next }: { readonly order?: WireRequest; readonly where?: typeof next } = {},
) => {
  const log: Array<string> = []
  const asked: Array<WireRequest> = []
  const open = (wire: WireRequest): Exchange => {
    const { end = Cause.done(), pieces = [], status = 200 } = answers[Math.min(asked.length, answers.length - 1)] ?? {}
    const index = asked.push(wire)
    let read = 0
    return {
      head: Effect.flatMap(Clock.currentTimeMillis, (now) => {
        log.push(`asked at ${now}`)
        return status === "broken"
          ? Effect.fail(broken(new Error(`no head ${index}`)))
          : Effect.succeed({ status, headers: {} })
      }),
      read: Effect.suspend(() => {
        const piece = pieces[read++]
        if (piece === undefined) return end
        return Effect.succeed([typeof piece === "string" ? bytes(piece) : piece])
      }),
      close: (isComplete) => Effect.sync(() => void log.push(`closed ${index}, complete: ${isComplete}`)),
    }
  }
  const noted: Array<string> = []
  const exchange = inBackground(
    open,
    order,
    {
      pending: (body) => (body === "done" ? undefined : where),
      note: (data) => noted.push(data),
      resume: () => (noted.includes("last") ? undefined : where),
    },
    { maxBodyBytes: limits.body ?? 100, maxEventLength: limits.event ?? 100 },
    isStream,
  )
  const pieces: Array<string> = []
  const readOn: Effect.Effect<string, unknown> = Pull.matchEffect(exchange.read, {
    onSuccess: (chunks) => {
      pieces.push(new TextDecoder().decode(chunks[0]))
      return readOn
    },
    onFailure: (cause) => Effect.failCause(cause),
    onDone: () => Effect.succeed(pieces.join("")),
  })
  /** Reads all of it; the clock goes on by tenths of a second meanwhile. */
  const readAll = Effect.gen(function* () {
    yield* exchange.head
    const fiber = yield* Effect.forkChild(Effect.result(readOn), { startImmediately: true })
    while (fiber.pollUnsafe() === undefined) yield* TestClock.adjust("100 millis")
    return yield* Fiber.join(fiber)
  })
  return { asked, exchange, log, noted, pieces, readAll, times: () => log.filter((line) => line.startsWith("asked")) }
}

const times = (...ms: ReadonlyArray<number>) => ms.map((at) => `asked at ${at}`)

describe("an answer that is not finished", () => {
  it.effect("is asked for below its address after half a second, then after twice the wait, up to eight seconds", () =>
    Effect.gen(function* () {
      const open = over([...Array.from({ length: 6 }, () => ({ pieces: ["wait"] })), { pieces: ["done"] }], false)
      expect(yield* open.readAll).toEqual(Result.succeed("done"))
      expect(open.times()).toEqual(times(0, 500, 1500, 3500, 7500, 15_500, 23_500))
      expect(open.asked[0]).toEqual(request)
      const again = { method: "GET", url: "https://api.test/v1/responses/id?v=1&q=2", headers: { a: "b" } }
      expect(open.asked.slice(1)).toEqual(Array.from({ length: 6 }, () => again))
    }),
  )

  it.effect("is asked for with the queries that there are", () =>
    Effect.gen(function* () {
      const url = "https://api.test/v1/responses"
      for (const [asked, query, again] of [
        [url, "", `${url}/id`],
        [url, "q=2", `${url}/id?q=2`],
        [`${url}?v=1`, "", `${url}/id?v=1`],
        [`${url}?`, "q=2", `${url}/id?q=2`],
      ] as const) {
        const order = { ...request, url: asked }
        const open = over(
          [{ pieces: ["wait"] }, { pieces: ["done"] }],
          false,
          {},
          { order, where: { path: "/id", query } },
        )
        yield* open.readAll
        expect(open.asked[1]?.url).toBe(again)
      }
    }),
  )

  it.effect("is let go before the next question waits, and the last exchange is closed as its reader says", () =>
    Effect.gen(function* () {
      const open = over([{ pieces: ["wait"] }, { pieces: ["done"] }], false)
      yield* open.readAll
      expect(open.log).toEqual(["asked at 0", "closed 1, complete: false", "asked at 500"])
      yield* open.exchange.close(true) ?? Effect.void
      expect(open.log.at(-1)).toBe("closed 2, complete: true")
    }),
  )

  it.effect("is given up after five failures of questions one after the other, with the last of them", () =>
    Effect.gen(function* () {
      const dead = over([{ pieces: ["wait"] }, { status: "broken" }], false)
      expect(yield* dead.readAll).toMatchObject({ failure: { cause: { message: "no head 6" } } })
      expect(dead.asked).toHaveLength(6)
      const cut = over([{ pieces: ["wait"] }, { pieces: ["do"], end: lost }], false)
      expect(yield* cut.readAll).toMatchObject({ failure: { cause: { message: "lost" } } })
      expect(cut.asked).toHaveLength(6)
    }),
  )

  it.effect("may fail again as often once the service has said that it is not finished", () =>
    Effect.gen(function* () {
      const failing = Array.from({ length: 4 }, (): Answer => ({ status: 503 }))
      const wait = { pieces: ["wait"] }
      const open = over([wait, ...failing, wait, ...failing, { pieces: ["done"] }], false)
      expect(yield* open.readAll).toEqual(Result.succeed("done"))
      expect(open.asked).toHaveLength(11)
    }),
  )

  it.effect("is asked for again where a question fails in a way that passes, and only there", () =>
    Effect.gen(function* () {
      for (const status of [408, 429, 500, 599]) {
        const open = over([{ pieces: ["wait"] }, { status, pieces: ["done"] }, { pieces: ["done"] }], false)
        expect(yield* open.readAll).toEqual(Result.succeed("done"))
        expect(open.asked).toHaveLength(3)
      }
      for (const status of [400, 404, 428, 499]) {
        const open = over([{ pieces: ["wait"] }, { status, pieces: ["done"] }], false)
        expect(yield* open.readAll).toEqual(Result.succeed("done"))
        expect(open.asked).toHaveLength(2)
      }
    }),
  )

  it.effect("is not asked for again where the order itself broke off, or is too large", () =>
    Effect.gen(function* () {
      const cut = over([{ pieces: ["wa"], end: lost }], false)
      expect(yield* cut.readAll).toMatchObject({ failure: { cause: { message: "lost" } } })
      expect(cut.asked).toHaveLength(1)
      const large = over([{ pieces: ["wait"] }], false, { body: 3 })
      expect(yield* large.readAll).toMatchObject({ failure: { unreadable: "the answer is larger than 3 bytes" } })
      expect(large.asked).toHaveLength(1)
    }),
  )
})

describe("a stream that breaks off", () => {
  const last = "data: last\n\n"

  it.effect("goes on after half a second, whether it was cut or closed, and each event begins the waits anew", () =>
    Effect.gen(function* () {
      const open = over(
        [{ pieces: ["data: a\n\n"], end: lost }, {}, {}, { pieces: ["data: b\n\n"] }, { pieces: [last] }],
        true,
      )
      expect(yield* open.readAll).toEqual(Result.succeed(`data: a\n\ndata: b\n\n${last}`))
      expect(open.times()).toEqual(times(0, 500, 1500, 3500, 4000))
      expect(open.noted).toEqual(["a", "b", "last"])
      expect(open.asked[1]?.url).toBe("https://api.test/v1/responses/id?v=1&q=2")
    }),
  )

  it.effect("may fail again as often once an event has come", () =>
    Effect.gen(function* () {
      const failing = Array.from({ length: 4 }, (): Answer => ({ status: "broken" }))
      const open = over([{}, ...failing, { pieces: ["data: a\n\n"] }, ...failing, { pieces: [last] }], true)
      expect(yield* open.readAll).toEqual(Result.succeed(`data: a\n\n${last}`))
    }),
  )

  it.effect("says whole events only, whatever their line ends are, and what the cut left of one is forgotten", () =>
    Effect.gen(function* () {
      for (const end of ["\n\n", "\r\n\r\n", "\r\r"]) {
        const open = over(
          [
            { pieces: [`data: a${end}data: b${end}da`, "ta: ", bytes("é").subarray(0, 1)], end: lost },
            { pieces: ["data: é", `${end}`, last] },
          ],
          true,
        )
        yield* open.readAll
        expect(open.pieces).toEqual([`data: a${end}data: b${end}`, `data: é${end}`, last])
      }
      const cut = over([{ pieces: ["data: ", bytes("é").subarray(0, 1), bytes("é").subarray(1), `\n\n${last}`] }], true)
      yield* cut.readAll
      expect(cut.pieces).toEqual([`data: é\n\n${last}`])
      const mixed = over([{ pieces: ["data: a\r\n\r\ndata: b\n\ndata: c\r\rda", "ta: last\n\n"] }], true)
      yield* mixed.readAll
      expect(mixed.pieces).toEqual(["data: a\r\n\r\ndata: b\n\ndata: c\r\r", last])
    }),
  )

  it.effect("hands on what is longer than an event may be, so that its reader can refuse it", () =>
    Effect.gen(function* () {
      const open = over([{ pieces: ["data: 45", "6", "7", "8\n\n", last] }], true, { event: 9 })
      yield* open.readAll
      expect(open.pieces.slice(0, 2)).toEqual(["data: 4567", "8\n\n"])
    }),
  )

  it.effect("ends as its connection does once its last event has come, after what still stands there", () =>
    Effect.gen(function* () {
      const closed = over([{ pieces: [last, ": rest"] }], true)
      expect(yield* closed.readAll).toEqual(Result.succeed(`${last}: rest`))
      const cut = over([{ pieces: [last], end: lost }], true)
      expect(yield* cut.readAll).toMatchObject({ failure: { cause: { message: "lost" } } })
      expect([closed.asked.length, cut.asked.length]).toEqual([1, 1])
    }),
  )

  it.effect("ends with the service's words as an error event in one line where it cannot go on", () =>
    Effect.gen(function* () {
      for (const status of [0, 300, 404]) {
        const open = over([{}, { status, pieces: ['{"error":\r\n  {"message":"Gone."}}'] }], true)
        const said = 'event: error\ndata: {"error": {"message":"Gone."}}\n\n'
        expect(yield* open.readAll).toEqual(Result.succeed(said))
        expect(open.asked).toHaveLength(2)
      }
      const goesOn = over([{}, { status: 299, pieces: [last] }], true)
      expect(yield* goesOn.readAll).toEqual(Result.succeed(last))
    }),
  )

  it.effect("is not asked for again after a defect", () =>
    Effect.gen(function* () {
      const open = over([{ pieces: [], end: Effect.die("defect") }], true)
      const exit = yield* Effect.exit(open.exchange.read)
      expect(Exit.isFailure(exit) && Cause.squash(exit.cause)).toBe("defect")
      expect(open.asked).toHaveLength(1)
    }),
  )
})
