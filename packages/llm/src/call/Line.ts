/**
 * What is under way or waits, in the order in which it came; any of it may leave. A list and no `Set`: each table that a
 * `Set` outgrows points to the next one, so that a garbage collector keeps what was in it long after it has left.
 */

/** A place in a line. */
export interface Place<A> {
  readonly value: A
  /** False once it has left. */
  isIn: boolean
  before: Place<A> | undefined
  after: Place<A> | undefined
}

export class Line<A> implements Iterable<A> {
  private first: Place<A> | undefined
  private last: Place<A> | undefined
  private count = 0

  get size(): number {
    return this.count
  }

  /** Stands at the end. */
  add(value: A): Place<A> {
    const before = this.last
    const place: Place<A> = { value, isIn: true, before, after: undefined }
    if (before === undefined) this.first = place
    else before.after = place
    this.last = place
    this.count += 1
    return place
  }

  /** Leaves, wherever it stands. False where it has left before. */
  remove(place: Place<A>): boolean {
    if (!place.isIn) return false
    const { after, before } = place
    if (before === undefined) this.first = after
    else before.after = after
    if (after === undefined) this.last = before
    else after.before = before
    place.isIn = false
    place.before = undefined
    place.after = undefined
    this.count -= 1
    return true
  }

  /** From the first on. What leaves meanwhile is not met any more; the one that was met last may leave. */
  *[Symbol.iterator](): Iterator<A> {
    for (let place = this.first; place !== undefined; ) {
      const { after } = place
      yield place.value
      place = place.isIn ? place.after : after
    }
  }
}
