/** A PostgreSQL of its own, on a random port of the loopback interface, whose data goes when it ends. */
import { type ChildProcess, spawn, spawnSync } from "node:child_process"
import { once } from "node:events"
import { chownSync, mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { freePort, postgresBinaries } from "./Binaries.ts"

/** PostgreSQL refuses to run as root: then it runs as the user that Debian's package has made. */
const user = (): { readonly uid: number; readonly gid: number } | undefined => {
  if (process.getuid?.() !== 0) return undefined
  const id = (flag: string) => Number(spawnSync("id", [flag, "postgres"], { encoding: "utf8" }).stdout)
  return { uid: id("-u"), gid: id("-g") }
}

/** A server that can be stopped and started again with its data. */
export class PostgresServer implements AsyncDisposable {
  readonly port: number
  private readonly bin: string
  private readonly folder = mkdtempSync(join(tmpdir(), "postgres-"))
  private readonly owner = user()
  private child: ChildProcess | undefined

  private constructor(bin: string, port: number) {
    this.bin = bin
    this.port = port
  }

  /** With `settings` such as `fsync=on`; by default it does not wait for the disk. */
  static async start(...settings: ReadonlyArray<string>): Promise<PostgresServer> {
    if (postgresBinaries === undefined) throw new Error("postgresql is not installed")
    const server = new PostgresServer(postgresBinaries, await freePort())
    if (server.owner !== undefined) chownSync(server.folder, server.owner.uid, server.owner.gid)
    const { status, stderr } = spawnSync(
      join(server.bin, "initdb"),
      ["-D", server.folder, "-U", "postgres", "--auth=trust", "--no-sync", "-E", "UTF8", "--locale=C"],
      { ...server.owner, cwd: tmpdir(), encoding: "utf8" },
    )
    if (status !== 0) throw new Error(`initdb failed: ${stderr}`)
    await server.up(...settings)
    return server
  }

  get url(): string {
    return `postgres://postgres@127.0.0.1:${this.port}/postgres`
  }

  async up(...settings: ReadonlyArray<string>): Promise<void> {
    const given = [
      "listen_addresses=127.0.0.1",
      "unix_socket_directories=",
      "fsync=off",
      "max_connections=200",
      ...settings,
    ].flatMap((setting) => ["-c", setting])
    const child = spawn(join(this.bin, "postgres"), ["-D", this.folder, "-p", `${this.port}`, ...given], {
      ...this.owner,
      cwd: tmpdir(),
      stdio: ["ignore", "ignore", "pipe"],
    })
    this.child = child
    // A test that is given up must not leave it behind.
    process.once("exit", () => child.kill("SIGQUIT"))
    let told = ""
    child.stderr.setEncoding("utf8").on("data", (text: string) => {
      told = `${told}${text}`.slice(-4000)
    })
    const ended = once(child, "exit")
    while (!told.includes("ready to accept connections")) {
      if (child.exitCode !== null) throw new Error(`postgres did not start: ${told}`)
      await Promise.race([once(child.stderr, "data"), ended])
    }
  }

  /** Ends it at once, as a crash does, its connections included. */
  async kill(): Promise<void> {
    const { child } = this
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return
    const ended = once(child, "exit")
    child.kill("SIGQUIT")
    await ended
  }

  /** The rows of one statement, one line each. */
  query(statement: string): ReadonlyArray<string> {
    const args = ["-h", "127.0.0.1", "-p", `${this.port}`, "-U", "postgres", "-At", "-c", statement]
    const { status, stderr, stdout } = spawnSync(join(this.bin, "psql"), args, { cwd: tmpdir(), encoding: "utf8" })
    if (status !== 0) throw new Error(stderr)
    return stdout.split("\n").filter((line) => line !== "")
  }

  /** Runs statements that may have to wait for a transaction of this process, which goes on meanwhile. */
  async change(statements: string): Promise<void> {
    const args = ["-h", "127.0.0.1", "-p", `${this.port}`, "-U", "postgres", "-v", "ON_ERROR_STOP=1", "-qc", statements]
    const child = spawn(join(this.bin, "psql"), args, { cwd: tmpdir(), stdio: ["ignore", "ignore", "inherit"] })
    const [code] = await once(child, "close")
    if (code !== 0) throw new Error(`psql ended with ${code}`)
  }

  /** Its process, whose backends are its children. */
  get pid(): number {
    return this.child?.pid ?? 0
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.kill()
    rmSync(this.folder, { recursive: true, force: true })
  }
}
