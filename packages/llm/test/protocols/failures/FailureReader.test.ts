/** An error body is a stranger's: any JSON value is read, at a cost that its size does not multiply. */
import * as fc from "fast-check"
import * as Schema from "effect/Schema"
import { describe, expect, it, vi } from "vitest"
import { LlmErrorReason } from "../../../src/model/LlmError.ts"
import { bounded, excerptOf } from "../../../src/protocols/Excerpt.ts"
import { failureUnderSuccess, readFailure } from "../../../src/protocols/failures/FailureReader.ts"
import { toReason } from "../../../src/protocols/failures/ProviderFailure.ts"

const decode = Schema.decodeUnknownSync(LlmErrorReason)
const encode = Schema.encodeSync(LlmErrorReason)

/** Reads a body as a failure, and checks what every error promises. */
const readWell = (body: unknown, status: number | undefined) => {
  const reason = toReason(readFailure(body, status), { body: typeof body === "string" ? body : "", nowMs: 0 })
  expect(reason.message.length).toBeLessThanOrEqual(2000)
  expect(decode(JSON.parse(JSON.stringify(encode(reason))))).toEqual(reason)
  return reason
}

const nested = (depth: number, wrap: (inner: unknown) => unknown): unknown => {
  let value: unknown = "deep"
  for (let level = 0; level < depth; level++) value = wrap(value)
  return value
}

/** The field names that the reader knows, so that random bodies get everywhere. */
const names = [
  ..."error errors detail details message msg code status status_code type param metadata raw reasons innererror".split(
    " ",
  ),
  ..."content_filter_result content_filters loc fault faultstring base_resp title retryDelay reason seconds nanos".split(
    " ",
  ),
  ..."headers X-RateLimit-Reset X-RateLimit-Remaining __type Message success statusCode error_code".split(" "),
]

const { body: anyBody } = fc.letrec<{ body: unknown }>((tie) => ({
  body: fc.oneof(
    { depthSize: "small", withCrossShrink: true },
    fc.oneof(
      fc.string(),
      fc.double(),
      fc.constantFrom<unknown>(
        null,
        true,
        false,
        0,
        429,
        "429",
        "None",
        "",
        "<html><title>502</title></html>",
        '{"error":1}',
      ),
    ),
    fc.array(tie("body"), { maxLength: 4 }),
    fc.dictionary(fc.constantFrom(...names), tie("body"), { maxKeys: 5 }),
  ),
}))

describe("an error body", () => {
  it("is read whatever JSON value it is, under any status", () => {
    const status = fc.option(fc.integer({ min: 300, max: 599 }), { nil: undefined })
    fc.assert(
      fc.property(fc.oneof(anyBody, fc.jsonValue()), status, (body, under) => {
        expect(readWell(JSON.parse(JSON.stringify(body) ?? "null"), under)._tag).toMatch(/Error$/)
        failureUnderSuccess(body)
      }),
      { numRuns: 1500 },
    )
  })

  it.each<readonly [string, (inner: unknown) => unknown]>([
    ["arrays", (inner) => [inner]],
    ["errors", (error) => ({ error })],
    ["details", (detail) => ({ detail })],
    ["lists of errors", (error) => ({ errors: [error] })],
    ["quotations", (raw) => ({ error: { message: "no", metadata: { raw } } })],
    ["a place in a request", (inner) => ({ detail: [{ loc: [inner], msg: "no" }] })],
    ["filters", (inner) => ({ error: { message: "no", innererror: { content_filter_result: { a: inner } } } })],
  ])("is read however deep it is nested: %s", (_, wrap) => {
    for (const depth of [10, 5000]) expect(readWell(nested(depth, wrap), 400)._tag).toBe("InvalidRequestError")
    failureUnderSuccess(nested(5000, wrap))
    expect(excerptOf(nested(5000, wrap)).length).toBeLessThanOrEqual(500)
  })

  it("may be a gateway's quotation of a quotation", () => {
    let message = JSON.stringify({ error: { message: "The prompt is too long", code: 400 } })
    for (let level = 0; level < 3; level++) message = JSON.stringify({ error: { message, code: 400 } })
    expect(readWell(JSON.parse(message), 400)._tag).toBe("ContextLengthExceededError")
  })
})

/** Counts the characters that searches and patterns are given while `run` runs. */
const charactersSearched = (run: () => void): number => {
  let characters = 0
  const restore: Array<() => void> = []
  const watch = <T extends object>(
    owner: T,
    name: keyof T,
    text: (self: unknown, args: ReadonlyArray<unknown>) => string,
  ) => {
    const original = owner[name] as (...args: Array<unknown>) => unknown
    const watched = function (this: unknown, ...args: Array<unknown>) {
      characters += text(this, args).length
      return original.apply(this, args)
    }
    Object.assign(owner, { [name]: watched })
    restore.push(() => Object.assign(owner, { [name]: original }))
  }
  for (const name of ["toLowerCase", "indexOf", "includes", "split", "replace", "match", "search"] as const) {
    watch(String.prototype, name, String)
  }
  for (const name of ["exec", "test"] as const) watch(RegExp.prototype, name, (_, [text]) => String(text))
  try {
    run()
  } finally {
    for (const undo of restore) undo()
  }
  return characters
}

describe("the work of reading", () => {
  const bodies: ReadonlyArray<readonly [string, (size: number) => unknown]> = [
    ["a message of one word", (size) => ({ error: { message: "a".repeat(size), type: "invalid_request_error" } })],
    ["a message of blanks", (size) => ({ error: { message: " ".repeat(size) } })],
    ["a message like a phrase without its end", (size) => ({ error: { message: "the model ".repeat(size / 10) } })],
    ["a message that is told again and again", (size) => ({ error: { message: "try again in ".repeat(size / 13) } })],
    ["a page", (size) => `<html><body>${"<p>a</p>".repeat(size / 8)}</body></html>`],
    ["a page of opened titles", (size) => "<title>".repeat(size / 7)],
    ["a page of openings", (size) => "<".repeat(size)],
    ["plain text", (size) => "b ".repeat(size / 2)],
    ["a code", (size) => ({ error: { message: "no", code: "c".repeat(size), type: "_limit".repeat(size / 6) } })],
    ["a quotation", (size) => ({ error: { message: "no", metadata: { raw: `{"a":"${"d".repeat(size)}"` } } })],
    [
      "faults of a request",
      (size) => ({ detail: Array.from({ length: size / 10 }, () => ({ loc: ["a"], msg: "no" })) }),
    ],
    ["a list of errors", (size) => ({ errors: Array.from({ length: size / 10 }, () => ({ message: "no" })) })],
    [
      "Google's details",
      (size) => ({ error: { code: 429, details: Array.from({ length: size / 10 }, () => ({ reason: "R" })) } }),
    ],
    [
      "an object without words",
      (size) => ({ error: Object.fromEntries(Array.from({ length: size / 10 }, (_, i) => [i, "e"])) }),
    ],
  ]

  it.each(bodies)("does not grow with %s", (_, make) => {
    const work = (size: number) => {
      const body = make(size)
      return charactersSearched(() => toReason(readFailure(body, 400), { nowMs: 0 }))
    }
    expect(work(200_000)).toBeGreaterThan(0)
    expect(work(400_000)).toBe(work(200_000))
  })

  it("reads no more of a list than an error can show", () => {
    const reads = (size: number) => {
      let count = 0
      const list = new Proxy(
        Array.from({ length: size }, () => ({ msg: "no", loc: ["body"] })),
        {
          get: (target, key) => {
            if (typeof key === "string" && /^\d+$/.test(key)) count++
            return Reflect.get(target, key)
          },
        },
      )
      for (const name of ["detail", "errors"]) readFailure({ [name]: list }, 422)
      excerptOf(list)
      return count
    }
    expect(reads(20_000)).toBe(reads(10_000))
    let fields = 0
    const object = new Proxy(Object.fromEntries(Array.from({ length: 10_000 }, (_, k) => [`k${k}`, 1])), {
      get: (target, key) => {
        fields++
        return Reflect.get(target, key)
      },
    })
    excerptOf(object)
    expect(fields).toBeLessThan(500)
  })
})

/** True for a text without half a surrogate pair. */
const isWellFormed = (text: string): boolean => !/\p{Surrogate}/u.test(text)

describe("an excerpt", () => {
  it("is the JSON of a small value", () => {
    const value = { a: [1, null, "x", { b: true }, [2, []]], c: {}, d: "e" }
    expect(excerptOf(value)).toBe(JSON.stringify(value))
  })

  it("shows sixteen levels, and of deeper ones that they are there", () => {
    for (const wrap of [(inner: unknown) => [inner], (inner: unknown) => ({ a: inner })]) {
      expect(excerptOf(nested(16, wrap))).toBe(JSON.stringify(nested(16, wrap)))
      const hidden = Array.isArray(wrap(1)) ? "[…]" : "{…}"
      expect(excerptOf(nested(17, wrap))).toBe(JSON.stringify(nested(16, wrap)).replace('"deep"', hidden))
    }
  })

  it("ends with … where there was more, and before it with a whole character", () => {
    expect([bounded("abcd", 4), bounded("abcde", 4)]).toEqual(["abcd", "abc…"])
    for (const half of ["\ud800", "\udbff"]) expect(bounded(`ab${half}\udc00c`, 4)).toBe("ab…")
    for (const whole of ["\ud7ff", "\udc00", "\ue000"]) expect(bounded(`ab${whole}cd`, 4)).toBe(`ab${whole}…`)
    expect(excerptOf("a".repeat(500))).toBe("a".repeat(500))
    expect(excerptOf("a".repeat(501))).toBe(`${"a".repeat(499)}…`)
    expect(excerptOf(["a".repeat(496)])).toBe(`["${"a".repeat(496)}"]`)
    expect(excerptOf(["a".repeat(497)])).toBe(`["${"a".repeat(497)}…`)
  })

  it("takes no longer pieces of a value than it can show", () => {
    const written = vi.spyOn(JSON, "stringify")
    try {
      excerptOf({ ["k".repeat(5000)]: 1 })
      excerptOf(["v".repeat(5000)])
      const lengths = written.mock.calls.map(([value]) => String(value).length)
      expect(lengths).toEqual([500, 500])
    } finally {
      written.mockRestore()
    }
  })

  it("is at most 500 characters, never half a character, and the text itself where it is text", () => {
    const surrogates = fc.tuple(fc.nat(4), fc.nat(300)).map(([shift, pairs]) => "a".repeat(shift) + "🌍".repeat(pairs))
    fc.assert(
      fc.property(fc.oneof(fc.jsonValue(), surrogates), (value) => {
        const excerpt = excerptOf(value)
        expect(excerpt.length).toBeLessThanOrEqual(500)
        if (typeof value === "string" && value.length <= 500) expect(excerpt).toBe(value)
        if (typeof value === "string" && isWellFormed(value)) expect(isWellFormed(excerpt)).toBe(true)
      }),
    )
  })
})
