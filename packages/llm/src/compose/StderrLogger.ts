/**
 * Log lines of the promise surface: logfmt on stderr, from `WISEFLOW_LOG_LEVEL` up. Lines of one turn of the event loop
 * are written together, because a write costs more than a call does; none is lost when the process exits.
 */
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import type { LogLevel } from "effect/LogLevel"
import * as Predicate from "effect/Predicate"
import { MinimumLogLevel } from "effect/References"

let lines: Array<string> = []
let registered = false

const flush = () => {
  if (lines.length === 0) return
  const text = lines.join("\n")
  lines = []
  const stderr = globalThis.process?.stderr
  if (stderr?.write === undefined) console.error(text)
  else stderr.write(`${text}\n`)
}

const write = (line: string) => {
  if (!registered) {
    registered = true
    globalThis.process?.on?.("exit", flush)
  }
  if (lines.length === 0) setTimeout(flush, 0)
  lines.push(line)
}

const shown = (value: unknown): string => {
  if (typeof value === "number") return String(value)
  const text = typeof value === "string" ? value : (JSON.stringify(value) ?? String(value))
  return /[\s"=]/.test(text) ? JSON.stringify(text) : text
}

/** `timestamp=… level=INFO message=answered provider=openai …`: a record's fields become fields of the line. */
const formatLine = Logger.make<unknown, string>(({ date, logLevel, message }) => {
  const fields = [`timestamp=${date.toISOString()}`, `level=${logLevel.toUpperCase()}`]
  for (const item of Array.isArray(message) ? message : [message]) {
    if (!Predicate.isObject(item)) fields.push(`message=${shown(item)}`)
    else for (const [key, value] of Object.entries(item)) if (value !== undefined) fields.push(`${key}=${shown(value)}`)
  }
  return fields.join(" ")
})

/** A logger on stderr for everything at `level` and above. */
export const layer = (level: LogLevel): Layer.Layer<never> =>
  Layer.merge(Logger.layer([Logger.map(formatLine, write)]), Layer.succeed(MinimumLogLevel, level))
