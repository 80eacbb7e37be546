/** A program of `test/programs` in a process of its own. */
import { spawn } from "node:child_process"
import { once } from "node:events"
import { fileURLToPath } from "node:url"

export interface Program {
  /** Until the program has said it, or has ended. */
  readonly said: (text: string) => Promise<void>
  readonly tell: (line: string) => void
  readonly pid: number
  readonly output: () => string
  readonly ended: Promise<number | null>
  readonly kill: (signal: NodeJS.Signals) => void
}

export const program = (name: string, args: ReadonlyArray<string>): Program => {
  const path = fileURLToPath(new URL(`../programs/${name}.ts`, import.meta.url))
  const child = spawn(process.execPath, ["--conditions=@wiseflow/source", path, ...args], {
    stdio: ["pipe", "pipe", "inherit"],
  })
  let output = ""
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    output += text
  })
  // A process that was killed reads no more.
  child.stdin.on("error", () => {})
  const ended = once(child, "close").then(([code]) => (typeof code === "number" ? code : null))
  return {
    said: async (text) => {
      while (!output.includes(text) && child.exitCode === null && child.signalCode === null) {
        await Promise.race([once(child.stdout, "data"), ended])
      }
    },
    tell: (line) => void child.stdin.write(`${line}\n`),
    pid: child.pid ?? 0,
    output: () => output,
    ended,
    kill: (signal) => void child.kill(signal),
  }
}
