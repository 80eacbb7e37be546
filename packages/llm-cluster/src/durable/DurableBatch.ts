/**
 * Batches that survive the death of any process: each item is a workflow of Effect's cluster over PostgreSQL, answered by
 * one of many runners (`BatchRunner.ts`). Here they are submitted, and read when they are done.
 */
import type { LlmProvider } from "@wiseflow/llm"
import type { NonEmptyReadonlyArray } from "effect/Array"
import * as Context from "effect/Context"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import { WorkflowEngine } from "effect/workflow/WorkflowEngine"
import {
  BatchError,
  type BatchItem,
  type BatchResult,
  decodeOutcome,
  encodeRequest,
  isName,
  Item,
  workflowName,
} from "./BatchItem.ts"
import * as BatchRunner from "./BatchRunner.ts"
import * as BatchTable from "./BatchTable.ts"
import * as ClusterLayers from "./ClusterLayers.ts"
import { handedOver } from "./HandOver.ts"

export { BatchError, type BatchErrorReason, type BatchItem, type BatchOutcome, type BatchResult } from "./BatchItem.ts"
export type { RunnerOptions } from "./BatchRunner.ts"
export type { BatchProgress } from "./BatchTable.ts"
export type { ClusterOptions, RunnerAddressOptions } from "./ClusterLayers.ts"

/** How results are read. */
export interface ResultsOptions {
  /** Begins after the item at this place; -1 is the beginning, and the default. */
  readonly after?: number | undefined
  /** How many results are read, and held in memory, at once. Default 100. */
  readonly pageSize?: number | undefined
  /** True (the default): waits for items that are not done, in their order. False: gives what is done and ends. */
  readonly wait?: boolean | undefined
  /** How often the database is asked while the next item is not done. Default 1 second. */
  readonly pollEvery?: Duration.Input | undefined
}

/** Submits batches and reads what became of them. */
export class DurableBatch extends Context.Service<
  DurableBatch,
  {
    /**
     * Writes the items to the database and starts a workflow for each; it does not wait for answers. Says how many items
     * there are. Ids are unique within a batch. Submitting the same items again is harmless, and completes what a
     * submission that was killed left out.
     */
    readonly submit: <E, R>(
      batch: string,
      items: Stream.Stream<BatchItem, E, R>,
    ) => Effect.Effect<number, E | BatchError, R>
    /** What became of each item, in the order submitted. Ends with the last item of the batch. */
    readonly results: (batch: string, options?: ResultsOptions) => Stream.Stream<BatchResult, BatchError>
    /** How many items are done, and by which runner. */
    readonly progress: (batch: string) => Effect.Effect<BatchTable.BatchProgress, BatchError>
    /** Deletes a batch that is done, and all that was written for it. Its names are then free again. */
    readonly forget: (batch: string) => Effect.Effect<void, BatchError>
  }
>()("@wiseflow/llm-cluster/DurableBatch") {}

/** How many items are written in one statement. */
const submitted = 100

const invalid = (message: string) => new BatchError({ reason: "invalid", message })

const make = Effect.gen(function* () {
  const table = yield* BatchTable.make
  const engine = yield* WorkflowEngine

  const rowOf = Effect.fnUntraced(function* (batch: string, { id, request }: BatchItem, place: number) {
    if (!isName(id)) return yield* invalid(`the id of item ${place} is not a text of 1 to 255 characters`)
    return { place, id, execution: yield* Item.executionId({ batch, id }), request: yield* encodeRequest(request) }
  })

  const submitPage = Effect.fnUntraced(function* (
    batch: string,
    page: NonEmptyReadonlyArray<readonly [BatchItem, number]>,
  ) {
    const rows = yield* Effect.forEach(page, ([item, place]) => rowOf(batch, item, place))
    const waiting = yield* table.add(batch, rows)
    yield* Effect.forEach(
      waiting,
      // Again under the same key, an item that was handed over already stays the one that it is.
      ({ id }) => handedOver(Item.execute({ batch, id }, { discard: true })),
      { concurrency: 16, discard: true },
    ).pipe(Effect.provideService(WorkflowEngine, engine))
    return rows.length
  })

  const submit = <E, R>(
    batch: string,
    items: Stream.Stream<BatchItem, E, R>,
  ): Effect.Effect<number, E | BatchError, R> =>
    Effect.gen(function* () {
      if (!isName(batch)) return yield* invalid("the name of the batch is not a text of 1 to 255 characters")
      yield* table.begin(batch)
      const count = yield* items.pipe(
        Stream.zipWithIndex,
        Stream.grouped(submitted),
        Stream.runFoldEffect(
          () => 0,
          (count, page) => Effect.map(submitPage(batch, page), (added) => count + added),
        ),
      )
      yield* table.complete(batch, count)
      return count
    })

  const results = (
    batch: string,
    { after = -1, pageSize = 100, pollEvery = "1 second", wait = true }: ResultsOptions = {},
  ): Stream.Stream<BatchResult, BatchError> => {
    const next = Effect.fnUntraced(function* (last: number) {
      // Before the page: an item that is submitted between the two is then waited for.
      const total = yield* table.total(batch)
      const rows = yield* table.page(batch, last, pageSize, wait)
      const read = yield* Effect.forEach(rows, ({ id, outcome, place, runner }) =>
        Effect.map(decodeOutcome(outcome), (outcome): BatchResult => ({ id, place, outcome, runner })),
      )
      const place = read.at(-1)?.place ?? last
      const isEnd = wait ? total !== undefined && place >= total - 1 : read.length < pageSize
      if (read.length === 0 && !isEnd) yield* Effect.sleep(pollEvery)
      return [read, isEnd ? Option.none() : Option.some(place)] as const
    })
    if (!(Number.isInteger(pageSize) && pageSize >= 1)) {
      return Stream.fail(invalid(`pageSize must be a whole number above 0, not ${pageSize}`))
    }
    return Stream.paginate(after, next)
  }

  return {
    table,
    service: DurableBatch.of({
      submit,
      results,
      progress: table.progress,
      forget: (batch) => table.forget(batch, `Workflow/${workflowName}`),
    }),
  }
})

/** A process that answers items by its `LlmProvider`, and may also submit. It works for as long as the layer lives. */
export const layerRunner = (
  options: BatchRunner.RunnerOptions,
): Layer.Layer<DurableBatch | WorkflowEngine, BatchError, LlmProvider> => {
  const wrong = ClusterLayers.wrongSetting(options)
  if (wrong !== undefined) return Layer.effectContext(wrong)
  return Effect.gen(function* () {
    const { service, table } = yield* make
    return Layer.merge(Layer.succeed(DurableBatch, service), Layer.unwrap(BatchRunner.answering(options, table)))
  }).pipe(Layer.unwrap, Layer.provideMerge(ClusterLayers.runner(options)))
}

/** A process that submits batches and reads results, and answers nothing itself. */
export const layerClient = (
  options: ClusterLayers.ClusterOptions,
): Layer.Layer<DurableBatch | WorkflowEngine, BatchError> => {
  const wrong = ClusterLayers.wrongSetting(options)
  if (wrong !== undefined) return Layer.effectContext(wrong)
  return Layer.effect(
    DurableBatch,
    Effect.map(make, ({ service }) => service),
  ).pipe(Layer.provideMerge(ClusterLayers.client(options)))
}
