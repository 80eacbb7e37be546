/** A tunnel step by step: what the proxy is asked, which of its answers opens one, and what is said of every other. */
import { Duplex } from "node:stream"
import type { Socket } from "node:net"
import { describe, expect, it, vi } from "vitest"
import type { buildConnector } from "undici"
import type { Proxy } from "../../../src/transport/undici/Proxy.ts"
import { ProxyError } from "../../../src/transport/undici/ProxyError.ts"
import { throughProxy, toProxy } from "../../../src/transport/undici/ProxyTunnel.ts"

const proxy: Proxy = {
  origin: "http://p.test:3128",
  protocol: "http:",
  host: "p.test:3128",
  hostname: "p.test",
  port: "3128",
  authorization: undefined,
}
const origin = { hostname: "api.test", host: "api.test", protocol: "https:", port: "" }

/** A connection to the proxy whose other end is the test. */
class Wire extends Duplex {
  written = ""
  override _read(): void {}
  override _write(chunk: Buffer, _: string, done: () => void): void {
    this.written += chunk.toString("latin1")
    done()
  }
}

const nextTurn = () => new Promise((resolve) => setImmediate(resolve))

/** A connector that gives this connection, and then the one that a tunnel was opened on; `asked` is what it was called with. */
const connecting = (wire: Duplex) => {
  const asked: Array<buildConnector.Options> = []
  const connector: buildConnector.connector = (options, callback) => {
    asked.push(options)
    callback(null, (options.httpSocket ?? wire) as Socket)
  }
  return { asked, connector }
}

/** A tunnel that is being asked for, and what has been called back so far. */
const opening = (more: Partial<Proxy> = {}, to: Partial<typeof origin> = {}, limitMs = 1000) => {
  const wire = new Wire()
  const { asked, connector } = connecting(wire)
  const called: Array<readonly [Error | null, Socket | null]> = []
  throughProxy({ ...proxy, ...more }, connector, limitMs)({ ...origin, ...to }, (...answer) => called.push(answer))
  return { wire, asked, called }
}

/** What is called back once the proxy has said this, in these pieces. */
const answered = async (...pieces: ReadonlyArray<string>) => {
  const open = opening()
  for (const piece of pieces) {
    open.wire.push(Buffer.from(piece, "latin1"))
    await nextTurn()
  }
  const [error, socket] = open.called[0] ?? []
  return { ...open, message: error?.message, error, socket }
}

describe("a connection to a proxy", () => {
  it("is one to the proxy's own address, and gives what the system gives", () => {
    const wire = new Wire()
    const { asked, connector } = connecting(wire)
    const called: Array<unknown> = []
    toProxy(proxy, connector)(origin, (...answer) => called.push(answer))
    expect(asked).toEqual([{ hostname: "p.test", host: "p.test:3128", protocol: "http:", port: "3128" }])
    expect(called).toEqual([[null, wire]])
  })

  it("that cannot be made says so with the system's code, or else with its words", () => {
    const refusing =
      (error: Error): buildConnector.connector =>
      (_, callback) =>
        callback(error, null)
    const said = (error: Error) => {
      const called: Array<unknown> = []
      for (const connect of [toProxy(proxy, refusing(error)), throughProxy(proxy, refusing(error), 1000)]) {
        connect(origin, (problem, socket) =>
          called.push(problem instanceof ProxyError && [problem.message, problem.code, socket]),
        )
      }
      expect(called[1]).toEqual(called[0])
      return called[0]
    }
    const known = Object.assign(new Error("connect failed"), { code: "ECONNREFUSED" })
    expect(said(known)).toEqual(["the proxy http://p.test:3128 cannot be reached: ECONNREFUSED", "ECONNREFUSED", null])
    const unknown = Object.assign(new Error("connect failed"), { code: 7 })
    expect(said(unknown)).toEqual(["the proxy http://p.test:3128 cannot be reached: connect failed", undefined, null])
  })
})

describe("a tunnel", () => {
  it("is asked for by the origin's authority, with credentials where there are some", () => {
    expect(opening().wire.written).toBe("CONNECT api.test:443 HTTP/1.1\r\nhost: api.test:443\r\n\r\n")
    expect(opening({}, { port: "8443" }).wire.written).toContain(
      "CONNECT api.test:8443 HTTP/1.1\r\nhost: api.test:8443\r\n",
    )
    expect(opening({}, { hostname: "::1" }).wire.written).toContain("CONNECT [::1]:443 HTTP/1.1\r\n")
    expect(opening({ authorization: "Basic abc" }).wire.written).toMatch(
      /443\r\nproxy-authorization: Basic abc\r\n\r\n$/,
    )
  })

  it("is open with any success in HTTP/1, cut anywhere, and TLS begins inside it", async () => {
    for (const pieces of [
      ["HTTP/1.1 200 Connection Established\r\n\r\n"],
      ["HTTP/1.0 299 OK\r\nvia: x\r\n\r\n"],
      [..."HTTP/1.1 200 OK\r\n\r\n"],
    ]) {
      const { asked, called, error, socket, wire } = await answered(...pieces)
      expect([called.length, error, socket]).toEqual([1, null, wire])
      expect(asked[1]).toMatchObject({ ...origin, httpSocket: wire })
      expect(wire.isPaused()).toBe(true)
      expect([wire.listenerCount("data"), wire.listenerCount("close")]).toEqual([0, 0])
    }
  })

  it("begins with what came behind the proxy's answer, and with nothing where nothing did", async () => {
    const { wire } = await answered("HTTP/1.1 200 OK\r\n\r\nfirst")
    expect(wire.read()).toEqual(Buffer.from("first"))
    const { wire: silent } = await answered("HTTP/1.1 200 OK\r\n\r\n")
    expect(silent.readableLength).toBe(0)
  })

  it("is not opened by any other answer, which is told, and its connection is closed", async () => {
    for (const [said, problem] of [
      ["HTTP/1.1 300 Choices\r\n\r\n", "refused the connection with 300"],
      ["HTTP/1.1 199 Odd\r\n\r\n", "refused the connection with 199"],
      [
        "HTTP/1.1 407 Authenticate\r\n\r\n",
        "refused the connection with 407: it wants credentials, as in http://user:password@proxy",
      ],
      ["HTTP/2 200 OK\r\n\r\n", "did not answer in HTTP"],
      ["HTTP/1.2 200 OK\r\n\r\n", "did not answer in HTTP"],
      ["HTTP/1.1 20\r\n\r\n", "did not answer in HTTP"],
      ["\r\n\r\n", "did not answer in HTTP"],
      ["SSH HTTP/1.1 200 OK\r\n\r\n", "did not answer in HTTP"],
      ["SSH-2.0\r\n\r\nHTTP/1.1 200 OK\r\n\r\n", "did not answer in HTTP"],
    ] as const) {
      const { called, error, message, socket, wire } = await answered(said)
      expect([called.length, message, socket]).toEqual([1, `the proxy http://p.test:3128 ${problem}`, null])
      expect(error).toBeInstanceOf(ProxyError)
      expect(error?.name).toBe("ProxyError")
      expect(wire.destroyed).toBe(true)
    }
  })

  it("is waited for up to 16 KiB of a head, and up to the end of its connection", async () => {
    const most = 16 * 1024
    expect((await answered("x".repeat(most))).called).toEqual([])
    expect((await answered("x".repeat(most), "x")).message).toContain("did not answer in HTTP")
    const { called, wire } = await answered("HTTP/1.1 200")
    wire.destroy()
    await nextTurn()
    expect(called.map(([error]) => error?.message)).toEqual(["the proxy http://p.test:3128 closed the connection"])
  })

  it("is waited for as long as its limit, by a timer that keeps no process alive and ends with the wait", () => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] })
    try {
      const { called, wire } = opening({}, {}, 50)
      vi.advanceTimersByTime(49)
      expect(called).toEqual([])
      vi.advanceTimersByTime(1)
      expect(called.map(([error]) => error?.message)).toEqual([
        "the proxy http://p.test:3128 opened no tunnel within 50 ms",
      ])
      expect(wire.destroyed).toBe(true)
      expect(vi.getTimerCount()).toBe(0)
      const open = opening({}, {}, 50)
      open.wire.emit("data", Buffer.from("HTTP/1.1 200 OK\r\n\r\n"))
      expect([open.called.length, vi.getTimerCount()]).toEqual([1, 0])
    } finally {
      vi.useRealTimers()
    }
    const timers = () => process.getActiveResourcesInfo().filter((name) => name === "Timeout").length
    const before = timers()
    const { wire } = opening({}, {}, 5000)
    expect(timers()).toBe(before)
    wire.destroy()
  })
})
