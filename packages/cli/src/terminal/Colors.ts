/** Colours, where a stream is a terminal that has them. `NO_COLOR` and `FORCE_COLOR` win. */
import { styleText } from "node:util"
import type { WriteStream } from "node:tty"

const set = (name: string): boolean => (process.env[name] ?? "") !== ""

/** True where what is written to the stream may have colours. */
export const hasColors = (stream: WriteStream | NodeJS.WriteStream): boolean => {
  if (set("NO_COLOR") || process.env.TERM === "dumb") return false
  if (set("FORCE_COLOR") && process.env.FORCE_COLOR !== "0") return true
  return stream.isTTY === true
}

type Style = Parameters<typeof styleText>[0]

/** The text in a style where the stream has colours. */
export const styled = (style: Style, text: string, stream: NodeJS.WriteStream): string =>
  hasColors(stream) ? styleText(style, text, { validateStream: false }) : text
