/** What went wrong on the wire, as a reason: what it says, what it keeps of the system's words, and what it never shows. */
import { describe, expect, it } from "vitest"
import type { Fault } from "../../src/protocols/Protocol.ts"
import { cleanFault, excerpt, fromBroken, fromBrokenBody, fromFault } from "../../src/transport/Failure.ts"
import { broken, unreadable } from "../../src/transport/Transport.ts"

const url = "https://api.test:8443/v1/chat/completions?key=1"
const blankSecret = (text: string) => text.replaceAll("hunter22", "***")
const reasonOf = (cause: unknown, more: { readonly message?: string; readonly via?: string } = {}, to = url) =>
  fromBroken({ ...broken(cause), ...more }, to, blankSecret)

/** An error with a code under so many others that have none. */
const nested = (depth: number): Error =>
  depth === 0
    ? Object.assign(new Error("inner"), { code: "ECONNRESET" })
    : new Error("outer", { cause: nested(depth - 1) })

describe("a connection that failed", () => {
  it("names the origin that was asked, and not the rest of its address", () => {
    expect(reasonOf(new Error("no way"))).toMatchObject({
      _tag: "ConnectionError",
      message: "no response from https://api.test:8443: no way",
      cause: { name: "Error", message: "no way" },
    })
    expect(reasonOf(new Error("no way"), {}, "nowhere").message).toBe("no response from nowhere: no way")
  })

  it("says the system's code, however deep it lies", () => {
    const aggregate = new AggregateError([Object.assign(new Error("a"), { code: "ECONNREFUSED" }), new Error("b")], "c")
    for (const [cause, code] of [
      [nested(0), "ECONNRESET"],
      [nested(4), "ECONNRESET"],
      [aggregate, "ECONNREFUSED"],
      [new TypeError("fetch failed", { cause: aggregate }), "ECONNREFUSED"],
      [Object.assign(nested(1), { code: 7 }), "ECONNRESET"],
      [Object.assign(nested(1), { errors: "none" }), "ECONNRESET"],
    ] as const) {
      const reason = reasonOf(cause)
      expect(reason).toMatchObject({ code, cause: { code } })
      expect(reason.message).toBe(`no response from https://api.test:8443: ${code}`)
    }
  })

  it("says the system's words where no code lies within five errors, and ends where they lie in a circle", () => {
    const circle = new Error("round")
    circle.cause = circle
    for (const cause of [nested(5), circle, new AggregateError([], "none")]) {
      const reason = reasonOf(cause)
      expect(reason).not.toHaveProperty("code")
      expect(reason).not.toHaveProperty("cause.code")
      expect(reason).toMatchObject({ cause: { message: cause.message } })
      expect(reason.message).toBe(`no response from https://api.test:8443: ${cause.message}`)
    }
  })

  it("says that it failed where the system says nothing", () => {
    for (const cause of [undefined, "a text", new Error("")]) {
      expect(reasonOf(cause)).toMatchObject({
        message: "no response from https://api.test:8443: the connection failed",
        cause: { name: "Error", message: "" },
      })
    }
    expect(reasonOf(new TypeError(""))).toMatchObject({ cause: { name: "TypeError" } })
  })

  it("says what lay between, and the words that are set before the system's", () => {
    const cause = Object.assign(new Error("refused"), { code: "ECONNREFUSED" })
    expect(reasonOf(cause, { via: "the proxy http://p.test" }).message).toBe(
      "no response from https://api.test:8443: ECONNREFUSED (through the proxy http://p.test)",
    )
    expect(reasonOf(cause, { message: "the proxy said no" }).message).toBe(
      "no response from https://api.test:8443: the proxy said no",
    )
  })

  it("keeps at most 500 characters of the system's words, without secrets and without a proxy's credentials", () => {
    const kept = (message: string) => {
      const { cause } = reasonOf(new Error(message)) as { readonly cause?: { readonly message: string } }
      return cause?.message
    }
    expect(kept("x".repeat(500))).toBe("x".repeat(500))
    expect(kept("x".repeat(501))).toBe(`${"x".repeat(499)}…`)
    expect(kept("password hunter22")).toBe("password ***")
    expect(kept("from http://ann:word@p.test:1 to https://bob@q.test")).toBe("from http://p.test:1 to https://q.test")
    expect(kept("see http://p.test/a@b")).toBe("see http://p.test/a@b")
  })

  it("is a mistake in how Node was started where WebAssembly is off", () => {
    const cause = Object.assign(new Error("x"), { code: "ERR_WEBASSEMBLY_NOT_SUPPORTED" })
    expect(reasonOf(new Error("outer", { cause }))).toMatchObject({
      _tag: "ConfigurationError",
      setting: "node --jitless",
    })
  })
})

describe("a body that broke off", () => {
  const position = "byte 7"

  it("is an interruption that says what ended, with the system's code and the status where they are known", () => {
    const cause = Object.assign(new Error("x"), { code: "ECONNRESET" })
    const known = fromBrokenBody(broken(cause), "the answer broke off", { position, status: 200 })
    expect(known).toMatchObject({
      _tag: "StreamInterruptedError",
      message: "the answer broke off: the connection closed: ECONNRESET",
      status: 200,
    })
    const unknown = fromBrokenBody(broken(new Error("x")), "the stream ended", { position })
    expect(unknown).toMatchObject({ message: "the stream ended: the connection closed" })
    expect(unknown).not.toHaveProperty("status")
  })

  it("is an invalid answer where its bytes came and mean nothing", () => {
    expect(fromBrokenBody(unreadable("its coding is corrupt"), "the answer broke off", { position })).toMatchObject({
      _tag: "InvalidResponseError",
      message: "its coding is corrupt",
      position,
    })
  })
})

describe("a fault in the server's words", () => {
  const long = `hunter22${"y".repeat(3000)}`
  const cut = (length: number) => `***${"y".repeat(length - 4)}…`
  const failure = { _tag: "ProviderFailure", message: long } as const

  it("is bounded and without secrets, in each of its fields", () => {
    const categories = Array.from({ length: 65 }, (_, index) => (index === 0 ? long : `c${index}`))
    const found = cleanFault({ ...failure, code: long, type: long, parameter: long, categories }, blankSecret)
    const name = cut(256)
    expect(found).toMatchObject({ message: cut(2000), code: name, type: name, parameter: name })
    expect(found.categories).toEqual([name, ...categories.slice(1, 64)])
    expect(cleanFault(failure, blankSecret)).toEqual({ ...failure, message: cut(2000) })
    const text = { message: long, excerpt: long, position: "byte 0" }
    expect(cleanFault({ _tag: "Unreadable", ...text }, blankSecret)).toEqual({
      _tag: "Unreadable",
      position: "byte 0",
      message: cut(2000),
      excerpt: cut(2000),
    })
    const abandoned = { _tag: "Abandoned", message: long, text: long, usage: {}, billing: undefined } as const
    // What the model wrote is the caller's, secret or not.
    expect(cleanFault(abandoned, blankSecret)).toStrictEqual({ ...abandoned, message: cut(2000) })
  })

  it("keeps an excerpt of 2,000 characters unless told another length", () => {
    expect(excerpt("x".repeat(2000))).toHaveLength(2000)
    expect(excerpt("x".repeat(2001))).toBe(`${"x".repeat(1999)}…`)
    expect(excerpt("abcdef", 4)).toBe("abc…")
  })

  it("is an invalid answer with its place where it cannot be read, and with the body before the excerpt", () => {
    const found: Fault = { _tag: "Unreadable", message: "it has no choices", position: "choices", excerpt: "{}" }
    expect(fromFault(found, { requestId: "req_1", body: "whole" })).toMatchObject({
      _tag: "InvalidResponseError",
      message: "it has no choices",
      position: "choices",
      body: "whole",
      requestId: "req_1",
    })
    const alone = fromFault(found, {})
    expect(alone).toMatchObject({ body: "{}" })
    expect(alone).not.toHaveProperty("requestId")
  })

  it("is an interruption where the answer was given up, and the provider's failure where it said one", () => {
    const found: Fault = { _tag: "Abandoned", message: "cut", text: "It ", usage: {}, billing: undefined }
    expect(fromFault(found, { requestId: "req_1" })).toMatchObject({
      _tag: "StreamInterruptedError",
      message: "cut",
      requestId: "req_1",
    })
    expect(fromFault({ _tag: "ProviderFailure", message: "slow down", status: 429 }, {})).toMatchObject({
      _tag: "RateLimitError",
      status: 429,
    })
  })
})
