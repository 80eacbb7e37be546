/** A streamed answer that came as a document, and the limits of both: what is read to the last byte, and what is given up. */
import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { chat, fullText, goodStream } from "../faults/WireText.ts"
import { failureOf, reset, streamed } from "./Replies.ts"

const usage = { prompt_tokens: 9, completion_tokens: 5, total_tokens: 14 }
const bytes = (text: string) => new TextEncoder().encode(text)

describe("a document where events were asked for", () => {
  const answer = chat.answer(fullText)

  it.effect("is the answer, cut anywhere, after blanks and a byte order mark", () =>
    Effect.gen(function* () {
      const body = bytes(`\u{feff}\r\n  ${answer}`)
      for (const cut of [1, 2, 3, 4, 5, 7, 8, 20, body.indexOf(0xf0) + 2, Buffer.from(body).indexOf(" w")]) {
        const { events, response } = yield* streamed([body.subarray(0, cut), body.subarray(cut)])
        expect(response).toMatchObject({ text: fullText, finishReason: "stop" })
        expect(events[0]?.type).toBe("response-start")
      }
    }),
  )

  it.effect("is an invalid answer with its body where it is a page or cannot be read", () =>
    Effect.gen(function* () {
      for (const body of ["<html>busy</html>", '{"choices":', "[1]", " \n <p>"]) {
        const seen = yield* streamed([body])
        expect(failureOf(seen)).toMatchObject({ _tag: "InvalidResponseError", body: body.trimStart() })
      }
      // What looks like an event in a page is part of the page.
      const page = `<html>\n\n${chat.errorEvent("rate-limit")}`
      expect(failureOf(yield* streamed([page]))).toMatchObject({ _tag: "InvalidResponseError" })
    }),
  )

  it.effect(
    "is the failure that it tells, and an interruption where its provider gave up or its connection was lost",
    () =>
      Effect.gen(function* () {
        expect(failureOf(yield* streamed([chat.error("rate-limit").body]))).toMatchObject({ _tag: "RateLimitError" })
        const choice = { index: 0, message: { role: "assistant", content: "half" }, finish_reason: "error" }
        const given = yield* streamed([JSON.stringify({ model: "m", choices: [choice], usage })])
        expect(failureOf(given)).toMatchObject({ _tag: "StreamInterruptedError" })
        expect(given.error?.text).toBe("half")
        expect(given.error?.attempts).toMatchObject([{ usage: { outputTokens: 5 } }])
        const lost = yield* streamed([answer], reset)
        expect(failureOf(lost)).toMatchObject({ _tag: "StreamInterruptedError" })
      }),
  )
})

describe("a stream up to its limits", () => {
  const limits = (maxBodyBytes: number, maxEventLength = 10_000) => ({ limits: { maxBodyBytes, maxEventLength } })

  it.effect("is read to its last byte, and given up with the next one", () =>
    Effect.gen(function* () {
      const whole = goodStream(chat, ["é"]).join("")
      const size = bytes(whole).byteLength
      for (const reads of [[whole], [whole.slice(0, 50), whole.slice(50)]]) {
        expect((yield* streamed(reads, undefined, limits(size))).response?.text).toBe("é")
        const seen = yield* streamed(reads, undefined, limits(size - 1))
        expect(failureOf(seen)).toMatchObject({
          _tag: "InvalidResponseError",
          message: `the answer was given up: it is larger than ${size - 1} bytes`,
          position: `byte ${size}`,
        })
      }
    }),
  )

  it.effect("is given up where more than it may hold comes with its last event", () =>
    Effect.gen(function* () {
      const whole = goodStream(chat).join("")
      const seen = yield* streamed([[whole, "x".repeat(9000)]], undefined, limits(9000))
      expect(failureOf(seen)).toMatchObject({ _tag: "InvalidResponseError" })
    }),
  )

  it.effect("is a document of any length up to that of a body", () =>
    Effect.gen(function* () {
      const answer = chat.answer("x".repeat(2000))
      const { error, response } = yield* streamed([answer], undefined, limits(10_000, 1000))
      expect([error, response?.text.length]).toEqual([undefined, 2000])
    }),
  )

  it.effect("is given up with an event that is longer than one may be", () =>
    Effect.gen(function* () {
      const seen = yield* streamed([chat.opening, `data: ${"x".repeat(1500)}`], Effect.never, limits(10_000, 1000))
      expect(failureOf(seen)).toMatchObject({
        _tag: "InvalidResponseError",
        message: "the answer was given up: an event is longer than 1000 characters",
      })
    }),
  )
})
