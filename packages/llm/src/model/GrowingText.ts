/**
 * A text that grows by small pieces. What V8 makes of `+=` keeps every piece alive until somebody reads the whole, and a
 * garbage collector at work on a hundred thousand of them; here they are joined now and then.
 */

/** Pieces that wait to be joined. */
const few = 64

export class GrowingText {
  private joined = ""
  /** None for a text that came whole, as those of most answers do. */
  private pieces: Array<string> | undefined = undefined

  add(piece: string): void {
    if (this.pieces !== undefined) {
      if (this.pieces.push(piece) === few) this.join()
    } else if (this.joined === "") this.joined = piece
    else this.pieces = [piece]
  }

  /** The text so far. */
  toString(): string {
    this.join()
    return this.joined
  }

  private join(): void {
    if (this.pieces === undefined || this.pieces.length === 0) return
    this.joined += this.pieces.join("")
    this.pieces = []
  }
}
