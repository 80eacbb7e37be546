/** Log lines on stderr: one bounded line each whatever a server says, and no end of the program where nobody reads them. */
import { spawn } from "node:child_process"
import { once } from "node:events"
import { text } from "node:stream/consumers"
import { fileURLToPath } from "node:url"
import { describe, expect, it, vi } from "@effect/vitest"
import * as fc from "fast-check"
import { LLMInterface } from "../../src/index.ts"
import { useBareEnvironment } from "../contract/BareEnvironment.ts"
import { FaultServer } from "../faults/FaultServer.ts"
import { whole } from "../faults/HttpText.ts"

useBareEnvironment("debug")

const program = fileURLToPath(new URL("programs/logging.ts", import.meta.url))

/** Runs node with its stderr closed before it writes. */
const runDeaf = async (args: ReadonlyArray<string>) => {
  const child = spawn(process.execPath, args, {
    cwd: import.meta.dirname,
    env: {},
    stdio: ["ignore", "pipe", "pipe"],
    timeout: 30_000,
    killSignal: "SIGKILL",
  })
  child.stderr.destroy()
  const [stdout] = await Promise.all([text(child.stdout), once(child, "close")])
  return { stdout, code: child.exitCode }
}

describe.concurrent("a program", () => {
  it("goes on where its stderr is closed", async () => {
    const { code, stdout } = await runDeaf(["--conditions=@wiseflow/source", program])
    expect(stdout).toContain("still here")
    expect(code).toBe(0)
  })

  it("is told that it cannot send without WebAssembly", async () => {
    await using server = await FaultServer.start(() => whole("{}"))
    // Plain JavaScript on `dist`: without WebAssembly Node cannot strip types either.
    const ask = `
      import { generate } from "@wiseflow/llm"
      const { error, errorType, metadata } = await generate({ messages: [{ role: "user", content: "Hi" }] })
      console.log(errorType, metadata.attempts.length, error)`
    const settings = { LLM_PROVIDER: "openai", OPENAI_API_KEY: "k", PRIMARY_MODEL: "m", OPENAI_API_BASE: server.url }
    const setting = `Object.assign(process.env, ${JSON.stringify(settings)})\n`
    const { stdout } = await runDeaf(["--jitless", "--input-type=module", "-e", setting + ask])
    expect(stdout).toContain("ConfigurationError 1 node --jitless: turns WebAssembly off")
    expect(server.requests).toHaveLength(0)
  })
})

/** What a terminal obeys and nobody sees. */
// oxlint-disable-next-line no-control-regex
const unseen = /[\x00-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]/

describe("a line", () => {
  /** The lines of one call for each message of a server's. */
  const logged = async (...messages: ReadonlyArray<string>): Promise<ReadonlyArray<string>> => {
    const lines: Array<string> = []
    const spy = vi.spyOn(process.stderr, "write").mockImplementation((chunk) => {
      lines.push(
        ...String(chunk)
          .split("\n")
          .filter((line) => line !== ""),
      )
      return true
    })
    try {
      await using server = await FaultServer.start(({ index }) => {
        const message = messages[index]
        return whole(JSON.stringify({ error: { message, type: message, code: message } }), 400)
      })
      await using llm = new LLMInterface({ provider: "openai", apiKey: "sk-1", model: "m", apiBase: server.url })
      for (const _ of messages) await llm.generate({ messages: [{ role: "user", content: "Hi" }] })
      await vi.waitUntil(() => lines.filter((line) => line.includes("message=failed")).length === messages.length, {
        timeout: 20_000,
      })
      return lines
    } finally {
      spy.mockRestore()
    }
  }

  it("is one, without control characters, ANSI, C1 and bidirectional marks", async () => {
    const lines = await logged("a\nb\r\u001b[31mred\u009b31m\u202egnal\u2028x\u200fy\u0000z\ufeff")
    expect(lines).toHaveLength(2)
    for (const line of lines) {
      expect(line).not.toMatch(unseen)
      expect(line.startsWith("timestamp=")).toBe(true)
    }
  })

  it("is so for every text of a server", async () => {
    const texts = fc.sample(fc.string({ unit: "binary", minLength: 1, maxLength: 50 }), { numRuns: 100, seed: 9 })
    const lines = await logged(...texts)
    expect(lines).toHaveLength(2 * texts.length)
    for (const line of lines) expect(line).not.toMatch(unseen)
  })

  it("is bounded, as the message of the error is", async () => {
    const lines = await logged("long ".repeat(100_000))
    for (const line of lines) expect(line.length).toBeLessThan(10_000)
  })
})
