/**
 * TLS in front of a loopback server, with a self-signed certificate for `localhost` and 127.0.0.1. The key is of no use
 * anywhere else; no machine trusts it.
 */
import { readFileSync } from "node:fs"
import { once } from "node:events"
import { type AddressInfo, connect } from "node:net"
import { createServer, getCACertificates, setDefaultCACertificates } from "node:tls"
import { fileURLToPath } from "node:url"
import * as Effect from "effect/Effect"

export const certificateFile = fileURLToPath(new URL("localhost.crt", import.meta.url))
export const certificate = readFileSync(certificateFile, "utf8")
export const key = readFileSync(new URL("localhost.key", import.meta.url), "utf8")

/** Lets this process trust the certificate until the end of the scope. */
export const trusted = Effect.acquireRelease(
  Effect.sync(() => {
    const before = getCACertificates("default")
    setDefaultCACertificates([...before, certificate])
    return before
  }),
  (before) => Effect.sync(() => setDefaultCACertificates(before)),
)

/** Takes TLS connections and carries what is inside to the server at this URL. Gives its own URL. */
export const tlsFront = (url: string) =>
  Effect.map(
    Effect.acquireRelease(
      Effect.promise(async () => {
        const { port } = new URL(url)
        const server = createServer({ cert: certificate, key }, (inside) => {
          const behind = connect(Number(port), "127.0.0.1")
          for (const socket of [inside, behind]) {
            socket.on("error", () => {
              inside.destroy()
              behind.destroy()
            })
            socket.on("close", () => {
              inside.destroy()
              behind.destroy()
            })
          }
          inside.pipe(behind)
          behind.pipe(inside)
        })
        server.on("tlsClientError", () => undefined)
        await once(server.listen(0, "127.0.0.1"), "listening")
        return server
      }),
      (server) => Effect.sync(() => server.close()),
    ),
    (server) => `https://localhost:${(server.address() as AddressInfo).port}`,
  )
