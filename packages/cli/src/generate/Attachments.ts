/** Files beside a prompt: pictures and PDFs as they are, everything else that is text as text. */
import { readFile } from "node:fs/promises"
import { basename } from "node:path"
import type { FileInput, ImageInput, UserMessageInput } from "@wiseflow/llm"
import * as Effect from "effect/Effect"
import { type CommandFailure, usageFailure } from "../ExitCode.ts"

type Part = Exclude<UserMessageInput["content"], string>[number]

const begins = (bytes: Uint8Array, ...magic: ReadonlyArray<number>) => magic.every((byte, at) => bytes[at] === byte)

const isPicture = (bytes: Uint8Array): boolean =>
  begins(bytes, 0x89, 0x50, 0x4e, 0x47) ||
  begins(bytes, 0xff, 0xd8, 0xff) ||
  begins(bytes, 0x47, 0x49, 0x46, 0x38) ||
  (begins(bytes, 0x52, 0x49, 0x46, 0x46) && bytes[8] === 0x57 && bytes[9] === 0x45)

const isPdf = (bytes: Uint8Array): boolean => begins(bytes, 0x25, 0x50, 0x44, 0x46)

const textOf = (bytes: Uint8Array): string | undefined => {
  try {
    const text = new TextDecoder("utf-8", { fatal: true }).decode(bytes)
    return text.includes("\0") ? undefined : text
  } catch {
    return undefined
  }
}

/** A file as a part of a message, by what its bytes are; nothing where they are neither text, nor a picture, nor a PDF. */
export const partOf = (name: string, bytes: Uint8Array): Part | undefined => {
  if (isPicture(bytes)) return { type: "image", data: bytes } satisfies ImageInput
  if (isPdf(bytes)) return { type: "file", data: bytes, filename: name } satisfies FileInput
  const text = textOf(bytes)
  return text === undefined
    ? undefined
    : { type: "text", text: `<file name=${JSON.stringify(name)}>\n${text}\n</file>` }
}

const attachment = Effect.fn(function* (path: string) {
  if (/^https?:\/\//.test(path)) {
    const part: Part = /\.pdf($|\?)/i.test(path)
      ? { type: "file", url: path, filename: basename(new URL(path).pathname) }
      : { type: "image", url: path }
    return part
  }
  const bytes = yield* Effect.tryPromise({
    try: () => readFile(path),
    catch: (reason) =>
      usageFailure(`--file ${path}: ${reason instanceof Error ? reason.message : "it cannot be read"}`),
  })
  const part = partOf(basename(path), bytes)
  return (
    part ??
    (yield* usageFailure(`--file ${path}: it is neither text (UTF-8), nor a picture (PNG, JPEG, GIF, WebP), nor a PDF`))
  )
})

/** The user's message: the prompt alone, or the files in their order and then the prompt. */
export const userMessage = (
  prompt: string,
  files: ReadonlyArray<string>,
): Effect.Effect<UserMessageInput, CommandFailure> =>
  files.length === 0
    ? Effect.succeed({ role: "user", content: prompt })
    : Effect.map(Effect.forEach(files, attachment), (parts) => ({
        role: "user",
        content: prompt === "" ? parts : [...parts, { type: "text", text: prompt }],
      }))
