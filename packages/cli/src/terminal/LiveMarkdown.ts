/**
 * An answer on a terminal while it is written: complete blocks are rendered once and stay, the block that is being written
 * is drawn again with each piece. It never moves the cursor above the open block.
 */
import { render } from "markdansi"
import { CliOutput } from "effect/cli"
import { hasColors } from "./Colors.ts"
import { cutBlocks } from "./MarkdownBlocks.ts"
import { escaped, escapedAroundStyles, withoutControlReferences } from "./SafeText.ts"

/** Prose is not set wider than this, however wide the terminal is. */
const widest = 100

/** Characters of a block from which on it is not drawn with every piece, and how often it is while it doubles. */
const longBlock = 2000
const drawingsPerLength = 40

/** The terminal that is written to. */
export interface Screen {
  readonly write: (text: string) => unknown
  readonly columns: number
  readonly rows: number
  readonly colors: boolean
}

/** The screen of stdout, as it is now. */
export const screenOf = (stream: NodeJS.WriteStream): Screen => ({
  write: (text) => stream.write(text),
  get columns() {
    return stream.columns || 80
  },
  get rows() {
    return stream.rows || 24
  },
  colors: hasColors(stream),
})

/** Markdown as lines of a terminal, safe to print. */
export const renderMarkdown = (markdown: string, columns: number, colors: boolean): string =>
  escapedAroundStyles(
    render(withoutControlReferences(escaped(markdown)), {
      width: Math.max(20, Math.min(columns - 1, widest)),
      color: colors,
      hyperlinks: false,
      tableTruncate: false,
      // A terminal wraps it without adding a line feed to what is copied.
      codeWrap: false,
    }),
  ).replace(/^\n+|\s+$/g, "")

export class LiveMarkdown {
  /** What is not rendered for good yet. */
  private pending = ""
  /** The lines of the terminal that the open block occupies. */
  private drawn = 0
  /** The characters of the open block when it was drawn last. */
  private drawnLength = 0
  private started = false

  private readonly screen: Screen

  constructor(screen: Screen) {
    this.screen = screen
  }

  /** Adds a piece of the answer. */
  push(delta: string): void {
    this.pending += delta
    const { complete, open } = cutBlocks(this.pending)
    if (complete.trim() !== "") {
      this.settle(complete)
      this.pending = open
    }
    // Each drawing renders all of the open block: a long one is drawn again once it has grown by a part of itself.
    const growth = Math.abs(open.length - this.drawnLength)
    if (open.length < longBlock || growth * drawingsPerLength >= open.length) this.draw(open)
  }

  /** Renders what is left, and leaves the cursor on a line of its own. */
  finish(): void {
    if (this.pending.trim() !== "") this.settle(this.pending)
    else this.erase()
    this.pending = ""
  }

  private settle(markdown: string): void {
    this.erase()
    this.drawnLength = 0
    const text = renderMarkdown(markdown, this.screen.columns, this.screen.colors)
    if (text === "") return
    this.screen.write(`${this.started ? "\n" : ""}${text}\n`)
    this.started = true
  }

  private draw(markdown: string): void {
    this.erase()
    this.drawnLength = markdown.length
    if (markdown.trim() === "") return
    const { colors, columns, rows } = this.screen
    const lines = renderMarkdown(markdown, columns, colors).split("\n")
    // The end of what is taller than the screen: lines that scrolled away could not be drawn again.
    const shown = lines.slice(-Math.max(1, rows - 3))
    const gap = this.started ? 1 : 0
    this.screen.write(`${"\n".repeat(gap)}${shown.join("\n")}`)
    const heights = shown.map((line) => Math.max(1, Math.ceil(CliOutput.displayWidth(line) / columns)))
    this.drawn = gap + heights.reduce((sum, height) => sum + height, 0)
  }

  /** Puts the cursor where the open block begins, and clears from there. */
  private erase(): void {
    if (this.drawn === 0) return
    const up = this.drawn - 1
    this.screen.write(`\r${up > 0 ? `\x1b[${up}A` : ""}\x1b[J`)
    this.drawn = 0
  }
}
