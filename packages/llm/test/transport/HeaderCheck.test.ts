/** The check of a request's headers, to the character: which names and values may be sent, and how often they are read. */
import * as Result from "effect/Result"
import { describe, expect, it } from "vitest"
import { reader } from "../../src/transport/sending/RequestHeaders.ts"

type Given = Readonly<Record<string, string>>
const read = (given: Given) => reader(() => undefined)(given)
const headersOf = (given: Given) => Result.getOrThrow(read(given))
const refusalOf = (given: Given) => Result.getOrThrow(Result.flip(read(given))).message

describe("the headers of a request", () => {
  it("are the defaults, which the caller's replace however their names are written", () => {
    expect(headersOf({})).toMatchObject({
      "content-type": "application/json",
      accept: "application/json, text/event-stream",
    })
    expect(headersOf({ "Content-Type": "text/plain", "X-Team": "red" })).toMatchObject({
      "content-type": "text/plain",
      "x-team": "red",
    })
    expect(headersOf({ "X-Team": "red" })).not.toHaveProperty("X-Team")
  })

  it("have names of the characters that a token may have, and no others", () => {
    for (const name of ["a", "Z9", "!#$%&'*+-.^_`|~"])
      expect(headersOf({ [name]: "v" })).toHaveProperty([name.toLowerCase()], "v")
    for (const name of ["", "a b", "a:b", "a\n", "\na", "é", 'a"b', "a(b", "a/b", "a@b", "a[b"]) {
      expect(refusalOf({ [name]: "v" })).toContain("a name holds a character that no header's name contains")
    }
  })

  it("have values of one line of Latin-1, blanks and tabs included", () => {
    for (const value of ["", "\t", " ~", "\u0080\u00ff"]) expect(headersOf({ a: value })).toHaveProperty("a", value)
    for (const value of ["\n", "a\r\nb", "\u001f", "\u007f", "\u0100", "ok\n", "\nok", 7, undefined]) {
      expect(refusalOf({ a: value as string })).toContain("a value holds a line end, or a character outside Latin-1")
    }
  })

  it("say nothing of framing or the connection, which the transport sets itself", () => {
    for (const name of [
      "Connection",
      "content-length",
      "EXPECT",
      "keep-alive",
      "proxy-connection",
      "te",
      "trailer",
      "transfer-encoding",
      "upgrade",
    ]) {
      expect(refusalOf({ [name]: "v" })).toContain("the transport sets this header itself")
    }
  })

  it("are refused by name, of which no more than 80 characters are shown", () => {
    expect(refusalOf({ "a b": "secret" })).toBe(
      'headers: a name holds a character that no header\'s name contains (header "a b")',
    )
    const long = refusalOf({ [`${" ".repeat(80)}x`]: "v" })
    expect(long).toContain(`(header "${" ".repeat(80)}")`)
    expect(Result.getOrThrow(Result.flip(read({ "": "v" })))).toMatchObject({
      _tag: "ConfigurationError",
      setting: "headers",
    })
  })

  it("are read once for each object, and a listener is told once of each", () => {
    const told: Array<Given> = []
    const of = reader((given) => told.push(given))
    const [first, second] = [{ a: "1" }, { a: "1" }]
    const once = of(first)
    expect(of(first)).toBe(once)
    expect(told).toEqual([first])
    expect(of(second)).not.toBe(once)
    expect(of(second)).toEqual(once)
    expect(told).toHaveLength(2)
  })
})
