/**
 * Where answers are kept: texts under keys, each for a time. A store knows nothing of answers, and what goes wrong in it never
 * fails a call. One in memory is here, one of files behind `#cache-folder`; any other is an object with `get` and `set`.
 */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as Option from "effect/Option"
import { folder as folderOf } from "#cache-folder"
import { monotonicMs } from "../../call/Time.ts"

/** Keeps texts under keys. It may fail or die with anything: that counts as a miss, and is logged once until it works again. */
export interface CacheStore {
  /** The text under a key, unless there is none or its time is over. */
  readonly get: (key: string) => Effect.Effect<Option.Option<string>, unknown>
  /** Keeps a text under a key for a time, in place of what was there. */
  readonly set: (key: string, value: string, ttl: Duration.Duration) => Effect.Effect<void, unknown>
  /**
   * Where processes share the store: lets one of them at a time ask a question, while the others wait for its answer. None
   * where another one asks. Absent: every process asks by itself. Where it fails, the call asks.
   */
  readonly lease?: ((key: string) => Effect.Effect<Option.Option<CacheLease>, unknown>) | undefined
}

/** The right to ask a question alone, until it is released or runs out. */
export interface CacheLease {
  /** Keeps it from running out; runs every `renewEvery` while the request is under way. */
  readonly renew: Effect.Effect<void, unknown>
  /** How often it has to be renewed. */
  readonly renewEvery: Duration.Duration
  /** Gives it back. */
  readonly release: Effect.Effect<void, unknown>
}

/** How much a store in memory holds. What was used longest ago makes room for what is new. */
export interface MemoryOptions {
  /** The most entries. Default 1000. */
  readonly maxEntries?: number | undefined
  /** The most bytes of all entries together, two for each character; an entry that is larger is not kept. Default 64 MiB. */
  readonly maxBytes?: number | undefined
}

interface Kept {
  readonly value: string
  readonly bytes: number
  readonly endsMs: number
}

const memoryDefaults = { maxEntries: 1000, maxBytes: 64 * 1024 * 1024 }

/** A store in this process. Several layers may share one. Limits that are no numbers above 0 keep nothing. */
export const memory = (options: MemoryOptions = {}): CacheStore => {
  const { maxBytes = memoryDefaults.maxBytes, maxEntries = memoryDefaults.maxEntries } = options
  // In the order in which they were used: a Map keeps the order in which its keys were added.
  const entries = new Map<string, Kept>()
  let bytes = 0
  const drop = (key: string, kept: Kept) => {
    entries.delete(key)
    bytes -= kept.bytes
  }
  const makeRoom = () => {
    for (const [key, kept] of entries) {
      if (entries.size <= maxEntries && bytes <= maxBytes) return
      drop(key, kept)
    }
  }
  return {
    get: (key) =>
      Effect.withFiber((fiber) => {
        const kept = entries.get(key)
        if (kept === undefined) return Effect.succeedNone
        drop(key, kept)
        if (monotonicMs(fiber) >= kept.endsMs) return Effect.succeedNone
        entries.set(key, kept)
        bytes += kept.bytes
        return Effect.succeedSome(kept.value)
      }),
    set: (key, value, ttl) =>
      Effect.withFiber((fiber) => {
        const before = entries.get(key)
        if (before !== undefined) drop(key, before)
        const kept = {
          value,
          bytes: 2 * (key.length + value.length),
          endsMs: monotonicMs(fiber) + Duration.toMillis(ttl),
        }
        if (kept.bytes > maxBytes) return Effect.void
        entries.set(key, kept)
        bytes += kept.bytes
        makeRoom()
        return Effect.void
      }),
  }
}

/**
 * A store of files: one JSON file for each entry, `<key>.json`, readable by this user alone. The folder is made at the first
 * entry; several processes may share it. A file is written whole or not at all, and one that cannot be read is a miss. An
 * entry whose time is over is deleted when it is asked for; nothing else is, so empty the folder where many different
 * questions are asked. Where the runtime has no files, every access fails, which counts as a miss.
 */
export const folder = (path: string): CacheStore => folderOf(path)
