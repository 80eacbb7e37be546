/** Laws 13, 14, 15 and 17: two targets, two servers, and the story of a call. */
import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { withFallback, withTimeout } from "../../src/index.ts"
import { goodAnswer, partial, partialEvents } from "../faults/FaultScenario.ts"
import { type Answer, delay, end, type FaultServer, inTurn, reset, stall } from "../faults/FaultServer.ts"
import { stream, streamHead, whole } from "../faults/HttpText.ts"
import { fullText, partialText, type WireText } from "../faults/WireText.ts"
import { ask, hello, open, patient, quickRetry, type Seen, serve, times } from "./Ask.ts"
import { law } from "./Laws.ts"
import { cells, openai, anthropic, streamCells } from "./Providers.ts"

const modelOf = (server: FaultServer, index = 0): unknown =>
  (server.requests[index]?.json as { readonly model?: unknown } | undefined)?.model

/** Every piece of text that was emitted, in order. */
const emitted = (seen: Seen): string =>
  seen.events.map((event) => (event.type === "text-delta" ? event.delta : "")).join("")

describe.concurrent(law[13], patient, () => {
  it.live.each([{ call: "generate" }, { call: "stream" }] as const)(
    "an overloaded first target, a second of another maker ($call)",
    Effect.fnUntraced(function* ({ call }) {
      const first = yield* serve(() => whole(openai.wire.error("overloaded").body, 529))
      const second = yield* serve(() => goodAnswer(anthropic.wire, call))
      const llm = yield* open(
        openai
          .layer(first.url)
          .pipe(quickRetry, withFallback(anthropic.layer(second.url), { model: "claude-haiku-4" })),
      )
      const seen = yield* ask(llm, call, { ...hello, model: "gpt-5" })
      expect([modelOf(first), modelOf(second)]).toEqual(["gpt-5", "claude-haiku-4"])
      expect(seen.response).toMatchObject({
        text: fullText,
        metadata: { provider: "anthropic", model: "claude-haiku-4" },
      })
    }),
  )

  it.live.each([{ call: "generate" }, { call: "stream" }] as const)(
    "without a model of its own the second target's default is asked, never the request's ($call)",
    Effect.fnUntraced(function* ({ call }) {
      const first = yield* serve(() => whole(openai.wire.error("overloaded").body, 529))
      const second = yield* serve(() => goodAnswer(anthropic.wire, call))
      const llm = yield* open(openai.layer(first.url).pipe(withFallback(anthropic.layer(second.url))))
      yield* ask(llm, call, { ...hello, model: "gpt-5" })
      expect(modelOf(second)).toBe(anthropic.model)
    }),
  )

  it.live.each(cells)(
    "a parameter that a target refuses is dropped with a warning ($on)",
    Effect.fnUntraced(function* ({ call, provider }) {
      const first = yield* serve(() => [reset])
      const second = yield* serve(() => goodAnswer(openai.wire, call))
      const llm = yield* open(provider.layer(first.url).pipe(withFallback(openai.layer(second.url), { model: "o3" })))
      const seen = yield* ask(llm, call, { ...hello, temperature: 0.3, maxTokens: 50 })
      expect(second.requests[0]?.json).toMatchObject({ model: "o3", max_completion_tokens: 50 })
      expect(second.requests[0]?.json).not.toHaveProperty("temperature")
      expect(seen.response?.metadata.warnings.join()).toContain("temperature")
    }),
  )
})

/** How a stream may break once it has begun. */
const breaks: Readonly<Record<string, (wire: WireText) => Answer>> = {
  "an end": (wire) => stream(...partialEvents(wire)),
  "a reset": (wire) => [...partial(wire), delay(30), reset],
  "an error event": (wire) => stream(...partialEvents(wire), wire.errorEvent("overloaded")),
  silence: (wire) => [...partial(wire), stall],
}

/** How a stream may break before it has. */
const falseStarts: Readonly<Record<string, (wire: WireText) => Answer>> = {
  "a status": (wire) => whole(wire.error("overloaded").body, 529),
  "an end after its opening": (wire) => stream(wire.opening),
  "an error event after its opening": (wire) => stream(wire.opening, wire.errorEvent("overloaded")),
  "an end after its head": () => [streamHead(), end],
  "silence after its opening": (wire) => [...partial(wire).slice(0, 2), stall],
}

const clocks = withTimeout({ firstOutput: 500, idle: 500 })

describe.concurrent(law[14], patient, () => {
  it.live.each(
    streamCells.flatMap((cell) => Object.entries(breaks).map(([form, answer]) => ({ ...cell, form, answer }))),
  )(
    "$form after text ends the stream with the text ($on)",
    Effect.fnUntraced(function* ({ answer, provider }) {
      const first = yield* serve(() => answer(provider.wire))
      const second = yield* serve(() => goodAnswer(provider.wire, "stream"))
      const target = provider.layer(first.url).pipe(clocks, quickRetry)
      const seen = yield* ask(yield* open(target.pipe(withFallback(provider.layer(second.url)))), "stream")
      expect(emitted(seen)).toBe(partialText)
      expect(seen.error?.text).toBe(partialText)
      expect([first.requests.length, second.requests.length]).toEqual([1, 0])
    }),
  )

  it.live.each(
    streamCells.flatMap((cell) => Object.entries(falseStarts).map(([form, answer]) => ({ ...cell, form, answer }))),
  )(
    "$form before text is retried, then another target asked ($on)",
    Effect.fnUntraced(function* ({ answer, provider }) {
      const first = yield* serve(() => answer(provider.wire))
      const second = yield* serve(() => goodAnswer(provider.wire, "stream"))
      const target = provider.layer(first.url).pipe(clocks, quickRetry)
      const seen = yield* ask(yield* open(target.pipe(withFallback(provider.layer(second.url)))), "stream")
      expect(emitted(seen)).toBe(fullText)
      expect(seen.events.filter(({ type }) => type === "response-start")).toHaveLength(1)
      expect([first.requests.length, second.requests.length]).toEqual([1 + times, 1])
    }),
  )
})

describe.concurrent(`${law[15]}; ${law[17]}`, patient, () => {
  it.live.each(cells)(
    "an overloaded first, a wrong key at the second ($on)",
    Effect.fnUntraced(function* ({ call, provider }) {
      const { wire } = provider
      const first = yield* serve(() => whole(wire.error("overloaded").body, 529, { "retry-after-ms": "20" }))
      const second = yield* serve(() => whole(wire.error("authentication").body, 401))
      const llm = yield* open(
        provider.layer(first.url).pipe(quickRetry, withFallback(provider.layer(second.url), { model: "other" })),
      )
      const { error } = yield* ask(llm, call)
      expect(error).toMatchObject({ reason: { _tag: "AuthenticationError", status: 401 }, model: "other" })
      const failed = {
        targetIndex: 0,
        model: provider.model,
        status: 529,
        errorType: "OverloadedError",
        retryAfterMs: 20,
      }
      expect(error?.attempts).toMatchObject([
        failed,
        failed,
        failed,
        { targetIndex: 1, model: "other", status: 401, errorType: "AuthenticationError", requestId: "req_fault" },
      ])
      for (const attempt of error?.attempts ?? []) {
        expect(attempt.provider).toBe(provider.provider)
        expect(new Date(attempt.started).toISOString()).toBe(attempt.started)
        expect(attempt.durationMs).toBeGreaterThanOrEqual(0)
      }
    }),
  )

  it.live.each(cells)(
    "an answer tells of the failures before it ($on)",
    Effect.fnUntraced(function* ({ call, provider }) {
      const { wire } = provider
      const server = yield* serve(inTurn(whole(wire.error("server").body, 500), [reset], goodAnswer(wire, call)))
      const { response } = yield* ask(yield* open(provider.layer(server.url).pipe(quickRetry)), call)
      expect(response?.metadata.attempts).toMatchObject([
        { status: 500, errorType: "ServerError" },
        { errorType: "ConnectionError" },
        { status: 200, requestId: "req_fault", usage: { inputTokens: 9, outputTokens: 5 } },
      ])
      expect(response?.metadata.attempts[2]?.errorType).toBeUndefined()
    }),
  )
})
