/** Law 2: one fault in three disguises, asked of a first target with a second one behind it. */
import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { withCircuitBreaker, withFallback } from "../../src/index.ts"
import { goodAnswer } from "../faults/FaultScenario.ts"
import { type Answer, inTurn } from "../faults/FaultServer.ts"
import { stream, whole } from "../faults/HttpText.ts"
import { fullText, type WireErrorName, type WireText } from "../faults/WireText.ts"
import { ask, open, outcomeOf, patient, quickRetry, serve, times } from "./Ask.ts"
import { law } from "./Laws.ts"
import { providers } from "./Providers.ts"

/** What each failure means, wherever it stands (the error table), and what a breaker that has seen it says afterwards. */
const meanings: Readonly<
  Record<WireErrorName, readonly [errorType: string, isRetryable: boolean, requests: number, afterwards: string]>
> = {
  "rate-limit": ["RateLimitError", true, 1 + times, "RateLimitError"],
  quota: ["QuotaExceededError", false, 1, "QuotaExceededError"],
  "spend-limit": ["QuotaExceededError", false, 1, "QuotaExceededError"],
  "credit-balance": ["QuotaExceededError", false, 1, "QuotaExceededError"],
  overloaded: ["OverloadedError", true, 1 + times, "CircuitOpenError"],
  unavailable: ["OverloadedError", true, 1 + times, "CircuitOpenError"],
  server: ["ServerError", true, 1 + times, "CircuitOpenError"],
  unknown: ["ServerError", true, 1 + times, "CircuitOpenError"],
  authentication: ["AuthenticationError", false, 1, "AuthenticationError"],
}
const names = Object.keys(meanings) as ReadonlyArray<WireErrorName>

/** A prompt that breaks the rules of a request: the one kind of failure that another target is not asked about. */
const invalidBody = (wire: WireText): string =>
  wire.name !== "messages"
    ? JSON.stringify({ error: { message: "bad", type: "invalid_request_error", param: "messages", code: null } })
    : JSON.stringify({ type: "error", error: { type: "invalid_request_error", message: "bad" } })

const disguises = {
  "generate, as a status": (body, status) => whole(body, status),
  "stream, as a status": (body, status) => whole(body, status),
  "generate, as a body under 200": (body) => whole(body),
  "stream, as a body under 200": (body) => whole(body),
  "stream, as the first event": (body) => stream(`data: ${body}\n\n`),
  "stream, as an event named error": (body) => stream(`event: error\ndata: ${body}\n\n`),
  "stream, as an event after the opening": (body, _, wire) => stream(wire.opening, `event: error\ndata: ${body}\n\n`),
} satisfies Record<string, (body: string, status: number, wire: WireText) => Answer>

const forms = Object.keys(disguises) as ReadonlyArray<keyof typeof disguises>

/** A plain 503 of OpenAI says so with its status alone, so that without it nothing is left to read. */
const isSaid = (name: WireErrorName, form: string, wire: WireText) =>
  !(name === "unavailable" && wire.name !== "messages") || form.endsWith("as a status")

const cases = providers.flatMap((provider) =>
  forms.flatMap((form) =>
    names.filter((name) => isSaid(name, form, provider.wire)).map((name) => ({ provider, form, name })),
  ),
)

describe.concurrent(law[2], patient, () => {
  it.live.each(cases.map((one) => ({ ...one, on: one.provider.name })))(
    "$name: $form ($on)",
    Effect.fnUntraced(function* ({ form, name, provider }) {
      const { wire } = provider
      const [errorType, isRetryable, requests, afterwards] = meanings[name]
      const { body, status } = wire.error(name)
      const call = form.startsWith("stream") ? "stream" : "generate"
      const failing = yield* serve(() => disguises[form](body, status, wire))
      const seen = yield* ask(yield* open(provider.layer(failing.url).pipe(quickRetry)), call)
      expect(seen.error?.reason._tag).toBe(errorType)
      expect(seen.error?.isRetryable).toBe(isRetryable)
      expect(seen.error?.attempts.map((attempt) => attempt.errorType)).toEqual(Array(requests).fill(errorType))
      expect(failing.requests).toHaveLength(requests)

      const second = yield* serve(inTurn(goodAnswer(wire, call)))
      const llm = yield* open(provider.layer(failing.url).pipe(withFallback(provider.layer(second.url))))
      const saved = yield* ask(llm, call)
      expect(saved.text).toBe(fullText)
      expect(second.requests).toHaveLength(1)

      const guarded = yield* open(provider.layer(failing.url).pipe(withCircuitBreaker({ failures: 1 })))
      expect(outcomeOf(yield* ask(guarded, call))).toBe(errorType)
      const before = failing.requests.length
      expect(outcomeOf(yield* ask(guarded, call))).toBe(afterwards)
      // A breaker that is open sends nothing. The last target is asked even if its account was empty.
      const isSent = afterwards === errorType
      expect(failing.requests.length - before).toBe(isSent ? 1 : 0)
    }),
  )

  it.live.each(providers.flatMap((provider) => forms.map((form) => ({ provider, form, on: provider.name }))))(
    "an invalid request is neither retried nor sent elsewhere: $form ($on)",
    Effect.fnUntraced(function* ({ form, provider }) {
      const { wire } = provider
      const call = form.startsWith("stream") ? "stream" : "generate"
      const failing = yield* serve(() => disguises[form](invalidBody(wire), 400, wire))
      const second = yield* serve(inTurn(goodAnswer(wire, call)))
      const llm = yield* open(provider.layer(failing.url).pipe(quickRetry, withFallback(provider.layer(second.url))))
      const seen = yield* ask(llm, call)
      expect(seen.error?.reason._tag).toBe("InvalidRequestError")
      expect(seen.error?.isRetryable).toBe(false)
      expect([failing.requests.length, second.requests.length]).toEqual([1, 0])
    }),
  )
})
