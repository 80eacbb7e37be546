/** An agent whose process is killed in the middle, against a real PostgreSQL. */
import { setTimeout as after } from "node:timers/promises"
import { assert, describe, it } from "@effect/vitest"
import { freePort, missing } from "../servers/Binaries.ts"
import { PostgresServer } from "../servers/PostgresServer.ts"
import { program } from "../servers/Program.ts"
import { Upstream } from "../servers/Upstream.ts"

const reason = missing("postgres")
if (reason !== undefined) process.stderr.write(`skipped: ${reason}\n`)

describe.skipIf(reason !== undefined)("a durable agent", () => {
  it("goes on after its last finished step when its process is killed", async () => {
    await using postgres = await PostgresServer.start()
    await using upstream = await Upstream.start(400)
    const port = await freePort()
    const start = () => program("Agent", [postgres.url, `${port}`, upstream.url])
    const first = start()
    await first.said("ready")
    const asking = program("Agent", [postgres.url, "0", upstream.url, "ask"])
    // The first answer calls the tool; the process is killed while it waits for the second.
    while (upstream.asked.get("agent-turn-1") === undefined) await after(10)
    first.kill("SIGKILL")
    await first.ended
    const second = start()
    await asking.ended
    second.kill("SIGKILL")
    await second.ended
    assert.strictEqual(asking.output(), "said: it is 21 degrees in Bonn\n")
    assert.deepStrictEqual(Object.fromEntries(upstream.asked), {
      "agent-turn-0": 1,
      "weather-Bonn": 1,
      "agent-turn-1": 2,
    })
  })
})
