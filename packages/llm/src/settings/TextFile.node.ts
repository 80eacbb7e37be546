/**
 * Reading a settings file on Node: regular files of a bounded size. It waits for no writer and reads no device. Fails with
 * the reason in words.
 */
import { constants } from "node:fs"
import { open } from "node:fs/promises"
import * as Effect from "effect/Effect"
import * as Predicate from "effect/Predicate"
import * as Result from "effect/Result"
import * as Json from "./JsonSettings.ts"
import type { Problem } from "./SettingsText.ts"
import * as Toml from "./TomlSettings.ts"
import * as Yaml from "./YamlSettings.ts"

/** The largest settings file in bytes. */
const maxBytes = 1024 * 1024

/** Why a file cannot be read. `isMissing`: there is none. */
export interface Unreadable {
  readonly reason: string
  readonly isMissing: boolean
}

const unreadable = (reason: string, isMissing = false): Unreadable => ({ reason, isMissing })

const failed = (error: unknown): Unreadable => {
  const code = Predicate.hasProperty(error, "code") ? String(error.code) : undefined
  return code === "ENOENT" || code === "ENOTDIR"
    ? unreadable("there is no such file", true)
    : unreadable(code ?? "the system does not say why")
}

const textOf = (bytes: Uint8Array): Result.Result<string, Unreadable> =>
  Result.try({
    try: () => new TextDecoder("utf-8", { fatal: true }).decode(bytes),
    catch: () => unreadable("it is not UTF-8 text"),
  })

/** Opens without waiting, because opening a pipe without a writer would never return; then looks what it is. */
const readBounded = async (path: string): Promise<Result.Result<string, Unreadable>> => {
  const file = await open(path, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0))
  try {
    const status = await file.stat()
    if (!status.isFile()) return Result.fail(unreadable("it is not a regular file"))
    const bytes = new Uint8Array(maxBytes + 1)
    let length = 0
    while (length <= maxBytes) {
      const { bytesRead } = await file.read(bytes, length, bytes.length - length)
      if (bytesRead === 0) return textOf(bytes.subarray(0, length))
      length += bytesRead
    }
    return Result.fail(unreadable(`it is larger than ${maxBytes} bytes`))
  } finally {
    await file.close()
  }
}

export const readTextFile = (path: string): Effect.Effect<string, Unreadable> =>
  Effect.flatMap(Effect.tryPromise({ try: () => readBounded(path), catch: failed }), Effect.fromResult)

/** The settings that a text holds, in the format that its file's name ends in; undefined for any other. */
export const parseSettings = (
  path: string,
  content: string,
): Result.Result<ReadonlyMap<string, string>, Problem> | undefined => {
  if (/\.json$/i.test(path)) return Json.read(content)
  if (/\.ya?ml$/i.test(path)) return Yaml.read(content)
  return /\.toml$/i.test(path) ? Toml.read(content) : undefined
}
