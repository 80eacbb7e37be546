/**
 * Batches that survive the death of any process: each item is a workflow of Effect's cluster over PostgreSQL, answered by
 * one of many runners and gone on with by another when that one dies. The stack of the runner decides on retries, pace and
 * price; a batch adds none of its own.
 */
import {
  type LlmError,
  LlmProvider,
  InvalidResponseError,
  LlmError as LlmFailure,
  type LlmRequest,
} from "@wiseflow/llm"
import type { NonEmptyReadonlyArray } from "effect/Array"
import * as Cause from "effect/Cause"
import * as ClusterSchema from "effect/cluster/ClusterSchema"
import { CurrentAddress } from "effect/cluster/Entity"
import type { ShardId } from "effect/cluster/ShardId"
import { Sharding } from "effect/cluster/Sharding"
import * as Context from "effect/Context"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Schedule from "effect/Schedule"
import * as Schema from "effect/Schema"
import * as Semaphore from "effect/Semaphore"
import * as Stream from "effect/Stream"
import * as Activity from "effect/workflow/Activity"
import * as Workflow from "effect/workflow/Workflow"
import { WorkflowEngine } from "effect/workflow/WorkflowEngine"
import {
  BatchError,
  type BatchItem,
  type BatchOutcome,
  type BatchResult,
  decodeOutcome,
  decodeRequest,
  encodeOutcome,
  encodeRequest,
  isName,
} from "./BatchItem.ts"
import * as BatchTable from "./BatchTable.ts"
import * as ClusterLayers from "./ClusterLayers.ts"
import { handedOver } from "./HandOver.ts"

export { BatchError, type BatchErrorReason, type BatchItem, type BatchOutcome, type BatchResult } from "./BatchItem.ts"
export type { BatchProgress } from "./BatchTable.ts"
export type { ClusterOptions, RunnerAddressOptions } from "./ClusterLayers.ts"

/** How a process answers items. */
export interface RunnerOptions extends ClusterLayers.ClusterOptions {
  /** Where the other processes reach this one. */
  readonly address: ClusterLayers.RunnerAddressOptions
  /** How many items this process asks at once. At its death so many may be asked a second time. Default 16. */
  readonly concurrency?: number | undefined
}

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

const name = "wiseflow.batch-item"

const Item = Workflow.make(name, {
  payload: { batch: Schema.String, id: Schema.String },
  idempotencyKey: ({ batch, id }) => `${batch.length}:${batch}:${id}`,
})

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
      forget: (batch) => table.forget(batch, `Workflow/${name}`),
    }),
  }
})

/** While the database is away an item waits for it: an answer that was paid for is kept until it is written. */
const untilStored = <A>(effect: Effect.Effect<A, BatchError>): Effect.Effect<A, BatchError> =>
  Effect.retry(effect, {
    while: ({ reason }) => reason === "store",
    schedule: Schedule.min([Schedule.exponential("100 millis"), Schedule.spaced("5 seconds")]),
  })

/** A defect of the stack is an outcome too, or the batch would never end. */
const outcomeOf = (llm: LlmProvider["Service"], request: LlmRequest): Effect.Effect<BatchOutcome> =>
  llm.generate(request).pipe(
    Effect.matchCauseEffect({
      onSuccess: (response) => Effect.succeed<BatchOutcome>({ _tag: "Answered", response }),
      onFailure: (cause) => {
        if (Cause.hasInterrupts(cause)) return Effect.failCause(cause as Cause.Cause<never>)
        const failure = Cause.findErrorOption(cause)
        const error = Option.getOrElse(failure, () => died(llm))
        return Effect.as(
          Option.isSome(failure) ? Effect.void : Effect.logError("the stack of a runner died of a defect", cause),
          { _tag: "Failed", error } satisfies BatchOutcome,
        )
      },
    }),
  )

const failure = ({ name: provider }: LlmProvider["Service"], message: string): LlmError =>
  new LlmFailure({ reason: new InvalidResponseError({ message }), provider, attempts: [] })

const died = (llm: LlmProvider["Service"]): LlmError =>
  failure(llm, "the stack of the runner died of a defect: see its log")

/** An outcome as it is stored. What cannot be written, of a provider of the program's own, is an outcome too. */
const written = (llm: LlmProvider["Service"], outcome: BatchOutcome) =>
  Effect.matchEffect(encodeOutcome(outcome), {
    onSuccess: (text) => Effect.succeed({ outcome: text, failed: outcome._tag === "Failed" }),
    onFailure: () => {
      const error = failure(llm, "what the stack of the runner answered is not an answer of its kind")
      return Effect.map(encodeOutcome({ _tag: "Failed", error }), (text) => ({ outcome: text, failed: true }))
    },
  })

const answering = (
  { address, concurrency = 16, drain = "15 seconds" }: RunnerOptions,
  table: Effect.Success<typeof BatchTable.make>,
) =>
  Effect.gen(function* () {
    const llm = yield* LlmProvider
    const sharding = yield* Sharding
    const permits = yield* Semaphore.make(concurrency)
    const runner = `${address.host}:${address.port}`
    const state = { asking: 0, isStopping: false }
    const answer = Effect.fnUntraced(function* (batch: string, id: string) {
      const stored = yield* untilStored(table.waiting(batch, id))
      if (stored === undefined) return
      const outcome = yield* outcomeOf(llm, yield* decodeRequest(stored))
      const done = { ...(yield* written(llm, outcome)), runner }
      yield* untilStored(table.finish(batch, id, done))
    })
    /** Items that wait for a permit, and the shares that they are in. */
    const waiting = new Map<Fiber.Fiber<unknown, unknown>, ShardId>()
    /** The item goes on under the next owner of its share: asked here, it could be cut off when `drain` ends. */
    const abandon = (fiber: Fiber.Fiber<unknown, unknown>) =>
      fiber.interruptUnsafe(fiber.id, ClusterSchema.Abandon.annotation)
    /** A share leaves when none of its items is here: it must not wait until each has had a permit. */
    const abandonMoving = Effect.sync(() => {
      for (const [fiber, shardId] of waiting) if (!sharding.hasShardId(shardId)) abandon(fiber)
    })
    // Counted in one step with what counts it out again, so that no interruption can come between.
    const ask = (batch: string, id: string) =>
      Effect.acquireUseRelease(
        Effect.sync(() => state.asking++),
        () => Activity.make({ name: "answer", execute: Effect.orDie(answer(batch, id)) }),
        () => Effect.sync(() => state.asking--),
      )
    // Outside the activity, which would run again after an interruption.
    const begin = (fiber: Fiber.Fiber<unknown, unknown>, shardId: ShardId, batch: string, id: string) =>
      Effect.suspend(() => {
        // It is abandoned when its share leaves. While the share is here, an abandoned item would begin again at once.
        if (state.isStopping) return Effect.never
        if (!sharding.hasShardId(shardId)) {
          abandon(fiber)
          return Effect.never
        }
        waiting.delete(fiber)
        return ask(batch, id)
      })
    const items = Item.toLayer(({ batch, id }) =>
      Effect.withFiber((fiber) => {
        const { shardId } = Context.getUnsafe(fiber.context, CurrentAddress)
        return Effect.acquireUseRelease(
          Effect.sync(() => waiting.set(fiber, shardId)),
          () => permits.withPermits(1)(begin(fiber, shardId, batch, id)),
          () => Effect.sync(() => waiting.delete(fiber)),
        )
      }),
    )
    yield* Effect.forkScoped(Effect.repeat(abandonMoving, Schedule.spaced("500 millis")))
    const drained = Effect.gen(function* () {
      state.isStopping = true
      while (state.asking > 0) yield* Effect.sleep("50 millis")
    })
    // Built after the items, and so ended before them.
    return Layer.effectDiscard(Effect.addFinalizer(() => Effect.timeoutOption(drained, drain))).pipe(
      Layer.provideMerge(items),
    )
  })

/** A process that answers items by its `LlmProvider`, and may also submit. It works for as long as the layer lives. */
export const layerRunner = (
  options: RunnerOptions,
): Layer.Layer<DurableBatch | WorkflowEngine, BatchError, LlmProvider> => {
  const wrong = ClusterLayers.wrongSetting(options)
  if (wrong !== undefined) return Layer.effectContext(wrong)
  return Effect.gen(function* () {
    const { service, table } = yield* make
    return Layer.merge(Layer.succeed(DurableBatch, service), Layer.unwrap(answering(options, table)))
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
