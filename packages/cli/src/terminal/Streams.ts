/** stdout is data, stderr is talk. Nothing here decides what is said. */
import { styled } from "./Colors.ts"
import { escaped } from "./SafeText.ts"
import { wrapped } from "./Wrap.ts"

/** A line for stderr: on a terminal it is wrapped, and what a terminal would obey is escaped. */
const spoken = (line: string): string => {
  const { columns, isTTY } = process.stderr
  return isTTY ? wrapped(escaped(line), columns || 80).join("\n") : line
}

/** Says a line on stderr. */
export const say = (line: string): void => {
  process.stderr.write(`${spoken(line)}\n`)
}

/** Says a line of less weight: what an answer took, which tool is called. */
export const tell = (line: string): void => {
  process.stderr.write(`${styled("dim", spoken(line), process.stderr)}\n`)
}

/** Writes to stdout; resolves when more may be written, so that a slow reader holds the writer back. */
export const write = (text: string): Promise<void> =>
  new Promise((resolve) => {
    if (process.stdout.writableEnded || process.stdout.destroyed || process.stdout.write(text)) return resolve()
    process.stdout.once("drain", resolve)
    process.stdout.once("close", resolve)
  })

/** Resolves when everything was handed to the system. */
export const flushed = async (): Promise<void> => {
  for (const stream of [process.stdout, process.stderr]) {
    if (stream.writableLength > 0 && !stream.destroyed) {
      await new Promise<void>((resolve) => stream.write("", () => resolve()))
    }
  }
}
