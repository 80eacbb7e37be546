/** One span and one line per call, and nothing of what was said in either. */
import { describe, expect, it } from "@effect/vitest"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import type * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as Option from "effect/Option"
import * as References from "effect/References"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/testing/TestClock"
import * as Tracer from "effect/Tracer"
import { tagCalls } from "../../src/call/CallOptions.ts"
import * as Provider from "../../src/call/Provider.ts"
import type { LlmError } from "../../src/model/LlmError.ts"
import type { LlmProvider } from "../../src/model/LlmProvider.ts"
import { withCircuitBreaker } from "../../src/policies/CircuitBreaker.ts"
import { withConcurrency } from "../../src/policies/Concurrency.ts"
import { withFallback } from "../../src/policies/Fallback.ts"
import { withRetry } from "../../src/policies/Retry.ts"
import { withTelemetry } from "../../src/policies/Telemetry.ts"
import { withTimeout } from "../../src/policies/Timeout.ts"
import * as Scripted from "../../src/testing/Scripted.ts"
import { ask, callNames, hello, reasons } from "./Calls.ts"

interface Line {
  readonly level: string
  readonly text: unknown
  readonly details: unknown
}

/** Runs an effect and gives back its log lines and its ended spans. */
const observe = <A, E>(
  effect: Effect.Effect<A, E, LlmProvider>,
  layer: Layer.Layer<LlmProvider, LlmError>,
  level: "Info" | "Trace",
) =>
  Effect.gen(function* () {
    const lines: Array<Line> = []
    const spans: Array<Tracer.NativeSpan> = []
    const logger = Logger.make(({ logLevel, message }) => {
      const [text, details] = Array.isArray(message) ? message : [message]
      lines.push({ level: logLevel, text, details })
    })
    const tracer = Tracer.make({
      span: (options) => {
        const span = new Tracer.NativeSpan(options)
        spans.push(span)
        return span
      },
    })
    const exit = yield* Effect.exit(effect).pipe(
      Effect.provide(layer),
      Effect.provide(Logger.layer([logger])),
      Effect.provideService(References.MinimumLogLevel, level),
      Effect.provideService(Tracer.Tracer, tracer),
    )
    return { exit, lines, spans }
  })

const usage = { inputTokens: 10, outputTokens: 5, totalTokens: 15, cachedInputTokens: 4 }
const parentOf = (span: Tracer.Span): string | undefined => {
  const parent = Option.getOrUndefined(span.parent)
  return parent?._tag === "Span" ? parent.name : undefined
}

const attributesOf = (span: Tracer.Span | undefined) => Object.fromEntries(span?.attributes ?? [])

describe.each(callNames)("telemetry of %s", (name) => {
  it.effect("makes one span per call, named and described as OpenTelemetry's GenAI conventions say", () =>
    Effect.gen(function* () {
      const script = Scripted.layer([{ text: "hello", usage }], { name: "azure" }).pipe(withTelemetry)
      const { spans } = yield* observe(ask(name, { ...hello, model: "gpt-5-mini", maxTokens: 9 }), script, "Info")
      expect(spans.map((span) => [span.name, span.kind, span.status._tag])).toEqual([
        ["chat gpt-5-mini", "client", "Ended"],
        ["attempt gpt-5-mini", "client", "Ended"],
      ])
      expect(attributesOf(spans[0])).toEqual({
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "azure",
        "gen_ai.request.model": "gpt-5-mini",
        "gen_ai.request.max_tokens": 9,
        "gen_ai.response.model": "gpt-5-mini",
        "gen_ai.response.finish_reasons": ["stop"],
        "gen_ai.usage.input_tokens": 10,
        "gen_ai.usage.output_tokens": 5,
        "gen_ai.usage.cache_read.input_tokens": 4,
        ...(name === "stream" ? { "gen_ai.request.stream": true, "gen_ai.response.time_to_first_chunk": 0 } : {}),
      })
    }),
  )

  it.effect("writes the tags of a call on its span, and on no attempt", () =>
    Effect.gen(function* () {
      const script = Scripted.layer([{ text: "hello", usage }]).pipe(withTelemetry)
      const { spans } = yield* observe(tagCalls({ team: "search" })(ask(name)), script, "Info")
      expect(attributesOf(spans[0])).toMatchObject({ "wiseflow.tag.team": "search" })
      expect(attributesOf(spans[1])).not.toHaveProperty("wiseflow.tag.team")
    }),
  )

  it.effect("writes one line at INFO for a call that took more than one attempt, as the caller felt it", () =>
    Effect.gen(function* () {
      const script = Scripted.layer([
        { error: reasons.OverloadedError(), delay: 500 },
        { text: "hello", usage },
      ])
      const stack = script.pipe(withConcurrency(1), withRetry(), withCircuitBreaker(), withTelemetry)
      const fiber = yield* Effect.forkChild(observe(ask(name), stack, "Info"))
      yield* TestClock.adjust("1 minute")
      const { lines, spans } = yield* Fiber.join(fiber)
      expect(lines).toMatchObject([
        {
          level: "Info",
          text: "answered",
          details: {
            provider: "scripted",
            model: "scripted",
            finishReason: "stop",
            inputTokens: 10,
            outputTokens: 5,
            attempts: 2,
          },
        },
      ])
      expect(lines[0]?.details).toMatchObject({ latencyMs: expect.closeTo(1625, -3) })
      expect(spans.map((span) => [span.name, parentOf(span)])).toEqual([
        ["chat scripted", undefined],
        ["attempt scripted", "chat scripted"],
        ["attempt scripted", "chat scripted"],
      ])
      expect(spans[0]?.events.map(([event]) => event)).toEqual(["retry"])
    }),
  )

  it.effect("has a line at DEBUG for a call that was answered at once", () =>
    Effect.gen(function* () {
      const script = Scripted.layer([{ text: "hello" }, { text: "hello" }]).pipe(withTelemetry)
      const heard = yield* observe(ask(name), script, "Trace")
      expect(heard.lines).toMatchObject([{ level: "Debug", text: "answered", details: { attempts: 1 } }])
      const unheard = yield* observe(ask(name), script, "Info")
      expect(unheard.lines).toEqual([])
      expect(unheard.spans).toHaveLength(2)
    }),
  )

  it.effect("warns of a failure with its reason, and marks the span", () =>
    Effect.gen(function* () {
      const script = Scripted.layer([{ error: reasons.AuthenticationError() }]).pipe(withTelemetry)
      const { lines, spans } = yield* observe(ask(name), script, "Info")
      expect(lines).toMatchObject([
        {
          level: "Warn",
          text: "failed",
          details: { errorType: "AuthenticationError", message: "wrong key", attempts: 1 },
        },
      ])
      expect(attributesOf(spans[0])).toMatchObject({ "error.type": "AuthenticationError" })
      const [span] = spans
      expect(span?.status._tag === "Ended" && span.status.exit._tag).toBe("Failure")
    }),
  )

  it.effect("takes an abort for no failure: a line at DEBUG, and a span that ends", () =>
    Effect.gen(function* () {
      const script = Scripted.layer([{ stall: true }]).pipe(withTelemetry)
      const fiber = yield* Effect.forkChild(observe(Effect.timeoutOption(ask(name), 1000), script, "Trace"))
      yield* TestClock.adjust(1000)
      const { lines, spans } = yield* Fiber.join(fiber)
      expect(lines).toMatchObject([{ level: "Debug", text: "aborted" }])
      expect(attributesOf(spans[0])).toMatchObject({ "error.type": "aborted" })
      expect(spans[0]?.status._tag).toBe("Ended")
    }),
  )

  it.effect.each(["die", "throw", "abort"] as const)("ends the span of an attempt as the attempt ended (%s)", (how) =>
    Effect.gen(function* () {
      const failing = how === "die" ? Effect.die("a bug") : Effect.interrupt
      const own = Provider.layer({
        name: "own",
        model: "m",
        generate: () => (how === "throw" ? expect.unreachable("a bug") : failing),
        stream: () => (how === "throw" ? expect.unreachable("a bug") : Stream.fromEffect(failing)),
      })
      const { spans } = yield* observe(ask(name), own.pipe(withTelemetry), "Info")
      const ends = spans.map(({ name: span, status }) => {
        if (status._tag !== "Ended" || Exit.isSuccess(status.exit)) return [span, "success, or no end"]
        return [span, Cause.hasDies(status.exit.cause) ? "defect" : "interrupt"]
      })
      const expected = how === "abort" ? "interrupt" : "defect"
      expect(ends).toEqual([
        ["chat m", expected],
        ["attempt m", expected],
      ])
    }),
  )

  it.effect("never says what was said: no prompt, no answer, no arguments, at any level", () =>
    Effect.gen(function* () {
      const canary = "canary-7f3a"
      const said = {
        text: ["ca", `${canary}`],
        reasoning: canary,
        toolCalls: [{ name: "tool", arguments: { value: canary } }],
      }
      const request = { ...hello, messages: [{ role: "user" as const, content: canary }] }
      const script = Scripted.layer([
        { error: reasons.ServerError() },
        { ...said, error: reasons.AuthenticationError() },
        said,
      ])
      const stack = script.pipe(
        withRetry(),
        withCircuitBreaker(),
        withFallback(Scripted.layer([said])),
        withTimeout("1 minute"),
        withTelemetry,
      )
      const calls = Effect.andThen(Effect.exit(ask(name, request)), ask(name, request))
      const fiber = yield* Effect.forkChild(observe(calls, stack, "Trace"))
      yield* TestClock.adjust("1 hour")
      const { lines, spans } = yield* Fiber.join(fiber)
      expect(lines.length).toBeGreaterThanOrEqual(3)
      const attributes = spans.map((span) => [span.name, attributesOf(span), span.events])
      const told = JSON.stringify([lines, attributes], (_, value) => (typeof value === "bigint" ? `${value}` : value))
      expect(told).not.toContain("canary")
    }),
  )

  it.effect("never says what was said: not even of a request that is refused for it", () =>
    Effect.gen(function* () {
      const wrong = JSON.parse('{"messages":[{"role":"user","content":{"secret":"canary-7f3a"}}]}')
      const { exit, lines } = yield* observe(ask(name, wrong), Scripted.layer([]).pipe(withTelemetry), "Trace")
      expect(exit._tag).toBe("Failure")
      expect(lines).toMatchObject([{ text: "failed", details: { errorType: "InvalidRequestError" } }])
      expect(JSON.stringify(lines)).not.toContain("canary")
    }),
  )
})
