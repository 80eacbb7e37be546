/** Several processes under one limit, against a real Redis. */
import { assert, describe, it } from "@effect/vitest"
import { setTimeout as after } from "node:timers/promises"
import { missing } from "../servers/Binaries.ts"
import { type Program, program } from "../servers/Program.ts"
import { RedisServer } from "../servers/RedisServer.ts"

const reason = missing("redis")
if (reason !== undefined) process.stderr.write(`skipped: ${reason}\n`)

const [limit, perMs, forMs, workers] = [400, 3000, 9000, 200]

/** When each call of these processes set out, and how many turns they took. `meanwhile` runs while they call. */
const departures = async (count: number, meanwhile: (programs: ReadonlyArray<Program>) => Promise<void>) => {
  await using redis = await RedisServer.start()
  const programs = Array.from({ length: count }, () =>
    program("RateLimitedCaller", [redis.url, `${limit}`, `${perMs}`, `${forMs}`, `${workers / count}`]),
  )
  await Promise.all(programs.map(({ said }) => said("ready")))
  for (const { tell } of programs) tell("go")
  await meanwhile(programs)
  await Promise.all(programs.map(({ ended }) => ended))
  const each = programs.map(({ output }) => output().split("\n").slice(1).map(Number))
  assert.isTrue(
    each.every((times) => times.length > 0),
    "every process had its turn",
  )
  const times = each.flat().sort((a, b) => a - b)
  // Each turn is one script. At the end every worker waits for one.
  const turns = (await redis.scripts()) - workers
  return { times, turns, spanMs: (times.at(-1) ?? 0) - (times[0] ?? 0) }
}

/** The most calls in any window that begins with a call. */
const most = (times: ReadonlyArray<number>, windowMs: number): number => {
  let most = 0
  let first = 0
  for (const [last, time] of times.entries()) {
    while (time - (times[first] ?? 0) >= windowMs) first++
    most = Math.max(most, last - first + 1)
  }
  return most
}

describe.skipIf(reason !== undefined)("one limit for many processes", () => {
  for (const count of [2, 8]) {
    it(`${count} processes never pass it in any window, and take turns for 95 % of it`, async () => {
      const { spanMs, times, turns } = await departures(count, async () => {})
      assert.isAtMost(most(times, perMs), limit)
      // On a busy machine some turns are lost, as they are below.
      assert.isAtLeast(turns / ((limit * spanMs) / perMs), 0.95)
    })
  }

  it("calls whose turn passed while their processes were held up take another, and never pass it", async () => {
    const heldUpMs = 600
    const { spanMs, times, turns } = await departures(2, async (programs) => {
      await after(3000)
      for (const { kill } of programs) kill("SIGSTOP")
      await after(heldUpMs)
      for (const { kill } of programs) kill("SIGCONT")
    })
    assert.isAtMost(most(times, perMs), limit)
    assert.isAtLeast(turns / ((limit * spanMs) / perMs), 0.95)
    assert.isAbove(turns, times.length)
  })
})
