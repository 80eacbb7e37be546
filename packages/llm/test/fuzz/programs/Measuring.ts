/**
 * The longest block of the event loop while something is done: of each turn the time that it took, and no more than the CPU
 * that it took, which other programs of the machine do not add to. It knows nothing of what is done.
 */
import { setImmediate as nextTurn } from "node:timers/promises"

/** One row of what is printed. */
export interface Block {
  readonly name: string
  readonly blockMs: number
  /** What came of it, in a few words. */
  readonly told: string
}

/** Watches every turn until it is told to stop, and says which was the longest, in milliseconds. */
const watch = (): (() => number) => {
  let longestMs = 0
  let startMs = performance.now()
  let cpu = process.threadCpuUsage()
  let waiting: NodeJS.Immediate | undefined
  const turn = (): void => {
    const { system, user } = process.threadCpuUsage(cpu)
    const nowMs = performance.now()
    longestMs = Math.max(longestMs, Math.min(nowMs - startMs, (system + user) / 1000))
    startMs = performance.now()
    cpu = process.threadCpuUsage()
    waiting = setImmediate(turn)
  }
  turn()
  return () => {
    clearImmediate(waiting)
    turn()
    clearImmediate(waiting)
    return longestMs
  }
}

/** The shortest of three: what else the machine does only adds. `act` says what came of it. */
export const measure = async (name: string, act: () => Promise<string>): Promise<Block> => {
  let blockMs = Infinity
  let told = ""
  for (let run = 0; run < 3; run++) {
    await nextTurn()
    const longest = watch()
    await nextTurn()
    told = await act()
    await nextTurn()
    blockMs = Math.min(blockMs, longest())
  }
  return { name, blockMs, told }
}

/** Prints the longest of them. */
export const print = (blocks: ReadonlyArray<Block>, bytes: string): void => {
  const longest = blocks.toSorted((left, right) => right.blockMs - left.blockMs)
  for (const { blockMs, name, told } of longest.slice(0, 30)) {
    process.stdout.write(`${blockMs.toFixed(1).padStart(7)} ms  ${name.padEnd(72)} ${told}\n`)
  }
  process.stdout.write(`${blocks.length} rows of ${bytes} bytes, each done three times\n`)
}
