/**
 * What a durable item costs: throughput of one, two and three runners, CPU of the runners and of PostgreSQL, statements and
 * bytes an item, also where the tables hold a history of items that are done.
 * `node --conditions=@wiseflow/source packages/llm-cluster/scripts/measure-durable.ts [items] [latencyMs] [concurrency] [history]`.
 */
import { execFileSync } from "node:child_process"
import { readFileSync } from "node:fs"
import { setTimeout as after } from "node:timers/promises"
import { DurableBatch } from "@wiseflow/llm-cluster/durable"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import { freePort, missing } from "../test/servers/Binaries.ts"
import { PostgresServer } from "../test/servers/PostgresServer.ts"
import { program } from "../test/servers/Program.ts"
import { Upstream } from "../test/servers/Upstream.ts"

const reason = missing("postgres")
if (reason !== undefined) {
  process.stderr.write(`${reason}\n`)
  process.exit(1)
}

const [items = 1000, latencyMs = 500, concurrency = 64, history = 0] = process.argv.slice(2).map(Number)

/** CPU time of a process and, with `isTree`, of its children that have ended, in milliseconds. */
const cpuMs = (pid: number, isTree = false): number => {
  const fields = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ")[1]?.split(" ") ?? []
  const ticks = fields.slice(11, isTree ? 15 : 13).reduce((sum, field) => sum + Number(field), 0)
  return ticks * 10
}

const children = (pid: number): ReadonlyArray<number> =>
  execFileSync("ps", ["--ppid", `${pid}`, "-o", "pid="], { encoding: "utf8" })
    .trim()
    .split(/\s+/)
    .map(Number)

const postgresMs = (postgres: PostgresServer): number =>
  [postgres.pid, ...children(postgres.pid)].reduce((sum, pid) => {
    try {
      return sum + cpuMs(pid, pid === postgres.pid)
    } catch {
      return sum
    }
  }, 0)

const rssMb = (pid: number): number =>
  Math.round(Number(/VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1] ?? 0) / 1024)

const questions = Stream.range(0, items - 1).pipe(
  Stream.map((place) => ({
    id: `item-${place}`,
    // About what a short article has.
    request: {
      messages: [{ role: "user" as const, content: `item-${place} ${"an article of some length ".repeat(80)}` }],
    },
  })),
)

/** Items that are done, as runners leave them: two messages and two replies each. */
const fill = (postgres: PostgresServer) => {
  const numbers = `generate_series(1, ${history * 2}) AS n`
  postgres.query(
    `INSERT INTO cluster_messages (id, message_id, shard_id, entity_type, entity_id, kind, tag, payload, headers, processed,
       request_id, last_reply_id)
     SELECT n, 'Workflow/wiseflow.batch-item/' || md5((n / 2)::text) || '/' || n, 'default:' || n / 2 % 300 + 1,
       'Workflow/wiseflow.batch-item', md5((n / 2)::text), 0, 'run', '{"batch":"past","id":"item"}', '{}', TRUE, n, n
     FROM ${numbers}`,
  )
  postgres.query(
    `INSERT INTO cluster_replies (id, kind, request_id, payload)
     SELECT n, 0, n, '{"_tag":"Success","value":{"_tag":"Complete","exit":{"_tag":"Success","value":null}}}' FROM ${numbers}`,
  )
  postgres.query("ANALYZE")
}

for (const count of history > 0 ? [1] : [1, 2, 3]) {
  await using postgres = await PostgresServer.start("shared_preload_libraries=pg_stat_statements")
  postgres.query("CREATE EXTENSION pg_stat_statements")
  await using upstream = await Upstream.start(latencyMs)
  const runners = await Promise.all(
    Array.from({ length: count }, async () =>
      program("Runner", [postgres.url, `${await freePort()}`, `${concurrency}`, upstream.url]),
    ),
  )
  await Promise.all(runners.map(({ said }) => said("ready")))
  if (history > 0) fill(postgres)
  // Until each has its share.
  await after(6000)
  const total = (column: string) => Number(postgres.query(`SELECT sum(${column}) FROM pg_stat_statements`)[0])
  const size = () => Number(postgres.query("SELECT pg_database_size('postgres')")[0])
  const before = {
    calls: total("calls"),
    size: size(),
    postgres: postgresMs(postgres),
    cpu: runners.map(({ pid }) => cpuMs(pid)),
  }
  const startedMs = performance.now()
  const submittedMs = await Effect.runPromise(
    Effect.gen(function* () {
      const batches = yield* DurableBatch.DurableBatch
      yield* batches.submit("measured", questions)
      const submittedMs = performance.now() - startedMs
      while ((yield* batches.progress("measured")).waiting > 0) yield* Effect.sleep("200 millis")
      return submittedMs
    }).pipe(Effect.provide(DurableBatch.layerClient({ url: postgres.url }))),
  )
  const tookMs = performance.now() - startedMs
  const each = (value: number) => (value / items).toFixed(2)
  const connections = postgres.query("SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend'")[0]
  process.stdout.write(
    `${[
      `${count} runners: ${items} items in ${(tookMs / 1000).toFixed(1)} s, ${((items / tookMs) * 1000).toFixed(0)} a second`,
      `submitted in ${(submittedMs / 1000).toFixed(1)} s`,
      `CPU an item: runners ${each(runners.reduce((sum, { pid }, index) => sum + cpuMs(pid) - (before.cpu[index] ?? 0), 0))} ms, PostgreSQL ${each(postgresMs(postgres) - before.postgres)} ms`,
      `statements an item: ${each(total("calls") - before.calls)}`,
      `bytes an item: ${Math.round((size() - before.size) / items)}`,
      `memory of a runner at most: ${runners.map(({ pid }) => rssMb(pid)).join(", ")} MB`,
      `connections: ${connections}; asked twice: ${upstream.duplicates}; most open: ${upstream.mostOpen}`,
    ].join("\n  ")}\n`,
  )
  if (count === 1) {
    process.stdout.write(
      `  ${postgres
        .query(
          `SELECT calls, round(total_exec_time::numeric) AS ms, left(regexp_replace(query, '\\s+', ' ', 'g'), 90)
           FROM pg_stat_statements ORDER BY calls DESC LIMIT 16`,
        )
        .join("\n  ")}\n`,
    )
  }
  for (const { kill } of runners) kill("SIGKILL")
  await Promise.all(runners.map(({ ended }) => ended))
}
