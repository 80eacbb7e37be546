/** A slow reader slows the provider: what it has not read stays on the provider's side, not in this process's memory. */
import { createServer, type Server, type ServerResponse } from "node:http"
import { afterEach, describe, expect, it } from "vitest"
import { LLMInterface } from "../../src/index.ts"

const piece = `data: ${JSON.stringify({ choices: [{ index: 0, delta: { content: "x".repeat(1000) } }] })}\n\n`
const ending = `data: ${JSON.stringify({ choices: [{ index: 0, delta: {}, finish_reason: "stop" }] })}\n\ndata: [DONE]\n\n`
const pieces = 40_000

/** Writes as fast as the socket takes it, and tells when the socket has taken nothing for a while. */
class EagerServer {
  sent = 0
  private readonly server: Server
  /** Resolves when the socket is full and stays full. */
  readonly isStuck: Promise<void>
  private stuck: () => void = () => {}

  constructor() {
    this.isStuck = new Promise((resolve) => {
      this.stuck = resolve
    })
    this.server = createServer((request, response) => {
      request.resume().on("end", () => {
        response.writeHead(200, { "content-type": "text/event-stream" })
        void this.write(response)
      })
    })
  }

  private async write(response: ServerResponse): Promise<void> {
    for (let written = 0; written < pieces && !response.destroyed; written++) {
      if (!response.write(piece)) {
        const patience = setTimeout(this.stuck, 250)
        await new Promise((resolve) => response.once("drain", resolve).once("close", resolve))
        clearTimeout(patience)
      }
      this.sent += piece.length
    }
    response.end(ending)
  }

  async listen(): Promise<string> {
    await new Promise<void>((resolve) => this.server.listen(0, "127.0.0.1", resolve))
    const address = this.server.address()
    if (address === null || typeof address === "string") throw new Error("the server has no port")
    return `http://127.0.0.1:${address.port}/v1`
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.server.closeAllConnections()
    await new Promise((resolve) => this.server.close(resolve))
  }
}

describe("back-pressure", () => {
  const open: Array<AsyncDisposable> = []
  afterEach(async () => {
    for (const resource of open.splice(0).toReversed()) await resource[Symbol.asyncDispose]()
  })

  it("stops the provider while nobody reads, and loses nothing when reading goes on", async () => {
    const server = new EagerServer()
    const apiBase = await server.listen()
    const llm = new LLMInterface({ provider: "openai", model: "gpt-5-mini", apiKey: "sk-test", apiBase })
    open.push(server, llm)

    const stream = llm.stream({ messages: [{ role: "user", content: "A long story." }] })
    let read = 0
    const first = await stream.next()
    expect(first.done).toBe(false)
    await server.isStuck
    // Two socket buffers and our own high-water mark, of forty megabytes.
    expect(server.sent).toBeLessThan(0.5 * pieces * piece.length)

    for await (const event of stream) if (event.type === "text-delta") read += event.delta.length
    expect(read).toBe(pieces * 1000)
  })

  it("stops the provider for a reader that has stopped, also where the response is asked for", async () => {
    const server = new EagerServer()
    const apiBase = await server.listen()
    const llm = new LLMInterface({ provider: "openai", model: "gpt-5-mini", apiKey: "sk-test", apiBase })
    open.push(server, llm)

    const stream = llm.stream({ messages: [{ role: "user", content: "A long story." }] })
    const { response } = stream
    const first = await stream.next()
    expect(first.done).toBe(false)
    await server.isStuck
    expect(server.sent).toBeLessThan(0.5 * pieces * piece.length)

    let read = 0
    for await (const event of stream) if (event.type === "text-delta") read += event.delta.length
    expect(read).toBe(pieces * 1000)
    expect((await response).text).toHaveLength(pieces * 1000)
  })
})
