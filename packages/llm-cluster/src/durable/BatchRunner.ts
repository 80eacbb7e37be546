/**
 * A process that answers items: each is a workflow of Effect's cluster, asked by the runner that holds its share and gone on
 * with by another when that one dies or the share moves. The stack of the runner decides on retries, pace and price.
 */
import {
  type LlmError,
  LlmProvider,
  InvalidResponseError,
  LlmError as LlmFailure,
  type LlmRequest,
} from "@wiseflow/llm"
import * as Cause from "effect/Cause"
import * as ClusterSchema from "effect/cluster/ClusterSchema"
import { CurrentAddress } from "effect/cluster/Entity"
import type { ShardId } from "effect/cluster/ShardId"
import { Sharding } from "effect/cluster/Sharding"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import type * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Schedule from "effect/Schedule"
import * as Semaphore from "effect/Semaphore"
import * as Activity from "effect/workflow/Activity"
import { type BatchError, type BatchOutcome, decodeRequest, encodeOutcome, Item } from "./BatchItem.ts"
import type * as BatchTable from "./BatchTable.ts"
import type * as ClusterLayers from "./ClusterLayers.ts"

/** How a process answers items. */
export interface RunnerOptions extends ClusterLayers.ClusterOptions {
  /** Where the other processes reach this one. */
  readonly address: ClusterLayers.RunnerAddressOptions
  /** How many items this process asks at once. At its death so many may be asked a second time. Default 16. */
  readonly concurrency?: number | undefined
}

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

/** Answers the items of this runner, for as long as the layer lives. */
export const answering = (
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
