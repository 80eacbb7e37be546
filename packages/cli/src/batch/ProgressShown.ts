/** Shows on stderr how far a batch is: on a terminal one line that changes, elsewhere a line now and then. */
import { stripVTControlCharacters } from "node:util"
import { styled } from "../terminal/Colors.ts"
import { tell } from "../terminal/Streams.ts"

/** How often a terminal is told, and how often anything else is, in milliseconds. */
const terminalMs = 200
const otherMs = 10_000

/** Until the returned function is called, `line` is shown. */
export const showing = (line: () => string): (() => void) => {
  const { stderr } = process
  const isTerminal = stderr.isTTY && process.env.TERM !== "dumb"
  if (!isTerminal) {
    const timer = setInterval(() => tell(line()), otherMs)
    return () => clearInterval(timer)
  }
  const draw = () => {
    const text = stripVTControlCharacters(line()).slice(0, Math.max(1, (stderr.columns || 80) - 1))
    stderr.write(`\r\u001B[K${styled("dim", text, stderr)}`)
  }
  const timer = setInterval(draw, terminalMs)
  draw()
  return () => {
    clearInterval(timer)
    stderr.write("\r\u001B[K")
  }
}
