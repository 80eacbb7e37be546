/** Every failure becomes something that a user can read, and a button where trying again may help. */
import { describe, expect, it } from "vitest"
import { type Notice, whatToShow } from "../../../../examples/web/what-to-show.ts"
import { verdicts } from "../../src/model/LlmError.ts"
import { Scripted } from "../../src/testing/index.ts"

describe("what to show", () => {
  it.each<readonly [string, Parameters<typeof Scripted.failure>[0], Partial<Notice>]>([
    [
      "a rate limit counts down",
      { _tag: "RateLimitError", retryAfterMs: 90_500 },
      { canRetry: true, retryInSeconds: 91 },
    ],
    ["a rate limit without a wait counts down all the same", "RateLimitError", { canRetry: true, retryInSeconds: 10 }],
    ["an empty account offers no button", "QuotaExceededError", { canRetry: false, retryInSeconds: 0 }],
    ["a text that is too long offers no button", "ContextLengthExceededError", { canRetry: false }],
    [
      "a timeout may be tried again at once",
      { _tag: "TimeoutError", message: "late", clock: "total", limitMs: 1 },
      { text: "The answer took too long.", canRetry: true, retryInSeconds: 0 },
    ],
    ["a mistake of the program is told without its details", "AuthenticationError", { canRetry: false }],
  ])("%s", (_, error, shown) => {
    expect(whatToShow(Scripted.failure(error))).toMatchObject(shown)
  })

  it("keeps what came of an answer that broke off", async () => {
    const llm = Scripted.llm([{ text: "Once", error: "StreamInterruptedError" }])
    const whole = await llm.stream({ messages: [{ role: "user", content: "A story." }] }).response
    expect("error" in whole && whatToShow(whole)).toMatchObject({ partialText: "Once", canRetry: true })
  })

  it("has words for every failure, and never shows the provider's", () => {
    for (const errorType of Object.keys(verdicts)) {
      const failure = Scripted.failure({ _tag: errorType as keyof typeof verdicts })
      const { text } = whatToShow(failure)
      expect(text).not.toBe("")
      expect(text).not.toContain(failure.error)
    }
  })
})
