/** A folder of the cache into which somebody else has put what is no entry: a miss, which holds nothing up. */
import { execFileSync } from "node:child_process"
import { lookup } from "node:dns/promises"
import { mkdtempSync, rmSync, symlinkSync, truncateSync, writeFileSync } from "node:fs"
import { readFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { setTimeout as sleep } from "node:timers/promises"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { afterEach, describe, expect, it, vi } from "vitest"
import { isEntry } from "../../../src/policies/cache/CacheEntry.ts"
import * as CacheStore from "../../../src/policies/cache/CacheStore.ts"

const folders: Array<string> = []
afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true })
})

const poisoned = (poison: (file: string) => void) => {
  const path = mkdtempSync(join(tmpdir(), "cache-"))
  folders.push(path)
  poison(join(path, "a.json"))
  return CacheStore.folder(path)
}

const got = (store: CacheStore.CacheStore) =>
  Promise.race([Effect.runPromise(Effect.option(store.get("a"))), sleep(5000, "it is still waited for")])

describe("an entry that is", () => {
  it("a pipe without a writer keeps no thread: names are found and files are read as before", async () => {
    const store = poisoned((file) => execFileSync("mkfifo", [file]))
    for (let times = 0; times < 6; times++) expect(await got(store)).not.toBe("it is still waited for")
    expect(await Promise.race([lookup("localhost"), sleep(5000)])).toBeDefined()
    expect(await Promise.race([readFile("/etc/hostname", "utf8"), sleep(5000)])).toBeDefined()
  })

  it("a device without end is not read", async () => {
    const store = poisoned((file) => symlinkSync("/dev/zero", file))
    const before = process.memoryUsage().rss
    expect(await got(store)).not.toBe("it is still waited for")
    expect(process.memoryUsage().rss - before).toBeLessThan(100e6)
  })

  it("larger than any answer is not read", async () => {
    const store = poisoned((file) => {
      writeFileSync(file, "")
      truncateSync(file, 500e6)
    })
    const before = process.memoryUsage().rss
    expect(await got(store)).not.toBe("it is still waited for")
    expect(process.memoryUsage().rss - before).toBeLessThan(100e6)
  })

  it("written by the store is read", async () => {
    const store = poisoned(() => {})
    await Effect.runPromise(store.set("a", "the value", Duration.hours(1)))
    expect(await Effect.runPromise(store.get("a"))).toEqual(Option.some("the value"))
  })
})

describe("the text of an entry", () => {
  it("with more keys than any answer has is none, and is not parsed", () => {
    const many = Array.from({ length: 70_000 }, (_, at) => `"k${at}":1`).join(",")
    using parsing = vi.spyOn(JSON, "parse")
    expect(isEntry(`{"version":1,"key":"a","answer":{${many}}}`, "a", "answer")).toBe(false)
    expect(parsing).not.toHaveBeenCalled()
  })
})
