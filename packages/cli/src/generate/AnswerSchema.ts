/** `--schema`: a JSON Schema, written on the command line or in a file. */
import { readFile } from "node:fs/promises"
import type { JsonSchema } from "@wiseflow/llm"
import * as Effect from "effect/Effect"
import { usageFailure } from "../ExitCode.ts"

const isSchema = (value: unknown): value is JsonSchema =>
  typeof value === "object" && value !== null && !Array.isArray(value)

const parsed = (text: string): unknown => {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

/** Reads the schema; what begins with `{` is the schema itself. */
export const answerSchema = Effect.fn(function* (given: string) {
  const isInline = given.trimStart().startsWith("{")
  const text = isInline
    ? given
    : yield* Effect.tryPromise({
        try: () => readFile(given, "utf8"),
        catch: (reason) => usageFailure(`--schema: ${reason instanceof Error ? reason.message : "it cannot be read"}`),
      })
  const schema = parsed(text)
  if (!isSchema(schema)) {
    return yield* usageFailure(
      `--schema${isInline ? "" : ` ${given}`}: it is no JSON Schema, as in {"type":"object","properties":{…}}`,
    )
  }
  return schema
})
