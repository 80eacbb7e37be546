/** When a stream has begun: with its first output, or with its end where it brings none. */
import { expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import { LlmError } from "../../../src/model/LlmError.ts"
import type { LlmEvent } from "../../../src/model/LlmEvent.ts"
import { metadataOf } from "../../../src/call/Metadata.ts"
import { startStream, streamFrom } from "../../../src/policies/mechanisms/StreamStart.ts"
import { reasons } from "../Calls.ts"

const start: LlmEvent = { type: "response-start" }
const piece = (delta: string): LlmEvent => ({ type: "text-delta", index: 0, delta })
const finish: LlmEvent = {
  type: "response-finish",
  finishReason: "stop",
  metadata: metadataOf({ provider: "p", model: "m", latencyMs: 0, timestamp: "", attempts: [] }),
}

const broken = new LlmError({ reason: reasons.StreamInterruptedError(), provider: "p", attempts: [] })

/** The reads of these events, one event each. */
const reads = (...events: ReadonlyArray<LlmEvent>) => Stream.rechunk(Stream.fromIterable(events), 1)

it.effect("what comes before the first output is kept, and comes first", () =>
  Effect.gen(function* () {
    const pull = yield* startStream(reads(start, start, piece("a"), piece("b")), yield* Scope.make())
    expect([yield* pull, yield* pull]).toEqual([[start, start, piece("a")], [piece("b")]])
  }),
)

it.effect("a whole answer without output has begun, also where its provider does not end the stream", () =>
  Effect.gen(function* () {
    for (const whole of [reads(start, finish), Stream.fromArray([start, finish])]) {
      const pull = yield* startStream(Stream.concat(whole, Stream.never), yield* Scope.make())
      expect(yield* pull).toEqual([start, finish])
    }
  }),
)

it.effect.each([{ events: [] }, { events: [start] }])(
  "a stream that ends without output ends as it did (%j)",
  ({ events }) =>
    Effect.gen(function* () {
      const scope = yield* Scope.make()
      const again = streamFrom(() => startStream(reads(...events), scope))
      expect([...(yield* Stream.runCollect(again))]).toEqual(events)
    }),
)

it.effect("a stream that fails before its first output has closed what it held when it fails, and not before", () =>
  Effect.gen(function* () {
    let isOpen = false
    const holding = (then: Stream.Stream<LlmEvent, LlmError>) =>
      Stream.unwrap(
        Effect.as(
          Effect.acquireRelease(
            Effect.sync(() => {
              isOpen = true
            }),
            () =>
              Effect.sync(() => {
                isOpen = false
              }),
          ),
          Stream.concat(reads(start), then),
        ),
      )
    const scope = yield* Scope.make()
    expect(yield* Effect.flip(startStream(holding(Stream.fail(broken)), scope))).toBe(broken)
    expect(isOpen).toBe(false)
    yield* Effect.asVoid(startStream(holding(reads(piece("a"))), scope))
    expect(isOpen).toBe(true)
    yield* Scope.close(scope, Exit.void)
    expect(isOpen).toBe(false)
  }),
)
