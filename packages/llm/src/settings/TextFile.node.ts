/** Reading a text file, and what it holds, on Node. Fails with the reason in words. */
import { readFile } from "node:fs/promises"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"

const reason = (error: unknown): string => (error instanceof Error ? error.message : String(error))

const attempt = <A>(read: () => A): Effect.Effect<A, string> => Effect.try({ try: read, catch: reason })

export const readTextFile = (path: string): Effect.Effect<string, string> =>
  Effect.tryPromise({ try: () => readFile(path, "utf8"), catch: reason })

/** The value that a text is, in the format that its file's name ends in. */
export const parseText = (path: string, content: string): Effect.Effect<unknown, string> => {
  if (/\.json$/i.test(path)) return attempt(() => JSON.parse(content))
  if (/\.ya?ml$/i.test(path)) {
    return Effect.flatMap(
      Effect.promise(() => import("effect/encoding/Yaml")),
      (yaml) => attempt(() => yaml.parse(content)),
    )
  }
  if (/\.toml$/i.test(path)) {
    return Effect.flatMap(
      Effect.promise(() => import("effect/encoding/Toml")),
      (toml) => {
        const parsed = toml.parse(content)
        return Result.isSuccess(parsed) ? Effect.succeed(parsed.success) : Effect.fail(parsed.failure.message)
      },
    )
  }
  return Effect.fail("its name must end in .json, .yaml, .yml or .toml")
}
