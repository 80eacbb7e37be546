/** A provider whose answers depend on when it is asked, and which counts: arrivals, requests in flight, requests left. */
import * as Channel from "effect/Channel"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import { LlmProvider } from "../../src/model/LlmProvider.ts"
import type { LlmRequest } from "../../src/model/LlmRequest.ts"
import * as Scripted from "../../src/testing/Scripted.ts"

/** One request as it arrived. */
export interface Asked {
  readonly index: number
  readonly atMs: number
  readonly request: LlmRequest
}

export class Upstream {
  readonly asked: Array<Asked> = []
  inFlight = 0
  peakInFlight = 0
  readonly layer: Layer.Layer<LlmProvider>

  constructor(decide: (asked: Asked) => Scripted.Answer, name = "upstream") {
    const accept = (request: LlmRequest): Effect.Effect<LlmProvider["Service"]> =>
      Effect.flatMap(Clock.currentTimeMillis, (atMs) => {
        const asked = { index: this.asked.length, atMs, request }
        this.asked.push(asked)
        this.inFlight += 1
        this.peakInFlight = Math.max(this.peakInFlight, this.inFlight)
        return Effect.provide(LlmProvider, Scripted.layer([decide(asked)], { name }))
      })
    const leave = Effect.sync(() => {
      this.inFlight -= 1
    })
    this.layer = Layer.succeed(LlmProvider, {
      name,
      generate: (request) =>
        Effect.acquireUseRelease(
          accept(request),
          (llm) => llm.generate(request),
          () => leave,
        ),
      stream: (request) =>
        Stream.fromChannel(
          Channel.fromTransform((_, scope) =>
            Effect.flatMap(
              Effect.provideService(
                Effect.acquireRelease(accept(request), () => leave),
                Scope.Scope,
                scope,
              ),
              (llm) => Channel.toPullScoped(llm.stream(request).channel, scope),
            ),
          ),
        ),
    })
  }

  /** When each request arrived. */
  get arrivals(): ReadonlyArray<number> {
    return this.asked.map(({ atMs }) => atMs)
  }
}
