/** Servers, stacks and calls as Effects of a test's scope, and what a caller sees of a call. */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Schedule from "effect/Schedule"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import type { LlmError } from "../../src/model/LlmError.ts"
import { assemble, type LlmEvent } from "../../src/model/LlmEvent.ts"
import { LlmProvider } from "../../src/model/LlmProvider.ts"
import type { LlmRequest } from "../../src/model/LlmRequest.ts"
import type { LlmResponse } from "../../src/model/LlmResponse.ts"
import { withRetry } from "../../src/policies/Retry.ts"
import type { CallName } from "../faults/FaultScenario.ts"
import { FaultServer, type Script } from "../faults/FaultServer.ts"

export type Service = LlmProvider["Service"]

/** A server for as long as the test runs; a script that throws fails the test. */
export const serve = (script: Script): Effect.Effect<FaultServer, never, Scope.Scope> =>
  Effect.acquireRelease(
    Effect.promise(() => FaultServer.start(script)),
    (server) => Effect.promise(() => server.close()),
  )

/** The service of a stack, for as long as the test runs. */
export const open = <E>(layer: Layer.Layer<LlmProvider, E>): Effect.Effect<Service, E, Scope.Scope> =>
  Effect.map(Layer.build(layer), (context) => Context.get(context, LlmProvider))

/** For suites that wait for sockets: a busy machine is slow, not wrong. */
export const patient = { timeout: 30_000 }

/** Retries without the real backoff. */
export const times = 2
export const quickRetry = withRetry({ times, schedule: Schedule.spaced("5 millis") })

/** What a caller sees: the text that came, and the answer or the error at the end. */
export interface Seen {
  readonly text: string
  readonly events: ReadonlyArray<LlmEvent>
  readonly response: LlmResponse | undefined
  readonly error: LlmError | undefined
}

export const hello: LlmRequest = { messages: [{ role: "user", content: "Say hello." }] }

/** One call to its end; it never fails. */
export const ask = (llm: Service, call: CallName, request: LlmRequest = hello): Effect.Effect<Seen> => {
  if (call === "generate") {
    return Effect.match(llm.generate(request), {
      onSuccess: (response) => ({ text: response.text, events: [], response, error: undefined }),
      onFailure: (error) => ({ text: error.text ?? "", events: [], response: undefined, error }),
    })
  }
  return Effect.suspend(() => {
    const assembly = assemble()
    const events: Array<LlmEvent> = []
    const note = (event: LlmEvent) =>
      Effect.sync(() => {
        events.push(event)
        assembly.add(event)
      })
    const seen = (error: LlmError | undefined): Seen => ({
      text: assembly.text(),
      events,
      response: assembly.response(),
      error,
    })
    return Effect.match(Stream.runForEach(llm.stream(request), note), {
      onSuccess: () => seen(undefined),
      onFailure: (error) => seen(error),
    })
  })
}

/** The reason's tag of a call that failed, or the finish reason of one that did not. */
export const outcomeOf = ({ error, response }: Seen): string | undefined => error?.reason._tag ?? response?.finishReason
