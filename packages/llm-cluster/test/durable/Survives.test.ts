/**
 * A durable batch whose runner that asked last is killed at random moments, whose runners are stopped and join. `DURABLE_ITEMS`
 * (300) is how many items it has where they are killed; with 5000 it takes minutes.
 */
import { randomInt } from "node:crypto"
import { setTimeout as after } from "node:timers/promises"
import { DurableBatch } from "@wiseflow/llm-cluster/durable"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import { freePort, missing } from "../servers/Binaries.ts"
import { PostgresServer } from "../servers/PostgresServer.ts"
import { program } from "../servers/Program.ts"
import { RedisServer } from "../servers/RedisServer.ts"
import { type Arrival, Upstream } from "../servers/Upstream.ts"

const reason = missing("postgres", "redis")
if (reason !== undefined) process.stderr.write(`skipped: ${reason}\n`)

const items = Number(process.env["DURABLE_ITEMS"] ?? 300)
const kills = Math.min(20, Math.ceil(items / 100))
const concurrency = 8
const latencyMs = items > 1000 ? 250 : 800

const questions = Stream.range(0, items - 1).pipe(
  Stream.map((place): DurableBatch.BatchItem => {
    // One in fifty is refused: its error is an outcome, and no failure of the batch.
    const content = `item-${place} ${place % 50 === 7 ? "refuse" : "summarise"}`
    return { id: `item-${place}`, request: { messages: [{ role: "user", content }] } }
  }),
)

/** Three runners, one of which is killed and started again at the same address whenever it is told. */
const runners = async (url: string, upstream: Upstream, redis: RedisServer) => {
  const start = (port: number) =>
    program("Runner", [url, `${port}`, `${concurrency}`, upstream.url, "5 seconds", redis.url, "200"])
  const ports = [await freePort(), await freePort(), await freePort()]
  const running = ports.map(start)
  /** When each runner was killed, by its key. */
  const killedMs = new Map<string, number>()
  await Promise.all(running.map(({ said }) => said("ready")))
  return {
    killedMs,
    killOne: async (isStartedAgain: boolean) => {
      // The one that asked last: a runner that has no share yet has nothing in flight.
      const busy = running.findIndex(({ pid }) => `runner-${pid}` === upstream.arrivals.at(-1)?.key)
      const chosen = busy === -1 ? randomInt(running.length) : busy
      const killed = running[chosen]
      killedMs.set(`runner-${killed?.pid}`, performance.now())
      killed?.kill("SIGKILL")
      await killed?.ended
      if (isStartedAgain) running[chosen] = start(ports[chosen] ?? 0)
    },
    stop: async () => {
      for (const { kill } of running) kill("SIGKILL")
      await Promise.all(running.map(({ ended }) => ended))
    },
  }
}

/**
 * Why items were asked again: for each runner that was killed, the items that it had in flight at its death; and those that
 * were asked again though the runner that had asked was alive.
 */
const askedAgain = (arrivals: ReadonlyArray<Arrival>, killedMs: ReadonlyMap<string, number>) => {
  const latest = new Map<string, Arrival>()
  const byKills = new Map<string, ReadonlyArray<string>>()
  const withoutKill: Array<string> = []
  for (const arrival of arrivals) {
    const { atMs, id, key } = arrival
    const first = latest.get(id)
    latest.set(id, arrival)
    if (first === undefined) continue
    const diedMs = killedMs.get(first.key) ?? Number.POSITIVE_INFINITY
    const wasInFlight = diedMs <= (first.closedUnansweredMs ?? atMs)
    if (wasInFlight) byKills.set(first.key, [...(byKills.get(first.key) ?? []), id])
    else withoutKill.push(`${id}: by ${first.key}, and ${Math.round(atMs - first.atMs)} ms later by ${key}`)
  }
  return { byKills, withoutKill }
}

describe.skipIf(reason !== undefined)("a durable batch", () => {
  it(
    "answers every item though runners are killed, and asks again only what was in flight",
    {
      timeout: 180_000 + items * 100,
    },
    async () => {
      await using postgres = await PostgresServer.start()
      await using redis = await RedisServer.start()
      await using upstream = await Upstream.start(latencyMs)
      const crew = await runners(postgres.url, upstream, redis)
      const startedMs = performance.now()

      const killing = async () => {
        for (let kill = 1; kill <= kills; kill++) {
          // Spread over the batch, each at a random moment.
          const due = (items * (kill - randomInt(1, 90) / 100)) / (kills + 1)
          while (upstream.asked.size < due) await after(20)
          await crew.killOne(kill < kills)
        }
      }
      const asking = Effect.gen(function* () {
        const batches = yield* DurableBatch.DurableBatch
        const submitted = yield* batches.submit("killed", questions)
        const results = yield* Stream.runCollect(batches.results("killed", { pollEvery: "250 millis" }))
        return { submitted, results, progress: yield* batches.progress("killed") }
      }).pipe(Effect.provide(DurableBatch.layerClient({ url: postgres.url })))

      const [{ progress, results, submitted }] = await Promise.all([Effect.runPromise(asking), killing()])
      await crew.stop()
      const tookMs = performance.now() - startedMs
      process.stderr.write(
        `${items} items in ${Math.round(tookMs / 1000)} s, ${kills} kills, ${upstream.duplicates} asked twice\n`,
      )

      const refused = Math.floor((items - 8) / 50) + 1
      assert.strictEqual(submitted, items)
      assert.deepStrictEqual(
        results.map(({ id }) => id),
        Array.from({ length: items }, (_, place) => `item-${place}`),
      )
      for (const { id, outcome } of results) {
        const told = outcome._tag === "Answered" ? outcome.response.text : outcome.error.reason._tag
        const place = Number(id.slice(5))
        assert.strictEqual(told, place % 50 === 7 ? "InvalidRequestError" : `answer to ${id} summarise`)
      }
      assert.deepInclude(progress, { items, answered: items - refused, failed: refused, waiting: 0 })
      assert.strictEqual(upstream.asked.size, items)
      const { byKills, withoutKill } = askedAgain(upstream.arrivals, crew.killedMs)
      assert.deepStrictEqual(withoutKill, [])
      // Each kill met requests in flight, or the bound below would hold of nothing.
      assert.strictEqual(byKills.size, kills)
      for (const [runner, again] of byKills) {
        assert.isAtMost(again.length, concurrency, `${runner}: ${again.join(", ")}`)
      }
      assert.isAtMost(upstream.mostOpen, 3 * concurrency + kills * concurrency)
    },
  )

  it("asks nothing twice when a runner is stopped", async () => {
    await using postgres = await PostgresServer.start()
    await using upstream = await Upstream.start(500)
    const start = async () => program("Runner", [postgres.url, `${await freePort()}`, `${concurrency}`, upstream.url])
    const stopped = await start()
    await stopped.said("ready")
    const asking = Effect.gen(function* () {
      const batches = yield* DurableBatch.DurableBatch
      yield* batches.submit("stopped", Stream.take(questions, 60))
      return yield* Stream.runCollect(batches.results("stopped", { pollEvery: "250 millis" }))
    }).pipe(Effect.provide(DurableBatch.layerClient({ url: postgres.url })))
    const answered = Effect.runPromise(asking)
    while (upstream.asked.size < 20) await after(20)
    stopped.kill("SIGTERM")
    assert.strictEqual(await stopped.ended, 0)
    const before = upstream.asked.size
    const other = await start()
    const results = await answered
    other.kill("SIGKILL")
    await other.ended
    assert.lengthOf(results, 60)
    assert.isBelow(before, 60)
    assert.strictEqual(upstream.duplicates, 0)
  })

  it("asks nothing twice when a runner joins, and hands it items without waiting for drain", async () => {
    await using postgres = await PostgresServer.start()
    await using upstream = await Upstream.start(800)
    // Longer than the test may take.
    const drain = "10 minutes"
    const start = async () =>
      program("Runner", [postgres.url, `${await freePort()}`, `${concurrency}`, upstream.url, drain])
    const first = await start()
    await first.said("ready")
    const asking = Effect.gen(function* () {
      const batches = yield* DurableBatch.DurableBatch
      // More than the first runner can ask before shares of it have moved.
      yield* batches.submit("joined", Stream.take(questions, 240))
      return yield* Stream.runCollect(batches.results("joined", { pollEvery: "250 millis" }))
    }).pipe(Effect.provide(DurableBatch.layerClient({ url: postgres.url })))
    const answered = Effect.runPromise(asking)
    while (upstream.asked.size < concurrency) await after(20)
    const joined = await start()
    const results = await answered
    for (const { ended, kill } of [first, joined]) {
      kill("SIGKILL")
      await ended
    }
    assert.lengthOf(results, 240)
    assert.sameMembers(
      [...new Set(upstream.arrivals.map(({ key }) => key))],
      [`runner-${first.pid}`, `runner-${joined.pid}`],
    )
    assert.deepStrictEqual(askedAgain(upstream.arrivals, new Map()).withoutKill, [])
  })
})
