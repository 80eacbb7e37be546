/** Reading a text file, on Node. Fails with the reason in words. */
import { readFile } from "node:fs/promises"
import * as Effect from "effect/Effect"

export const readTextFile = (path: string): Effect.Effect<string, string> =>
  Effect.tryPromise({
    try: () => readFile(path, "utf8"),
    catch: (error) => (error instanceof Error ? error.message : String(error)),
  })
