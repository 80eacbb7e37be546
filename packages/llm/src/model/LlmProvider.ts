/**
 * The service that answers requests. A provider, a policy around a provider, a fallback over many and a script in a test
 * are all an `LlmProvider`; programs ask for this tag and never learn which of them answers.
 */
import * as Context from "effect/Context"
import type * as Effect from "effect/Effect"
import type * as Stream from "effect/Stream"
import type { LlmError } from "./LlmError.ts"
import type { LlmEvent } from "./LlmEvent.ts"
import type { LlmRequest } from "./LlmRequest.ts"
import type { LlmResponse } from "./LlmResponse.ts"

/**
 * Answers requests. `generate` waits for the whole answer, `stream` emits it piece by piece; both fail with `LlmError`
 * only, and interrupting either closes its connection.
 */
export class LlmProvider extends Context.Service<
  LlmProvider,
  {
    /** What the provider is called in errors, attempts and logs. */
    readonly name: string
    /** The model that answers requests that name none, where the provider has one. */
    readonly model?: string | undefined
    /**
     * How many targets may be asked one after another for one request; 1 where absent. A deadline is shared between them
     * (law 10). A target that answers at once, such as a fixed text, counts as 0.
     */
    readonly targets?: number | undefined
    readonly generate: (request: LlmRequest) => Effect.Effect<LlmResponse, LlmError>
    readonly stream: (request: LlmRequest) => Stream.Stream<LlmEvent, LlmError>
  }
>()("@wiseflow/llm/LlmProvider") {}
