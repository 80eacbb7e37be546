/** A Redis of its own, on a random port of the loopback interface, in memory alone. */
import { type ChildProcess, spawn } from "node:child_process"
import { once } from "node:events"
import { mkdtempSync, rmSync } from "node:fs"
import { connect } from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { setTimeout as after } from "node:timers/promises"
import { freePort, redisBinary } from "./Binaries.ts"

/** The beginning of a server's answer to a command, or nothing where there is no server. */
const ask = (port: number, command: string): Promise<string> =>
  new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1")
    socket.once("connect", () => socket.write(`${command}\r\n`))
    socket.once("data", (data) => {
      socket.destroy()
      resolve(data.toString())
    })
    socket.once("error", () => resolve(""))
  })

/** A server that can be stopped, slowed and started again at the same address. */
export class RedisServer implements AsyncDisposable {
  readonly port: number
  private readonly folder = mkdtempSync(join(tmpdir(), "redis-"))
  private child: ChildProcess | undefined

  private constructor(port: number) {
    this.port = port
  }

  static async start(): Promise<RedisServer> {
    const server = new RedisServer(await freePort())
    await server.up()
    return server
  }

  get url(): string {
    return `redis://127.0.0.1:${this.port}`
  }

  async up(): Promise<void> {
    if (redisBinary === undefined) throw new Error("redis-server is not installed")
    const settings = ["--port", `${this.port}`, "--bind", "127.0.0.1", "--save", "", "--dir", this.folder]
    this.child = spawn(redisBinary, settings, { stdio: "ignore" })
    for (let tries = 0; tries < 200; tries++) {
      if ((await ask(this.port, "PING")).startsWith("+PONG")) return
      await after(25)
    }
    throw new Error("redis-server did not start within 5 s")
  }

  /** How many scripts it has run. */
  async scripts(): Promise<number> {
    return Number(/cmdstat_evalsha:calls=(\d+)/.exec(await ask(this.port, "INFO commandstats"))?.[1] ?? 0)
  }

  /** A signal to the server: `SIGSTOP` makes it silent with its connections open. */
  signal(name: NodeJS.Signals): void {
    this.child?.kill(name)
  }

  /** Ends it at once, as a crash does. */
  async kill(): Promise<void> {
    const { child } = this
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return
    const ended = once(child, "exit")
    child.kill("SIGKILL")
    await ended
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.kill()
    rmSync(this.folder, { recursive: true, force: true })
  }
}
