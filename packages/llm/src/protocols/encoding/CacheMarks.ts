/**
 * The places up to which a conversation is to be cached: collected while it is written, chosen at the end. It knows how
 * many a service takes and how long it keeps them only from who asks.
 */
import type { CacheMark, CacheLifetime } from "../../model/LlmRequest.ts"

type Block = Record<string, unknown>

/** Lifetimes in their order. */
const lifetimes: ReadonlyArray<CacheLifetime["ttl"]> = ["5m", "30m", "1h", "12h"]

/** A block that is marked, and how long it is kept; undefined where the service's own time will do. */
export interface Marked {
  readonly block: Block
  readonly ttl: CacheLifetime["ttl"] | undefined
}

export class CacheMarks {
  /** None where nothing is marked, as in most conversations. */
  private marks: Map<Block, CacheMark> | undefined = undefined

  /** Marks a block. Of two marks the longer one counts. */
  add(block: Block | undefined, mark: CacheMark | undefined): void {
    if (block === undefined || mark === undefined) return
    const marks = (this.marks ??= new Map())
    const before = marks.get(block)
    if (before === undefined || before === true || longer(mark, before)) marks.set(block, mark)
  }

  /** True where nothing is marked. */
  get isEmpty(): boolean {
    return this.marks === undefined
  }

  /** The marked ones of these blocks, in their order. */
  among(blocks: ReadonlyArray<Block>): ReadonlyArray<Marked> {
    return blocks.flatMap((block) => {
      const mark = this.marks?.get(block)
      return mark === undefined ? [] : [{ block, ttl: mark === true ? undefined : mark.ttl }]
    })
  }
}

const longer = (mark: CacheMark, than: CacheLifetime): boolean =>
  mark !== true && lifetimes.indexOf(mark.ttl) > lifetimes.indexOf(than.ttl)

/**
 * As many as a service takes: the first, whose beginning changes least, and the last ones, which cover most. Each is kept at
 * least as long as every later one, whose beginning it is: services refuse a longer time after a shorter one.
 */
export const chosenMarks = (marked: ReadonlyArray<Marked>, most: number): ReadonlyArray<Marked> => {
  const kept = marked.length <= most ? marked : [...marked.slice(0, 1), ...marked.slice(1 - most)]
  let longest: Marked["ttl"] = undefined
  const chosen: Array<Marked> = []
  for (const { block, ttl } of kept.toReversed()) {
    if (ttl !== undefined && (longest === undefined || lifetimes.indexOf(ttl) > lifetimes.indexOf(longest)))
      longest = ttl
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
