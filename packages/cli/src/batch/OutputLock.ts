/**
 * One run at a time on an output: a file beside it names the process that writes there. It is taken over where that process
 * has ended, and it never waits.
 */
import { randomUUID } from "node:crypto"
import { link, readFile, rename, rm, writeFile } from "node:fs/promises"
import { hostname } from "node:os"

/** Who writes an output. */
interface Holder {
  readonly pid: number
  readonly host: string
  /** When it began, ISO 8601. */
  readonly since: string
  /** When the system started the process, in its own count; a later process with the same id has another. */
  readonly processStart: string | undefined
}

/** Another run writes the output; the message says which. */
export class Locked extends Error {
  override readonly name = "Locked"
}

/** How often a lock that goes while it is looked at is tried again. */
const maxTries = 20

/** How the system calls what a file system cannot do. */
const withoutLinks: ReadonlySet<string> = new Set(["EPERM", "ENOTSUP", "EOPNOTSUPP", "ENOSYS"])

const codeOf = (thrown: unknown): string =>
  thrown instanceof Error && "code" in thrown && typeof thrown.code === "string" ? thrown.code : ""

/** What Linux tells of a process: its state and when it started; undefined where there is no such file. */
const processFacts = async (pid: number): Promise<{ readonly state: string; readonly start: string } | undefined> => {
  const text = await readFile(`/proc/${pid}/stat`, "utf8").catch(() => "")
  // The name before it may hold anything, spaces and brackets too.
  const fields = text.slice(text.lastIndexOf(")") + 2).split(" ")
  const [state = ""] = fields
  return state === "" ? undefined : { state, start: fields[19] ?? "" }
}

const isRunning = async ({ host, pid, processStart }: Holder): Promise<boolean> => {
  // Nobody can tell from here.
  if (host !== hostname()) return true
  try {
    process.kill(pid, 0)
  } catch (thrown) {
    if (codeOf(thrown) === "ESRCH") return false
  }
  const facts = await processFacts(pid)
  if (facts === undefined) return true
  if (facts.state === "Z" || facts.state === "X") return false
  return processStart === undefined || processStart === facts.start
}

const holderOf = (text: string): Holder | undefined => {
  try {
    const value: Partial<Holder> = JSON.parse(text)
    const { host, pid, processStart, since } = value
    return typeof pid === "number" && typeof host === "string" && typeof since === "string"
      ? { pid, host, since, processStart }
      : undefined
  } catch {
    return undefined
  }
}

/** Makes a file with this text, unless it is there. */
const create = async (path: string, text: string): Promise<boolean> => {
  const own = `${path}.${randomUUID()}`
  try {
    // A link appears with its whole content, so that nobody reads half of it.
    await writeFile(own, text, { flag: "wx", mode: 0o644 })
    await link(own, path).catch((thrown: unknown) => {
      if (withoutLinks.has(codeOf(thrown))) return writeFile(path, text, { flag: "wx" })
      throw thrown
    })
    return true
  } catch (thrown) {
    if (codeOf(thrown) === "EEXIST") return false
    throw thrown
  } finally {
    await rm(own, { force: true })
  }
}

/** Takes away the lock of a process that has ended, unless it is another one by now. */
const removeStale = async (path: string, text: string): Promise<void> => {
  const aside = `${path}.${randomUUID()}`
  try {
    await rename(path, aside)
  } catch (thrown) {
    if (codeOf(thrown) === "ENOENT") return
    throw thrown
  }
  if ((await readFile(aside, "utf8")) !== text) await link(aside, path).catch(() => {})
  await rm(aside, { force: true })
}

/** Takes the lock of an output, and resolves with what gives it back. Rejects with `Locked` where another run has it. */
export const lockOutput = async (output: string): Promise<() => Promise<void>> => {
  const path = `${output}.lock`
  const holder: Holder = {
    pid: process.pid,
    host: hostname(),
    since: new Date().toISOString(),
    processStart: (await processFacts(process.pid))?.start,
  }
  const own = `${JSON.stringify({ ...holder, run: randomUUID() })}\n`
  for (let tries = 0; tries < maxTries; tries++) {
    if (await create(path, own)) {
      return async () => {
        if ((await readFile(path, "utf8").catch(() => "")) === own) await rm(path, { force: true })
      }
    }
    const text = await readFile(path, "utf8").catch(() => undefined)
    if (text === undefined) continue
    const other = holderOf(text)
    if (other === undefined) throw new Locked(`${path} names no process: remove it if no other run writes ${output}`)
    if (await isRunning(other)) {
      const where = other.host === holder.host ? "" : ` on ${other.host}`
      const remedy = where === "" ? "" : `; if it has ended, remove ${path}`
      throw new Locked(`process ${other.pid}${where} has been writing ${output} since ${other.since}${remedy}`)
    }
    await removeStale(path, text)
  }
  throw new Locked(`${path} comes and goes: other runs write ${output}`)
}
