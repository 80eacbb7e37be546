/** A client of an `LlmProvider` layer: built once, then every call is run by the same runtime. */
import { type LlmError, LlmProvider } from "@wiseflow/llm"
import * as Effect from "effect/Effect"
import type * as Layer from "effect/Layer"
import * as ManagedRuntime from "effect/ManagedRuntime"
import * as Stream from "effect/Stream"
import { type Client, maxTokens } from "./Client.ts"

export const serviceClient = async <E>(layer: Layer.Layer<LlmProvider, E>): Promise<Client> => {
  const runtime = ManagedRuntime.make(layer)
  const llm = await runtime.runPromise(LlmProvider)
  return {
    call: (messages) =>
      runtime.runPromise(Effect.map(llm.generate({ messages, maxTokens }), (response) => response.text)),
    stream: (messages, onPiece) => {
      const events: Effect.Effect<void, LlmError> = Stream.runForEachArray(
        llm.stream({ messages, maxTokens }),
        (events) =>
          Effect.sync(() => {
            for (const event of events) if (event.type === "text-delta") onPiece(event.delta)
          }),
      )
      return runtime.runPromise(events)
    },
  }
}
