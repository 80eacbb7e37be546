/** The lines that a user types, or those of a pipe. On a terminal they can be edited, and the arrow keys bring back earlier ones. */
import { createInterface, type Interface } from "node:readline"
import { styled } from "../terminal/Colors.ts"

/** Gives one line after another; nothing at the end of input. A line that was given up with Ctrl-C is `""`. */
export interface Lines {
  readonly next: () => Promise<string | undefined>
  readonly close: () => void
}

/** A terminal: read only while a line is asked for, so that Ctrl-C is a signal while an answer comes. */
const typed = (commands: ReadonlyArray<string>, onGivenUp: () => void): Lines => {
  let history: Array<string> = []
  let open: Interface | undefined
  const { stderr, stdin } = process
  const complete = (line: string): [Array<string>, string] => [
    line.startsWith("/") ? commands.filter((name) => name.startsWith(line)) : [],
    line,
  ]
  const next = () =>
    new Promise<string | undefined>((resolve) => {
      const lines = createInterface({
        input: stdin,
        output: stderr,
        terminal: true,
        history,
        historySize: 1000,
        completer: complete,
        prompt: `${styled("cyan", ">", stderr)} `,
      })
      open = lines
      let result: string | undefined
      lines.on("history", (kept) => (history = [...kept]))
      lines.on("line", (line) => {
        result = line
        lines.close()
      })
      lines.on("SIGINT", () => {
        result = ""
        stderr.write("\n")
        if (lines.line === "") onGivenUp()
        lines.close()
      })
      lines.on("close", () => {
        open = undefined
        stdin.pause()
        resolve(result)
      })
      lines.prompt()
    })
  return { next, close: () => open?.close() }
}

const piped = (): Lines => {
  const lines = createInterface({ input: process.stdin, terminal: false })
  const all = lines[Symbol.asyncIterator]()
  return {
    next: async () => {
      const line = await all.next()
      return line.done === true ? undefined : line.value
    },
    close: () => lines.close(),
  }
}

/** True where somebody types. */
export const isTyped = (): boolean => process.stdin.isTTY && process.stderr.isTTY

/** The lines of stdin. `onGivenUp` is called for Ctrl-C on an empty line. */
export const linesOf = (commands: ReadonlyArray<string>, onGivenUp: () => void): Lines =>
  isTyped() ? typed(commands, onGivenUp) : piped()
