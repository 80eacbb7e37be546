/**
 * The log lines of the promise API: logfmt on stderr, or records for a function of the program. Lines of the same moment
 * are written together, because a write costs more than a call does; none is lost when the process exits.
 */
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import type { LogLevel as EffectLogLevel } from "effect/LogLevel"
import * as Predicate from "effect/Predicate"
import { MinimumLogLevel } from "effect/References"
import { isoTime } from "../call/Time.ts"

/** Where the log lines of an interface go, and which. */
export interface LogOptions {
  /** Gets each log line as a record, in place of stderr; `false` for none. */
  readonly logger?: ((line: LogLine) => void) | false | undefined
  /** The least severe level that is logged. Default `info`: calls that fail or need more than one attempt. */
  readonly logLevel?: LogLevel | undefined
}

/** From everything to nothing. */
export type LogLevel = "trace" | "debug" | "info" | "warn" | "warning" | "error" | "fatal" | "none"

/** One log line as a record: what was logged, and the fields that belong to it (`provider`, `model`, `errorType`, …). */
export interface LogLine {
  /** ISO 8601. */
  readonly timestamp: string
  /** How much it matters. */
  readonly level: "TRACE" | "DEBUG" | "INFO" | "WARN" | "ERROR" | "FATAL"
  /** What happened, in a few words. */
  readonly message: string
  /** The line's own fields. */
  readonly [field: string]: unknown
}

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

const register = () => {
  registered = true
  globalThis.process?.on?.("exit", flush)
  // The reader of stderr may have left (EPIPE). The program goes on without its log.
  globalThis.process?.stderr?.on?.("error", () => {})
}

const write = (line: string) => {
  if (!registered) register()
  if (lines.length === 0) {
    const timer: unknown = setTimeout(flush, batchMs)
    // Where there is an exit to flush at, a waiting line keeps no process alive.
    if (Predicate.hasProperty(timer, "unref") && typeof timer.unref === "function") timer.unref()
  }
  lines.push(line)
}

/** The longest value that a line shows, in characters: a provider's message may be any size. */
const maxValueLength = 2000

/** A text that needs no quotes in logfmt. */
const plain = /^[\x21\x23-\x3c\x3e-\x7e\u00a1-\u1fff\u2c00-\ud7ff\uf900-\ufefe]+$/

/**
 * Characters that JSON leaves as they are and a terminal obeys: C1 controls, marks of direction and width, line
 * separators (Unicode TR 36, section 3).
 */
const unseen = /[\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]/g

const escaped = (character: string) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`

const shown = (value: unknown): string => {
  if (typeof value === "number") return String(value)
  const whole = typeof value === "string" ? value : (JSON.stringify(value) ?? String(value))
  const text = whole.length > maxValueLength ? `${whole.slice(0, maxValueLength)}…` : whole
  return plain.test(text) && !unseen.test(text) ? text : JSON.stringify(text).replace(unseen, escaped)
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

const levelNames = {
  All: "TRACE",
  Trace: "TRACE",
  Debug: "DEBUG",
  Info: "INFO",
  Warn: "WARN",
  Error: "ERROR",
  Fatal: "FATAL",
  None: "FATAL",
} as const satisfies Readonly<Record<EffectLogLevel, LogLine["level"]>>

const recordOf = Logger.make<unknown, LogLine>(({ date, logLevel, message }) => {
  const items: ReadonlyArray<unknown> = Array.isArray(message) ? message : [message]
  const texts = items.filter((item) => !Predicate.isObject(item)).map(String)
  return Object.assign({}, ...items.filter(Predicate.isObject), {
    timestamp: isoTime(date.getTime()),
    level: levelNames[logLevel],
    message: texts.join(" "),
  })
})

/** A program's logger may fail without failing the call. */
const guarded = (log: (line: LogLine) => void) => (line: LogLine) => {
  try {
    log(line)
  } catch {}
}

/** Logs everything at `level` and above: to stderr, to a function of the program, or (`false`) nowhere. */
export const layer = (
  level: EffectLogLevel,
  logger: ((line: LogLine) => void) | false | undefined,
): Layer.Layer<never> => {
  const target =
    logger === undefined
      ? [Logger.map(formatLine, write)]
      : logger === false
        ? []
        : [Logger.map(recordOf, guarded(logger))]
  return Layer.merge(Logger.layer(target), Layer.succeed(MinimumLogLevel, logger === false ? "None" : level))
}
