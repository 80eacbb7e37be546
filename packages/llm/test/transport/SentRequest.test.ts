/** What a request says beside its messages, and what that makes of its answer: prices, limits, tags, figures, the background. */
import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Stream from "effect/Stream"
import { TestClock } from "effect/testing"
import type { LlmRequest } from "../../src/model/LlmRequest.ts"
import * as Responses from "../../src/protocols/responses/Responses.ts"
import { ask, hello } from "../contract/Ask.ts"
import { chat, fullText, goodStream, serverSentEvent } from "../faults/WireText.ts"
import { calls, providerOf, type Reply } from "./Replies.ts"

const good: Reply = { reads: [chat.answer(fullText)] }

describe("a request", () => {
  it.live("at a list price costs what the list says, from the first one on", () =>
    Effect.gen(function* () {
      const more = { model: "gpt-5-mini", priceList: "openai" }
      const { response } = yield* ask(providerOf([good], more).llm, "generate")
      expect(response?.metadata.costUsd).toBeGreaterThan(0)
    }),
  )

  it.effect("for an answer in the background is asked for again until it is there", () =>
    Effect.gen(function* () {
      const body = (status: string, output: ReadonlyArray<object> = []) =>
        JSON.stringify({
          id: "resp_1",
          object: "response",
          background: true,
          status,
          model: "m",
          output,
          error: null,
          usage: null,
        })
      const message = { type: "message", role: "assistant", content: [{ type: "output_text", text: "done" }] }
      const { llm, requests } = providerOf([{ reads: [body("queued")] }, { reads: [body("completed", [message])] }], {
        protocol: Responses.protocol,
        url: () => "https://api.test/v1/responses",
      })
      const asking = ask(llm, "generate", { ...hello, providerOptions: { test: { background: true } } })
      const fiber = yield* Effect.forkChild(asking, { startImmediately: true })
      yield* TestClock.adjust("1 second")
      expect((yield* Fiber.join(fiber)).response?.text).toBe("done")
      expect(requests.map(({ method, url }) => [method, url])).toMatchObject([
        [undefined, "https://api.test/v1/responses"],
        ["GET", expect.stringContaining("https://api.test/v1/responses/resp_1")],
      ])
    }),
  )

  it.effect("whose answer was cut at a limit that it did not set says so, and no other does", () =>
    Effect.gen(function* () {
      const cut = chat.answer("half").replace('"finish_reason":"stop"', '"finish_reason":"length"')
      const warningsOf = (request: LlmRequest) =>
        Effect.map(
          ask(providerOf([{ reads: [cut] }]).llm, "generate", request),
          (seen) => seen.response?.metadata.warnings,
        )
      const said = [expect.stringContaining("which the request did not set")]
      expect(yield* warningsOf(hello)).toEqual(said)
      expect(yield* warningsOf({ ...hello, providerOptions: { test: { seed: 1 } } })).toEqual(said)
      expect(yield* warningsOf({ ...hello, maxTokens: 9 })).toEqual([])
      expect(yield* warningsOf({ ...hello, providerOptions: { test: { max_tokens: 9 } } })).toEqual([])
    }),
  )

  it.effect("names the tag within which its model thinks: what stands there is reasoning, whole and in pieces", () =>
    Effect.gen(function* () {
      for (const [startsInTag, text] of [
        [false, "<think>why</think>so"],
        [undefined, "<think>why</think>so"],
        [true, "why</think>so"],
      ] as const) {
        const request = { ...hello, reasoning: { tag: "think", ...(startsInTag === undefined ? {} : { startsInTag }) } }
        for (const name of calls) {
          const reads = name === "generate" ? [chat.answer(text)] : goodStream(chat, [text])
          const { response } = yield* ask(providerOf([{ reads }]).llm, name, request)
          expect(response?.text).toBe("so")
          expect(response?.parts[0]).toMatchObject({ type: "reasoning", text: "why" })
          const plain = yield* ask(providerOf([{ reads }]).llm, name)
          expect(plain.response?.text).toBe(text)
        }
      }
    }),
  )

  it.effect("waits for the figures of a stream only where it asked for them", () =>
    Effect.gen(function* () {
      const ended = serverSentEvent({ choices: [{ index: 0, delta: { content: "a" }, finish_reason: "stop" }] })
      const streamUsage = (asks: boolean) => ({ capabilities: () => ({ streamUsage: asks }) })
      const whole = providerOf([{ reads: [ended], end: Effect.never }], streamUsage(false))
      const fiber = yield* Effect.forkChild(Stream.runDrain(whole.llm.stream(hello)), { startImmediately: true })
      yield* TestClock.adjust("1 second")
      expect(fiber.pollUnsafe()).toEqual(Exit.void)
      const waits = providerOf([{ reads: [ended], end: Effect.never }], streamUsage(true))
      const other = yield* Effect.forkChild(Stream.runDrain(waits.llm.stream(hello)), { startImmediately: true })
      yield* TestClock.adjust("1 second")
      expect(other.pollUnsafe()).toBeUndefined()
      yield* Fiber.interrupt(other)
    }),
  )
})
