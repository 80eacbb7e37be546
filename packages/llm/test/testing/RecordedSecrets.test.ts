/** No recording holds a secret, however many there are, however short they are, and wherever in a text they stand. */
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import * as Effect from "effect/Effect"
import { afterEach, beforeEach, expect, it, vi } from "vitest"
import { Recorded, Scripted } from "@wiseflow/llm/testing"
import { ask } from "../policies/Calls.ts"

let folder = ""
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "recorded-secrets-"))
})
afterEach(() => {
  vi.unstubAllEnvs()
  rmSync(folder, { recursive: true })
})

/** Records a request with this text, and its answer with the same; says what the folder holds, and what is played of it. */
const recorded = async (content: string, secrets: ReadonlyArray<string> = []) => {
  const request = { messages: [{ role: "user" as const, content }] }
  const options = { folder, secrets, layer: Scripted.layer([content]) }
  await Effect.runPromise(Effect.provide(ask("generate", request), Recorded.layer({ ...options, mode: "record" })))
  const bytes = readdirSync(folder).map((name) => name + readFileSync(join(folder, name), "utf8"))
  const played = Effect.provide(ask("stream", request), Recorded.layer({ ...options, mode: "replay" }))
  return { bytes: bytes.join("\n"), text: (await Effect.runPromise(played)).text }
}

const numbered = (count: number) => Array.from({ length: count }, (_, index) => `value-${index * 7919}-of-${index}x`)

it("a secret that is short, or an ordinary word", async () => {
  const { bytes, text } = await recorded("The dog is called hunter, and the code is a1b.", ["hunter", "a1b"])
  expect(bytes).not.toMatch(/hunter|a1b/)
  expect(text).toBe("The dog is called <redacted>, and the code is <redacted>.")
})

it("one of many secrets, of the options or of the environment", async () => {
  for (const [index, value] of numbered(90).entries()) vi.stubEnv(`SERVICE_${index}_TOKEN`, value)
  const given = numbered(190).slice(90)
  const { bytes } = await recorded([...numbered(190)].join(" "), given)
  expect(numbered(190).filter((secret) => bytes.includes(secret))).toEqual([])
})

it.each([1, 5, 8, 12])("a secret that begins %s characters before the end of what is read at once", async (before) => {
  const secret = "Zq9-hidden-Value_77"
  const { bytes } = await recorded(`${"a".repeat(64 * 1024 - before)}${secret}`, [secret])
  expect(bytes).toContain("aaaa<redacted>")
  expect(bytes).not.toContain("Value_77")
})

it.each(["OPENAI_API_KEY=", "api_key:", "https://example.com/?a=1&key=", "Authorization: Bearer "])(
  "what begins as a key does, behind %s",
  async (before) => {
    const { bytes, text } = await recorded(`${before}sk-proj-abcdefghijklmnopqrstuvwxyz0123456789&b=2`)
    expect(bytes).not.toContain("abcdefgh")
    expect(text).toContain("<redacted>")
  },
)
