/** A clock that a policy provides inside a stack: what runs within is measured by it, as is what runs around it by its own. */
import { expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as TestClock from "effect/testing/TestClock"
import { Policy, RateLimitError, withObserver, withRetry, withTimeout } from "../../src/index.ts"
import { ask } from "./Calls.ts"
import { Upstream } from "./Upstream.ts"

/** Everything within runs on the platform's clock, in a call that a test's clock has begun. */
const live = Policy.make((inner) =>
  Effect.succeed({ ...inner, generate: (request) => TestClock.withLive(inner.generate(request)) }),
)

const stackOf = (upstream: Upstream) => upstream.layer.pipe(withRetry({ times: 1 }), withTimeout({ total: within() }))

/** A deadline that is shorter than this process is old: it would be over by a clock that began with the process. */
const within = () => Math.max(600, performance.now() * 0.9)

it.effect("measures an attempt that runs on it", () =>
  Effect.gen(function* () {
    const { metadata } = yield* ask("generate")
    expect(metadata.attempts[0]?.durationMs).toBeGreaterThan(90)
  }).pipe(
    Effect.provide(
      stackOf(new Upstream(() => ({ text: "hello", delay: "100 millis" }))).pipe(
        live,
        withObserver(() => {}),
      ),
    ),
  ),
)

it.effect("tells how much of a deadline within is left for a retry", () => {
  const error = new RateLimitError({ message: "slow down", retryAfterMs: 10 })
  const upstream = new Upstream(({ index }) => (index === 0 ? { error } : "hello"))
  return Effect.gen(function* () {
    yield* ask("generate")
    expect(upstream.asked.length).toBe(2)
  }).pipe(
    Effect.provide(
      stackOf(upstream).pipe(
        live,
        withObserver(() => {}),
      ),
    ),
  )
})
