/** Each of our errors in the words of effect/ai, and back. */
import { describe, expect, it } from "@effect/vitest"
import * as Duration from "effect/Duration"
import * as Schema from "effect/Schema"
import * as AiError from "effect/ai/AiError"
import { llmErrorOf, toAiError } from "../../../src/bridges/effect-ai/AiFailure.ts"
import {
  AuthenticationError,
  BudgetExceededError,
  CircuitOpenError,
  ConfigurationError,
  ConnectionError,
  ContentFilterError,
  ContextLengthExceededError,
  InvalidRequestError,
  InvalidResponseError,
  LlmError,
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
  verdict,
  verdicts,
} from "../../../src/model/LlmError.ts"

const message = "what happened"

const table: ReadonlyArray<readonly [LlmErrorReason, AiError.AiErrorReason["_tag"], object]> = [
  [new ConnectionError({ message }), "NetworkError", { reason: "TransportError", description: message }],
  [new TimeoutError({ message, clock: "idle", limitMs: 9 }), "NetworkError", { reason: "TransportError" }],
  [new TimeoutError({ message, clock: "total", limitMs: 9 }), "UnknownError", { description: message }],
  [new StreamInterruptedError({ message }), "NetworkError", { reason: "TransportError" }],
  [new RateLimitError({ message, retryAfterMs: 1500 }), "RateLimitError", { retryAfter: Duration.millis(1500) }],
  [new QuotaExceededError({ message }), "QuotaExhaustedError", {}],
  [new OverloadedError({ message }), "InternalProviderError", { description: message }],
  [new ServerError({ message, status: 500 }), "InternalProviderError", { description: message }],
  [new InvalidResponseError({ message, position: "$" }), "InvalidResponseError", { description: message }],
  [new AuthenticationError({ message }), "AuthenticationError", { kind: "InvalidKey", description: message }],
  [new PermissionDeniedError({ message }), "AuthenticationError", { kind: "InsufficientPermissions" }],
  [new ModelNotFoundError({ message }), "InvalidRequestError", { parameter: "model", description: message }],
  [new ContextLengthExceededError({ message }), "InvalidRequestError", { parameter: "messages" }],
  [new ContentFilterError({ message, categories: ["hate"] }), "ContentPolicyError", { description: message }],
  [new InvalidRequestError({ message, parameter: "tools" }), "InvalidRequestError", { parameter: "tools" }],
  [new CircuitOpenError({ message, retryAfterMs: 5 }), "UnknownError", { description: message }],
  [
    new BudgetExceededError({ message, budget: "day", unit: "usd", limit: 1, used: 0.9, reserved: 0.05 }),
    "UnknownError",
    { description: message },
  ],
  [new OutputLimitError({ message }), "UnknownError", { description: message }],
  [new ToolError({ message, tool: "f", toolCallId: "c" }), "UnknownError", { description: message }],
  [new ConfigurationError({ message, setting: "OPENAI_API_KEY" }), "UnknownError", { description: message }],
]

const errorOf = (reason: LlmErrorReason) =>
  new LlmError({ reason, provider: "openai", model: "gpt-5", attempts: [], text: "Hel" })

it("every reason has a place in the table", () => {
  expect([...new Set(table.map(([reason]) => reason._tag))].sort()).toEqual(Object.keys(verdicts).sort())
})

describe.each(table.map(([reason, tag, fields]) => ({ reason, tag, fields, name: reason._tag })))(
  "$name",
  ({ fields, reason, tag }) => {
    const error = errorOf(reason)
    const translated = toAiError("generateText", error)

    it(`is a ${tag}`, () => {
      expect(translated.reason).toMatchObject({ _tag: tag, ...fields })
      expect(translated.message).toMatch(/^LlmProvider\.generateText: /)
    })

    it("is retried by effect/ai where our policies retry it", () => {
      // effect/ai never retries an unreadable answer; here it is tried once more.
      expect(translated.isRetryable).toBe(reason._tag !== "InvalidResponseError" && verdict(reason).retries !== "never")
    })

    it("carries the whole LlmError along", () => {
      expect(llmErrorOf(translated)).toEqual(error)
    })

    it("survives JSON", () => {
      const Json = Schema.fromJsonString(Schema.toCodecJson(AiError.AiError))
      const restored = Schema.decodeSync(Json)(Schema.encodeSync(Json)(translated))
      expect(restored.reason._tag).toBe(tag)
      if (tag !== "NetworkError") expect(llmErrorOf(restored)).toEqual(error)
    })
  },
)

it("keeps the status and the body that came", () => {
  const { reason } = toAiError("generateText", errorOf(new ServerError({ message, status: 502, body: "<html>" })))
  expect(reason).toMatchObject({ http: { response: { status: 502 }, body: "<html>" } })
})

it("finds no LlmError in an error that is effect/ai's own", () => {
  const reason = new AiError.RateLimitError({ metadata: { openai: { code: "slow_down" } } })
  expect(llmErrorOf(AiError.make({ module: "Other", method: "generateText", reason }))).toBeUndefined()
})
