/** Content codings piece by piece: which are undone, what is left as it came, and how a body ends that cannot be decoded. */
import { Transform } from "node:stream"
import * as zlib from "node:zlib"
import { describe, expect, it, vi } from "@effect/vitest"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Pull from "effect/Pull"
import * as Result from "effect/Result"
import { decode } from "../../../src/transport/codings/ContentCoding.ts"
import { decompressor } from "../../../src/transport/codings/Decompressor.node.ts"
import { broken, type Exchange } from "../../../src/transport/Transport.ts"

const coders: Readonly<Record<string, (body: Uint8Array) => Uint8Array>> = {
  gzip: zlib.gzipSync,
  "x-gzip": zlib.gzipSync,
  deflate: zlib.deflateSync,
  br: zlib.brotliCompressSync,
  zstd: zlib.zstdCompressSync,
}
const names = Object.keys(coders)
const bytes = (text: string) => new TextEncoder().encode(text)
const coded = (coding: string, text: string) => coders[coding]?.(bytes(text)) ?? bytes(text)

type Chunks = readonly [Uint8Array, ...Array<Uint8Array>]

/** A body that comes in these reads and ends so. */
const body = (reads: ReadonlyArray<Chunks>, end: Exchange["read"] = Cause.done()): Exchange["read"] => {
  let next = 0
  return Effect.suspend(() => {
    const chunks = reads[next++]
    return chunks === undefined ? end : Effect.succeed(chunks)
  })
}

/** All of a body as text, and how it ended. */
const textOf = (read: Exchange["read"]) => {
  const pieces: Array<Uint8Array> = []
  const readOn: Effect.Effect<string, unknown> = Pull.matchEffect(read, {
    onSuccess: (chunks) => {
      pieces.push(...chunks)
      return readOn
    },
    onFailure: (cause) => Effect.failCause(cause),
    onDone: () => Effect.succeed(Buffer.concat(pieces).toString("utf8")),
  })
  return Effect.result(readOn)
}
const decoded = (reads: ReadonlyArray<Chunks>, header: string, mayBeDecoded = false, end?: Exchange["read"]) =>
  textOf(decode(body(reads, end), header, mayBeDecoded))

const long = Array.from({ length: 12_000 }, (_, index) => `${index} `).join("")

describe("a coded body", () => {
  it.live.each(names)("is decoded in one piece, byte by byte, with several pieces a read, and long (%s)", (name) =>
    Effect.gen(function* () {
      const small = coded(name, "some text")
      const large = coded(name, long)
      const middle = Math.floor(large.length / 2)
      const ways: ReadonlyArray<readonly [ReadonlyArray<Chunks>, string]> = [
        [[[small]], "some text"],
        [[...small].map((byte): Chunks => [Uint8Array.of(byte)]), "some text"],
        [[[new Uint8Array()], [new Uint8Array(), small.subarray(0, 5), small.subarray(5)]], "some text"],
        [[[large]], long],
        [[[large.subarray(0, middle)], [large.subarray(middle)]], long],
      ]
      for (const [reads, text] of ways) expect(yield* decoded(reads, name)).toEqual(Result.succeed(text))
    }),
  )

  it.live("is decoded as its header says, whatever the case, blanks and names of no coding", () =>
    Effect.gen(function* () {
      for (const header of ["GZIP", " gzip ", "gzip, identity", "identity,,gzip,", "Identity, X-GZIP"]) {
        expect(yield* decoded([[coded("gzip", "text")]], header)).toEqual(Result.succeed("text"))
      }
      for (const header of ["", "identity", " , "]) {
        expect(yield* decoded([[bytes("text")]], header)).toEqual(Result.succeed("text"))
      }
      const twice = zlib.brotliCompressSync(coded("gzip", "text"))
      expect(yield* decoded([[twice]], "gzip, br")).toEqual(Result.succeed("text"))
      expect(Result.isFailure(yield* decoded([[twice]], "br, gzip"))).toBe(true)
    }),
  )

  it.live("may be deflated with a header of zlib or without one", () =>
    Effect.gen(function* () {
      const bare = zlib.deflateRawSync("text")
      expect(yield* decoded([[bare]], "deflate")).toEqual(Result.succeed("text"))
      expect(yield* decoded([[new Uint8Array()], [bare]], "deflate")).toEqual(Result.succeed("text"))
    }),
  )

  it.live("has no end but its own: nothing is read after it", () =>
    Effect.gen(function* () {
      const read = decode(body([[coded("gzip", "text")]]), "gzip", false)
      expect(yield* textOf(read)).toEqual(Result.succeed("text"))
      expect(yield* textOf(read)).toEqual(Result.succeed(""))
    }),
  )

  it.live("is asked for its end once, and its decoder is closed however it ends", () =>
    Effect.gen(function* () {
      const whole = coded("gzip", "text")
      let ends = 0
      const ending = Effect.suspend(() => {
        ends++
        return Cause.done()
      })
      expect(yield* decoded([[whole]], "gzip", false, ending)).toEqual(Result.succeed("text"))
      expect(ends).toBe(1)
      const closing = vi.spyOn(Transform.prototype, "destroy")
      try {
        yield* decoded([[whole.subarray(0, 12)]], "gzip", false, Effect.fail(broken(new Error("lost"))))
        expect(closing).toHaveBeenCalled()
        closing.mockClear()
        // A body that has ended by its coding, on a connection that goes on.
        const read = decode(body([[coded("br", "text"), Uint8Array.of(1, 2, 3)]], Effect.never), "br", false)
        yield* read
        yield* Effect.sleep(5)
        expect(yield* textOf(read)).toEqual(Result.succeed(""))
        expect(closing).toHaveBeenCalled()
      } finally {
        closing.mockRestore()
      }
    }),
  )

  it.live("of no bytes is empty", () =>
    Effect.gen(function* () {
      for (const reads of [[], [[new Uint8Array()]], [[new Uint8Array(), new Uint8Array()]]] as const) {
        expect(yield* decoded(reads, "gzip")).toEqual(Result.succeed(""))
        expect(yield* decoded(reads, "gzip", true)).toEqual(Result.succeed(""))
      }
    }),
  )

  it.live("gives what it can before more has come, and a reader that leaves is no hindrance", () =>
    Effect.gen(function* () {
      const compressor = zlib.createGzip()
      const first = yield* Effect.promise(
        () =>
          new Promise<Buffer>((resolve) => {
            compressor.write("first")
            compressor.flush(() => resolve(compressor.read() ?? Buffer.alloc(0)))
          }),
      )
      const read = decode(body([[first]], Effect.never), "gzip", false)
      const [piece] = yield* read
      expect(Buffer.from(piece).toString()).toBe("first")
      const waiting = yield* Effect.forkChild(read, { startImmediately: true })
      yield* Effect.sleep(5)
      expect(waiting.pollUnsafe()).toBeUndefined()
      expect(Exit.hasInterrupts(yield* Effect.andThen(Fiber.interrupt(waiting), Fiber.await(waiting)))).toBe(true)
    }),
  )
})

describe("a decoder", () => {
  const turns = Effect.promise(() => new Promise((resolve) => setTimeout(resolve, 10)))

  it.live("tells of a change once: at once where it came before it was asked for, and not where it is no longer", () =>
    Effect.gen(function* () {
      const whole = coded("gzip", "text")
      const made = yield* decompressor("gzip", whole)
      if (made === undefined) return expect.unreachable()
      const told: Array<string> = []
      made.write(whole)
      expect([made.isBusy, made.isEnded]).toEqual([true, false])
      yield* turns
      expect(made.isBusy).toBe(false)
      made.onChange(() => told.push("before"))
      expect(told).toEqual(["before"])
      const forget = made.onChange(() => told.push("forgotten"))
      forget()
      made.end()
      expect(Buffer.concat(made.take()).toString()).toBe("text")
      yield* turns
      made.take()
      yield* turns
      expect([told, made.isEnded, made.failure]).toEqual([["before"], true, undefined])
      made.onChange(() => told.push("ended"))
      made.onChange(() => told.push("never"))
      expect(told).toEqual(["before", "ended"])
      expect(made.take()).toEqual([])
      expect(yield* decompressor("unknown", whole)).toBeUndefined()
    }),
  )

  it.live("that is closed decodes no more", () =>
    Effect.gen(function* () {
      const whole = coded("gzip", "text")
      const made = yield* decompressor("gzip", whole)
      made?.close()
      made?.write(whole)
      yield* turns
      expect(made?.take()).toEqual([])
    }),
  )
})

describe("a coded body that cannot be decoded", () => {
  it.live.each(names)("is broken where it was cut, and unreadable where it is corrupt (%s)", (name) =>
    Effect.gen(function* () {
      const whole = coded(name, "some text")
      const cut = yield* decoded([[whole.subarray(0, whole.length - 3)]], name)
      expect(cut).toMatchObject({ failure: { _tag: "Broken" } })
      expect(cut).not.toHaveProperty("failure.unreadable")
      for (const reads of [
        [[new Uint8Array(200).fill(0xfe)]],
        [[new Uint8Array(1).fill(0xfe)], [new Uint8Array(200).fill(0xfe)]],
      ] as const) {
        expect(yield* decoded(reads, name)).toMatchObject({
          failure: { _tag: "Broken", unreadable: `the answer's ${name} coding is corrupt`, cause: expect.anything() },
        })
      }
    }),
  )

  it.live("fails as its connection does", () =>
    Effect.gen(function* () {
      const failure = broken(new Error("lost"))
      const whole = coded("gzip", "some text")
      for (const reads of [[], [[whole.subarray(0, 12)]]] as const) {
        expect(yield* decoded(reads, "gzip", false, Effect.fail(failure))).toEqual(Result.fail(failure))
        expect(yield* decoded(reads, "gzip", true, Effect.fail(failure))).toEqual(Result.fail(failure))
      }
    }),
  )

  it.live("is unreadable in a coding that is not known, whose name is shown where it can be nothing else", () =>
    Effect.gen(function* () {
      const told = (coding: string) =>
        Effect.map(decoded([[bytes("xyz")]], coding), (result) =>
          Result.isFailure(result) ? (result.failure as { readonly unreadable?: string }).unreadable : undefined,
        )
      const message = "the answer is in a content coding that cannot be decoded here"
      for (const name of ["dcb", "ab", `a${"b".repeat(15)}`, "x-9-y"])
        expect(yield* told(name)).toBe(`${message} (${name})`)
      for (const name of ["a", `a${"b".repeat(16)}`, "9a", "-ab", "a b", "<script>", "a_b", "ab!", "!ab"]) {
        expect(yield* told(name)).toBe(message)
      }
    }),
  )
})

describe("a body whose client may have decoded it and kept the header", () => {
  it.live("is left as it is where it begins as text does, in every piece", () =>
    Effect.gen(function* () {
      for (const first of [
        '{"a":1}',
        "[1]",
        "<html>",
        ": ping",
        "data:",
        "event:",
        "id:",
        "retry:",
        '"a"',
        "\r\n",
        "\n",
        "\t",
        " ",
        "\u{feff}a",
      ]) {
        for (const name of ["gzip", "zstd", "unknown", ...(first === "[1]" ? [] : ["br"])]) {
          const reads: ReadonlyArray<Chunks> = [[new Uint8Array()], [bytes(first)], [bytes("more"), bytes(" and more")]]
          expect(yield* decoded(reads, name, true)).toEqual(Result.succeed(`${first}more and more`))
        }
      }
    }),
  )

  it.live("is decoded where it does not", () =>
    Effect.gen(function* () {
      for (const name of names)
        expect(yield* decoded([[coded(name, "some text")]], name, true)).toEqual(Result.succeed("some text"))
    }),
  )

  it.live("is taken for text in Brotli after a bracket only where JSON may go on so", () =>
    Effect.gen(function* () {
      for (const text of ["[{", "[[", '["', "[]", "[\r", "[\n", "[\t", "[ "]) {
        expect(yield* decoded([[bytes(text)]], "br", true)).toEqual(Result.succeed(text))
      }
      for (const text of ["[\0", "[1", "["]) {
        expect(yield* decoded([[bytes(text)]], "br", true)).not.toEqual(Result.succeed(text))
        expect(yield* decoded([[bytes(text)]], "gzip", true)).toEqual(Result.succeed(text))
      }
    }),
  )
})
