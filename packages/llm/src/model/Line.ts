/**
 * What is under way or waits, in the order in which it came; any of it may leave. A list and no `Set`: each table that a
 * `Set` outgrows points to the next one, so that a garbage collector keeps what was in it long after it has left.
 */

/** A place in a line. */
export interface Standing<A> {
  readonly value: A
  before: Standing<A> | undefined
  after: Standing<A> | undefined
}

export class Line<A> implements Iterable<A> {
  private first: Standing<A> | undefined
  private last: Standing<A> | undefined
  private count = 0

  get size(): number {
    return this.count
  }

  /** Stands at the end. */
  add(value: A): Standing<A> {
    const before = this.last
    const place: Standing<A> = { value, before, after: undefined }
    if (before === undefined) this.first = place
    else before.after = place
    this.last = place
    this.count += 1
    return place
  }

  /** False once it has left. */
  has(place: Standing<A>): boolean {
    return place.before !== undefined || this.first === place
  }

  /** Leaves, wherever it stands. False where it has left before. */
  remove(place: Standing<A>): boolean {
    if (!this.has(place)) return false
    const { after, before } = place
    if (before === undefined) this.first = after
    else before.after = after
    if (after === undefined) this.last = before
    else after.before = before
    place.before = undefined
    place.after = undefined
    this.count -= 1
    return true
  }

  /** The first leaves; undefined where nobody stands. */
  shift(): A | undefined {
    const { first } = this
    if (first === undefined) return undefined
    this.remove(first)
    return first.value
  }

  /** Who stands first. */
  get head(): A | undefined {
    return this.first?.value
  }

  /** From the first on. Nobody may leave meanwhile. */
  *[Symbol.iterator](): Iterator<A> {
    for (let place = this.first; place !== undefined; place = place.after) yield place.value
  }
}
