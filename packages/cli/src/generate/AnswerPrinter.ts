/** Where the text of an answer goes: as it is into a pipe or a file, as Markdown onto a terminal. */
import { escaped } from "../terminal/SafeText.ts"
import { write } from "../terminal/Streams.ts"

/** Takes the pieces of an answer. */
export interface AnswerPrinter {
  readonly push: (delta: string) => Promise<void>
  /** After the last piece: the answer ends with a line feed. */
  readonly finish: () => Promise<void>
}

/** Prints nothing. */
export const silent: AnswerPrinter = { push: async () => {}, finish: async () => {} }

const plain = (isTerminal: boolean): AnswerPrinter => {
  let last = ""
  return {
    push: async (delta) => {
      if (delta === "") return
      last = delta
      await write(isTerminal ? escaped(delta) : delta)
    },
    finish: async () => {
      if (last !== "" && !last.endsWith("\n")) await write("\n")
      last = ""
    },
  }
}

/** A printer for stdout as it is; `raw` for the text itself on a terminal too. */
export const answerPrinter = async (raw: boolean): Promise<AnswerPrinter> => {
  const { stdout } = process
  if (raw || !stdout.isTTY || process.env.TERM === "dumb") return plain(stdout.isTTY)
  const { LiveMarkdown, screenOf } = await import("../terminal/LiveMarkdown.ts")
  const live = new LiveMarkdown(screenOf(stdout))
  return { push: async (delta) => live.push(delta), finish: async () => live.finish() }
}
