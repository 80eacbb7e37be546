/** One day of articles through one stack, by a clock that runs as fast as the machine. */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import type * as Layer from "effect/Layer"
import * as Random from "effect/Random"
import * as TestClock from "effect/testing/TestClock"
import { type LlmError, LlmProvider } from "@wiseflow/llm"
import type { Article } from "./Day.ts"

/** What became of the articles. */
export interface DayResult {
  answered: number
  readonly failures: Map<string, number>
  /** US dollars. */
  costUsd: number
  /** From when an article was found until it was answered, in milliseconds. */
  readonly waitsMs: Array<number>
  /** When each article was answered, in milliseconds of the day. */
  readonly answeredAtMs: Array<number>
}

const filler = "The council met on Tuesday and put off its decision. ".repeat(200)

const question = ({ characters, story }: Article): string => `Sum up: article ${story}. ${filler}`.slice(0, characters)

/** Asks for each article when it is found, and waits until the last has been answered or has failed. */
export const runDay = async (
  stack: Layer.Layer<LlmProvider, LlmError>,
  articles: ReadonlyArray<Article>,
): Promise<DayResult> => {
  const result: DayResult = { answered: 0, failures: new Map(), costUsd: 0, waitsMs: [], answeredAtMs: [] }
  const askFor = (article: Article) =>
    Effect.gen(function* () {
      const llm = yield* LlmProvider
      const request = { messages: [{ role: "user" as const, content: question(article) }], maxTokens: 400 }
      const answer = yield* Effect.result(llm.generate(request))
      const nowMs = yield* Clock.currentTimeMillis
      const attempts = answer._tag === "Success" ? answer.success.metadata.attempts : answer.failure.attempts
      for (const { costUsd } of attempts) result.costUsd += costUsd ?? 0
      if (answer._tag === "Failure") {
        const { _tag } = answer.failure.reason
        result.failures.set(_tag, (result.failures.get(_tag) ?? 0) + 1)
        return
      }
      result.answered += 1
      result.waitsMs.push(nowMs - article.atMs)
      result.answeredAtMs.push(nowMs)
    })
  const day = Effect.gen(function* () {
    const fibers: Array<Fiber.Fiber<void, never>> = []
    for (const article of articles) {
      const waitMs = article.atMs - (yield* Clock.currentTimeMillis)
      if (waitMs > 0) yield* Effect.sleep(waitMs)
      fibers.push(yield* Effect.forkChild(askFor(article)))
    }
    yield* Effect.forEach(fibers, Fiber.join, { discard: true })
  })
  await Effect.runPromise(
    Effect.gen(function* () {
      const running = yield* Effect.forkChild(Effect.provide(day, stack))
      yield* TestClock.adjust("30 hours")
      yield* Fiber.join(running)
    }).pipe(Effect.provide(TestClock.layer()), Random.withSeed("a day")),
  )
  return result
}
