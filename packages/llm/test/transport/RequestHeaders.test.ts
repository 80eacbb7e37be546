/** Headers of the caller's: one that cannot be sent is refused by name before anything is sent; the others stand last. */
import { readFileSync } from "node:fs"
import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { withRetry } from "../../src/index.ts"
import { goodAnswer } from "../faults/FaultScenario.ts"
import { chat, fullText } from "../faults/WireText.ts"
import { ask, calls, provider, serve } from "./Sending.ts"

const refused: ReadonlyArray<readonly [what: string, name: string, value: unknown]> = [
  ["a line end", "x-team", "red\r\nx-admin: yes"],
  ["a bare line feed", "x-team", "red\nblue"],
  ["a null byte", "x-team", "red\0"],
  ["a character outside Latin-1", "x-team", "赤"],
  ["a value that is no text", "x-team", 42],
  ["a name with a space", "x team", "red"],
  ["a name with a line end", "x-team\r\nx-admin", "red"],
  ["an empty name", "", "red"],
  ["a length of its own", "Content-Length", "3"],
  ["a framing of its own", "Transfer-Encoding", "chunked"],
  ["a connection of its own", "Connection", "close"],
]
const cells = refused.flatMap(([what, name, value]) => calls.map((call) => ({ what, name, value, call })))

describe("a header that cannot be sent", () => {
  it.live.each(cells)(
    "is a mistake in the configuration, and nothing is sent: $what ($call)",
    ({ call, name, value }) =>
      Effect.gen(function* () {
        const server = yield* serve(() => goodAnswer(chat, call))
        const headers = { [name]: value } as Record<string, string>
        const layer = withRetry({ times: 3 })(provider(server.url, { headers }))
        const { attempts, message, reason } = yield* Effect.flip(Effect.provide(ask(call), layer))
        expect(reason).toMatchObject({ _tag: "ConfigurationError", setting: "headers" })
        expect(message).toContain(JSON.stringify(name))
        expect(message).not.toMatch(/red|赤|blue/)
        expect(attempts).toHaveLength(0)
        expect(server.connections).toHaveLength(0)
      }).pipe(Effect.scoped),
  )
})

describe("a request from Node", () => {
  it.live.each(calls)("names the library and its version (%s)", (call) =>
    Effect.gen(function* () {
      const { version } = JSON.parse(readFileSync(new URL("../../package.json", import.meta.url), "utf8"))
      const server = yield* serve(() => goodAnswer(chat, call))
      expect(yield* Effect.provide(ask(call), provider(server.url))).toBe(fullText)
      expect(server.requests[0]?.headers["user-agent"]).toBe(`wiseflow-llm/${version}`)
    }).pipe(Effect.scoped),
  )

  it.live.each(calls)("carries the caller's headers instead, however their names are written (%s)", (call) =>
    Effect.gen(function* () {
      const server = yield* serve(() => goodAnswer(chat, call))
      const headers = { "User-Agent": "my-app/2", "X-Team": "café\t1", Accept: "application/json" }
      expect(yield* Effect.provide(ask(call), provider(server.url, { headers }))).toBe(fullText)
      expect(server.requests[0]?.headers).toMatchObject({ "user-agent": "my-app/2", accept: "application/json" })
      expect(Buffer.from(server.requests[0]?.headers["x-team"] ?? "", "latin1").toString("latin1")).toBe("café\t1")
    }).pipe(Effect.scoped),
  )
})
