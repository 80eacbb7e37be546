/** The provider of tests: it answers in turn, streams too, remembers, refuses what the real ones refuse, opens no socket. */
import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import type * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import * as TestClock from "effect/testing/TestClock"
import { Socket } from "node:net"
import type { LlmProvider } from "@wiseflow/llm"
import { LlmStack, OpenAi, withRetry, withTimeout } from "@wiseflow/llm"
import { Scripted } from "@wiseflow/llm/testing"
import type { LlmEvent } from "../../src/model/LlmEvent.ts"
import { ask, callNames, hello, reasons } from "../policies/Calls.ts"

const weather = { name: "weather", arguments: { city: "Berlin" } }

describe.each(callNames)("a script asked by %s", (name) => {
  it.effect("answers in turn, and records what it was asked", () => {
    const script = Scripted.layer(["one", { text: ["t", "wo"], reasoning: "hm" }, { toolCalls: [weather] }])
    return Effect.gen(function* () {
      const answers = yield* Effect.forEach([1, 2, 3], (seed) => ask(name, { ...hello, seed }))
      expect(answers.map(({ text }) => text)).toEqual(["one", "two", ""])
      expect(answers.map(({ finishReason }) => finishReason)).toEqual(["stop", "stop", "tool-calls"])
      expect(answers[1]?.parts).toEqual([
        { type: "reasoning", text: "hm" },
        { type: "text", text: "two" },
      ])
      expect(answers[2]?.toolCalls).toEqual([{ id: "call_0", ...weather }])
      expect(script.requests.map(({ seed }) => seed)).toEqual([1, 2, 3])
    }).pipe(Effect.provide(script))
  })

  it.effect("fails where the script says so, with what had been said", () => {
    const script = Scripted.layer([{ error: reasons.RateLimitError() }, { text: "hel", error: reasons.ServerError() }])
    return Effect.gen(function* () {
      const first = yield* Effect.flip(ask(name))
      expect([first.reason._tag, first.text]).toEqual(["RateLimitError", undefined])
      const second = yield* Effect.flip(ask(name))
      expect([second.reason._tag, second.text]).toEqual(["ServerError", "hel"])
      expect(second.attempts).toMatchObject([{ provider: "scripted", errorType: "ServerError", targetIndex: 0 }])
    }).pipe(Effect.provide(script))
  })

  it.effect("says that it has no answer left", () => {
    const script = Scripted.layer(["one"])
    return Effect.gen(function* () {
      yield* ask(name)
      const { reason } = yield* Effect.flip(ask(name))
      expect(reason).toMatchObject({
        _tag: "InvalidRequestError",
        message: "the script has 1 answers and was asked 2 times",
      })
    }).pipe(Effect.provide(script))
  })

  it.effect.each<readonly [string, string, string]>([
    ["no messages", '{"messages":[]}', "messages"],
    ["a role that nobody has", '{"messages":[{"role":"boss","content":"x"}]}', "messages[0]"],
    ["no tokens to answer with", '{"messages":[{"role":"user","content":"x"}],"maxTokens":0}', "maxTokens"],
    ["a misspelt field", '{"messages":[{"role":"user","content":"x"}],"maxToken":1}', "maxToken"],
  ])("refuses %s, as the real providers do, and does not count it", ([, request, parameter]) => {
    const script = Scripted.layer(["one"])
    return Effect.gen(function* () {
      const { attempts, reason } = yield* Effect.flip(ask(name, JSON.parse(request)))
      expect(reason).toMatchObject({ _tag: "InvalidRequestError", parameter })
      expect(attempts).toEqual([])
      expect(script.requests).toEqual([])
      expect((yield* ask(name)).text).toBe("one")
    }).pipe(Effect.provide(script))
  })

  it.effect("takes its time: a delay before, a pause between, a stall for ever", () => {
    const script = Scripted.layer([{ text: ["a", "b", "c"], delay: 1000, pause: 100 }, { stall: true }])
    return Effect.gen(function* () {
      const fiber = yield* Effect.forkChild(ask(name))
      yield* TestClock.adjust("1 minute")
      const [attempt] = (yield* Fiber.join(fiber)).metadata.attempts
      expect(attempt).toMatchObject({ firstOutputMs: 1000, durationMs: 1200 })
      const stalled = yield* Effect.forkChild(Effect.flip(ask(name)))
      yield* TestClock.adjust("1 hour")
      expect((yield* Fiber.join(stalled)).reason).toMatchObject({ clock: "total" })
    }).pipe(Effect.provide(script.pipe(withTimeout("30 minutes"))))
  })

  it.effect("names itself and its model as it is told, and keeps the request's model", () => {
    const script = Scripted.layer(["one", "two"], { name: "openai", model: "gpt-5-mini" })
    return Effect.gen(function* () {
      expect((yield* ask(name)).metadata).toMatchObject({ provider: "openai", model: "gpt-5-mini" })
      expect((yield* ask(name, { ...hello, model: "gpt-5" })).metadata).toMatchObject({ model: "gpt-5" })
    }).pipe(Effect.provide(script))
  })
})

describe("a scripted stream", () => {
  it.effect("emits its pieces in order between a start and a finish", () => {
    const events: Array<LlmEvent> = []
    return Effect.gen(function* () {
      yield* ask("stream", hello, (event) => events.push(event))
      expect(events.map((event) => ("delta" in event ? event.delta : event.type))).toEqual([
        "response-start",
        "he",
        "llo",
        "tool-call-start",
        "tool-call-end",
        "response-finish",
      ])
    }).pipe(Effect.provide(Scripted.layer([{ text: ["he", "llo"], toolCalls: [weather] }])))
  })
})

describe("a script in the place of a provider", () => {
  /** Every way to a socket ends here: TCP, TLS and undici all connect through `net.Socket`. */
  const forbidden = Effect.acquireRelease(
    Effect.sync(() => {
      const { connect } = Socket.prototype
      const attempts: Array<unknown> = []
      Socket.prototype.connect = (...address: ReadonlyArray<unknown>): never => {
        attempts.push(address)
        throw new Error("a socket was opened")
      }
      return { attempts, connect }
    }),
    ({ connect }) =>
      Effect.sync(() => {
        Socket.prototype.connect = connect
      }),
  )

  const program = Effect.forEach(callNames, (name) => Effect.map(ask(name), ({ text }) => text))

  it.effect("answers the same program, and never opens a socket", () =>
    Effect.gen(function* () {
      const { attempts } = yield* forbidden
      const script = Scripted.layer(["one", { error: reasons.OverloadedError() }, "two"])
      const fiber = yield* Effect.forkChild(Effect.provide(program, script.pipe(withRetry())))
      yield* TestClock.adjust("1 minute")
      expect(yield* Fiber.join(fiber)).toEqual(["one", "two"])
      expect(attempts).toEqual([])
    }),
  )

  it.live("is what tells it from the real one, which the same test would catch", () =>
    Effect.gen(function* () {
      const { attempts } = yield* forbidden
      const openai = OpenAi.layer({ apiKey: Redacted.make("key-1234"), apiBase: "http://127.0.0.1:9", model: "m" })
      const exit = yield* Effect.exit(Effect.provide(program, openai))
      expect(Exit.isFailure(exit)).toBe(true)
      expect(attempts.length).toBeGreaterThan(0)
    }),
  )

  it.effect("has the provider's own type, so that it stands wherever one is asked for", () => {
    const real: Layer.Layer<LlmProvider, unknown> = LlmStack.layerConfig()
    const layers: Array<typeof real> = [Scripted.layer(["hello"])]
    return Effect.gen(function* () {
      const texts = yield* Effect.forEach(layers, (layer) => Effect.provide(ask("generate"), layer))
      expect(texts.map(({ text }) => text)).toEqual(["hello"])
    })
  })
})
