/** Both calls of the service as one, so that every law is stated once and tested on each; and every reason to fail. */
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import {
  AuthenticationError,
  BudgetExceededError,
  CircuitOpenError,
  ConfigurationError,
  ConnectionError,
  ContentFilterError,
  ContextLengthExceededError,
  type ErrorType,
  InvalidRequestError,
  InvalidResponseError,
  type LlmError,
  type LlmErrorReason,
  ModelNotFoundError,
  OutputLimitError,
  OverloadedError,
  PermissionDeniedError,
  QuotaExceededError,
  RateLimitError,
  ServerError,
  StreamInterruptedError,
  TimeoutError,
  ToolError,
  verdicts,
} from "../../src/model/LlmError.ts"
import { assemble, type LlmEvent } from "../../src/model/LlmEvent.ts"
import { LlmProvider } from "../../src/model/LlmProvider.ts"
import type { LlmRequest } from "../../src/model/LlmRequest.ts"
import type { AttemptRecord, LlmResponse } from "../../src/model/LlmResponse.ts"

export type CallName = "generate" | "stream"

/** For `describe.each`. */
export const callNames: ReadonlyArray<CallName> = ["generate", "stream"]

export const hello: LlmRequest = { messages: [{ role: "user", content: "Say hello." }] }

/** One call of either kind and its whole answer; a stream's events pass `see` on their way. */
export const ask = (
  name: CallName,
  request: LlmRequest = hello,
  see: (event: LlmEvent) => void = () => {},
): Effect.Effect<LlmResponse, LlmError, LlmProvider> =>
  Effect.flatMap(LlmProvider, (llm) => (name === "generate" ? llm.generate(request) : fold(llm.stream(request), see)))

const fold = (
  stream: Stream.Stream<LlmEvent, LlmError>,
  see: (event: LlmEvent) => void,
): Effect.Effect<LlmResponse, LlmError> =>
  Effect.suspend(() => {
    const assembly = assemble()
    const read = Stream.runForEach(stream, (event) =>
      Effect.sync(() => {
        see(event)
        assembly.add(event)
      }),
    )
    return Effect.flatMap(read, () => {
      const response = assembly.response()
      return response === undefined ? Effect.die("a stream ended without response-finish") : Effect.succeed(response)
    })
  })

/** When each attempt began, in the milliseconds of the test's clock. */
export const startsOf = ({ attempts }: { readonly attempts: ReadonlyArray<AttemptRecord> }): ReadonlyArray<number> =>
  attempts.map(({ started }) => Date.parse(started))

type Wire = { readonly retryAfterMs?: number; readonly shouldRetry?: boolean | undefined }

/** Every reason by its tag; `TimeoutError` is the `idle` clock's. */
export const reasons: Readonly<Record<ErrorType, (wire?: Wire) => LlmErrorReason>> = {
  ConnectionError: (wire) => new ConnectionError({ message: "connection refused", code: "ECONNREFUSED", ...wire }),
  TimeoutError: (wire) => new TimeoutError({ message: "too late", clock: "idle", limitMs: 1000, ...wire }),
  RateLimitError: (wire) => new RateLimitError({ message: "too fast", status: 429, ...wire }),
  QuotaExceededError: (wire) => new QuotaExceededError({ message: "no money left", status: 402, ...wire }),
  OverloadedError: (wire) => new OverloadedError({ message: "no capacity", status: 503, ...wire }),
  ServerError: (wire) => new ServerError({ message: "failed", status: 500, ...wire }),
  StreamInterruptedError: (wire) => new StreamInterruptedError({ message: "cut", ...wire }),
  InvalidResponseError: (wire) => new InvalidResponseError({ message: "not JSON", ...wire }),
  AuthenticationError: (wire) => new AuthenticationError({ message: "wrong key", status: 401, ...wire }),
  PermissionDeniedError: (wire) => new PermissionDeniedError({ message: "not allowed", status: 403, ...wire }),
  ModelNotFoundError: (wire) => new ModelNotFoundError({ message: "no such model", status: 404, ...wire }),
  ContextLengthExceededError: (wire) => new ContextLengthExceededError({ message: "too long", status: 400, ...wire }),
  ContentFilterError: (wire) => new ContentFilterError({ message: "refused", categories: ["violence"], ...wire }),
  InvalidRequestError: (wire) => new InvalidRequestError({ message: "wrong", status: 400, ...wire }),
  CircuitOpenError: (wire) => new CircuitOpenError({ message: "open", ...wire }),
  BudgetExceededError: (wire) =>
    new BudgetExceededError({
      message: "used up",
      budget: "day",
      unit: "usd",
      limit: 1,
      used: 1,
      reserved: 0,
      ...wire,
    }),
  OutputLimitError: (wire) => new OutputLimitError({ message: "cut off", ...wire }),
  ToolError: (wire) => new ToolError({ message: "failed", tool: "f", toolCallId: "c", ...wire }),
  ConfigurationError: () => new ConfigurationError({ message: "not set", setting: "OPENAI_API_KEY" }),
}

/** Every tag: the keys of the error table. */
export const errorTypes = Object.keys(verdicts) as ReadonlyArray<ErrorType>
