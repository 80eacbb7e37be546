/** Sentences of the pages that no other test holds: how long a layer lives, fake timers, `require`. */
import { spawnSync } from "node:child_process"
import { fileURLToPath } from "node:url"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as ExecutionPlan from "effect/ExecutionPlan"
import * as Layer from "effect/Layer"
import { afterEach, beforeAll, describe, expect, it, vi } from "vitest"
import { LLMInterface, LlmProvider, withConcurrency, withRetry } from "../../src/index.ts"
import { Scripted } from "../../src/testing/index.ts"
import { build } from "../bundles/Built.ts"

afterEach(() => vi.useRealTimers())

class Counts extends Context.Service<Counts, { built: number; closed: number }>()("test/Counts") {}

/** A layer that counts how often it is built, and how often closed. */
const layer = Layer.provideMerge(
  Scripted.layer(Array.from({ length: 10 }, () => "hello")),
  Layer.effectDiscard(
    Effect.flatMap(Counts, (counts) =>
      Effect.acquireRelease(
        Effect.sync(() => void (counts.built += 1)),
        () => Effect.sync(() => void (counts.closed += 1)),
      ),
    ),
  ),
)

/** How often the layer was built and closed while this ran. */
const countsOf = async <A, E>(program: Effect.Effect<A, E, Counts>) => {
  const counts = { built: 0, closed: 0 }
  await Effect.runPromise(Effect.provideService(program, Counts, counts))
  return counts
}

const ask = Effect.flatMap(LlmProvider, (llm) => llm.generate({ messages: [{ role: "user", content: "Hi" }] }))

describe("recipes/layers.md", () => {
  it("Effect.provide builds a layer, and closes it, at each call", async () => {
    const call = Effect.provide(ask, layer)
    expect(await countsOf(Effect.all([call, call]))).toEqual({ built: 2, closed: 2 })
  })

  it("where the same layer is provided around it, the one that is built is taken", async () => {
    const call = Effect.provide(ask, layer)
    expect(await countsOf(Effect.provide(Effect.all([call, call]), layer))).toEqual({ built: 1, closed: 1 })
  })

  it("a plan whose steps are layers builds the layer at each attempt; one whose steps are built does not", async () => {
    const call = Effect.withExecutionPlan(ask, ExecutionPlan.make({ provide: layer }))
    expect(await countsOf(Effect.all([call, call]))).toEqual({ built: 2, closed: 2 })

    const twice = Effect.gen(function* () {
      const plan = ExecutionPlan.make({ provide: yield* Layer.build(layer) })
      yield* Effect.withExecutionPlan(ask, plan)
      yield* Effect.withExecutionPlan(ask, plan)
    })
    expect(await countsOf(Effect.scoped(twice))).toEqual({ built: 1, closed: 1 })
  })

  it.each([
    ["a limit that is provided to each call limits nothing", true, 2],
    ["a limit that is provided once limits them all", false, 1],
  ])("%s", async (_, atEachCall, mostAtOnce) => {
    let inFlight = 0
    let most = 0
    const slow = Layer.effect(
      LlmProvider,
      Effect.map(LlmProvider, (inner) => ({
        ...inner,
        generate: (request) =>
          Effect.acquireUseRelease(
            Effect.sync(() => void (most = Math.max(most, (inFlight += 1)))),
            () => Effect.andThen(Effect.yieldNow, inner.generate(request)),
            () => Effect.sync(() => void (inFlight -= 1)),
          ),
      })),
    )
    const provider = slow.pipe(Layer.provide(Scripted.layer(["hello", "hello"])), withConcurrency(1))
    const one = atEachCall ? Effect.provide(ask, provider) : ask
    const both = Effect.all([one, one], { concurrency: "unbounded" })
    await Effect.runPromise(Effect.provide(both, atEachCall ? Scripted.layer([]) : provider))
    expect(most).toBe(mostAtOnce)
  })
})

describe("recipes/tests.md", () => {
  it("under fake timers a retry waits until the test moves the time", async () => {
    vi.useFakeTimers()
    const script = Scripted.layer([{ error: "OverloadedError" }, "hello"])
    const llm = LLMInterface.fromLayer(script.pipe(withRetry({ times: 1 })), { logger: false })
    const settled = vi.fn<() => void>()
    const answered = llm.generate({ messages: [{ role: "user", content: "Hi" }] }).finally(settled)
    await vi.advanceTimersByTimeAsync(500)
    expect(settled).not.toHaveBeenCalled()
    await vi.advanceTimersByTimeAsync(60_000)
    expect((await answered).text).toBe("hello")
  })
})

describe("recipes/runtimes.md", () => {
  beforeAll(build, 120_000)

  it("CommonJS can require the package", () => {
    const program = 'const { generate } = require("@wiseflow/llm"); console.log(typeof generate)'
    const cwd = fileURLToPath(new URL("../../../../", import.meta.url))
    const { stdout } = spawnSync(process.execPath, ["--input-type=commonjs", "-e", program], { cwd, encoding: "utf8" })
    expect(stdout).toBe("function\n")
  })
})
