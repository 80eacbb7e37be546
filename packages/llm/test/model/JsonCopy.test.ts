/** A copy of a caller's value: what JSON would write of it, its own, or the path and the reason why there is none. */
import * as fc from "fast-check"
import * as Result from "effect/Result"
import { describe, expect, it, vi } from "vitest"
import { dataCopy, isBytes, jsonCopy, jsonProblem, saidBy } from "../../src/model/JsonCopy.ts"

const copied = (value: unknown, path = "", omitted: ReadonlyArray<string> = []) =>
  jsonCopy(value, path, new Set(omitted), () => undefined)

const copyOf = (value: unknown) => Result.getOrUndefined(copied(value))
const problemOf = (value: unknown, path = "it") => {
  const result = copied(value, path)
  return Result.isFailure(result) ? { path: result.failure.path, problem: result.failure.problem } : undefined
}
const throwing = (thrown: unknown) => ({
  get secret(): never {
    throw thrown
  },
})

const deep = (levels: number): unknown => {
  let value: unknown = 1
  for (let level = 0; level < levels; level++) value = { in: value }
  return value
}

describe("a copy", () => {
  it("is what JSON would write, and shares nothing with its source", () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        const copy = copyOf(value)
        expect(JSON.stringify(copy)).toBe(JSON.stringify(value))
        expect(jsonProblem(value, "it")).toBeUndefined()
        if (typeof value === "object" && value !== null) expect(copy).not.toBe(value)
      }),
    )
  })

  it("leaves out fields that are undefined, and has what a class of the caller's says of itself", () => {
    const source = {
      left: undefined,
      when: new Date(0),
      at: new URL("https://example.com/"),
      own: { toJSON: () => [1] },
    }
    expect(copyOf(source)).toStrictEqual({ when: "1970-01-01T00:00:00.000Z", at: "https://example.com/", own: [1] })
  })

  it("has undefined where a list has it, and asks a class what it is as JSON does", () => {
    expect(copied(undefined)).toEqual(Result.succeed(undefined))
    expect(copyOf([1, undefined, "a"])).toStrictEqual([1, undefined, "a"])
    expect(copyOf({ toJSON: (key: string) => `key: ${key}` })).toBe("key: ")
  })

  it("holds what boxed texts, numbers and truths hold", () => {
    expect(copyOf([new Object("a"), new Object(1), new Object(true)])).toStrictEqual(["a", 1, true])
  })

  it("is a plain object of a class, of a null prototype, and of one that only claims to be a text", () => {
    class Point {
      x = 1
    }
    const bare: unknown = Object.assign(Object.create(null), { x: 1 })
    expect([new Point(), bare].map(copyOf)).toStrictEqual([{ x: 1 }, { x: 1 }])
    expect(copyOf(Object.assign(new Point(), { [Symbol.toStringTag]: "String" }))).toStrictEqual({ x: 1 })
  })

  it("has a field called __proto__ as a field", () => {
    const copy = copyOf(JSON.parse('{"__proto__":{"a":1}}'))
    expect(Object.keys(copy as object)).toEqual(["__proto__"])
    expect(Object.getPrototypeOf(copy)).toBe(Object.prototype)
    expect(JSON.stringify(copy)).toBe('{"__proto__":{"a":1}}')
    expect(Object.getOwnPropertyDescriptor(copy, "__proto__")).toMatchObject({
      enumerable: true,
      configurable: true,
      writable: true,
    })
  })

  it("may hold one object twice", () => {
    const one = { a: 1 }
    expect(copyOf([one, one])).toStrictEqual([one, one])
  })

  it("leaves out the omitted fields of the whole, and of nothing within", () => {
    expect(copied({ signal: 1n, in: { signal: 1 } }, "", ["signal"])).toEqual(Result.succeed({ in: { signal: 1 } }))
  })

  it("has the fields that stand for what JSON does not know", () => {
    const seen: Array<unknown> = []
    const source = { type: "image", data: new Uint8Array(2), list: [1] }
    const copy = jsonCopy(source, "", new Set(), (value, owner, key) => {
      seen.push([value, owner === source, key])
      return value instanceof Uint8Array ? { [key]: "AAA=", mediaType: "image/png" } : undefined
    })
    expect(copy).toEqual(Result.succeed({ type: "image", data: "AAA=", mediaType: "image/png", list: [1] }))
    expect(seen).toEqual([[source.data, true, "data"]])
  })
})

describe("no copy", () => {
  const circle: Record<string, unknown> = {}
  circle["list"] = [circle]

  it.each([
    ["Infinity", Number.POSITIVE_INFINITY, "is Infinity, which JSON cannot hold"],
    ["a BigInt", 1n, "is a BigInt, which JSON cannot hold: pass a number or a string"],
    ["a function", () => {}, "is a function, which JSON cannot hold"],
    ["a symbol", Symbol("s"), "is a symbol, which JSON cannot hold"],
    ["a Promise", Promise.resolve(), "is a Promise: await it first"],
    ["a Map", new Map(), "is a Map, which JSON writes as {}: pass a plain object (Object.fromEntries)"],
    ["a Set", new Set(), "is a Set, which JSON writes as {}: pass an array (Array.from)"],
    ["a WeakMap", new WeakMap(), "is a WeakMap, which JSON cannot hold"],
    ["a WeakSet", new WeakSet(), "is a WeakSet, which JSON cannot hold"],
    ["bytes", new Uint8Array(1), 'is bytes, which belong in "data" of an image or a file part'],
    ["129 levels", deep(129), "is nested more than 128 levels deep"],
    ["a getter that throws", throwing(new Error("no")), "cannot be read: no"],
    ["a circle", circle, "refers back to an object that contains it"],
  ])("is made of %s: the path and what to do are told", (_, value, problem) => {
    for (const told of [problemOf({ a: [value] }), jsonProblem({ a: [value] }, "it")]) {
      expect(told).toMatchObject({ problem })
      expect(told?.path.startsWith("it.a[0]")).toBe(true)
    }
  })

  it("is made of too many values together, however they are spread", () => {
    const holding = (count: number): unknown => new Proxy([], { get: (_, key) => (key === "length" ? count : 1n) })
    const problem = "holds more than 5000000 values"
    expect(problemOf([holding(4_999_999)])?.path).toBe("it[0][0]")
    expect(problemOf([holding(5_000_000)])).toEqual({ path: "it[0]", problem })
    expect(problemOf({ none: [], many: holding(5_000_000) })).toEqual({ path: "it.many", problem })
  })

  it("of more than 128 levels is refused", () => {
    expect(problemOf(deep(128))).toBeUndefined()
    expect(jsonProblem(deep(128), "it")).toBeUndefined()
    expect(problemOf(deep(129))?.path).toBe(`it${".in".repeat(128)}`)
    expect(jsonProblem(deep(129), "it")?.path).toBe(`it${".in".repeat(128)}`)
    const lists = (levels: number): unknown => (levels === 0 ? 1 : [lists(levels - 1)])
    expect(jsonProblem(lists(128), "it")).toBeUndefined()
    expect(jsonProblem(lists(129), "it")?.path).toBe(`it${"[0]".repeat(128)}`)
  })

  it.each([0, 1, 14, 15, 16, 17, 40, 126])(
    "that is a circle below %i levels is told by where it begins anew",
    (levels) => {
      const circle: Record<string, unknown> = { a: [1] }
      circle["self"] = circle
      let value: object = circle
      for (let level = 0; level < levels; level++) value = { in: value }
      const path = `it${".in".repeat(levels)}.self`
      const problem = "refers back to an object that contains it"
      expect(problemOf(value)).toEqual({ path, problem })
      expect(jsonProblem(value, "it")).toEqual({ path, problem })
    },
  )

  it("where one value stands in many places of any depth is none", () => {
    const one = { a: 1 }
    let value: object = { b: one, c: one }
    for (let level = 0; level < 100; level++) value = { first: one, in: value, last: one }
    expect(problemOf(value)).toBeUndefined()
  })

  it.each([
    [{ a: { b: 1n } }, "", "a.b"],
    [{ "x-id": 1n }, "headers", 'headers["x-id"]'],
    [{ "": 1n }, "it", 'it[""]'],
    [{ "1a": 1n }, "it", 'it["1a"]'],
    [{ "a b": 1n }, "it", 'it["a b"]'],
    [{ $a_1: 1n }, "it", "it.$a_1"],
    [[[0, 1n]], "list", "list[0][1]"],
    [1n, "it", "it"],
  ])("names the place of the first value that it cannot be made of", (value, path, place) => {
    expect(problemOf(value, path)?.path).toBe(place)
  })

  it("reads nothing more once one value is wrong", () => {
    let read = 0
    const later = {
      get more() {
        return (read += 1)
      },
    }
    expect(problemOf({ wrong: [1n, later, 2n], ...{ later } })?.path).toBe("it.wrong[0]")
    expect(problemOf([{ a: 1n }, later])?.path).toBe("it[0].a")
    expect(read).toBe(0)
  })

  it("is made of what throws while it is read, and nothing is thrown", () => {
    const denied = new Error("denied")
    const refusing = (trap: keyof ProxyHandler<object>) =>
      new Proxy(
        { a: 1 },
        {
          [trap]: () => {
            throw denied
          },
        },
      )
    expect(problemOf(throwing(denied))).toEqual({ path: "it.secret", problem: "cannot be read: denied" })
    expect(problemOf(refusing("ownKeys"))).toEqual({ path: "it", problem: "cannot be read: denied" })
    expect(problemOf({ in: refusing("getPrototypeOf") })).toEqual({ path: "it", problem: "cannot be read: denied" })
    expect(jsonProblem({ in: refusing("ownKeys") }, "it")).toMatchObject({ path: "it.in" })
    const own = {
      toJSON() {
        throw denied
      },
    }
    expect(problemOf([own])).toEqual({ path: "it[0]", problem: "cannot be read: denied" })
  })
})

describe("what was thrown", () => {
  it.each([
    ["an error", new Error("it broke"), "it broke"],
    ["a text", "it broke", "it broke"],
    ["200 characters", "a".repeat(200), "a".repeat(200)],
    ["201 characters", "a".repeat(201), `${"a".repeat(200)}…`],
    ["a key", new Error("bad key sk-abcdefghijklmnopq"), "bad key <redacted>"],
    ["something that cannot be shown", Object.create(null), "something that cannot be shown"],
  ])("is told of %s", (_, thrown, said) => {
    expect(saidBy(thrown)).toBe(said)
  })
})

describe("bytes", () => {
  it.each([
    ["an ArrayBuffer", new ArrayBuffer(1), true],
    ["a SharedArrayBuffer", new SharedArrayBuffer(1), true],
    ["a typed array", new Uint16Array(1), true],
    ["a view", new DataView(new ArrayBuffer(1)), true],
    ["a Blob", new Blob(["a"]), true],
    ["a list of numbers", [1, 2], false],
    ["an object", {}, false],
  ])("are %s: %s", (_, value, are) => {
    expect(isBytes(value)).toBe(are)
  })
})

describe("a copy of data", () => {
  it("is what structuredClone makes of it, and shares nothing with it", () => {
    const leaf = fc.oneof(fc.string(), fc.double(), fc.boolean(), fc.constantFrom(null, undefined, 1n))
    const { data } = fc.letrec((tie) => ({
      data: fc.oneof(
        { maxDepth: 4 },
        leaf,
        fc.array(tie("data")),
        fc.dictionary(fc.string(), tie("data"), { noNullPrototype: true }),
      ),
    }))
    const objectsOf = (value: unknown): ReadonlyArray<unknown> =>
      typeof value === "object" && value !== null ? [value, ...Object.values(value).flatMap(objectsOf)] : []
    fc.assert(
      fc.property(data, (value) => {
        const copy = dataCopy(value)
        expect(copy).toEqual(structuredClone(value))
        const originals = new Set(objectsOf(value))
        expect(objectsOf(copy).filter((one) => originals.has(one))).toEqual([])
      }),
      { numRuns: 300 },
    )
  })

  it("holds a field named __proto__ as a field", () => {
    const copy = dataCopy(JSON.parse('{"a":{"__proto__":{"b":1}}}'))
    expect(JSON.stringify(copy)).toBe('{"a":{"__proto__":{"b":1}}}')
    expect(Object.getPrototypeOf(copy.a)).toBe(Object.prototype)
    expect(Object.getOwnPropertyDescriptor(copy.a, "__proto__")).toMatchObject({ configurable: true, writable: true })
  })

  it("copies bytes and dates as what they are", () => {
    const bytes = new Uint8Array([1, 2])
    const copy = dataCopy({ bytes, at: new Date(5) })
    expect(copy).toEqual({ bytes: new Uint8Array([1, 2]), at: new Date(5) })
    expect(copy.bytes).not.toBe(bytes)
  })

  it("throws for data that refers back to itself", () => {
    const data: { inner?: object } = {}
    data.inner = data
    expect(() => dataCopy(data)).toThrow(RangeError)
  })
})

it("bytes are known where a page has no shared memory", () => {
  vi.stubGlobal("SharedArrayBuffer", undefined)
  try {
    expect([new ArrayBuffer(1), new Blob(["a"]), {}].map(isBytes)).toEqual([true, true, false])
  } finally {
    vi.unstubAllGlobals()
  }
})
