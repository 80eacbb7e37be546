/** Collectors that are made to hurt: what they answer is not followed, not kept, and holds nobody up. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http"
import type { AddressInfo } from "node:net"
import { setTimeout as sleep } from "node:timers/promises"
import { afterEach, describe, expect, it } from "vitest"
import { LLMInterface } from "../../src/index.ts"
import { json, options } from "./ExportedCall.ts"

const servers: Array<Server> = []
afterEach(async () => {
  for (const name of Object.keys(process.env)) if (name.startsWith("OTEL_")) delete process.env[name]
  for (const server of servers.splice(0)) {
    server.closeAllConnections()
    await new Promise((closed) => server.close(closed))
  }
})

const listening = async (answer: (request: IncomingMessage, response: ServerResponse) => void): Promise<string> => {
  const server = createServer((request, response) => {
    request.resume()
    request.on("end", () => answer(request, response))
  })
  servers.push(server)
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

const until = async (isSo: () => boolean): Promise<void> => {
  const endMs = performance.now() + 20_000
  while (!isSo()) {
    if (performance.now() > endMs) throw new Error("it did not come to pass")
    await sleep(10)
  }
}

const exportingTo = (url: string, more: Readonly<Record<string, string>> = {}): LLMInterface => {
  Object.assign(process.env, {
    OTEL_EXPORTER_OTLP_ENDPOINT: url,
    OTEL_EXPORTER_OTLP_PROTOCOL: "http/json",
    OTEL_METRICS_EXPORTER: "none",
    OTEL_BSP_SCHEDULE_DELAY: "20",
    OTEL_EXPORTER_OTLP_TIMEOUT: "500",
    ...more,
  })
  return new LLMInterface(options(json))
}

describe("a collector that", () => {
  it("redirects gets no key carried to another address", async () => {
    const carried: Array<unknown> = []
    const other = await listening(({ headers }, response) => {
      carried.push(headers["x-api-key"])
      response.end("{}")
    })
    let requests = 0
    const collector = await listening((_, response) => {
      requests += 1
      response.writeHead(307, { location: `${other}/v1/traces` }).end()
    })
    await using llm = exportingTo(collector, { OTEL_EXPORTER_OTLP_HEADERS: "x-api-key=secret-key-1" })
    await llm.generate({ prompt: "Hello." })
    await until(() => requests > 0)
    await sleep(100)
    expect(carried).toEqual([])
  })

  it("answers without end is read to a bound, and its connection is given back", async () => {
    let sent = 0
    let closed = 0
    const collector = await listening((_, response) => {
      response.writeHead(200, { "content-type": "application/json" })
      response.on("close", () => (closed += 1))
      const chunk = Buffer.alloc(64 * 1024, 0x20)
      const more = (): void => {
        while (!response.destroyed) {
          sent += chunk.length
          if (!response.write(chunk)) return void response.once("drain", more)
        }
      }
      more()
    })
    await using llm = exportingTo(collector)
    await llm.generate({ prompt: "Hello." })
    await until(() => closed > 0)
    expect(sent).toBeLessThan(16 * 1024 * 1024)
  })

  it("never ends its answer holds no later export up", async () => {
    let requests = 0
    const collector = await listening((_, response) => {
      requests += 1
      response.writeHead(200, { "content-type": "application/json" }).write(" ")
    })
    await using llm = exportingTo(collector)
    await llm.generate({ prompt: "Hello." })
    await until(() => requests === 1)
    await llm.generate({ prompt: "Hello." })
    await until(() => requests >= 2)
    expect(requests).toBeGreaterThanOrEqual(2)
  })

  it("asks to be asked again in a year is asked again in seconds, so that batches do not pile up", async () => {
    const atMs: Array<number> = []
    const collector = await listening((_, response) => {
      atMs.push(performance.now())
      response.writeHead(429, { "retry-after": "31536000" }).end()
    })
    await using llm = exportingTo(collector)
    await llm.generate({ prompt: "Hello." })
    await until(() => atMs.length >= 2)
    expect((atMs[1] ?? 0) - (atMs[0] ?? 0)).toBeLessThan(20_000)
  })
})
