/** The examples of tools and of values run, against an upstream that calls tools as it is told. */
import { expect, it } from "vitest"
import { runProgram } from "../guide/ProgramRun.ts"
import { stdioProgram } from "../tools/mcp/McpUpstream.ts"
import { listen, type Play, resultsIn } from "../tools/ToolUpstream.ts"

const run = async (name: string, play: Play, args: ReadonlyArray<string> = []) => {
  await using server = await listen("chat", play)
  const { pathname } = new URL(`../../../../examples/tools/${name}`, import.meta.url)
  const environment = {
    OPENAI_API_KEY: "sk-openai",
    OPENAI_API_BASE: `${server.url}/v1`,
    PRIMARY_MODEL: "gpt-5-mini",
    WISEFLOW_LOG_LEVEL: "ERROR",
  }
  const ended = await runProgram(pathname, { args, environment })
  expect(ended.stderr).toBe("")
  expect(ended.code).toBe(0)
  expect(server.refusals).toEqual([])
  return { stdout: ended.stdout, requests: server.requests, peakInFlight: server.peakInFlight }
}

it("an agent with two tools finds a flight, hears that one is full, and books another", async () => {
  const { requests, stdout } = await run("agent.ts", (index) => {
    if (index === 0)
      return { calls: [{ name: "find_flights", arguments: { from: "Bonn", to: "Oslo", day: "2026-12-24" } }] }
    if (index === 1) return { calls: [{ name: "book_flight", arguments: { flight: "LH 33" } }] }
    if (index === 2) return { calls: [{ name: "book_flight", arguments: { flight: "LH 31" } }] }
    return { text: "You are on LH 31." }
  })
  expect(requests).toHaveLength(4)
  expect(resultsIn(requests[2]).join()).toContain("LH 33 is full")
  expect(stdout).toMatch(/book_flight failed.*LH 33 is full/)
  expect(stdout).toMatch(/You are on LH 31\. \(4 steps, \$[\d.?e-]+\)/)
})

it("a model calls the tool of an MCP server, and answers with what it gave", async () => {
  const play: Play = (index) =>
    index === 0 ? { calls: [{ name: "calculator_add", arguments: { a: 20, b: 22 } }] } : { text: "It is 42." }
  const { requests, stdout } = await run("mcp.ts", play, [process.execPath, stdioProgram])
  expect(resultsIn(requests[1]).join()).toContain("42")
  expect(stdout).toBe("It is 42.\n")
})

it("two hundred texts are read eight at a time, and what it cost is told", async () => {
  const { peakInFlight, requests, stdout } = await run("extraction.ts", (_, request) => {
    const [, total = "0"] = /asks for (\d+) euros/.exec(JSON.stringify(request.json)) ?? []
    return { text: JSON.stringify({ supplier: "Acme Ltd.", total: Number(total), due: null }) }
  })
  expect(requests).toHaveLength(200)
  expect(peakInFlight).toBeLessThanOrEqual(8)
  expect(stdout).toMatch(/^200 invoices, 19900 euros in all; asking cost \$0\.\d{4}\n$/)
})
