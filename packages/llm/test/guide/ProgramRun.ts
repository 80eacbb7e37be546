/**
 * Runs a program as a user would: in a process of its own, in a fresh folder, with nothing in its environment but what
 * the sentence under test names. The program must end by itself.
 */
import { spawn } from "node:child_process"
import { once } from "node:events"
import { mkdtemp, rm, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { text } from "node:stream/consumers"

export type Environment = Readonly<Record<string, string>>

/** What a program printed, and how it ended. */
export interface Ended {
  readonly stdout: string
  readonly stderr: string
  readonly code: number | null
}

export interface ProgramOptions {
  readonly environment?: Environment
  /** Files of its folder, by name. */
  readonly files?: Readonly<Record<string, string>>
  readonly args?: ReadonlyArray<string>
  /** Flags of Node itself; the library's source by default. */
  readonly nodeFlags?: ReadonlyArray<string>
}

/** Runs a TypeScript or JavaScript file to its end. */
export const runProgram = async (file: string, options: ProgramOptions = {}): Promise<Ended> => {
  const folder = await mkdtemp(join(tmpdir(), "guide-"))
  try {
    for (const [name, content] of Object.entries(options.files ?? {})) await writeFile(join(folder, name), content)
    const flags = options.nodeFlags ?? ["--conditions=@wiseflow/source"]
    const child = spawn(process.execPath, [...flags, file, ...(options.args ?? [])], {
      cwd: folder,
      env: { ...options.environment },
      stdio: ["ignore", "pipe", "pipe"],
      timeout: 30_000,
      killSignal: "SIGKILL",
    })
    const [stdout, stderr] = await Promise.all([text(child.stdout), text(child.stderr), once(child, "close")])
    return { stdout, stderr, code: child.exitCode }
  } finally {
    await rm(folder, { recursive: true })
  }
}
