/** A program that ends without `dispose`: what it did is exported, and no collector keeps it alive. */
import { spawn } from "node:child_process"
import { createServer } from "node:net"
import type { AddressInfo } from "node:net"
import { fileURLToPath } from "node:url"
import { expect, it } from "vitest"
import { Receiver } from "./Receiver.ts"

const entry = new URL("../../src/index.ts", import.meta.url).href

const program = `
  import { LLMInterface } from ${JSON.stringify(entry)}
  const body = JSON.stringify({ choices: [{ index: 0, finish_reason: "stop", message: { role: "assistant", content: "Hi." } }] })
  const fetch = () => Promise.resolve(new Response(body))
  const llm = new LLMInterface({ provider: "openai", model: "m", apiKey: "sk-1", fetch, logger: false })
  const { text } = await llm.generate({ messages: [{ role: "user", content: "Hello." }] })
  console.log(text)
`

/** Runs the program to its end, and gives its exit code and what it wrote. */
const run = (endpoint: string) =>
  new Promise<{ readonly code: number | null; readonly out: string }>((resolve) => {
    const child = spawn(process.execPath, ["--conditions=@wiseflow/source", "--input-type=module", "--eval", program], {
      cwd: fileURLToPath(new URL("../..", import.meta.url)),
      env: { ...process.env, OTEL_EXPORTER_OTLP_ENDPOINT: endpoint, OTEL_EXPORTER_OTLP_TIMEOUT: "500" },
    })
    let out = ""
    child.stdout.on("data", (chunk: Buffer) => (out += chunk.toString()))
    child.on("close", (code) => resolve({ code, out }))
  })

it("exports what remains when the process has nothing else to do", async () => {
  const receiver = await Receiver.start()
  try {
    expect(await run(receiver.url)).toEqual({ code: 0, out: "Hi.\n" })
    expect(receiver.spans.map(({ name }) => name).toSorted()).toEqual(["attempt m", "chat m"])
    expect(receiver.metrics.has("gen_ai.client.inference.duration")).toBe(true)
  } finally {
    await receiver.close()
  }
})

it("ends though the collector takes requests and never answers", async () => {
  const sockets = new Set<{ destroy: () => void }>()
  const server = createServer((socket) => void sockets.add(socket))
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))
  try {
    const { port } = server.address() as AddressInfo
    expect(await run(`http://127.0.0.1:${port}`)).toEqual({ code: 0, out: "Hi.\n" })
    expect(sockets.size).toBeGreaterThan(0)
  } finally {
    for (const socket of sockets) socket.destroy()
    server.close()
  }
})
