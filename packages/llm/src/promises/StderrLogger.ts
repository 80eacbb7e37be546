/**
 * Log lines of the promise surface: logfmt on stderr, from `WISEFLOW_LOG_LEVEL` up. Lines of the same moment are
 * written together, because a write costs more than a call does; none is lost when the process exits.
 */
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import type { LogLevel } from "effect/LogLevel"
import * as Predicate from "effect/Predicate"
import { MinimumLogLevel } from "effect/References"
import { isoTime } from "../call/LlmCall.ts"

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

/** How long a line may wait for company. */
const batchMs = 20

const write = (line: string) => {
  if (!registered) {
    registered = true
    globalThis.process?.on?.("exit", flush)
  }
  if (lines.length === 0) {
    const timer: unknown = setTimeout(flush, batchMs)
    // Where there is an exit to flush at, a waiting line keeps no process alive.
    if (Predicate.hasProperty(timer, "unref") && typeof timer.unref === "function") timer.unref()
  }
  lines.push(line)
}

/** A text that needs no quotes in logfmt. */
const plain = /^[^\s"=]+$/

const shown = (value: unknown): string => {
  if (typeof value === "number") return String(value)
  const text = typeof value === "string" ? value : (JSON.stringify(value) ?? String(value))
  return plain.test(text) ? text : JSON.stringify(text)
}

/** `timestamp=… level=INFO message=answered provider=openai …`: a record's fields become fields of the line. */
const formatLine = Logger.make<unknown, string>(({ date, logLevel, message }) => {
  let line = `timestamp=${isoTime(date.getTime())} level=${logLevel.toUpperCase()}`
  for (const item of Array.isArray(message) ? message : [message]) {
    if (!Predicate.isObject(item)) line += ` message=${shown(item)}`
    else for (const [key, value] of Object.entries(item)) if (value !== undefined) line += ` ${key}=${shown(value)}`
  }
  return line
})

/** A logger on stderr for everything at `level` and above. */
export const layer = (level: LogLevel): Layer.Layer<never> =>
  Layer.merge(Logger.layer([Logger.map(formatLine, write)]), Layer.succeed(MinimumLogLevel, level))
