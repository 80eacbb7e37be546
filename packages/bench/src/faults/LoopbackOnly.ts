/** Loaded before everything else in a client's process: a connection to anything but this machine is an error. */
import { Socket } from "node:net"

const loopback = new Set(["127.0.0.1", "localhost", "::1"])

/** The host of a call to `connect`; Node itself passes its arguments as one array. */
const hostOf = (parameters: ReadonlyArray<unknown>): string => {
  const [first, second] = Array.isArray(parameters[0]) ? (parameters[0] as ReadonlyArray<unknown>) : parameters
  if (typeof first === "object" && first !== null && "host" in first) return String(first.host)
  return typeof second === "string" ? second : "localhost"
}

const connect = Socket.prototype.connect
Object.assign(Socket.prototype, {
  connect(this: Socket, ...parameters: ReadonlyArray<unknown>): Socket {
    const host = hostOf(parameters)
    if (loopback.has(host)) return Reflect.apply(connect, this, parameters) as Socket
    return this.destroy(new Error(`Only loopback may be reached; "${host}" was asked for.`))
  },
})
