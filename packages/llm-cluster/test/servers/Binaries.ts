/** The servers that tests start, where Debian's packages have put them. It installs nothing. */
import { spawnSync } from "node:child_process"
import { existsSync, readdirSync } from "node:fs"
import { createServer } from "node:net"
import { join } from "node:path"

const found = (name: string): string | undefined => {
  const { status, stdout } = spawnSync("sh", ["-c", `command -v ${name}`], { encoding: "utf8" })
  return status === 0 ? stdout.trim() : undefined
}

const debian = "/usr/lib/postgresql"

const postgresFolder = (): string | undefined => {
  if (!existsSync(debian)) return undefined
  const versions = readdirSync(debian).sort((a, b) => Number(b) - Number(a))
  return versions.map((version) => join(debian, version, "bin")).find((bin) => existsSync(join(bin, "initdb")))
}

/** `redis-server`, or undefined. */
export const redisBinary = found("redis-server")

/** The folder of `initdb` and `postgres`, or undefined. */
export const postgresBinaries = postgresFolder()

/** Why tests with these servers cannot run here, or undefined. */
export const missing = (...servers: ReadonlyArray<"redis" | "postgres">): string | undefined => {
  const absent = servers.filter((server) => (server === "redis" ? redisBinary : postgresBinaries) === undefined)
  if (absent.length === 0) return undefined
  return `not installed: ${absent.join(", ")} (Debian: apt-get install redis-server postgresql)`
}

/** A port of the loopback interface that nothing listens on at this moment. */
export const freePort = (): Promise<number> =>
  new Promise((resolve, reject) => {
    const server = createServer()
    server.once("error", reject)
    server.listen(0, "127.0.0.1", () => {
      const address = server.address()
      server.close(() => (address !== null && typeof address === "object" ? resolve(address.port) : reject(address)))
    })
  })
