/** Bytes as server-sent events, however they were cut: each event once, within a limit that is exact. */
import * as fc from "fast-check"
import { describe, expect, it } from "vitest"
import * as ServerSentEvents from "../../src/transport/ServerSentEvents.ts"

const bytes = (text: string) => new TextEncoder().encode(text)

/** What is read of these pieces, and what each call said. */
const read = (pieces: ReadonlyArray<Uint8Array>, limit = 100) => {
  const events: Array<readonly [string | undefined, string]> = []
  const reader = ServerSentEvents.make(limit, (name, data) => events.push([name, data]))
  const said = pieces.map((piece) => reader.feed(piece))
  return { events, said, end: reader.end() }
}

describe("an event stream", () => {
  it("is the same events wherever the network cuts it, within a character too", () => {
    const whole = bytes("\u{feff}event: piece\ndata: é😀\n\n: ping\r\n\r\nid: 7\nretry: 9\ndata: a\ndata: b\r\n\r\n")
    fc.assert(
      fc.property(fc.array(fc.nat(whole.length)), (cuts) => {
        const ends = [...cuts, whole.length].sort((a, b) => a - b)
        const pieces = ends.map((end, index) => whole.subarray(ends[index - 1] ?? 0, end))
        expect(read(pieces).events).toEqual([
          ["piece", "é😀"],
          [undefined, "a\nb"],
        ])
      }),
    )
  })

  it("has an event at its end that only lacks its blank line, its line end, or the rest of a character", () => {
    for (const rest of ["data: a\n", "data: a"]) {
      expect(read([bytes(rest)])).toEqual({ events: [[undefined, "a"]], said: [true], end: true })
    }
    expect(read([bytes("data: é").slice(0, -1)]).events).toEqual([[undefined, "\u{fffd}"]])
  })

  it("is read no further once an event is longer than the limit, in one piece or in many", () => {
    const next = bytes("data: next\n\n")
    const line = (length: number) => bytes(`data: ${"x".repeat(length)}`)
    const fits = read([line(100), bytes("\n\n"), next], 100)
    expect(fits).toMatchObject({ said: [true, true, true], end: true })
    expect(fits.events).toHaveLength(2)
    const tooLong = read([line(101), bytes("\n\n"), next], 100)
    expect(tooLong).toMatchObject({ events: [], end: false })
    expect(tooLong.said.slice(1)).toEqual([false, false])
    const pieces = Array.from({ length: 102 }, () => bytes("x"))
    expect(read([bytes("data: "), ...pieces, next], 100)).toMatchObject({ events: [], end: false })
  })

  it("has a limit that holds wherever the network cuts it, also for an event that comes whole in one read", () => {
    const texts = fc.array(fc.integer({ min: 0, max: 30 }), { minLength: 1, maxLength: 4 })
    fc.assert(
      fc.property(
        texts,
        fc.integer({ min: 0, max: 30 }),
        fc.constantFrom("\n", "\r\n"),
        fc.array(fc.nat()),
        (lines, named, end, cuts) => {
          const limit = 20
          const name = named === 0 ? "" : `event: ${"e".repeat(named)}${end}`
          const data = lines.map((length) => "x".repeat(length)).join("\n")
          const event = `${name}${data
            .split("\n")
            .map((line) => `data: ${line}${end}`)
            .join("")}${end}`
          const whole = bytes(`data: before\n\n${event}data: after\n\n`)
          const ends = [...cuts.map((cut) => cut % whole.length), whole.length].sort((a, b) => a - b)
          const pieces = ends.map((at, index) => whole.subarray(ends[index - 1] ?? 0, at))
          const before = [undefined, "before"]
          const fits = data.length <= limit && named <= limit
          const { end: isWithin, events } = read(pieces, limit)
          expect(isWithin).toBe(fits)
          expect(events).toEqual(
            fits ? [before, [named === 0 ? undefined : "e".repeat(named), data], [undefined, "after"]] : [before],
          )
        },
      ),
      { numRuns: 1000 },
    )
  })

  it("is read on after a line that means nothing", () => {
    expect(read([bytes("nonsense\n\nretry: soon\ndata: a\n\n")])).toEqual({
      events: [[undefined, "a"]],
      said: [true],
      end: true,
    })
  })
})
