/** A simulated deployment with so many servers: above them it refuses requests, or lets them wait. It counts what came of them. */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import type * as Layer from "effect/Layer"
import * as Semaphore from "effect/Semaphore"
import * as Stream from "effect/Stream"
import * as Provider from "../../../src/call/Provider.ts"
import { type LlmErrorReason, OverloadedError } from "../../../src/model/LlmError.ts"
import type { LlmProvider } from "../../../src/model/LlmProvider.ts"

/** What a deployment does; it may be changed while it runs. */
export interface Behaviour {
  /** Requests that it serves at once. */
  readonly servers: number
  /** What it does with more. */
  readonly above: "refuses" | "queues"
  /** How long a request is served, give or take as much as `spread` of it. */
  readonly latencyMs: number
  readonly spread: number
  isDown: boolean
}

export class Deployment {
  readonly layer: Layer.Layer<LlmProvider>
  readonly behaviour: Behaviour
  /** When each answer was whole. */
  readonly answeredAtMs: Array<number> = []
  readonly latenciesMs: Array<number> = []
  refused = 0
  inFlight = 0
  private state: number

  constructor(behaviour: Partial<Behaviour> & Pick<Behaviour, "servers" | "above">, seed = 1) {
    this.behaviour = { latencyMs: 1000, spread: 0.5, isDown: false, ...behaviour }
    this.state = seed
    const queue = Semaphore.makeUnsafe(this.behaviour.servers)
    const text: Provider.ReplyPiece = { type: "text-delta", index: 0, delta: "hello" }
    const end: Provider.ReplyPiece = { type: "end", finishReason: "stop" }
    this.layer = Provider.layer({
      name: "deployment",
      model: "m",
      stream: () =>
        Stream.unwrap(
          Effect.flatMap(Clock.currentTimeMillis, (sinceMs) => {
            this.inFlight += 1
            const { above, isDown, servers } = this.behaviour
            const served = Effect.sleep(this.latency())
            const work =
              isDown || (above === "refuses" && this.inFlight > servers)
                ? this.refuse()
                : above === "queues"
                  ? Semaphore.withPermit(queue, served)
                  : served
            return Effect.succeed(
              Stream.fromEffectDrain(work).pipe(
                Stream.concat(
                  Stream.fromEffect(
                    Effect.map(Clock.currentTimeMillis, (nowMs) => {
                      this.answeredAtMs.push(nowMs)
                      this.latenciesMs.push(nowMs - sinceMs)
                      return text
                    }),
                  ),
                ),
                Stream.concat(Stream.succeed(end)),
                Stream.ensuring(
                  Effect.sync(() => {
                    this.inFlight -= 1
                  }),
                ),
              ),
            )
          }),
        ),
    })
  }

  /** Answers a second within a time. */
  throughput(fromMs: number, toMs: number): number {
    const within = this.answeredAtMs.filter((atMs) => atMs >= fromMs && atMs < toMs)
    return within.length / ((toMs - fromMs) / 1000)
  }

  private refuse(): Effect.Effect<never, LlmErrorReason> {
    this.refused += 1
    return Effect.andThen(Effect.sleep(20), Effect.fail(new OverloadedError({ message: "no capacity", status: 503 })))
  }

  /** Evenly between what is least and most; the same in each run. */
  private latency(): number {
    this.state = (this.state * 48_271) % 2_147_483_647
    const { latencyMs, spread } = this.behaviour
    return Math.round(latencyMs * (1 + spread * (2 * (this.state / 2_147_483_647) - 1)))
  }
}
