/**
 * The clock of response headers. The head is waited for in a fiber that lives as long as the exchange, because what a client
 * forks there may bring the body (law 23); it ends before the exchange has.
 */
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import { startTimer, stopTimer } from "../call/Timer.ts"
import type { Broken, Exchange, Head } from "./Transport.ts"

/** The clock ran out. */
export interface TooLate {
  readonly _tag: "TooLate"
  readonly limitMs: number
}

/** An exchange whose head may come too late. */
export interface TimedExchange extends Omit<Exchange, "head"> {
  readonly head: Effect.Effect<Head, Broken | TooLate>
}

/** The exchange with `limitMs` for its head. */
export const withHeadClock = (exchange: Exchange, limitMs: number): TimedExchange => {
  let running: Fiber.Fiber<unknown, unknown> | undefined
  const ended = Effect.suspend(() => (running === undefined ? Effect.void : Fiber.interrupt(running)))
  const head = Effect.withFiber((fiber) =>
    Effect.callback<Head, Broken | TooLate>((resume) => {
      // Before the head is asked for: it may come at once.
      const timer = startTimer(fiber, limitMs, () => {
        resume(Effect.andThen(ended, Effect.fail<TooLate>({ _tag: "TooLate", limitMs })))
      })
      running = Effect.runForkWith(fiber.context)(
        Effect.flatMap(Effect.exit(exchange.head), (exit) => {
          stopTimer(timer)
          resume(exit)
          return Exit.isSuccess(exit) ? Effect.never : Effect.void
        }),
      )
      return Effect.suspend(() => {
        stopTimer(timer)
        return ended
      })
    }),
  )
  return {
    head,
    // Known once the head is: it may name a coding.
    get read() {
      return exchange.read
    },
    whole: () => exchange.whole?.(),
    refusal: exchange.refusal,
    close: (isComplete) => {
      const closing = exchange.close(isComplete)
      return closing === undefined ? ended : Effect.andThen(closing, ended)
    },
  }
}
