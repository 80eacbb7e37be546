/**
 * The loopback upstream that every client is measured against: Chat Completions and Anthropic Messages over raw sockets.
 * The path chooses the behaviour, so that a client needs only an address: `/call` answers at once, `/hold` waits for
 * `release`, `/large/2000` and `/small/500` stream so many pieces, in large or in small socket writes.
 */
import { createServer, type Server, type Socket } from "node:net"
import { type Wire, wholeResponse } from "./Answers.ts"
import { type IncomingRequest, requestReader } from "./RequestReader.ts"
import { streamScript, type Writes } from "./StreamScript.ts"

export interface Upstream {
  readonly port: number
  /** Requests answered or being answered, by wire. */
  readonly requests: () => Record<Wire, number>
  /** Resolves when `count` requests are held. */
  readonly untilHeld: (count: number) => Promise<void>
  /** Answers every held request. */
  readonly release: () => void
  readonly close: () => Promise<void>
}

const notFound = Buffer.from("HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n")
const smallWriteIntervalMs = 1

const writeAll = (socket: Socket, script: ReadonlyArray<Buffer>, from = 0): void => {
  for (let index = from; index < script.length; index++) {
    const buffer = script[index]
    if (buffer === undefined || socket.destroyed) return
    if (!socket.write(buffer)) {
      socket.once("drain", () => writeAll(socket, script, index + 1))
      return
    }
  }
}

/** Writes one buffer of each running stream at every tick: a client reads one event at a time, as from a model that thinks. */
const makeTicker = () => {
  let running: Array<{ readonly socket: Socket; readonly script: ReadonlyArray<Buffer>; next: number }> = []
  let timer: NodeJS.Timeout | undefined
  const tick = () => {
    running = running.filter((stream) => {
      const buffer = stream.script[stream.next++]
      if (buffer === undefined || stream.socket.destroyed) return false
      stream.socket.write(buffer)
      return stream.next < stream.script.length
    })
    if (running.length === 0) {
      clearInterval(timer)
      timer = undefined
    }
  }
  return {
    add: (socket: Socket, script: ReadonlyArray<Buffer>) => {
      running.push({ socket, script, next: 0 })
      timer ??= setInterval(tick, smallWriteIntervalMs)
    },
    stop: () => clearInterval(timer),
  }
}

const listen = (server: Server): Promise<number> =>
  new Promise((resolve, reject) => {
    server.once("error", reject)
    server.listen({ host: "127.0.0.1", port: 0, backlog: 4096 }, () => {
      const address = server.address()
      resolve(typeof address === "object" && address !== null ? address.port : 0)
    })
  })

/** Starts an upstream on a free port of 127.0.0.1. */
export const startUpstream = async (): Promise<Upstream> => {
  const counts: Record<Wire, number> = { chat: 0, messages: 0 }
  const sockets = new Set<Socket>()
  const ticker = makeTicker()
  let held: Array<{ readonly socket: Socket; readonly wire: Wire }> = []
  let watchers: Array<{ readonly count: number; readonly resolve: () => void }> = []

  const onRequest = (socket: Socket, request: IncomingRequest): void => {
    const wire: Wire | undefined = request.path.endsWith("/chat/completions")
      ? "chat"
      : request.path.endsWith("/messages")
        ? "messages"
        : undefined
    const [, behaviour = "", pieces = "0"] = request.path.split("/")
    if (wire === undefined) {
      socket.write(notFound)
      return
    }
    counts[wire]++
    if (behaviour === "call") socket.write(wholeResponse[wire])
    else if (behaviour === "hold") {
      held.push({ socket, wire })
      watchers = watchers.filter((watcher) => {
        if (held.length < watcher.count) return true
        watcher.resolve()
        return false
      })
    } else if (behaviour === "large" || behaviour === "small") {
      const writes: Writes = behaviour
      const script = streamScript(wire, writes, Number(pieces))
      if (writes === "large") writeAll(socket, script)
      else ticker.add(socket, script)
    } else socket.write(notFound)
  }

  const server = createServer({ noDelay: true }, (socket) => {
    sockets.add(socket)
    socket.on(
      "data",
      requestReader((request) => onRequest(socket, request)),
    )
    socket.on("error", () => socket.destroy())
    socket.on("close", () => {
      sockets.delete(socket)
      held = held.filter((one) => one.socket !== socket)
    })
  })
  const port = await listen(server)

  return {
    port,
    requests: () => ({ ...counts }),
    untilHeld: (count) =>
      new Promise((resolve) => {
        if (held.length >= count) resolve()
        else watchers.push({ count, resolve })
      }),
    release: () => {
      const released = held
      held = []
      for (const { socket, wire } of released) socket.write(wholeResponse[wire])
    },
    close: () =>
      new Promise((resolve) => {
        ticker.stop()
        for (const socket of sockets) socket.destroy()
        server.close(() => resolve())
      }),
  }
}
