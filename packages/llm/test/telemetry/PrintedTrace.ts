/** A trace as a receiver got it, as text for people. Times differ from run to run, and are printed as `…`. */
import type { ReceivedSpan, Receiver } from "./Receiver.ts"

const shown = (name: string, value: unknown): string =>
  /_ms$|time_to/.test(name) && value !== 0 ? `${name} = …` : `${name} = ${JSON.stringify(value)}`

const lines = (record: Readonly<Record<string, unknown>>): ReadonlyArray<string> =>
  Object.entries(record)
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => shown(name, value))
    .toSorted()

const kinds = ["UNSPECIFIED", "INTERNAL", "SERVER", "CLIENT", "PRODUCER", "CONSUMER"]
const codes = ["UNSET", "OK", "ERROR"]

/** A span without the wait for a free permit: a busy machine may take a millisecond for it, and then it is noted. */
const printedSpan = (span: ReceivedSpan, spans: ReadonlyArray<ReceivedSpan>): ReadonlyArray<string> => [
  `${span.name} (${kinds[span.kind]}, ${codes[span.status.code]})`,
  ...lines({ ...span.attributes, "wiseflow.queued_ms": undefined }).map((line) => `    ${line}`),
  ...span.events
    // A stack differs from run to run, and a busy machine may take a millisecond to give a permit that is free.
    .filter(({ name }) => name !== "exception" && name !== "permit")
    .map(({ attributes, name }) => `    event ${name}: ${lines(attributes).join(", ")}`),
  ...spans
    .filter(({ parentSpanId }) => parentSpanId === span.spanId)
    .flatMap((child) => printedSpan(child, spans).map((line) => `  ${line}`)),
]

/** Every span below its parent, with its attributes and events. */
export const printedTrace = ({ spans }: Receiver): string =>
  spans
    .filter(({ parentSpanId }) => parentSpanId === undefined)
    .flatMap((root) => printedSpan(root, spans))
    .join("\n")

/** Every metric by its name, with its type and unit. */
export const printedMetrics = ({ metrics }: Receiver): string =>
  [...metrics.values()]
    .map(({ name, type, unit }) => `${name} (${type}, ${unit})`)
    .toSorted()
    .join("\n")
