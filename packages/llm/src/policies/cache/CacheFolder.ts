/** Entries as files on platforms without files (browsers, edge runtimes): every access fails, which counts as a miss. */
import * as Effect from "effect/Effect"
import type { folder as folderOf } from "./CacheFolder.node.ts"

const noFiles = Effect.fail("this runtime has no files: pass another store")

export const folder: typeof folderOf = () => ({ get: () => noFiles, set: () => noFiles })
