/**
 * A durable batch to watch: PostgreSQL, Redis and a model service of its own on the loopback interface, three runners, one of
 * which is killed in the middle. It asks no real model, ends within two minutes, and leaves nothing behind.
 */
import { setTimeout as after } from "node:timers/promises"
import { DurableBatch } from "@wiseflow/llm-cluster/durable"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import { freePort, missing } from "../test/servers/Binaries.ts"
import { PostgresServer } from "../test/servers/PostgresServer.ts"
import { program } from "../test/servers/Program.ts"
import { RedisServer } from "../test/servers/RedisServer.ts"
import { Upstream } from "../test/servers/Upstream.ts"

const say = (text: string) => void process.stdout.write(`${text}\n`)

const reason = missing("postgres", "redis")
if (reason !== undefined) {
  say(reason)
  process.exit(1)
}

const [items = 300] = process.argv.slice(2).map(Number)
if (!(Number.isInteger(items) && items >= 10 && items <= 2000)) {
  say("usage: npm run cluster -- [items], from 10 to 2000; 300 by default")
  process.exit(2)
}
const concurrency = 8
const perSecond = 40

await using postgres = await PostgresServer.start()
await using redis = await RedisServer.start()
await using upstream = await Upstream.start(400)
say(`PostgreSQL at 127.0.0.1:${postgres.port}, Redis at ${redis.port}, a model service at ${upstream.url}`)

const ports = [await freePort(), await freePort(), await freePort()]
const start = (port: number) =>
  program("Runner", [postgres.url, `${port}`, `${concurrency}`, upstream.url, "5 seconds", redis.url, `${perSecond}`])
const runners = ports.map(start)
const kills = ports.map(() => 0)
// Whatever ends this program ends them.
process.once("exit", () => {
  for (const { kill } of runners) kill("SIGKILL")
})
for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => process.exit(130))
const tooLong = setTimeout(() => {
  say("it took longer than two minutes: given up")
  process.exit(1)
}, 120_000)

await Promise.all(runners.map(({ said }) => said("ready")))
say(`three runners, each asks ${concurrency} items at once; all together ${perSecond} a second, counted in Redis`)

const killOne = async () => {
  while (upstream.asked.size < items / 2) await after(20)
  const [first] = runners
  first?.kill("SIGKILL")
  await first?.ended
  kills[0] = 1
  say(`${upstream.asked.size} of ${items} asked: runner 1 is killed`)
  await after(2000)
  runners[0] = start(ports[0] ?? 0)
  say("runner 1 starts again")
}

const questions = Stream.range(1, items).pipe(
  Stream.map((number) => ({
    id: `article-${number}`,
    request: {
      messages: [
        { role: "user" as const, content: `article-${number} ${number % 60 === 0 ? "refuse" : "is to be summarised"}` },
      ],
    },
  })),
)

const startedMs = performance.now()
const batch = Effect.gen(function* () {
  const batches = yield* DurableBatch.DurableBatch
  say(`${yield* batches.submit("try", questions)} items submitted`)
  const watch = Effect.gen(function* () {
    const { answered, failed } = yield* batches.progress("try")
    say(`  ${answered} answered, ${failed} failed`)
  })
  yield* Effect.forkScoped(Effect.forever(Effect.delay(watch, "2 seconds")))
  yield* Stream.runDrain(batches.results("try"))
  return yield* batches.progress("try")
}).pipe(Effect.scoped, Effect.provide(DurableBatch.layerClient({ url: postgres.url })))

const [progress] = await Promise.all([Effect.runPromise(batch), killOne()])
clearTimeout(tooLong)
say(`all ${items} items are done after ${((performance.now() - startedMs) / 1000).toFixed(1)} s`)
say("")
say("runner  address            answered  failed  killed")
for (const [place, port] of ports.entries()) {
  const address = `127.0.0.1:${port}`
  const { answered, failed } = progress.runners.find(({ runner }) => runner === address) ?? { answered: 0, failed: 0 }
  const row = [`${place + 1}`.padEnd(6), address.padEnd(17), `${answered}`.padStart(8), `${failed}`.padStart(6)]
  say(`${row.join("  ")}  ${`${kills[place]}`.padStart(6)}`)
}
say("")
say(`asked ${[...upstream.asked.values()].reduce((sum, times) => sum + times, 0)} times for ${items} items:`)
say(
  `${upstream.duplicates} twice (in flight at the kill: at most ${concurrency}), ${items - upstream.asked.size} never`,
)
for (const { kill } of runners) kill("SIGTERM")
await Promise.race([Promise.all(runners.map(({ ended }) => ended)), after(5000)])
for (const { kill } of runners) kill("SIGKILL")
await Promise.all(runners.map(({ ended }) => ended))
