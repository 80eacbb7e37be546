/** The command in a process of its own: what it is given, and what it printed. */
import { spawn, spawnSync } from "node:child_process"
import { once } from "node:events"
import { mkdtemp, rm, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { text } from "node:stream/consumers"

export interface Given {
  readonly environment?: Readonly<Record<string, string>>
  /** Files of the folder in which it runs, by name. */
  readonly files?: Readonly<Record<string, string | Uint8Array>>
  /** What is written to stdin before it is closed; */
  readonly stdin?: string
  /** Leaves stdin open, as a program does that starts the command and forgets its pipe. */
  readonly keepsStdinOpen?: boolean
  /** Called with each piece of stderr; what it returns is sent as a signal. */
  readonly signalOn?: (stderr: string) => NodeJS.Signals | undefined
}

export interface Printed {
  readonly stdout: string
  readonly stderr: string
  readonly code: number | null
}

const main = new URL("../src/main.ts", import.meta.url).pathname

/** Runs the command to its end, in a fresh folder, with nothing in its environment but what is given. */
export const command = async (args: ReadonlyArray<string>, given: Given = {}): Promise<Printed> => {
  const folder = await mkdtemp(join(tmpdir(), "command-"))
  try {
    for (const [name, content] of Object.entries(given.files ?? {})) await writeFile(join(folder, name), content)
    const child = spawn(process.execPath, ["--conditions=@wiseflow/source", main, ...args], {
      cwd: folder,
      env: { ...given.environment },
      timeout: 30_000,
      killSignal: "SIGKILL",
    })
    if (given.keepsStdinOpen !== true) child.stdin.end(given.stdin ?? "")
    child.stderr.on("data", (piece: Buffer) => {
      const signal = given.signalOn?.(piece.toString())
      if (signal !== undefined) child.kill(signal)
    })
    const [stdout, stderr] = await Promise.all([text(child.stdout), text(child.stderr), once(child, "close")])
    return { stdout, stderr, code: child.exitCode }
  } finally {
    await rm(folder, { recursive: true })
  }
}

/** The command on a terminal of `columns` columns: what the terminal got, escape sequences included. Needs `script`. */
export const onTerminal = async (
  args: ReadonlyArray<string>,
  columns: number,
  given: Pick<Given, "environment"> & {
    /** Called with all that the terminal got so far; what it returns is typed. */
    readonly types?: (shown: string) => string | undefined
  } = {},
): Promise<Printed> => {
  const line = [process.execPath, "--conditions=@wiseflow/source", main, ...args].map((arg) => `'${arg}'`).join(" ")
  const child = spawn("script", ["-qec", `stty cols ${columns} rows 30; exec ${line}`, "/dev/null"], {
    env: { PATH: process.env["PATH"] ?? "", TERM: "xterm", ...given.environment },
    timeout: 30_000,
    killSignal: "SIGKILL",
  })
  let shown = ""
  child.stdout.on("data", (piece: Buffer) => {
    shown += piece.toString()
    const keys = given.types?.(shown)
    if (keys !== undefined) child.stdin.write(keys)
  })
  const [stdout, stderr] = await Promise.all([text(child.stdout), text(child.stderr), once(child, "close")])
  child.stdin.end()
  return { stdout, stderr, code: child.exitCode }
}

/** Whether this machine has `script` (util-linux), which opens terminals for tests. */
export const hasTerminals = spawnSync("script", ["-qec", "true", "/dev/null"]).status === 0
