/** The stores of the cache: what they hold, for how long, and what they make of files that someone else wrote. */
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { describe, expect, it } from "@effect/vitest"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as TestClock from "effect/testing/TestClock"
import * as fc from "fast-check"
import { withCache } from "../../../src/policies/cache/Cache.ts"
import { folder as folderElsewhere } from "../../../src/policies/cache/CacheFolder.ts"
import * as CacheStore from "../../../src/policies/cache/CacheStore.ts"
import { ask } from "../Calls.ts"
import { Upstream } from "../Upstream.ts"

const hour = Duration.hours(1)

/** A folder that is gone after the test. */
const folder = Effect.acquireRelease(
  Effect.sync(() => mkdtempSync(join(tmpdir(), "cache-"))),
  (path) => Effect.sync(() => rmSync(path, { recursive: true })),
)

describe("a store in memory", () => {
  it.effect("holds its limits whatever is put into it, and gives back only what was put under the key", () =>
    Effect.promise(() =>
      fc.assert(
        fc.asyncProperty(
          fc.array(fc.tuple(fc.constantFrom("a", "b", "c", "d", "e"), fc.string({ maxLength: 20 }), fc.boolean())),
          fc.integer({ min: 1, max: 4 }),
          fc.integer({ min: 1, max: 60 }),
          (accesses, maxEntries, maxBytes) =>
            Effect.gen(function* () {
              const store = CacheStore.memory({ maxEntries, maxBytes })
              const last = new Map<string, string>()
              for (const [key, value, isWrite] of accesses) {
                if (isWrite) {
                  yield* store.set(key, value, hour)
                  last.set(key, value)
                }
                const found = yield* store.get(key)
                if (Option.isSome(found)) expect(found.value).toBe(last.get(key))
              }
              const held: Array<string> = []
              for (const key of ["a", "b", "c", "d", "e"]) {
                const found = yield* store.get(key)
                if (Option.isSome(found)) held.push(key + found.value)
              }
              expect(held.length).toBeLessThanOrEqual(maxEntries)
              expect(2 * held.join("").length).toBeLessThanOrEqual(maxBytes)
            }).pipe(Effect.orDie, Effect.runPromise),
        ),
      ),
    ),
  )

  it.effect("makes room by what was used longest ago", () =>
    Effect.gen(function* () {
      const store = CacheStore.memory({ maxEntries: 2 })
      yield* store.set("a", "1", hour)
      yield* store.set("b", "2", hour)
      yield* store.get("a")
      yield* store.set("c", "3", hour)
      expect(yield* Effect.forEach(["a", "b", "c"], store.get)).toEqual([
        Option.some("1"),
        Option.none(),
        Option.some("3"),
      ])
    }),
  )

  /** Which of the keys it holds. */
  const held = (store: CacheStore.CacheStore, keys: string) =>
    Effect.map(
      Effect.forEach([...keys], (key) => Effect.map(store.get(key), (found) => (Option.isSome(found) ? key : ""))),
      (found) => found.join(""),
    )

  it.effect("holds as many bytes as it may, two for each character of a key and its value, and no more", () =>
    Effect.gen(function* () {
      const store = CacheStore.memory({ maxBytes: 12 })
      for (const key of "abc") yield* store.set(key, "1", hour)
      expect(yield* held(store, "abc")).toBe("abc")
      // What is replaced, read or over counts no longer.
      for (let turn = 0; turn < 5; turn++) yield* store.set("b", "2", hour)
      expect(yield* held(store, "acb")).toBe("acb")
      yield* store.set("d", "1", hour)
      expect(yield* held(store, "abcd")).toBe("bcd")
      yield* store.set("e", "123", hour)
      expect(yield* held(store, "bcde")).toBe("de")
    }),
  )

  it.effect("keeps no entry that is larger than all of it, and loses nothing else for one", () =>
    Effect.gen(function* () {
      const store = CacheStore.memory({ maxBytes: 12 })
      yield* store.set("a", "1", hour)
      yield* store.set("b", "123456", hour)
      expect(yield* held(store, "ab")).toBe("a")
      yield* store.set("b", "12345", hour)
      expect(yield* held(store, "ab")).toBe("b")
      yield* store.set("b", "123456", hour)
      expect(yield* held(store, "ab")).toBe("")
    }),
  )

  it.effect.each<readonly [number, string]>([
    [0, ""],
    [Number.NaN, ""],
    [0.5, ""],
    [1, "c"],
    [2, "bc"],
  ])("of %s entries holds those that came last", ([maxEntries, expected]) =>
    Effect.gen(function* () {
      const store = CacheStore.memory({ maxEntries })
      for (const key of "abc") yield* store.set(key, "1", hour)
      expect(yield* held(store, "abc")).toBe(expected)
    }),
  )

  it.effect("counts the time of an entry from when it was put there", () =>
    Effect.gen(function* () {
      const store = CacheStore.memory()
      yield* store.set("a", "1", Duration.seconds(10))
      yield* store.set("b", "1", Duration.infinity)
      yield* TestClock.adjust(9999)
      expect(yield* store.get("a")).toEqual(Option.some("1"))
      yield* TestClock.adjust(1)
      expect(yield* store.get("a")).toEqual(Option.none())
      yield* TestClock.adjust("3650 days")
      expect(yield* store.get("b")).toEqual(Option.some("1"))
    }),
  )
})

describe("a store of files", () => {
  it.live("answers a later process, from one file for each answer that only this user can read", () =>
    Effect.gen(function* () {
      const path = yield* folder
      const upstream = new Upstream(({ index }) => `answer ${index}`)
      const stack = () => upstream.layer.pipe(withCache({ store: CacheStore.folder(join(path, "deep", "er")) }))
      const first = yield* Effect.provide(ask("stream"), stack())
      const second = yield* Effect.provide(ask("generate"), stack())
      expect([second.text, second.metadata.cached, upstream.asked.length]).toEqual([first.text, true, 1])
      const files = readdirSync(join(path, "deep", "er"))
      expect(files).toEqual([expect.stringMatching(/^[0-9a-f]{64}\.json$/)])
      const file = join(path, "deep", "er", files[0] ?? "")
      expect(statSync(file).mode & 0o077).toBe(0)
      expect(JSON.parse(readFileSync(file, "utf8"))).toMatchObject({ version: 1 })
    }),
  )

  it.live("takes a file that is cut anywhere, or that holds something else, for a miss, and writes it anew", () =>
    Effect.gen(function* () {
      const path = yield* folder
      const upstream = new Upstream(() => "hello")
      const stack = upstream.layer.pipe(withCache({ store: CacheStore.folder(path) }))
      yield* Effect.provide(ask("generate"), stack)
      const [name = ""] = readdirSync(path)
      const file = join(path, name)
      const whole = readFileSync(file, "utf8")
      const damages = [
        ...Array.from({ length: 20 }, (_, part) => () => truncateSync(file, Math.floor((whole.length * part) / 20))),
        ...["null", "[]", "{}", '{"expiresMs":null,"value":"{}"}', '{"expiresMs":"soon","value":"x"}', "\0\0"].map(
          (text) => () => writeFileSync(file, text),
        ),
      ]
      for (const [index, damage] of damages.entries()) {
        damage()
        const answer = yield* Effect.provide(ask("generate"), stack)
        expect([index, answer.text, answer.metadata.cached]).toEqual([index, "hello", undefined])
        expect((yield* Effect.provide(ask("generate"), stack)).metadata.cached).toBe(true)
      }
    }),
  )

  it.effect("has no entry in a file that is missing or holds none, and fails where a file cannot be read", () =>
    Effect.gen(function* () {
      const path = yield* folder
      const store = CacheStore.folder(path)
      const texts = ["", "{", "null", "5", '{"expiresMs":null}', '{"expiresMs":null,"value":5}', '{"value":"x"}']
      for (const [index, text] of [...texts, '{"value":"x","expiresMs":"soon"}'].entries()) {
        writeFileSync(join(path, `k${index}.json`), text)
        expect([text, yield* store.get(`k${index}`)]).toEqual([text, Option.none()])
      }
      // They may be another program's, and are left there.
      expect(readdirSync(path)).toHaveLength(8)
      expect(yield* store.get("missing")).toEqual(Option.none())
      writeFileSync(join(path, "good.json"), '{"value":"x","expiresMs":null}')
      expect(yield* store.get("good")).toEqual(Option.some("x"))
      mkdirSync(join(path, "folder.json"))
      expect(String(yield* Effect.flip(store.get("folder")))).toContain("EISDIR")
    }),
  )

  it.effect("may be asked by several for an entry whose time is over", () =>
    Effect.gen(function* () {
      const path = yield* folder
      const store = CacheStore.folder(path)
      yield* store.set("a", "1", Duration.seconds(1))
      yield* TestClock.adjust("1 second")
      const found = yield* Effect.all(
        Array.from({ length: 20 }, () => store.get("a")),
        { concurrency: "unbounded" },
      )
      expect(found).toEqual(Array.from({ length: 20 }, () => Option.none()))
    }),
  )

  it.effect("deletes an entry whose time is over when it is asked for", () =>
    Effect.gen(function* () {
      const path = yield* folder
      const store = CacheStore.folder(path)
      yield* store.set("a", "1", Duration.seconds(10))
      yield* store.set("b", "1", Duration.infinity)
      expect(yield* store.get("a")).toEqual(Option.some("1"))
      yield* TestClock.adjust("10 seconds")
      expect([yield* store.get("a"), yield* store.get("b")]).toEqual([Option.none(), Option.some("1")])
      expect(readdirSync(path)).toEqual(["b.json"])
    }),
  )

  it.effect("touches no file outside its folder, whatever the key", () =>
    Effect.gen(function* () {
      const path = yield* folder
      const store = CacheStore.folder(path)
      for (const key of ["../a", "a/b", "", ".", "a\0b", "x".repeat(500)]) {
        expect(yield* Effect.flip(store.set(key, "1", hour))).toContain("letters, digits")
        expect(yield* Effect.flip(store.get(key))).toContain("letters, digits")
      }
      expect(readdirSync(path)).toEqual([])
    }),
  )

  it.live("that cannot be written fails no call", () =>
    Effect.gen(function* () {
      const path = yield* folder
      const file = join(path, "file")
      writeFileSync(file, "")
      const upstream = new Upstream(() => "hello")
      const stack = upstream.layer.pipe(withCache({ store: CacheStore.folder(join(file, "inside")) }))
      expect((yield* Effect.provide(ask("generate"), stack)).text).toBe("hello")
    }),
  )

  it.effect("fails every access where there are no files", () =>
    Effect.gen(function* () {
      const store = folderElsewhere("anywhere")
      expect(yield* Effect.flip(store.get("a"))).toContain("no files")
      expect(yield* Effect.flip(store.set("a", "1", hour))).toContain("no files")
    }),
  )
})
