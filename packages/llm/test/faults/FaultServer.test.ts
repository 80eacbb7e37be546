import { connect } from "node:net"
import { describe, expect, it } from "vitest"
import { type FaultScenario, callOf, elsewhere, goodAnswer } from "./FaultScenario.ts"
import { faultScenario, faultScenarios } from "./FaultScenarios.ts"
import { delay, end, FaultServer, inTurn, nowMs, reset, slowly, stall, write } from "./FaultServer.ts"
import { head, stream, whole } from "./HttpText.ts"
import { wires } from "./Wires.ts"
import { chat, fullText, messages } from "./WireText.ts"

const post = (url: string, body: object, signal: AbortSignal | null = null) =>
  fetch(url, {
    method: "POST",
    body: JSON.stringify(body),
    headers: { "content-type": "application/json", authorization: "Bearer canary" },
    signal,
  })

/** Everything the server sends over one socket, or the code of the error that ended it. */
const raw = (url: string, content: string): Promise<{ readonly bytes: Buffer; readonly error: string | undefined }> =>
  new Promise((resolve) => {
    const { hostname, port } = new URL(url)
    const chunks: Array<Buffer> = []
    let code: string | undefined
    const socket = connect(Number(port), hostname, () => socket.write(content))
    socket.on("data", (bytes) => chunks.push(bytes))
    socket.on("error", (error: NodeJS.ErrnoException) => (code = error.code))
    socket.on("close", () => resolve({ bytes: Buffer.concat(chunks), error: code }))
  })

describe("FaultServer", () => {
  it("keeps connections open and records what was asked", async () => {
    await using server = await FaultServer.start((request) => goodAnswer(chat, callOf(request)))
    const first = await post(`${server.url}${chat.path}`, { model: "m" })
    expect(await first.json()).toMatchObject({ choices: [{ message: { content: fullText } }] })
    const second = await post(`${server.url}${chat.path}`, { model: "m", stream: true })
    expect(await second.text()).toContain("data: [DONE]\n\n")
    expect(server.requests).toMatchObject([
      {
        method: "POST",
        path: "/v1/chat/completions",
        json: { model: "m" },
        headers: { authorization: "Bearer canary" },
      },
      { json: { model: "m", stream: true } },
    ])
    expect(server.openConnections).toBe(server.connections.length)
  })

  it("reads requests in chunks, in pieces, and one behind another", async () => {
    await using server = await FaultServer.start((request) => (request.index === 2 ? [end] : whole("{}")))
    const chunked = 'POST /a HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n4\r\n{"a"\r\n3\r\n:1}\r\n0\r\n\r\n'
    await raw(server.url, `${chunked}GET /b HTTP/1.1\r\n\r\nGET /c HTTP/1.1\r\n\r\n`)
    expect(server.requests.map((request) => request.path)).toEqual(["/a", "/b", "/c"])
    expect(server.requests[0]).toMatchObject({ json: { a: 1 }, byteLength: Buffer.byteLength(chunked) })
  })

  it("tells when the client left", async () => {
    await using server = await FaultServer.start(() => [write(head(200, { "content-length": 9 })), stall])
    const abort = new AbortController()
    const response = await post(server.url, {}, abort.signal)
    const reading = response.text().catch(() => "aborted")
    expect(server.openConnections).toBe(1)
    const abortedAtMs = nowMs()
    abort.abort()
    expect(await reading).toBe("aborted")
    const connection = (await server.request(0)).connection
    expect((await connection.closed) - abortedAtMs).toBeLessThan(1000)
    expect(connection.closedBy).toBe("client")
    expect(server.requests[0]?.answeredAtMs).toBeUndefined()
  })

  it("sends RST for reset and FIN for end", async () => {
    await using server = await FaultServer.start(inTurn([reset], [write("x"), end]))
    expect((await raw(server.url, "GET / HTTP/1.1\r\n\r\n")).error).toBe("ECONNRESET")
    expect(await raw(server.url, "GET / HTTP/1.1\r\n\r\n")).toEqual({ bytes: Buffer.from("x"), error: undefined })
    expect(server.connections.map((connection) => connection.closedBy)).toEqual(["server", "server"])
  })

  it("refuses connections at refusedUrl", async () => {
    expect((await raw(await FaultServer.refusedUrl(), "")).error).toBe("ECONNREFUSED")
  })

  it("counts the requests in flight", async () => {
    await using server = await FaultServer.start(() => [delay(30), ...whole("{}")])
    await Promise.all([1, 2, 3].map(() => post(server.url, {}).then((response) => response.text())))
    expect(server.peakInFlight).toBe(3)
  })

  it("rejects close with what a script threw", async () => {
    const server = await FaultServer.start(() => {
      throw new Error("broken script")
    })
    await raw(server.url, "GET / HTTP/1.1\r\n\r\n")
    await expect(server.close()).rejects.toThrow("broken script")
  })

  it("writes every byte of a slow answer, apart", async () => {
    const steps = slowly("é!")
    expect(steps.filter((step) => step.type === "write").map((step) => step.bytes.length)).toEqual([1, 1, 1])
    await using server = await FaultServer.start(() => [...slowly(goodBytes()), end])
    expect((await raw(server.url, "GET / HTTP/1.1\r\n\r\n")).bytes).toEqual(goodBytes())
  })
})

const goodBytes = () => Buffer.from(`${head(200, { "content-length": 6 })}wörld`)

/** What a plain client makes of a scenario: status and text, or the error. */
const observe = async (scenario: FaultScenario, server: FaultServer, call: "generate" | "stream", path: string) => {
  try {
    const response = await post(
      `${server.url}${path}`,
      call === "stream" ? { stream: true } : {},
      scenario.stalls ? AbortSignal.timeout(150) : null,
    )
    return { status: response.status, redirected: response.redirected, text: await response.text() }
  } catch (error) {
    return { error: error instanceof Error ? error.message : String(error) }
  }
}

/** Every text that the bytes of an answer say, on any wire. A stream of Responses says each text again at its end. */
const saidText = (bytes: string): string => {
  const pattern = bytes.includes("response.created")
    ? /"delta":("(?:[^"\\]|\\.)*")(?=,"obfuscation")/g
    : /"(?:content|text)":("(?:[^"\\]|\\.)*")/g
  return [...bytes.matchAll(pattern)].map((match) => JSON.parse(match[1] ?? "")).join("")
}

describe("fault scenarios", () => {
  const cases = faultScenarios.flatMap((scenario) =>
    scenario.wires.flatMap((wire) => scenario.calls.map((call) => ({ name: scenario.name, scenario, wire, call }))),
  )

  it("have names of their own", () => {
    expect(new Set(faultScenarios.map((scenario) => scenario.name)).size).toBe(faultScenarios.length)
  })

  // A client left in the middle of an endless event, or asked for more than it wants, is the caller's business.
  it.each(cases.filter(({ name }) => name !== "oversized-event"))(
    "$name: $call on $wire",
    async ({ scenario, wire, call }) => {
      const text = wires[wire]
      await using server = await FaultServer.start(scenario.script(text, call))
      const seen = await observe(scenario, server, call, text.path)
      expect(server.requests.length).toBeGreaterThan(0)
      if (scenario.stalls) expect(seen.error).toMatch(/aborted|timeout/)
      if (scenario.expected.outcome === "success" && scenario.requests === 1) {
        expect(seen.status).toBe(200)
        expect(saidText(seen.text ?? "")).toBe(fullText)
      }
      if (scenario.waitAtLeastMs !== undefined) expect(seen.status).toBe(429)
    },
  )

  it("redirect-307 sends a client that follows, with its body, to another origin", async () => {
    await using server = await FaultServer.start(faultScenario("redirect-307").script(chat, "generate"))
    expect((await observe(faultScenario("redirect-307"), server, "generate", chat.path)).redirected).toBe(true)
    expect(server.requests.map((request) => request.path)).toEqual([chat.path, elsewhere])
  })

  it("say the same failure as a body and as an event", () => {
    for (const wire of [chat, messages]) {
      expect(wire.errorEvent("overloaded")).toContain(`data: ${wire.error("overloaded").body}\n\n`)
    }
  })

  it("frame a stream as chunks", () => {
    const bytes = Buffer.concat(stream("é").map((step) => (step.type === "write" ? step.bytes : Buffer.alloc(0))))
    expect(bytes.toString().endsWith("\r\n\r\n2\r\né\r\n0\r\n\r\n")).toBe(true)
  })
})
