/** Servers by name whose answers can be changed, as the deployments of one model. */
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import type * as Duration from "effect/Duration"
import * as TestClock from "effect/testing/TestClock"
import type { AttemptRecord } from "../../../src/model/LlmResponse.ts"
import type { Answer } from "../../../src/testing/Scripted.ts"
import { ask, type CallName } from "../Calls.ts"
import { Upstream } from "../Upstream.ts"

/** What a server answers that is well. */
export const quick: Answer = { text: "hello", delay: 100 }

/** Servers by name, each with what it answers now. */
export const servers = (answers: Readonly<Record<string, Answer>>) => {
  const now = { ...answers }
  const upstreams = Object.fromEntries(
    Object.keys(answers).map((name) => [name, new Upstream(() => now[name] ?? "hello", name)]),
  )
  const counts = () => Object.fromEntries(Object.entries(upstreams).map(([name, { asked }]) => [name, asked.length]))
  const deployments = Object.entries(upstreams).map(([name, { layer }]) => ({ name, layer }))
  return { now, upstreams, counts, deployments }
}

/** The deployment that each attempt asked, why, and how it failed. */
export const story = ({ metadata }: { readonly metadata: { readonly attempts: ReadonlyArray<AttemptRecord> } }) =>
  metadata.attempts.map(({ chosenBy, deployment, errorType }) => [deployment, chosenBy, errorType])

/** What an effect ends with within a time of the test's clock. */
export const within = <A, E, R>(limit: Duration.Input, effect: Effect.Effect<A, E, R>) =>
  Effect.gen(function* () {
    const fiber = yield* Effect.forkChild(effect)
    yield* TestClock.adjust(limit)
    return yield* Fiber.join(fiber)
  })

/** So many calls at once, and an hour. */
export const many = (name: CallName, count: number) =>
  Effect.gen(function* () {
    const fibers = yield* Effect.forEach(Array.from({ length: count }), () => Effect.forkChild(ask(name)))
    yield* TestClock.adjust("1 hour")
    return yield* Effect.forEach(fibers, Fiber.join)
  })
