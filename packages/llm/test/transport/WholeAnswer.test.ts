/**
 * A whole body: collected up to a limit, and read as an answer. One that is read as events is read a part in each turn of the
 * event loop: what else is due can act in between.
 */
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Result from "effect/Result"
import { describe, expect, it } from "vitest"
import { protocol as chat } from "../../src/protocols/chat-completions/ChatCompletions.ts"
import type { Protocol } from "../../src/protocols/Protocol.ts"
import { collectBeginning, collectBody } from "../../src/transport/Body.ts"
import { broken, type Exchange } from "../../src/transport/Transport.ts"
import { readAnswer } from "../../src/transport/WholeAnswer.ts"
import { wires } from "../faults/Wires.ts"

const { finish, opening, piece, terminal } = wires.chat
const pieces = 20_000
const body = opening + piece("abc").repeat(pieces) + finish + terminal
const part = 64 * 1024

/** Events read in one turn: those of a part, and one that began in the part before. */
const mostInOneTurn = Math.ceil(part / piece("abc").length) + 1

/** The protocol, counting the events that it is given. */
const counted = () => {
  const seen = { events: 0 }
  const protocol: Protocol = {
    ...chat,
    decodeStream: (options) => {
      const decoder = chat.decodeStream(options)
      const push: typeof decoder.push = (name, data, out) => {
        seen.events++
        return decoder.push(name, data, out)
      }
      return Object.assign(Object.create(decoder) as typeof decoder, { push })
    },
  }
  return { protocol, seen }
}

/** Runs to the end of an effect, turn by turn of the event loop; `atTurn` may end it earlier. */
const inTurns = async <A, E>(effect: Effect.Effect<A, E>, atTurn: (turn: number, fiber: Fiber.Fiber<A, E>) => void) => {
  const fiber = Effect.runFork(effect)
  atTurn(0, fiber)
  for (let turn = 1; fiber.pollUnsafe() === undefined; turn++) {
    await new Promise((resolve) => setImmediate(resolve))
    atTurn(turn, fiber)
  }
  return Effect.runPromise(Fiber.await(fiber))
}

describe("a JSON document", () => {
  const document = (length: number) =>
    JSON.stringify({
      choices: [{ index: 0, message: { role: "assistant", content: "a".repeat(length) }, finish_reason: "stop" }],
    })

  it.each([
    ["in the turn in which it is parsed where it is short", 1000, 0],
    ["in a turn of its own where it is long", 300_000, 1],
  ])("is read %s", async (_, length, turns) => {
    let read: number | undefined
    let now = 0
    const protocol: Protocol = {
      ...chat,
      decode: (value) => {
        read = now
        return chat.decode(value)
      },
    }
    const exit = await inTurns(readAnswer(protocol, document(length)), (turn) => {
      now = turn + 1
    })
    expect(Exit.isSuccess(exit) && exit.value.parts).toEqual([{ type: "text", text: "a".repeat(length) }])
    expect(read).toBe(turns)
  })

  it("that is long and no JSON is told as one", async () => {
    const exit = await inTurns(readAnswer(chat, document(300_000).slice(0, -1)), () => {})
    expect(Exit.isFailure(exit) && Cause.squash(exit.cause)).toMatchObject({ _tag: "Unreadable" })
  })
})

describe("an event stream that came whole", () => {
  it("is read in as many turns as it has parts, each with no more events than fit", async () => {
    const { protocol, seen } = counted()
    const perTurn: Array<number> = []
    let before = 0
    const exit = await inTurns(readAnswer(protocol, body), () => {
      perTurn.push(seen.events - before)
      before = seen.events
    })
    expect(Exit.isSuccess(exit) && exit.value.parts).toEqual([{ type: "text", text: "abc".repeat(pieces) }])
    expect(perTurn.length).toBeGreaterThanOrEqual(Math.floor(body.length / part))
    expect(Math.max(...perTurn)).toBeLessThanOrEqual(mostInOneTurn)
  })

  it("is read no further once its call has been interrupted", async () => {
    const { protocol, seen } = counted()
    const exit = await inTurns(readAnswer(protocol, body), (turn, fiber) => {
      if (turn === 2) fiber.interruptUnsafe()
    })
    expect(Exit.hasInterrupts(exit)).toBe(true)
    expect(seen.events).toBeGreaterThan(0)
    expect(seen.events).toBeLessThanOrEqual(5 * mostInOneTurn)
  })

  it("is read no further once the answer is complete", async () => {
    const { protocol, seen } = counted()
    const exit = await Effect.runPromiseExit(readAnswer(protocol, opening + finish + terminal + ":\n\n".repeat(part)))
    expect(Exit.isSuccess(exit)).toBe(true)
    expect(seen.events).toBeLessThanOrEqual(4)
  })

  it("is the same answer wherever a part ends, within an event, a character or a line end", async () => {
    for (const padding of Array.from({ length: 40 }, (_, place) => place)) {
      const before = `: ${"x".repeat(part - 40 - padding)}\r\n\r\n`
      const text = before + (opening + piece("é😀") + piece("b") + finish + terminal).replaceAll("\n", "\r\n")
      const exit = await Effect.runPromiseExit(readAnswer(chat, `data: {"choices":[]}\n\n${text}`))
      expect(Exit.isSuccess(exit) && exit.value.parts).toEqual([{ type: "text", text: "é😀b" }])
    }
  })
})

describe("a whole body", () => {
  const result = (text: string) => Effect.runPromise(Effect.result(readAnswer(chat, text)))
  const texts = [{ type: "text", text: "ab" }]
  const failed = wires.chat.errorEvent("rate-limit")

  it("is a document or events, whatever blanks stand before it", async () => {
    for (const text of [wires.chat.answer("ab"), `\r\n ${wires.chat.answer("ab")}`]) {
      expect(await result(text)).toMatchObject({ success: { parts: texts, finishReason: "stop" } })
    }
    const spoken = opening + piece("a") + piece("b") + finish
    for (const text of [
      spoken + terminal,
      `\n\n  ${spoken}`,
      spoken.trimEnd(),
      `: ping\n\n${spoken}`,
      `retry: 1\n\n${spoken}`,
    ]) {
      expect(await result(text)).toMatchObject({ success: { parts: texts, finishReason: "stop" } })
    }
  })

  it("that is neither says why, by its first byte", async () => {
    for (const [text, why] of [
      ["", "the answer is empty"],
      ["<html>", "the answer is not JSON"],
      ["database", "the answer is not JSON"],
    ] as const) {
      expect(await result(text)).toEqual(
        Result.fail({ _tag: "Unreadable", message: why, position: "byte 0", excerpt: "" }),
      )
    }
  })

  it("of events is the failure that one of them tells, whatever follows, and nothing of what follows is read", async () => {
    const fault = { failure: { _tag: "ProviderFailure", message: expect.stringContaining("Rate limit reached") } }
    expect(await result(opening + failed + piece("more") + finish + terminal)).toMatchObject(fault)
    const { protocol, seen } = counted()
    let turns = 0
    const long = opening + failed + piece("more").repeat(5000)
    const exit = await inTurns(Effect.result(readAnswer(protocol, long)), () => void turns++)
    expect(Exit.isSuccess(exit) && exit.value).toMatchObject(fault)
    expect(long.length).toBeGreaterThan(10 * part)
    expect(turns).toBeLessThan(5)
    expect(seen.events).toBeLessThan(6)
  })

  it("of events that ends too early or was given up is an interruption with its text", async () => {
    const cut = await result(opening + piece("half"))
    const message = "the stream ended before the answer did: the connection closed"
    expect(cut).toMatchObject({ failure: { _tag: "Abandoned", message, text: "half", usage: {} } })
    const given = `data: ${JSON.stringify({ choices: [{ index: 0, delta: {}, finish_reason: "error" }] })}\n\n`
    expect(await result(opening + piece("half") + given)).toMatchObject({
      failure: { _tag: "Abandoned", text: "half" },
    })
    const filled = `data: ${JSON.stringify({ choices: [{ index: 0, delta: { content: "a" }, finish_reason: "stop" }] })}\n\n`
    expect(await result(filled.trimEnd())).toMatchObject({ success: { parts: [{ type: "text", text: "a" }] } })
  })

  it("of events keeps a tool call whose end is that of the answer", async () => {
    const call = { index: 0, id: "call_1", function: { name: "now", arguments: "{}" } }
    const event = (delta: object, finish_reason: string | null) =>
      `data: ${JSON.stringify({ choices: [{ index: 0, delta, finish_reason }] })}\n\n`
    expect(await result(event({ tool_calls: [call] }, null) + event({}, "tool_calls"))).toMatchObject({
      success: { parts: [{ type: "tool-call", name: "now" }] },
    })
  })
})

describe("a body that is collected", () => {
  const bytes = (text: string) => new TextEncoder().encode(text)
  /** A body that comes in these reads of these chunks, and then ends as it is told. */
  const body = (
    reads: ReadonlyArray<readonly [Uint8Array, ...Array<Uint8Array>]>,
    end: Exchange["read"] = Cause.done(),
  ) => {
    let next = 0
    const read: Exchange["read"] = Effect.suspend(() => {
      const chunks = reads[next++]
      return chunks === undefined ? end : Effect.succeed(chunks)
    })
    return { exchange: { read }, reads: () => next }
  }
  const result = <A, E>(effect: Effect.Effect<A, E>) => Effect.runPromise(Effect.result(effect))

  it("is one text of all its chunks, cut anywhere, or empty", async () => {
    const whole = bytes("é😀 abc")
    for (let cut = 1; cut < whole.length; cut++) {
      const [before, after] = [whole.subarray(0, cut), whole.subarray(cut)]
      for (const reads of [[[before], [after]], [[before, after]], [[before], [bytes(""), after]]] as const) {
        expect(await result(collectBody(body(reads).exchange, 100))).toEqual(Result.succeed("é😀 abc"))
        expect(await result(collectBeginning(body(reads).exchange, 100))).toEqual(Result.succeed("é😀 abc"))
      }
    }
    expect(await result(collectBody(body([[whole]]).exchange, 100))).toEqual(Result.succeed("é😀 abc"))
    expect(await result(collectBody(body([]).exchange, 100))).toEqual(Result.succeed(""))
  })

  it("may be as long as its limit and no longer, and no more of it is read", async () => {
    const fits = body([[bytes("abc")], [bytes("de")]])
    expect(await result(collectBody(fits.exchange, 5))).toEqual(Result.succeed("abcde"))
    const long = body([[bytes("abc")], [bytes("def")], [bytes("ghi")]])
    expect(await result(collectBody(long.exchange, 5))).toEqual(Result.fail({ _tag: "BodyTooLarge" }))
    expect(long.reads()).toBe(2)
  })

  it("is what came of it when it had become longer than asked, where only its beginning is", async () => {
    const long = body([[bytes("abc")], [bytes("def")], [bytes("ghi")]])
    expect(await result(collectBeginning(long.exchange, 5))).toEqual(Result.succeed("abcdef"))
    expect(long.reads()).toBe(2)
  })

  it("fails as its connection does", async () => {
    const failure = broken(new Error("gone"))
    const cut = () => body([[bytes("abc")]], Effect.fail(failure)).exchange
    expect(await result(collectBody(cut(), 5))).toEqual(Result.fail(failure))
    expect(await result(collectBeginning(cut(), 5))).toEqual(Result.fail(failure))
  })
})
