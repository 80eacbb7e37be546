/**
 * Refuses a process every address but 127.0.0.1. Imported before a client is, so that no library can report, update or call
 * anything outside while it is measured.
 */
import dns from "node:dns"
import net from "node:net"

const refuse = (what: string): never => {
  throw new Error(`The bench allows no connection but to 127.0.0.1, and was asked for ${what}.`)
}

const hostOf = (args: ReadonlyArray<unknown>): string => {
  const [first, second] = args
  if (Array.isArray(first)) return hostOf(first)
  if (typeof first === "object" && first !== null) {
    if ("path" in first && first.path !== undefined && first.path !== null) return String(first.path)
    return "host" in first ? String(first.host) : "localhost"
  }
  return typeof second === "string" ? second : "localhost"
}

const connect = Reflect.get(net.Socket.prototype, "connect") as (
  this: net.Socket,
  ...args: Array<unknown>
) => net.Socket

Reflect.set(net.Socket.prototype, "connect", function (this: net.Socket, ...args: Array<unknown>) {
  const host = hostOf(args)
  return host === "127.0.0.1" ? connect.apply(this, args) : refuse(host)
})
Reflect.set(dns, "lookup", (name: string) => refuse(name))
Reflect.set(dns.promises, "lookup", (name: string) => refuse(name))
