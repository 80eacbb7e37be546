/**
 * Asks a model, runs the tools that it calls, tells it their results, and asks again until it answers. Each model call is
 * one call of the stack around `LlmProvider`, with its retries, fallbacks and limits; the loop adds none of its own.
 */
import * as Channel from "effect/Channel"
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import { ConfigurationError } from "../model/LlmError.ts"
import { assemble, type LlmEvent } from "../model/LlmEvent.ts"
import { LlmProvider } from "../model/LlmProvider.ts"
import type { LlmRequest } from "../model/LlmRequest.ts"
import type { LlmResponse } from "../model/LlmResponse.ts"
import { type LoopProgress, type LoopResponse, LoopState, type LoopStep, type StepChanges } from "./LoopState.ts"
import type { Tool } from "./Tool.ts"
import type { Approve, CallResult } from "./ToolCalls.ts"
import type { ToolLoopFailure } from "./ToolLoopFailure.ts"

export type { LoopProgress, LoopResponse, LoopStep, StepChanges } from "./LoopState.ts"
export type { Approval, Approve, CallOutcome, CallResult } from "./ToolCalls.ts"
export { ToolLoopFailure } from "./ToolLoopFailure.ts"

/**
 * A request with tools that run. `Needs` is what each tool needs of its surroundings, `Hooks` what the functions here do.
 *
 * - `maxSteps` (10) bounds the model calls; the tools that the last one calls still run. `timeout` bounds the whole run.
 * - `concurrency` (8) is how many calls of one answer run at once.
 * - `toolChoice` that forces a call holds for the first step; `prepareStep` can force more.
 * - `onToolError`: a tool's failure is told to the model (`tell`), or ends the run with `ToolError` (`fail`).
 * - `maxMistakes` (3): after so many steps running with nothing but unknown tools and wrong arguments the run fails.
 * - `approve` is asked before each call whose arguments fit; a call that it refuses is told to the model.
 */
export type ToolLoopOptions<Needs extends ReadonlyArray<unknown>, Hooks> = Omit<LlmRequest, "tools"> & {
  readonly tools: { readonly [Place in keyof Needs]: Tool<Needs[Place]> }
  readonly maxSteps?: number | undefined
  readonly timeout?: Duration.Input | undefined
  readonly concurrency?: number | undefined
  readonly onToolError?: "tell" | "fail" | undefined
  readonly maxMistakes?: number | undefined
  /** Asked after each step: true ends the run with what there is. */
  readonly stopWhen?: ((steps: ReadonlyArray<LlmResponse>) => boolean) | undefined
  /** Runs before each step, and may change its request. */
  readonly prepareStep?:
    | ((progress: LoopProgress) => Effect.Effect<StepChanges<Needs[number]> | undefined | void, never, Hooks>)
    | undefined
  /** Runs after each step, its tools included. */
  readonly onStep?: ((step: LoopStep) => Effect.Effect<unknown, never, Hooks>) | undefined
  readonly approve?: Approve<Hooks> | undefined
}

/** What a stream of a run emits: the events of each answer, and between them what the tools do. The last is `run-finish`. */
export type LoopEvent =
  | LlmEvent
  | { readonly type: "step-start"; readonly step: number }
  | ({ readonly type: "tool-result"; readonly step: number } & CallResult)
  | { readonly type: "run-finish"; readonly response: LoopResponse }

const limits = ["maxSteps", "concurrency", "maxMistakes"] as const

/** The first limit that is none. */
const wrongLimit = (
  options: Partial<Record<(typeof limits)[number], number | undefined>> & {
    readonly timeout?: Duration.Input | undefined
  },
): ConfigurationError | undefined => {
  for (const setting of limits) {
    const limit = options[setting]
    if (limit === undefined || limit === Infinity || (Number.isInteger(limit) && limit >= 1)) continue
    return new ConfigurationError({
      setting,
      message: `${setting} must be a whole number from 1 on, not ${shown(limit)}`,
    })
  }
  const { timeout } = options
  if (timeout === undefined || isDuration(timeout)) return undefined
  const message = `timeout is not a duration above 0: ${shown(timeout)}; write for example "2 minutes", or milliseconds`
  return new ConfigurationError({ setting: "timeout", message })
}

/** Programs without types may pass anything, also what throws when it is read. */
const isDuration = (timeout: Duration.Input): boolean => {
  try {
    const duration = Duration.fromInput(timeout)
    return Option.isSome(duration) && Duration.toMillis(duration.value) > 0
  } catch {
    return false
  }
}

/** A wrong value as a message may show it. */
const shown = (value: unknown): string =>
  typeof value === "string"
    ? JSON.stringify(value.slice(0, 80))
    : typeof value === "number"
      ? String(value)
      : `a value of type ${typeof value}`

interface Run<R> {
  readonly llm: LlmProvider["Service"]
  readonly state: LoopState<R>
  readonly concurrency: number
  readonly limitMs: number | undefined
}

const begin = Effect.fnUntraced(function* <const Needs extends ReadonlyArray<unknown>, Hooks>(
  options: ToolLoopOptions<Needs, Hooks>,
): Effect.fn.Return<Run<Needs[number] | Hooks>, ToolLoopFailure, LlmProvider> {
  type R = Needs[number] | Hooks
  const {
    approve,
    concurrency = 8,
    maxMistakes = 3,
    maxSteps = 10,
    onStep,
    onToolError = "tell",
    prepareStep,
    stopWhen = () => false,
    timeout,
    tools,
    ...request
  } = options
  const given: ReadonlyArray<Tool<Needs[number]>> = tools
  const llm = yield* LlmProvider
  const state = new LoopState<R>(
    {
      request,
      tools: given,
      maxSteps,
      maxMistakes,
      onToolError,
      stopWhen,
      approve,
      prepareStep: (progress) =>
        prepareStep === undefined
          ? Effect.undefined
          : Effect.map(prepareStep(progress), (changes) => (changes === undefined ? undefined : changes)),
      onStep: (step) => (onStep === undefined ? Effect.void : Effect.asVoid(onStep(step))),
    },
    llm.name,
    yield* Clock.currentTimeMillis,
  )
  const wrong = wrongLimit({ maxSteps, concurrency, maxMistakes, timeout })
  if (wrong !== undefined) return yield* state.fail(wrong)
  const limitMs = timeout === undefined ? undefined : Duration.toMillis(Duration.fromInputUnsafe(timeout))
  return { llm, state, concurrency, limitMs: limitMs === Infinity ? undefined : limitMs }
})

const steps = <R>({ concurrency, llm, state }: Run<R>): Effect.Effect<LoopResponse, ToolLoopFailure, R> =>
  Effect.gen(function* () {
    while (!state.ended) {
      const request = yield* state.request()
      const response = yield* Effect.mapError(state.asking(llm.generate(request)), (error) => state.fail(error))
      // Reading an answer and checking its calls are a turn of the event loop each.
      yield* Effect.yieldNow
      yield* Effect.forEach(state.answered(response), (call) => state.call(call), { concurrency, discard: true })
      yield* state.settle()
      yield* Effect.yieldNow
    }
    return yield* state.finish()
  })

const late = <R>({ state }: Run<R>, limitMs: number): Effect.Effect<never, ToolLoopFailure> =>
  Effect.suspend(() => Effect.fail(state.late(limitMs)))

/**
 * Runs until the model answers, a stop condition holds or `maxSteps` are done. Fails with a `ToolLoopFailure`, an
 * `LlmError` that also has `steps` and `messages`.
 */
export const run = <const Needs extends ReadonlyArray<unknown>, Hooks = never>(
  options: ToolLoopOptions<Needs, Hooks>,
): Effect.Effect<LoopResponse, ToolLoopFailure, LlmProvider | Needs[number] | Hooks> =>
  Effect.flatMap(begin(options), (running) => {
    const { limitMs } = running
    return limitMs === undefined
      ? steps(running)
      : Effect.timeoutOrElse(steps(running), {
          duration: limitMs,
          orElse: () => late(running, limitMs),
        })
  })

const stepEvents = <R>({ concurrency, llm, state }: Run<R>): Stream.Stream<LoopEvent, ToolLoopFailure, R> =>
  Stream.unwrap(
    Effect.map(state.request(), (request) => {
      const step = state.steps.length
      const assembly = assemble()
      const opened = Channel.fromTransform((_, scope: Scope.Scope) =>
        state.asking(Channel.toPullScoped(llm.stream(request).channel, scope)),
      )
      const answer = Stream.fromChannel(opened).pipe(
        Stream.tap((event) => Effect.sync(() => assembly.add(event))),
        Stream.mapError((error) => state.fail(error)),
      )
      const results = Stream.suspend((): Stream.Stream<LoopEvent, ToolLoopFailure, R> => {
        const response = assembly.response()
        if (response === undefined) return Stream.fail(state.interrupted())
        return Stream.fromIterable(state.answered(response)).pipe(
          Stream.mapEffect((call) => state.call(call), { concurrency, unordered: true }),
          Stream.map((result): LoopEvent => ({ type: "tool-result", step, ...result })),
        )
      })
      return Stream.succeed<LoopEvent>({ type: "step-start", step }).pipe(
        Stream.concat(answer),
        Stream.concat(results),
        Stream.concat(Stream.fromEffectDrain(Effect.suspend(() => state.settle()))),
      )
    }),
  )

const events = <R>(running: Run<R>): Stream.Stream<LoopEvent, ToolLoopFailure, R> => {
  const { limitMs, state } = running
  const all = Stream.unfold(state, (state) =>
    Effect.sync(() => (state.ended ? undefined : ([stepEvents(running), state] as const))),
  ).pipe(
    Stream.flatten(),
    Stream.concat(
      Stream.fromEffect(Effect.map(state.finish(), (response): LoopEvent => ({ type: "run-finish", response }))),
    ),
  )
  if (limitMs === undefined) return all
  return Stream.interruptWhen(all, Effect.andThen(Effect.sleep(limitMs), late(running, limitMs)))
}

/** The same, event by event. Leaving the stream interrupts the tools that run. */
export const stream = <const Needs extends ReadonlyArray<unknown>, Hooks = never>(
  options: ToolLoopOptions<Needs, Hooks>,
): Stream.Stream<LoopEvent, ToolLoopFailure, LlmProvider | Needs[number] | Hooks> =>
  Stream.unwrap(Effect.map(begin(options), events))
