/**
 * The moment at which a call got its first permit, or began its first attempt: a queue ends there, and a deadline may begin.
 * Each asking under a limit of its own has its own; it tells the one around it, and never the other way round.
 */
export class FirstPermit {
  private readonly outer: FirstPermit | undefined
  private at: number | undefined
  private listeners: Set<(cameMs: number) => void> | undefined

  constructor(outer?: FirstPermit) {
    this.outer = outer
  }

  /** Monotonic milliseconds; undefined while it has not come. */
  get atMs(): number | undefined {
    return this.at
  }

  /** Notes the first permit; later ones change nothing. */
  came(nowMs: number): void {
    this.outer?.came(nowMs)
    if (this.at !== undefined) return
    this.at = nowMs
    const { listeners } = this
    this.listeners = undefined
    if (listeners !== undefined) for (const listener of listeners) listener(nowMs)
  }

  /** Calls `listener` with the time of the first permit, unless the function that it returns is called before. */
  whenCome(listener: (cameMs: number) => void): () => void {
    const listeners = (this.listeners ??= new Set())
    listeners.add(listener)
    return () => listeners.delete(listener)
  }
}
