/** Follows the brackets of a JSON text that comes in pieces. It parses nothing and keeps nothing of the text. */

const quote = 0x22
const backslash = 0x5c

export class JsonNesting {
  private depth = 0
  private inString = false
  private escaped = false
  private begun = false

  /** True once an object or an array has ended with which the text began: anything more would not be JSON. */
  get isClosed(): boolean {
    return this.begun && this.depth === 0
  }

  /** The next piece of the text. */
  add(piece: string): void {
    for (let at = 0; at < piece.length; at++) {
      const code = piece.charCodeAt(at)
      if (this.inString) {
        if (this.escaped) this.escaped = false
        else if (code === backslash) this.escaped = true
        else if (code === quote) this.inString = false
      } else if (code === quote) this.inString = true
      else if (code === 0x7b || code === 0x5b) {
        this.depth++
        this.begun = true
      } else if (code === 0x7d || code === 0x5d) this.depth--
    }
  }
}
