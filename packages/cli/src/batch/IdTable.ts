/**
 * Which lines there are and how they stand, by their ids. It holds no id, only 64 bits of its hash, and 32 of its request's:
 * 21 bytes a line, so that a million lines take some 44 MB. Two ids with the same 64 bits would be taken for one: among a million, once in 10 million
 * runs.
 */
import { hash } from "node:crypto"

/** A line's place, for as long as the table does not grow. */
type Slot = number

/** How a line stands: it has no answer, one that failed, or one that is whole. */
export type Standing = "open" | "failed" | "answered"

const standings: ReadonlyArray<Standing> = ["open", "failed", "answered"]

/** Set where the input of this run has had the id. */
const seenBit = 4

const firstCapacity = 1024

/** 32 bits of a hash in hexadecimal digits, never 0. */
const bitsOf = (requestHash: string): number => Number.parseInt(requestHash.slice(0, 8), 16) || 1

export class IdTable {
  private capacity = firstCapacity
  /** 0 where a slot is free; the hash's own 0 is read as 1. */
  private high = new Uint32Array(firstCapacity)
  private low = new Uint32Array(firstCapacity)
  private states = new Uint8Array(firstCapacity)
  private places = new Float64Array(firstCapacity)
  /** 0 where the request is not known. */
  private requests = new Uint32Array(firstCapacity)
  private used = 0

  /** How many ids there are. */
  get size(): number {
    return this.used
  }

  /** How the line with this id stands, and where its answer begins in the journal: -1 where it is not there. */
  find(id: string): { readonly standing: Standing; readonly place: number } {
    const slot = this.slotOf(id)
    return { standing: standings[(this.states[slot] ?? 0) & 3] ?? "open", place: this.places[slot] ?? -1 }
  }

  /** Notes how a line stands, and the hash of its request where it is known. */
  set(id: string, standing: Standing, place = -1, requestHash?: string): void {
    const slot = this.slotOf(id)
    if (requestHash !== undefined) this.requests[slot] = bitsOf(requestHash)
    this.states[slot] = ((this.states[slot] ?? 0) & seenBit) | standings.indexOf(standing)
    this.places[slot] = place
  }

  /** True where the line with this id is known to have had another request. */
  differs(id: string, requestHash: string): boolean {
    const known = this.requests[this.slotOf(id)] ?? 0
    return known !== 0 && known !== bitsOf(requestHash)
  }

  /** Notes that the input has this id; false where it has had it before. */
  see(id: string): boolean {
    const slot = this.slotOf(id)
    const state = this.states[slot] ?? 0
    this.states[slot] = state | seenBit
    return (state & seenBit) === 0
  }

  /** The slot of an id, a new one where it has none. */
  private slotOf(id: string): Slot {
    if (this.used * 2 >= this.capacity) this.grow()
    const digest = hash("sha256", id, "buffer")
    const high = digest.readUInt32LE(0) || 1
    const low = digest.readUInt32LE(4)
    const slot = this.place(high, low)
    if (this.high[slot] === 0) {
      this.high[slot] = high
      this.low[slot] = low
      this.places[slot] = -1
      this.used += 1
    }
    return slot
  }

  /** Where a hash stands, or would. */
  private place(high: number, low: number): Slot {
    const mask = this.capacity - 1
    let slot = low & mask
    while (this.high[slot] !== 0 && (this.high[slot] !== high || this.low[slot] !== low)) slot = (slot + 1) & mask
    return slot
  }

  private grow(): void {
    const { high, low, places, requests, states } = this
    this.capacity *= 2
    this.high = new Uint32Array(this.capacity)
    this.low = new Uint32Array(this.capacity)
    this.states = new Uint8Array(this.capacity)
    this.places = new Float64Array(this.capacity)
    this.requests = new Uint32Array(this.capacity)
    for (const [old, value] of high.entries()) {
      if (value === 0) continue
      const slot = this.place(value, low[old] ?? 0)
      this.high[slot] = value
      this.low[slot] = low[old] ?? 0
      this.states[slot] = states[old] ?? 0
      this.places[slot] = places[old] ?? -1
      this.requests[slot] = requests[old] ?? 0
    }
  }
}
