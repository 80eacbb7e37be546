/** A streamed answer as events: what comes in one read together, how it may end, and when reading stops. */
import { describe, expect, it } from "@effect/vitest"
import * as Cause from "effect/Cause"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Stream from "effect/Stream"
import { TestClock } from "effect/testing"
import type { LlmEvent } from "../../src/model/LlmEvent.ts"
import type { CallEvent } from "../../src/call/CallEvent.ts"
import { joinCall, within } from "../../src/call/CallContext.ts"
import { unreadable } from "../../src/transport/Transport.ts"
import { ask, hello } from "../contract/Ask.ts"
import { chat, goodStream, serverSentEvent } from "../faults/WireText.ts"
import { failureOf, providerOf, reset, streamed } from "./Replies.ts"

const types = (events: ReadonlyArray<LlmEvent>) => events.map(({ type }) => type)

/** An event without the model's name. */
const unnamed = (delta: object) => serverSentEvent({ choices: [{ index: 0, delta }] })
const ended = serverSentEvent({ choices: [{ index: 0, delta: {}, finish_reason: "stop" }] })
const usage = { prompt_tokens: 9, completion_tokens: 5, total_tokens: 14 }
const bytes = (text: string) => new TextEncoder().encode(text)

describe("the events of a stream", () => {
  it.effect("come together as one read of the socket brought them, and begin with the response's start", () =>
    Effect.gen(function* () {
      const { llm } = providerOf([
        { reads: [[chat.opening, chat.piece("a"), chat.piece("b")], chat.piece("c"), chat.finish + chat.terminal] },
      ])
      const arrays: Array<ReadonlyArray<string>> = []
      yield* Stream.runForEachArray(llm.stream(hello), (events) => Effect.sync(() => void arrays.push(types(events))))
      expect(arrays).toHaveLength(3)
      expect(arrays[0]?.slice(0, 1)).toEqual(["response-start"])
      expect(arrays[0]?.filter((type) => type === "text-delta")).toHaveLength(2)
      expect(arrays[1]).toEqual(["text-delta"])
      expect(arrays[2]?.at(-1)).toBe("response-finish")
    }),
  )

  it.effect(
    "are all there where one read brought a whole answer: a reader who pauses or leaves has it, figures and all",
    () =>
      Effect.gen(function* () {
        const told: Array<CallEvent> = []
        const { llm } = providerOf([{ reads: [goodStream(chat).join("")] }])
        const first = joinCall((context) =>
          within(Stream.runHead(llm.stream(hello)), { ...context, observers: [(event) => void told.push(event)] }),
        )
        yield* first
        expect(told.at(-1)).toMatchObject({
          type: "attempt-end",
          exit: { _tag: "Success" },
          record: { usage: { inputTokens: expect.any(Number), outputTokens: expect.any(Number) } },
        })
      }),
  )

  it.effect("begin with a start of their own where the service says nothing of the model, and only once", () =>
    Effect.gen(function* () {
      const { events, response } = yield* streamed([unnamed({ content: "a" }), unnamed({ content: "b" }), ended])
      expect(types(events).filter((type) => type === "response-start")).toHaveLength(1)
      expect(events[0]).toEqual({ type: "response-start" })
      expect(response?.text).toBe("ab")
    }),
  )

  it.effect("name the model that serves, cut and without a secret", () =>
    Effect.gen(function* () {
      const named = (model: string) => serverSentEvent({ model, choices: [{ index: 0, delta: { content: "a" } }] })
      const long = yield* streamed([named("x".repeat(201)), ended])
      expect(long.events[0]).toEqual({ type: "response-start", servedModel: "x".repeat(200) })
      const secret = yield* streamed([named("m-sk-secret-key-1"), ended])
      expect(JSON.stringify(secret.events)).not.toContain("sk-secret-key-1")
    }),
  )

  it.effect("tell when the first piece came, also where all came in one read", () =>
    Effect.gen(function* () {
      const whole = goodStream(chat).join("")
      for (const reads of [
        [{ waitMs: 70 }, whole],
        [chat.opening, { waitMs: 70 }, ...goodStream(chat).slice(1)],
      ]) {
        const fiber = yield* Effect.forkChild(streamed(reads), { startImmediately: true })
        yield* TestClock.adjust("1 second")
        const { response } = yield* Fiber.join(fiber)
        expect(response?.metadata.attempts).toMatchObject([{ firstOutputMs: 70 }])
      }
      const { response } = yield* streamed([chat.opening, ended])
      expect(response?.metadata.attempts[0]).not.toHaveProperty("firstOutputMs")
    }),
  )
})

describe("a stream that ends", () => {
  it.effect("before its answer does is an interruption that says how, with the text and the figures so far", () =>
    Effect.gen(function* () {
      const used = serverSentEvent({ choices: [], usage })
      for (const [end, message] of [
        [undefined, "the stream ended before the answer did: the connection closed"],
        [reset, "the stream ended before the answer did: the connection closed: ECONNRESET"],
      ] as const) {
        const thought = unnamed({ reasoning_content: "why" })
        const seen = yield* streamed([chat.opening, thought, chat.piece("Hel"), used], end)
        expect(failureOf(seen)).toMatchObject({ _tag: "StreamInterruptedError", message })
        expect(seen.error?.text).toBe("Hel")
        expect(seen.error?.attempts).toMatchObject([
          { errorType: "StreamInterruptedError", usage: { outputTokens: 5 } },
        ])
      }
    }),
  )

  it.effect("after its finish reason is a whole answer, closed or cut", () =>
    Effect.gen(function* () {
      for (const end of [undefined, reset]) {
        const { response } = yield* streamed([chat.opening, chat.piece("Hel"), ended], end)
        expect(response).toMatchObject({ text: "Hel", finishReason: "stop" })
      }
    }),
  )

  it.effect("with its last signal and no finish reason is an interruption", () =>
    Effect.gen(function* () {
      const seen = yield* streamed([chat.opening, chat.piece("Hel") + chat.terminal], Effect.never)
      expect(failureOf(seen)).toMatchObject({
        _tag: "StreamInterruptedError",
        message: "the provider ended the stream without ending the answer",
      })
      expect(seen.text).toBe("Hel")
    }),
  )

  it.effect("inside a line is an interruption, but an error in its last line is that error", () =>
    Effect.gen(function* () {
      const cut = yield* streamed([chat.opening, chat.piece("Hel"), 'data: {"choices":[{"ind'])
      expect(failureOf(cut)).toMatchObject({ _tag: "StreamInterruptedError" })
      const failed = yield* streamed([chat.opening, chat.errorEvent("rate-limit").trimEnd()])
      expect(failureOf(failed)).toMatchObject({ _tag: "RateLimitError" })
      const lastEvent = yield* streamed([chat.opening, chat.piece("Hel"), ended.trimEnd()])
      expect(lastEvent.response?.text).toBe("Hel")
    }),
  )

  it.effect("with a defect is that defect, and its attempt ends so", () =>
    Effect.gen(function* () {
      const { closed, llm } = providerOf([{ reads: [chat.opening], end: Effect.die("defect") }])
      const events: Array<CallEvent> = []
      const observers = [(event: CallEvent) => void events.push(event)]
      const call = joinCall((context) => within(Stream.runDrain(llm.stream(hello)), { ...context, observers }))
      const exit = yield* Effect.exit(call)
      expect(Exit.isFailure(exit) && Cause.squash(exit.cause)).toBe("defect")
      expect(closed).toEqual([false])
      const ends = events.flatMap((event) => (event.type === "attempt-end" ? [event.exit] : []))
      expect(ends.map((end) => Exit.isFailure(end) && Cause.squash(end.cause))).toEqual(["defect"])
    }),
  )

  it.effect("where its provider gave up is an interruption, and where its bytes mean nothing an invalid answer", () =>
    Effect.gen(function* () {
      const given = serverSentEvent({ choices: [{ index: 0, delta: {}, finish_reason: "error" }] })
      const seen = yield* streamed([chat.opening, chat.piece("Hel"), given])
      expect(failureOf(seen)).toMatchObject({ _tag: "StreamInterruptedError" })
      expect(seen.error?.text).toBe("Hel")
      const odd = yield* streamed([chat.opening], Effect.fail(unreadable("its coding is corrupt")))
      const position = `byte ${bytes(chat.opening).byteLength}`
      expect(failureOf(odd)).toMatchObject({ _tag: "InvalidResponseError", message: "its coding is corrupt", position })
    }),
  )

  it.effect("is read no further after a fault or its last signal, within a read and after it", () =>
    Effect.gen(function* () {
      const more = chat.piece("more")
      for (const [last, reason] of [
        [chat.errorEvent("server"), "ServerError"],
        ["data: nonsense\n\n", "InvalidResponseError"],
        [chat.finish + chat.terminal, undefined],
      ] as const) {
        const { closed, llm, seen } = providerOf([
          { reads: [chat.opening, [chat.piece("Hel") + last + more, more, more], more], end: Effect.die("read on") },
        ])
        const { error, text } = yield* ask(llm, "stream")
        expect([text, error?.reason._tag, seen.reads, closed.length]).toEqual(["Hel", reason, 2, 1])
      }
    }),
  )
})

describe("a stream whose answer is whole", () => {
  const whole = [chat.opening, chat.piece("Hel"), chat.finish]

  it.effect("is waited for a quarter of a second and no longer, whatever keeps its connection open", () =>
    Effect.gen(function* () {
      for (const rest of [[], Array.from({ length: 9 }, () => [{ waitMs: 100 }, chat.ping] as const).flat()]) {
        const before = yield* Clock.currentTimeMillis
        const fiber = yield* Effect.forkChild(
          Effect.flatMap(streamed([...whole, ...rest], Effect.never), (seen) =>
            Effect.map(Clock.currentTimeMillis, (now) => [seen.response?.text, now - before]),
          ),
          { startImmediately: true },
        )
        for (let ms = 0; ms < 1000; ms += 10) yield* TestClock.adjust(10)
        expect(yield* Fiber.join(fiber)).toEqual(["Hel", 250])
      }
    }),
  )

  it.effect("is whole with its finish reason where no figures were asked for", () =>
    Effect.gen(function* () {
      for (const [streamUsage, isEnded] of [
        [false, true],
        [true, false],
      ] as const) {
        const more = { capabilities: () => ({ streamUsage }) }
        const reading = streamed([chat.opening, chat.piece("Hel"), ended], Effect.never, more)
        const fiber = yield* Effect.forkChild(reading, { startImmediately: true })
        yield* TestClock.adjust("1 second")
        expect(fiber.pollUnsafe() !== undefined).toBe(isEnded)
        yield* Fiber.interrupt(fiber)
      }
    }),
  )

  it.effect("takes what still comes in that time, and ends at once with its last signal", () =>
    Effect.gen(function* () {
      const before = yield* Clock.currentTimeMillis
      const fiber = yield* Effect.forkChild(
        Effect.flatMap(streamed([...whole, { waitMs: 200 }, chat.terminal], Effect.never), (seen) =>
          Effect.map(Clock.currentTimeMillis, (now) => [seen.response?.text, now - before]),
        ),
        { startImmediately: true },
      )
      for (let ms = 0; ms < 1000; ms += 10) yield* TestClock.adjust(10)
      expect(yield* Fiber.join(fiber)).toEqual(["Hel", 200])
    }),
  )
})
