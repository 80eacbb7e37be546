/** A provider with prices whose answers depend on when it is asked, and which counts what it sent and would charge. */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import type * as Layer from "effect/Layer"
import * as Stream from "effect/Stream"
import * as Provider from "../../../src/call/Provider.ts"
import type { ErrorType } from "../../../src/model/LlmError.ts"
import type { LlmProvider } from "../../../src/model/LlmProvider.ts"
import { reasons } from "../Calls.ts"

/** How a request is answered: after `delayMs` with a piece, after `pauseMs` more with another and the end. */
export interface Act {
  readonly delayMs: number
  readonly pauseMs?: number
  /** It fails after `delayMs`. */
  readonly fails?: ErrorType | undefined
  readonly costUsd?: number | undefined
}

/** A request as it arrived; `seed` is that of its call. */
export interface Arrival {
  readonly index: number
  readonly seed: number
  readonly atMs: number
  readonly costUsd: number
  outputAtMs?: number
  endedAtMs?: number
}

export class BilledUpstream {
  readonly arrivals: Array<Arrival> = []
  readonly layer: Layer.Layer<LlmProvider>

  constructor(decide: (index: number, seed: number) => Act) {
    this.layer = Provider.layer({
      name: "billed",
      model: "m",
      stream: ({ seed = 0 }) =>
        Stream.unwrap(
          Effect.map(Clock.currentTimeMillis, (atMs) => {
            const index = this.arrivals.length
            const { costUsd, delayMs, fails, pauseMs = 0 } = decide(index, seed)
            const arrival: Arrival = { index, seed, atMs, costUsd: fails === undefined ? (costUsd ?? 0) : 0 }
            this.arrivals.push(arrival)
            const at = (note: (nowMs: number) => void) => Effect.map(Clock.currentTimeMillis, note)
            const piece = (delta: string): Provider.ReplyPiece => ({ type: "text-delta", index: 0, delta })
            const output = at((nowMs) => {
              arrival.outputAtMs = nowMs
            })
            const answer = Stream.fromEffect(Effect.as(output, piece(`${index} begins, `))).pipe(
              Stream.concat(Stream.fromEffect(Effect.as(Effect.sleep(pauseMs), piece(`${index} ends`)))),
              Stream.concat(
                Stream.succeed<Provider.ReplyPiece>({
                  type: "end",
                  finishReason: "stop",
                  billing: costUsd === undefined ? {} : { costUsd },
                }),
              ),
            )
            return Stream.fromEffectDrain(Effect.sleep(delayMs)).pipe(
              Stream.concat(fails === undefined ? answer : Stream.fail(reasons[fails]())),
              Stream.ensuring(
                at((nowMs) => {
                  arrival.endedAtMs = nowMs
                }),
              ),
            )
          }),
        ),
    })
  }

  /** Requests that have not ended. */
  get inFlight(): number {
    return this.arrivals.filter(({ endedAtMs }) => endedAtMs === undefined).length
  }

  /** The requests after the first of their call. */
  get seconds(): ReadonlyArray<Arrival> {
    const seen = new Set<number>()
    return this.arrivals.filter(({ seed }) => {
      const isSecond = seen.has(seed)
      seen.add(seed)
      return isSecond
    })
  }
}
