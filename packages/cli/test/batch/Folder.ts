/** A folder in which the command runs several times, and what stands in its files. */
import { spawn } from "node:child_process"
import { once } from "node:events"
import { readFileSync } from "node:fs"
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { text } from "node:stream/consumers"

const main = new URL("../../src/main.ts", import.meta.url).pathname

export interface Ended {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

export interface Folder extends AsyncDisposable {
  readonly write: (name: string, lines: ReadonlyArray<unknown>) => Promise<void>
  /** The lines of a file as JSON. */
  readonly read: (name: string) => Promise<ReadonlyArray<Record<string, unknown>>>
  readonly text: (name: string) => Promise<string>
  readonly names: () => Promise<ReadonlyArray<string>>
  /** Starts the command, and resolves once it has ended. `stdin` is a file of the folder. */
  readonly run: (args: ReadonlyArray<string>, stdin?: string) => Promise<Ended>
  /** Starts the command; `kill` ends it and waits for that. */
  readonly start: (args: ReadonlyArray<string>) => {
    readonly pid: number | undefined
    readonly ended: Promise<Ended>
    readonly kill: (signal: NodeJS.Signals) => Promise<Ended>
  }
}

export const folder = async (environment: Readonly<Record<string, string>>): Promise<Folder> => {
  const path = await mkdtemp(join(tmpdir(), "batch-"))
  const start = (args: ReadonlyArray<string>, stdin?: string) => {
    const child = spawn(process.execPath, ["--conditions=@wiseflow/source", main, ...args], {
      cwd: path,
      env: { ...environment },
      timeout: 120_000,
      killSignal: "SIGKILL",
    })
    child.stdin.on("error", () => {})
    child.stdin.end(stdin === undefined ? "" : readFileSync(join(path, stdin)))
    const ended = Promise.all([text(child.stdout), text(child.stderr), once(child, "close")]).then(
      ([stdout, stderr]) => ({ stdout, stderr, code: child.exitCode }),
    )
    const kill = (signal: NodeJS.Signals) => {
      child.kill(signal)
      return ended
    }
    return { pid: child.pid, ended, kill }
  }
  return {
    write: (name, lines) =>
      writeFile(
        join(path, name),
        lines.map((line) => `${typeof line === "string" ? line : JSON.stringify(line)}\n`).join(""),
      ),
    read: async (name) =>
      (await readFile(join(path, name), "utf8"))
        .split("\n")
        .filter((line) => line !== "")
        .map((line) => JSON.parse(line)),
    text: (name) => readFile(join(path, name), "utf8"),
    names: () => readdir(path),
    run: (args, stdin) => start(args, stdin).ended,
    start,
    [Symbol.asyncDispose]: () => rm(path, { recursive: true }),
  }
}

/** Waits until `isSo`; tests that use it fail by their own time limit. */
export const until = async (isSo: () => boolean | Promise<boolean>): Promise<void> => {
  while (!(await isSo())) await new Promise((resolve) => setTimeout(resolve, 5))
}
