/**
 * What Ctrl-C, SIGTERM and a closed stdout end: the innermost work that asked for it (an answer of a chat), or else the
 * command. A second Ctrl-C while the command ends exits at once.
 */
import { ExitCode } from "./ExitCode.ts"

type Stop = () => void

const inner: Array<Stop> = []
let endedBy: "SIGINT" | "SIGTERM" | "stdout" | undefined

/** Until the returned function is called, SIGINT calls `stop` and the command goes on. */
export const onInterrupt = (stop: Stop): (() => void) => {
  inner.push(stop)
  return () => {
    const at = inner.lastIndexOf(stop)
    if (at !== -1) inner.splice(at, 1)
  }
}

/** Interrupts as the signal does: for a terminal in raw mode, where Ctrl-C is a key. */
export const interrupt = (end: Stop): void => {
  const stop = inner.at(-1)
  if (stop === undefined) end()
  else stop()
}

/** True where the command ends because nobody reads its stdout any more. */
export const isOutputClosed = (): boolean => endedBy === "stdout"

/** The exit code of a command that was interrupted. */
export const exitCode = (): number => (endedBy === "SIGTERM" ? ExitCode.terminated : ExitCode.interrupted)

/** Listens until the returned function is called; `end` interrupts the command. */
export const install = (end: Stop): (() => void) => {
  const sigint = () => {
    if (inner.length === 0) {
      if (endedBy !== undefined) process.exit(ExitCode.interrupted)
      endedBy = "SIGINT"
    }
    interrupt(end)
  }
  const sigterm = () => {
    endedBy = "SIGTERM"
    end()
  }
  const closed = () => {
    endedBy = "stdout"
    end()
  }
  process.on("SIGINT", sigint)
  process.on("SIGTERM", sigterm)
  process.stdout.on("error", closed)
  return () => {
    process.removeListener("SIGINT", sigint)
    process.removeListener("SIGTERM", sigterm)
  }
}
