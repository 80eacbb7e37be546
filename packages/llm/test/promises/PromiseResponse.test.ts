/** A failure is plain data that tells everything its error tells, and `unwrap` makes the error of it again. */
import * as Schema from "effect/Schema"
import { describe, expect, expectTypeOf, it } from "vitest"
import { isLlmError, LlmError, LLMInterface, unwrap } from "../../src/index.ts"
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
import type { AttemptRecord } from "../../src/model/LlmResponse.ts"
import type { Llm } from "../../src/promises/Llm.ts"
import { failure, type GenerateFailure } from "../../src/promises/PromiseResponse.ts"
import * as Scripted from "../../src/testing/ScriptedLlm.ts"
import { FaultServer } from "../faults/FaultServer.ts"
import { whole } from "../faults/HttpText.ts"

const told = { message: "what happened", status: 500, code: "c", type: "t", requestId: "req_1", body: "{}" }

const reasons: ReadonlyArray<LlmErrorReason> = [
  new ConnectionError({
    message: "no response",
    code: "ECONNREFUSED",
    cause: { name: "Error", message: "connect ECONNREFUSED", code: "ECONNREFUSED" },
  }),
  new TimeoutError({ message: "not finished", clock: "total", limitMs: 1000 }),
  new RateLimitError({ ...told, status: 429, retryAfterMs: 2500, shouldRetry: true }),
  new QuotaExceededError({ ...told, code: "insufficient_quota", scope: "user" }),
  new OverloadedError(told),
  new ServerError(told),
  new StreamInterruptedError({ message: "broke off" }),
  new InvalidResponseError({ ...told, position: "byte 7" }),
  new AuthenticationError(told),
  new PermissionDeniedError(told),
  new ModelNotFoundError(told),
  new ContextLengthExceededError(told),
  new ContentFilterError({ ...told, categories: ["hate"] }),
  new InvalidRequestError({ ...told, parameter: "messages[0]" }),
  new CircuitOpenError({ message: "open", retryAfterMs: 5 }),
  new BudgetExceededError({
    message: "used up",
    budget: "day",
    unit: "usd",
    limit: 1,
    used: 0.9,
    reserved: 0.05,
    estimate: 0.1,
    tag: { name: "user", value: "a" },
    retryAfterMs: 5,
  }),
  new OutputLimitError({ message: "cut off", body: "{" }),
  new ToolError({ message: "failed", tool: "f", toolCallId: "c1" }),
  new ConfigurationError({ message: "missing", setting: "OPENAI_API_KEY" }),
]

const attempt: AttemptRecord = {
  provider: "openai",
  model: "gpt-5",
  targetIndex: 0,
  started: "2026-01-01T00:00:00.000Z",
  queuedMs: 0,
  waitedMs: 0,
  durationMs: 12,
  requestId: "req_1",
  costUsd: null,
}

const errorWith = (reason: LlmErrorReason) =>
  new LlmError({
    reason,
    provider: "openai",
    model: "gpt-5",
    attempts: reason._tag === "ConfigurationError" ? [] : [attempt],
    text: "Hel",
    warnings: ["temperature was dropped"],
  })

const dataOf = (error: LlmError) => failure(error, { model: "gpt-5" }, 0, 10)
const encoded = Schema.encodeUnknownSync(LlmError)

const thrownBy = (response: GenerateFailure): unknown => {
  try {
    return unwrap(response)
  } catch (error) {
    return error
  }
}

describe("a failure", () => {
  it("is tried with every reason", () => {
    expect(reasons.map(({ _tag }) => _tag).toSorted()).toEqual(Object.keys(verdicts).toSorted())
  })

  it("tells as plain data what the error tells", () => {
    expect(dataOf(errorWith(new RateLimitError({ ...told, status: 429, retryAfterMs: 2500 })))).toMatchObject({
      text: "",
      error: "what happened",
      errorType: "RateLimitError",
      isRetryable: true,
      status: 429,
      code: "c",
      type: "t",
      retryAfterMs: 2500,
      partialText: "Hel",
    })
    const late = new TimeoutError({ message: "late", clock: "idle", limitMs: 5 })
    expect(dataOf(errorWith(late))).toMatchObject({ clock: "idle", limitMs: 5 })
  })

  it.each(reasons.map((reason) => [reason._tag, reason] as const))(
    "of %s is thrown by unwrap as the same LlmError, after a spread and through JSON too",
    (_, reason) => {
      const error = errorWith(reason)
      const data = dataOf(error)
      const json: GenerateFailure = JSON.parse(JSON.stringify(data))
      for (const form of [data, { ...data }, structuredClone(data), json]) {
        const thrown = thrownBy(form)
        expect(thrown).toBeInstanceOf(LlmError)
        expect(thrown).toBeInstanceOf(Error)
        expect(isLlmError(thrown)).toBe(true)
        const requestId = reason._tag === "ConfigurationError" ? {} : { requestId: "req_1" }
        const expected = encoded(error)
        expect(encoded(thrown)).toEqual({ ...expected, reason: { ...expected.reason, ...requestId } })
        expect(isLlmError(thrown) && thrown.isRetryable).toBe(data.isRetryable)
      }
    },
  )

  it("that was written by hand, or damaged, still throws an LlmError", () => {
    const data = dataOf(errorWith(new ServerError(told)))
    expect(thrownBy({ ...data, errorType: "TimeoutError" })).toMatchObject({ reason: { _tag: "TimeoutError" } })
    const damaged: GenerateFailure = JSON.parse('{"text":"","error":"odd","errorType":"NoSuchError"}')
    expect(isLlmError(thrownBy(damaged))).toBe(true)
  })

  it("of a total timeout is retryable by the caller", () => {
    expect(dataOf(errorWith(new TimeoutError({ message: "late", clock: "total", limitMs: 9 }))).isRetryable).toBe(true)
  })

  it("shares nothing with the error that it comes from", () => {
    const error = errorWith(new ServerError(told))
    const data = dataOf(error)
    expect(data.metadata.attempts[0]).not.toBe(error.attempts[0])
    expect(data.metadata.attempts).toEqual(error.attempts)
  })
})

it("the trace of what unwrap throws begins where the program called it", () => {
  const failed = Scripted.failure("QuotaExceededError")
  const askedHere = () => unwrap(failed)
  const trace = () => {
    try {
      return askedHere()
    } catch (error) {
      return error instanceof Error ? error.stack : undefined
    }
  }
  expect(trace()).toMatch(/^LlmError: a scripted QuotaExceededError\n +at askedHere /)
})

it("unwrap keeps the type of the answer, and so the value of generateObject", () => {
  const compiles = async (llm: Llm) => {
    const { object } = unwrap(
      await llm.generateObject({ messages: [], schema: Schema.Struct({ name: Schema.String, age: Schema.Int }) }),
    )
    return object
  }
  expectTypeOf(compiles).returns.resolves.toEqualTypeOf<{ readonly name: string; readonly age: number }>()
})

describe("from a provider", () => {
  it("a failure names what was dropped from its request, as an answer does", async () => {
    await using server = await FaultServer.start(() => whole('{"error":{"message":"no"}}', 401, {}))
    await using llm = new LLMInterface({
      provider: "openai",
      apiKey: "sk-test",
      apiBase: `${server.url}/v1`,
      model: "gpt-5-mini",
    })
    const response = await llm.generate({ messages: [{ role: "user", content: "Hello." }], temperature: 0.5 })
    expect(response).toMatchObject({ errorType: "AuthenticationError", status: 401 })
    expect(response.metadata.warnings.join()).toContain("temperature")
  })

  it("a base that holds a password is refused, and not shown", async () => {
    await using llm = new LLMInterface({
      provider: "openai",
      apiKey: "sk-test",
      apiBase: "https://user:hunter2@llm.example.com/v1",
      model: "gpt-5-mini",
    })
    const response = await llm.generate({ messages: [{ role: "user", content: "Hello." }] })
    expect(response).toMatchObject({ errorType: "ConfigurationError" })
    expect(JSON.stringify(response)).not.toContain("hunter2")
  })
})
