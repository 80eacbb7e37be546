/**
 * The tables of durable batches in PostgreSQL: what was submitted, and what became of it. It asks no model and starts no
 * workflow.
 */
import * as Arr from "effect/Array"
import * as Effect from "effect/Effect"
import * as Migrator from "effect/sql/Migrator"
import * as SqlClient from "effect/sql/SqlClient"
import type { SqlError } from "effect/sql/SqlError"
import { BatchError } from "./BatchItem.ts"

/** A row to be submitted. */
export type ItemRow = Readonly<{ place: number; id: string; execution: string; request: string }>

/** A row that is done. */
export interface DoneRow {
  readonly place: number
  readonly id: string
  readonly outcome: string
  readonly runner: string
}

/** How far a batch is. */
export interface BatchProgress {
  /** How many items were submitted; undefined until all of them are. */
  readonly items: number | undefined
  /** Items with an answer. */
  readonly answered: number
  /** Items whose outcome is an error. */
  readonly failed: number
  /** Items without an outcome, of those submitted so far. */
  readonly waiting: number
  /** What each runner did, by its address (`host:port`). */
  readonly runners: ReadonlyArray<{ readonly runner: string; readonly answered: number; readonly failed: number }>
}

const migrations = Migrator.fromRecord({
  "0001_batches": Effect.gen(function* () {
    const sql = yield* SqlClient.SqlClient
    yield* sql`CREATE TABLE IF NOT EXISTS wiseflow_batches (batch TEXT PRIMARY KEY, items INTEGER)`
    yield* sql`CREATE TABLE IF NOT EXISTS wiseflow_batch_items (
      batch TEXT NOT NULL,
      place INTEGER NOT NULL,
      id TEXT NOT NULL,
      execution TEXT NOT NULL,
      request TEXT NOT NULL,
      outcome TEXT,
      failed BOOLEAN,
      runner TEXT,
      PRIMARY KEY (batch, id),
      UNIQUE (batch, place)
    )`
    yield* sql`CREATE INDEX IF NOT EXISTS wiseflow_batch_items_waiting ON wiseflow_batch_items (batch, place)
      WHERE outcome IS NULL`
  }),
})

/** What the database said, without its address. */
const stored = <A, E, R>(
  effect: Effect.Effect<A, E | SqlError, R>,
): Effect.Effect<A, Exclude<E, SqlError> | BatchError, R> =>
  Effect.catchTag(effect as Effect.Effect<A, SqlError, R>, "SqlError", ({ reason }) =>
    Effect.fail(new BatchError({ reason: "store", message: `the database failed: ${reason._tag}` })),
  ) as Effect.Effect<A, Exclude<E, SqlError> | BatchError, R>

/** The tables, made where they are not there yet. */
export const make = Effect.gen(function* () {
  const sql = (yield* SqlClient.SqlClient).withoutTransforms()
  yield* Migrator.make({})({ loader: migrations, table: "wiseflow_migrations" }).pipe(
    Effect.mapError(() => new BatchError({ reason: "store", message: "the tables of batches could not be made" })),
  )

  /** Remembers that a batch is being submitted. */
  const begin = (batch: string) =>
    stored(sql`INSERT INTO wiseflow_batches (batch) VALUES (${batch}) ON CONFLICT (batch) DO NOTHING`)

  /** Remembers how many items a batch has, when all are submitted. */
  const complete = (batch: string, items: number) =>
    stored(sql`UPDATE wiseflow_batches SET items = ${items} WHERE batch = ${batch}`)

  /** Writes a page of items, those that are there left as they are. Says which of them are not done. */
  const add = Effect.fnUntraced(function* (batch: string, rows: Arr.NonEmptyReadonlyArray<ItemRow>) {
    yield* sql`INSERT INTO wiseflow_batch_items ${sql.insert(Arr.map(rows, (row) => ({ batch, ...row })))}
      ON CONFLICT DO NOTHING`
    const there = yield* sql<{ place: number; id: string; request: string; done: boolean }>`
      SELECT place, id, request, outcome IS NOT NULL AS done FROM wiseflow_batch_items
      WHERE batch = ${batch} AND ${sql.in(
        "id",
        rows.map(({ id }) => id),
      )}`
    const byId = new Map(there.map((row) => [row.id, row]))
    for (const { id, place, request } of rows) {
      const row = byId.get(id)
      if (row !== undefined && row.place === place && row.request === request) continue
      const what = row === undefined || row.place !== place ? "at another place" : "with another request"
      const message = `item ${JSON.stringify(id)} at place ${place}: the batch has it already ${what}`
      return yield* new BatchError({ reason: "conflict", message })
    }
    return rows.filter(({ id }) => byId.get(id)?.done === false)
  }, stored)

  /** The request of an item, or undefined where it is done or forgotten. */
  const waiting = (batch: string, id: string) =>
    stored(
      Effect.map(
        sql<{ request: string }>`SELECT request FROM wiseflow_batch_items
          WHERE batch = ${batch} AND id = ${id} AND outcome IS NULL`,
        (rows) => rows[0]?.request,
      ),
    )

  /** Writes what became of an item. The first outcome stays. */
  const finish = (
    batch: string,
    id: string,
    done: { readonly outcome: string; readonly failed: boolean; readonly runner: string },
  ) =>
    stored(sql`UPDATE wiseflow_batch_items SET ${sql.update(done)}
      WHERE batch = ${batch} AND id = ${id} AND outcome IS NULL`)

  /** How many items a batch has: undefined until all are submitted. Fails where the batch is unknown. */
  const total = Effect.fnUntraced(function* (batch: string) {
    const [row] = yield* sql<{ items: number | null }>`SELECT items FROM wiseflow_batches WHERE batch = ${batch}`
    if (row !== undefined) return row.items ?? undefined
    const message = `no batch was submitted under the name ${JSON.stringify(batch)}`
    return yield* new BatchError({ reason: "unknown", message })
  }, stored)

  /** The next items that are done, up to the first that is not, or whatever is done with `isWaitingFor` false. */
  const page = (batch: string, after: number, limit: number, isWaitingFor: boolean) => {
    const end = isWaitingFor
      ? sql`AND place < COALESCE((SELECT min(place) FROM wiseflow_batch_items
          WHERE batch = ${batch} AND place > ${after} AND outcome IS NULL), 2147483647)`
      : sql``
    return stored(sql<DoneRow>`SELECT place, id, outcome, runner FROM wiseflow_batch_items
      WHERE batch = ${batch} AND place > ${after} AND outcome IS NOT NULL ${end} ORDER BY place LIMIT ${limit}`)
  }

  /** Counts, by runner. */
  const progress = Effect.fnUntraced(function* (batch: string) {
    const items = yield* total(batch)
    const rows = yield* sql<{ runner: string | null; answered: number; failed: number; waiting: number }>`
      SELECT runner,
        count(*) FILTER (WHERE NOT failed)::integer AS answered,
        count(*) FILTER (WHERE failed)::integer AS failed,
        count(*) FILTER (WHERE outcome IS NULL)::integer AS waiting
      FROM wiseflow_batch_items WHERE batch = ${batch} GROUP BY runner ORDER BY runner`
    const sum = (of: "answered" | "failed" | "waiting") => rows.reduce((all, row) => all + row[of], 0)
    const progress: BatchProgress = {
      items,
      answered: sum("answered"),
      failed: sum("failed"),
      waiting: sum("waiting"),
      runners: rows.flatMap(({ answered, failed, runner }) => (runner === null ? [] : [{ runner, answered, failed }])),
    }
    return progress
  }, stored)

  /**
   * Deletes a batch that is done, with what the cluster wrote for it. `entity` is the workflow's name in the cluster's
   * tables. The cluster notes that an item is done a moment after its outcome is written: that is waited for.
   */
  const forget = Effect.fnUntraced(function* (batch: string, entity: string) {
    const messages = sql`SELECT m.id FROM wiseflow_batch_items i
      CROSS JOIN LATERAL (VALUES ('run/'), ('activity/answer/1')) AS kind (name)
      JOIN cluster_messages m ON m.message_id = ${entity} || '/' || i.execution || '/' || kind.name
      WHERE i.batch = ${batch}`
    const { waiting } = yield* progress(batch)
    if (waiting > 0) {
      const message = `the batch ${JSON.stringify(batch)} is not done: ${waiting} items have no outcome`
      return yield* new BatchError({ reason: "conflict", message })
    }
    const open = sql<{ open: number }>`SELECT count(*)::integer AS open FROM cluster_messages
      WHERE id IN (${messages}) AND NOT processed`
    while (((yield* open)[0]?.open ?? 0) > 0) yield* Effect.sleep("50 millis")
    yield* Effect.gen(function* () {
      yield* sql`DELETE FROM cluster_replies WHERE request_id IN (${messages})`
      yield* sql`DELETE FROM cluster_messages WHERE id IN (${messages})`
      yield* sql`DELETE FROM wiseflow_batch_items WHERE batch = ${batch}`
      yield* sql`DELETE FROM wiseflow_batches WHERE batch = ${batch}`
    }).pipe(sql.withTransaction)
  }, stored)

  return { begin, complete, add, waiting, finish, total, page, progress, forget }
})
