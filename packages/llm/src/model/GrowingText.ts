/**
 * A text that grows by small pieces. What V8 makes of `+=` keeps every piece alive until somebody reads the whole, and a
 * garbage collector at work on a hundred thousand of them; here they are joined now and then.
 */

/** Pieces that wait to be joined. */
const few = 64

export class GrowingText {
  private joined = ""
  private pieces: Array<string> = []

  add(piece: string): void {
    if (this.pieces.push(piece) === few) this.join()
  }

  /** The text so far. */
  toString(): string {
    this.join()
    return this.joined
  }

  private join(): void {
    this.joined += this.pieces.join("")
    this.pieces = []
  }
}
