/** Entries as files, on Node. A file is written under another name and then renamed, so that nobody reads half of one. */
import { randomUUID } from "node:crypto"
import { constants } from "node:fs"
import { mkdir, open, rename, rm, writeFile } from "node:fs/promises"
import { join } from "node:path"
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Predicate from "effect/Predicate"
import * as Result from "effect/Result"
import { boundedJson, saidBy } from "../../model/JsonCopy.ts"
import type { CacheStore } from "./CacheStore.ts"

interface Kept {
  readonly value: string
  /** Milliseconds since the epoch: other processes have other monotonic clocks. Null where it never ends. */
  readonly expiresMs: number | null
}

const parsed = (text: string): Kept | undefined => {
  const read = boundedJson(text)
  if (Result.isFailure(read) || !Predicate.isObject(read.success)) return undefined
  const { expiresMs, value } = read.success
  const isTime = expiresMs === null || typeof expiresMs === "number"
  return isTime && typeof value === "string" ? { value, expiresMs } : undefined
}

/** The largest entry that is read, in bytes: that of the largest answer. */
const maxBytes = 64 * 1024 * 1024

/** The text of a regular file of a bounded size; empty where there is none. It waits for no writer and reads no device. */
const textOf = async (path: string): Promise<string> => {
  try {
    const file = await open(path, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0))
    try {
      const status = await file.stat()
      // The system itself says what is wrong with a folder.
      if (!status.isFile() && !status.isDirectory())
        return await Promise.reject(new Error("an entry is not a regular file"))
      if (status.size > maxBytes) return await Promise.reject(new Error(`an entry is larger than ${maxBytes} bytes`))
      return await file.readFile("utf8")
    } finally {
      await file.close()
    }
  } catch (error) {
    if (Predicate.hasProperty(error, "code") && error.code === "ENOENT") return ""
    return Promise.reject(error)
  }
}

const writeWhole = async (path: string, file: string, text: string): Promise<void> => {
  await mkdir(path, { recursive: true, mode: 0o700 })
  const draft = `${file}.${randomUUID()}.tmp`
  try {
    await writeFile(draft, text, { mode: 0o600 })
    await rename(draft, file)
  } catch (error) {
    await rm(draft, { force: true })
    return Promise.reject(error)
  }
}

/** A key that is a file's name on every system. */
const isName = (key: string): boolean => /^[\w-]{1,128}$/.test(key)

export const folder = (path: string): CacheStore => {
  const named = (key: string): Effect.Effect<string, unknown> =>
    isName(key)
      ? Effect.succeed(join(path, `${key}.json`))
      : Effect.fail("a key of letters, digits, - and _ is expected")
  const promised = <A>(run: () => Promise<A>): Effect.Effect<A, unknown> =>
    Effect.tryPromise({ try: run, catch: saidBy })
  return {
    get: (key) =>
      Effect.gen(function* () {
        const file = yield* named(key)
        const kept = parsed(yield* promised(() => textOf(file)))
        if (kept === undefined) return Option.none()
        if (kept.expiresMs === null || (yield* Clock.currentTimeMillis) < kept.expiresMs) return Option.some(kept.value)
        yield* promised(() => rm(file, { force: true }))
        return Option.none()
      }),
    set: (key, value, ttl) =>
      Effect.gen(function* () {
        const file = yield* named(key)
        const nowMs = yield* Clock.currentTimeMillis
        const expiresMs = Duration.isFinite(ttl) ? nowMs + Duration.toMillis(ttl) : null
        yield* promised(() => writeWhole(path, file, JSON.stringify({ version: 1, expiresMs, value })))
      }),
  }
}
