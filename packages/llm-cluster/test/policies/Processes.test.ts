/** Several processes under one limit, against a real Redis. */
import { assert, describe, it } from "@effect/vitest"
import { missing } from "../servers/Binaries.ts"
import { program } from "../servers/Program.ts"
import { RedisServer } from "../servers/RedisServer.ts"

const reason = missing("redis")
if (reason !== undefined) process.stderr.write(`skipped: ${reason}\n`)

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
    it(`${count} processes never pass it in any window, and reach 95 % of it`, async () => {
      await using redis = await RedisServer.start()
      const [limit, perMs, forMs] = [400, 3000, 9000]
      const atOnce = 200 / count
      const programs = Array.from({ length: count }, () =>
        program("RateLimitedCaller", [redis.url, `${limit}`, `${perMs}`, `${forMs}`, `${atOnce}`]),
      )
      await Promise.all(programs.map(({ said }) => said("ready")))
      for (const { tell } of programs) tell("go")
      await Promise.all(programs.map(({ ended }) => ended))
      const each = programs.map(({ output }) => output().split("\n").slice(1).map(Number))
      assert.isTrue(
        each.every((times) => times.length > 0),
        "every process had its turn",
      )
      const times = each.flat().sort((a, b) => a - b)
      const spanMs = (times.at(-1) ?? 0) - (times[0] ?? 0)
      assert.isAtMost(most(times, perMs), limit)
      assert.isAtLeast(times.length / ((limit * spanMs) / perMs), 0.95)
    })
  }
})
