/**
 * The places up to which a conversation is to be cached: collected while it is written, chosen at the end. It knows how
 * many a service takes and how long it keeps them only from who asks.
 */
import type { CacheMark, CacheLifetime } from "../../model/LlmRequest.ts"

type Block = Record<string, unknown>
type Ttl = CacheLifetime["ttl"] | undefined

/** Lifetimes in their order, the service's own first. */
const lifetimes: ReadonlyArray<Ttl> = [undefined, "5m", "30m", "1h", "12h"]

/** The longer one of two lifetimes. */
const longer = (one: Ttl, other: Ttl): Ttl => (lifetimes.indexOf(other) > lifetimes.indexOf(one) ? other : one)

/** A block that is marked, and how long it is kept; undefined where the service's own time will do. */
export interface Marked {
  readonly block: Block
  readonly ttl: Ttl
}

export class CacheMarks {
  /** Absent where nothing is marked, as in most conversations. */
  private marks: Map<Block, Ttl> | undefined = undefined

  /** Marks a block. Of two marks the longer one counts. */
  add(block: Block | undefined, mark: CacheMark | undefined): void {
    if (block === undefined || mark === undefined) return
    const marks = (this.marks ??= new Map())
    marks.set(block, longer(marks.get(block), mark === true ? undefined : mark.ttl))
  }

  /** True where nothing is marked. */
  get isEmpty(): boolean {
    return this.marks === undefined
  }

  /** The marked ones of these blocks, in their order. */
  among(blocks: ReadonlyArray<Block>): ReadonlyArray<Marked> {
    const { marks } = this
    if (marks === undefined) return []
    return blocks.flatMap((block) => (marks.has(block) ? [{ block, ttl: marks.get(block) }] : []))
  }
}

/**
 * As many as a service takes: the first, whose beginning changes least, and the last ones, which cover most. Each is kept at
 * least as long as every later one, whose beginning it is: services refuse a longer time after a shorter one.
 */
export const chosenMarks = (marked: ReadonlyArray<Marked>, most: number): ReadonlyArray<Marked> => {
  const kept = marked.length <= most ? marked : [...marked.slice(0, 1), ...marked.slice(1 - most)]
  let longest: Ttl = undefined
  const chosen: Array<Marked> = []
  for (const { block, ttl } of kept.toReversed()) {
    longest = longer(longest, ttl)
    chosen.unshift({ block, ttl: longest })
  }
  return chosen
}

/** What is said of marks that a service does not take. */
export const droppedMarks = (count: number, most: number): string =>
  `${count} cache marks were dropped: the service takes ${most} a request`

/** The shortest of a service's lifetimes that is long enough, or its longest. */
export const lifetimeAmong = (
  ttl: CacheLifetime["ttl"],
  known: ReadonlyArray<CacheLifetime["ttl"]>,
): CacheLifetime["ttl"] | undefined =>
  known.find((one) => lifetimes.indexOf(one) >= lifetimes.indexOf(ttl)) ?? known.at(-1)
