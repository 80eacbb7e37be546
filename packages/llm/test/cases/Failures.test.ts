/** Failures from the field, in their services' own words. */
import { describe, expect } from "vitest"
import type { ErrorType } from "../../src/index.ts"
import type { Case } from "./Case.ts"
import { type Check, checkCase, checkSharedCase } from "./CheckCase.ts"
import { chatAnswer } from "./Samples.ts"

/** The first answer of the case is this error; a second one is not asked for. */
const failsWith =
  (errorType: ErrorType, more: object = {}): Check =>
  async ({ ask, requests }, call) => {
    const { response } = await ask(call)
    expect(response).toMatchObject({ text: "", errorType, ...more })
    expect(requests).toHaveLength(1)
  }

/** The call succeeds at its second attempt, the first of which was this error. */
const retriedAfter =
  (errorType: ErrorType, attempt: object = {}): Check =>
  async ({ ask, requests }, call) => {
    const { response } = await ask(call)
    expect(response).toMatchObject({ text: "ok", metadata: { attempts: [{ errorType, ...attempt }, { status: 200 }] } })
    expect(requests).toHaveLength(2)
  }

describe("a failure from the field", () => {
  checkSharedCase("anthropic-output-blocked", failsWith("ContentFilterError"))
  checkSharedCase("deepseek-content-risk", failsWith("ContentFilterError"))
  checkSharedCase("gemini-key-expired", failsWith("AuthenticationError"))
  checkSharedCase("gemini-too-long", failsWith("ContextLengthExceededError"))
  checkSharedCase("groq-413-tpm", failsWith("ContextLengthExceededError"))
  checkSharedCase("groq-tool-use-failed", failsWith("InvalidResponseError"))
  checkSharedCase("litellm-unknown-model", failsWith("ModelNotFoundError"))
  checkSharedCase("openrouter-unknown-model", failsWith("ModelNotFoundError"))
  checkSharedCase("gemini-499", retriedAfter("ServerError", { status: 499 }))
  checkSharedCase("gemini-retry-info", retriedAfter("RateLimitError", { retryAfterMs: 3000 }))
})

const refusing = (status: number, body: unknown, headers: Readonly<Record<string, string>> = {}): Case => ({
  right: "An error with the wait that was told.",
  answers: [{ status, headers: { "content-type": "application/json", ...headers }, body }],
})

const slow = { error: { message: "Too fast. Please try again in 1m30s.", code: "rate_limit_exceeded" } }

describe("a wait", () => {
  const told = (retryAfterMs: number) => failsWith("RateLimitError", { metadata: { attempts: [{ retryAfterMs }] } })

  checkCase("that only the message tells", refusing(429, slow), told(90_000))
  checkCase(
    "that the header tells too: the header counts",
    refusing(429, slow, { "retry-after": "20, 20" }),
    told(20_000),
  )
  checkCase(
    "that a reset tells",
    refusing(
      429,
      { error: { message: "no" } },
      {
        "x-ratelimit-remaining-tokens-minute": "0",
        "x-ratelimit-reset-tokens-minute": "42",
      },
    ),
    told(42_000),
  )
  checkCase(
    "past all numbers is an error all the same",
    refusing(429, { error: { message: "no" } }, { "retry-after": "1e306" }),
    failsWith("RateLimitError"),
  )
  checkCase(
    "with a success means nothing",
    { right: "The text.", answers: [{ ...chatAnswer({ content: "ok" }), headers: { "retry-after": "3600" } }] },
    async ({ ask }, call) => {
      const { response } = await ask(call)
      expect(response).toMatchObject({ text: "ok" })
      expect(response.metadata.attempts[0]?.retryAfterMs).toBeUndefined()
    },
  )
})

describe("an error body that wants to hurt", () => {
  const deep = (depth: number): string => `${'{"error":'.repeat(depth)}"no"${"}".repeat(depth)}`

  checkCase("nested 5,000 deep", refusing(400, deep(5000)), failsWith("InvalidRequestError"))
  checkCase("nested 5,000 deep under 200", refusing(200, deep(5000)), failsWith("InvalidResponseError"))
  checkCase(
    "of one word of 200 KB",
    refusing(400, { error: { message: "a".repeat(200_000) } }),
    async ({ ask }, call) => {
      const { response } = await ask(call)
      expect(response).toMatchObject({ errorType: "InvalidRequestError" })
      expect("error" in response ? response.error.length : 0).toBeLessThanOrEqual(2000)
    },
  )
  checkCase(
    "of 300,000 faults",
    refusing(422, { detail: Array.from({ length: 300_000 }, () => ({ msg: "no" })) }),
    failsWith("InvalidRequestError"),
  )
  checkCase(
    "of 3 MB, most of which is not read: its beginning says what is wrong",
    refusing(400, { error: { message: "Prompt is too long: 9 tokens", given: "a".repeat(3_000_000) } }),
    failsWith("ContextLengthExceededError"),
  )
  checkCase("that is a page of 1 MB", refusing(502, `<html>${"<p>".repeat(350_000)}`), failsWith("ServerError"))
  checkCase("that is a number", refusing(500, "500"), failsWith("ServerError"))
})
