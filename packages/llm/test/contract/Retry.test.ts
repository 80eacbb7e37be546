/** Laws 6 and 7: who counts the requests is the server. */
import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { withFallback, withRetry, withTimeout } from "../../src/index.ts"
import { httpDateAfter } from "../faults/AnswerFaults.ts"
import { goodAnswer } from "../faults/FaultScenario.ts"
import { type FaultServer, inTurn, nowMs } from "../faults/FaultServer.ts"
import { whole } from "../faults/HttpText.ts"
import { fullText } from "../faults/WireText.ts"
import { ask, open, outcomeOf, patient, quickRetry, serve, times } from "./Ask.ts"
import { law } from "./Laws.ts"
import { cells, wireCells } from "./Providers.ts"

describe.concurrent(law[6], patient, () => {
  it.live.each(cells)(
    "1 + 2 at each of two targets, and 1 without retries ($on)",
    Effect.fnUntraced(function* ({ call, provider }) {
      const failing = () => whole(provider.wire.error("server").body, 500)
      const [first, second, alone] = [yield* serve(failing), yield* serve(failing), yield* serve(failing)]
      const target = (server: FaultServer) => provider.layer(server.url).pipe(quickRetry)
      const seen = yield* ask(yield* open(target(first).pipe(withFallback(target(second)))), call)
      expect([first.requests.length, second.requests.length]).toEqual([1 + times, 1 + times])
      expect(seen.error?.attempts.map(({ targetIndex }) => targetIndex)).toEqual([0, 0, 0, 1, 1, 1])
      yield* ask(yield* open(provider.layer(alone.url).pipe(withRetry({ times: 0 }))), call)
      expect(alone.requests).toHaveLength(1)
    }),
  )

  it.live.each(cells)(
    "x-should-retry is obeyed: false ends a 500, true repeats a 400 ($on)",
    Effect.fnUntraced(function* ({ call, provider }) {
      const { wire } = provider
      const never = yield* serve(() => whole(wire.error("server").body, 500, { "x-should-retry": "false" }))
      const refused = yield* ask(yield* open(provider.layer(never.url).pipe(quickRetry)), call)
      expect(refused.error?.isRetryable).toBe(false)
      expect(never.requests).toHaveLength(1)

      const plain = JSON.stringify({ error: { type: "invalid_request_error", message: "try again" } })
      const again = yield* serve(inTurn(whole(plain, 400, { "x-should-retry": "true" }), goodAnswer(wire, call)))
      const saved = yield* ask(yield* open(provider.layer(again.url).pipe(quickRetry)), call)
      expect(saved.text).toBe(fullText)
      expect(again.requests).toHaveLength(2)
    }),
  )

  it.live.each(cells)(
    "x-should-retry brings back neither money nor keys ($on)",
    Effect.fnUntraced(function* ({ call, provider }) {
      for (const name of ["quota", "authentication"] as const) {
        const { body, status } = provider.wire.error(name)
        const server = yield* serve(() => whole(body, status, { "x-should-retry": "true" }))
        yield* ask(yield* open(provider.layer(server.url).pipe(quickRetry)), call)
        expect(server.requests).toHaveLength(1)
      }
    }),
  )
})

/** From the end of the first answer to the second request; a timer's millisecond may begin before the clock's. */
const waitedMs = ({ requests: [first, second] }: FaultServer): number =>
  (second?.receivedAtMs ?? 0) - (first?.answeredAtMs ?? 0) + 1

const waits: ReadonlyArray<readonly [string, () => Readonly<Record<string, string>>, number]> = [
  ["retry-after-ms: 250", () => ({ "retry-after-ms": "250" }), 250],
  ["retry-after-ms before retry-after", () => ({ "retry-after-ms": "250", "retry-after": "60" }), 250],
  ["retry-after in seconds", () => ({ "retry-after": "1" }), 1000],
  ["retry-after in parts of a second", () => ({ "retry-after": "0.4" }), 400],
  ["retry-after as an HTTP date", () => ({ "retry-after": httpDateAfter(500) }), 500],
]

describe.concurrent(law[7], patient, () => {
  it.live.each(
    cells.flatMap((cell) => waits.map(([name, headers, atLeastMs]) => ({ ...cell, name, headers, atLeastMs }))),
  )(
    "$name ($on)",
    Effect.fnUntraced(function* ({ atLeastMs, call, headers, provider }) {
      const { wire } = provider
      const { body } = wire.error("rate-limit")
      const server = yield* serve((request) =>
        request.index === 0 ? whole(body, 429, headers()) : goodAnswer(wire, call),
      )
      const seen = yield* ask(yield* open(provider.layer(server.url).pipe(quickRetry)), call)
      expect(seen.text).toBe(fullText)
      expect(waitedMs(server)).toBeGreaterThanOrEqual(atLeastMs)
      const [first, second] = seen.response?.metadata.attempts ?? []
      expect(first?.retryAfterMs).toBeGreaterThan(0)
      expect(second?.waitedMs).toBeGreaterThanOrEqual(first?.retryAfterMs ?? Infinity)
    }),
  )

  it.live.each(cells)(
    "a wait past the deadline is not begun: the call falls back at once, or fails at once ($on)",
    Effect.fnUntraced(function* ({ call, provider }) {
      const { wire } = provider
      const server = yield* serve(() => whole(wire.error("rate-limit").body, 429, { "retry-after": "90" }))
      const second = yield* serve(() => goodAnswer(wire, call))
      const startedMs = nowMs()
      const alone = yield* ask(
        yield* open(provider.layer(server.url).pipe(withRetry(), withTimeout("60 seconds"))),
        call,
      )
      expect(outcomeOf(alone)).toBe("RateLimitError")
      const target = provider.layer(second.url)
      const saved = yield* ask(
        yield* open(provider.layer(server.url).pipe(withRetry(), withFallback(target), withTimeout("60 seconds"))),
        call,
      )
      expect(saved.text).toBe(fullText)
      expect(server.requests).toHaveLength(2)
      expect(nowMs() - startedMs).toBeLessThan(10_000)
    }),
  )

  it.live.each(wireCells)(
    "callers told the same moment do not come back together ($on)",
    Effect.fnUntraced(function* ({ call, provider }) {
      const { wire } = provider
      const callers = 20
      const { body } = wire.error("rate-limit")
      const told = new Set<string>()
      const server = yield* serve((request) => {
        if (told.has(request.body)) return goodAnswer(wire, call)
        told.add(request.body)
        return whole(body, 429, { "retry-after-ms": "300" })
      })
      const llm = yield* open(provider.layer(server.url).pipe(quickRetry))
      const seen = yield* Effect.all(
        Array.from({ length: callers }, (_, caller) =>
          ask(llm, call, { messages: [{ role: "user", content: `This is caller ${caller}.` }] }),
        ),
        { concurrency: "unbounded" },
      )
      expect(seen.map(({ text }) => text)).toEqual(Array(callers).fill(fullText))
      const waits = seen.map(({ response }) => response?.metadata.attempts[1]?.waitedMs ?? 0)
      expect(Math.min(...waits)).toBeGreaterThanOrEqual(300)
      expect(Math.max(...waits) - Math.min(...waits)).toBeGreaterThan(50)
    }),
  )

  it.live.each(cells)(
    "retry-after on a 200 means nothing ($on)",
    Effect.fnUntraced(function* ({ call, provider }) {
      const server = yield* serve(() => whole(provider.wire.answer(fullText), 200, { "retry-after": "90" }))
      const seen = yield* ask(yield* open(provider.layer(server.url).pipe(quickRetry)), call)
      expect(seen.text).toBe(fullText)
      expect(seen.response?.metadata.attempts[0]?.retryAfterMs).toBeUndefined()
    }),
  )
})
