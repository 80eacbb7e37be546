/**
 * A service that a program writes itself, without `Policy.make`, has the same rights (law 25): whatever it asks the provider
 * within, also while a stream is read on, stands in the one story of its call.
 */
import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Stream from "effect/Stream"
import * as Provider from "../../src/call/Provider.ts"
import { ServerError } from "../../src/model/LlmError.ts"
import { LlmProvider } from "../../src/model/LlmProvider.ts"
import { withConcurrency } from "../../src/policies/Concurrency.ts"
import { withFallback } from "../../src/policies/Fallback.ts"
import type * as Policy from "../../src/policies/Policy.ts"
import { withRetry } from "../../src/policies/Retry.ts"
import { withTelemetry } from "../../src/policies/Telemetry.ts"
import { withTimeout } from "../../src/policies/Timeout.ts"
import { ask, callNames } from "./Calls.ts"

/** A provider that breaks off once, in the middle of its answer. */
const breaking = () => {
  let asked = 0
  const broken = new ServerError({ message: "it broke off", status: 500 })
  return Provider.layer({
    name: "breaking",
    model: "m",
    stream: () => {
      asked += 1
      const piece: Provider.ReplyPiece = { type: "text-delta", index: 0, delta: asked === 1 ? "he" : "llo" }
      const end: Provider.ReplyPiece = { type: "end", finishReason: "stop" }
      return asked === 1
        ? Stream.concat(Stream.succeed(piece), Stream.fail(broken))
        : Stream.rechunk(Stream.fromIterable([piece, end]), 1)
    },
  })
}

/** Goes on with another answer where one broke off. */
const goingOn = (inner: Layer.Layer<LlmProvider>): Layer.Layer<LlmProvider> =>
  Layer.effect(
    LlmProvider,
    Effect.map(LlmProvider, (provider) => ({
      name: "going-on",
      generate: (request) => provider.generate(request).pipe(Effect.catch(() => provider.generate(request))),
      stream: (request) => provider.stream(request).pipe(Stream.catch(() => provider.stream(request))),
    })),
  ).pipe(Layer.provide(inner))

const around: ReadonlyArray<readonly [string, Policy.ServicePolicy<unknown>]> = [
  ["a retry", withRetry({ times: 0 })],
  ["a queue", withConcurrency(1)],
  ["telemetry", withTelemetry],
  ["clocks", withTimeout({ total: "1 minute", idle: "1 minute" })],
  ["a fallback", (layer) => withFallback(layer)(layer)],
]

describe.each(around)("a service that asks again by itself, under %s", (_, policy) => {
  it.effect.each(callNames)("has both attempts in its one story, in %s", (name) =>
    Effect.gen(function* () {
      const response = yield* Effect.provide(ask(name), policy(goingOn(breaking())))
      expect(response.text).toBe(name === "stream" ? "hello" : "llo")
      expect(response.metadata.attempts.map(({ errorType }) => errorType)).toEqual(["ServerError", undefined])
    }),
  )
})

describe("a service that asks again by itself at the second target of a fallback", () => {
  it.effect.each(callNames)("is the second target each time, in %s", (name) =>
    Effect.gen(function* () {
      const refusing = Provider.layer({
        name: "refusing",
        generate: () => Effect.fail(new ServerError({ message: "no", status: 500 })),
      })
      const response = yield* Effect.provide(ask(name), withFallback(goingOn(breaking()))(refusing))
      expect(response.metadata.attempts.map(({ targetIndex }) => targetIndex)).toEqual([0, 1, 1])
    }),
  )
})
