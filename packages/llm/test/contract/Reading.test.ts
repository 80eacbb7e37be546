/** Laws 3, 4 and 5: limits, endings, and the same answer whole and in pieces. */
import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import type { LlmResponse } from "../../src/index.ts"
import * as ChatCompletions from "../../src/protocols/chat-completions/ChatCompletions.ts"
import * as Messages from "../../src/protocols/messages/Messages.ts"
import * as Responses from "../../src/protocols/responses/Responses.ts"
import * as ProviderLayer from "../../src/transport/ProviderLayer.ts"
import { type Answer, delay, inTurn, stall } from "../faults/FaultServer.ts"
import { chunk, lastChunk, stream, streamHead, whole } from "../faults/HttpText.ts"
import { fullText, goodStream, type WireText } from "../faults/WireText.ts"
import { finalEvents, goodAnswers } from "./Answers.ts"
import { ask, open, outcomeOf, patient, serve } from "./Ask.ts"
import { law } from "./Laws.ts"
import { cells, providers, wireCells } from "./Providers.ts"

const protocols = { chat: ChatCompletions.protocol, messages: Messages.protocol, responses: Responses.protocol }

/** The provider of a wire with limits that a test can reach. */
const limited = (wire: WireText, url: string) =>
  ProviderLayer.layer(
    Effect.succeed({
      provider: "limited",
      protocol: protocols[wire.name],
      model: "m",
      url: () => `${url}${wire.path}`,
      headers: Effect.succeed({}),
      capabilities: () => undefined,
      limits: { maxBodyBytes: 8000, maxEventLength: 1000 },
    }),
  )

/** More than the limits, and then silence: a reader that goes on hangs. */
const excesses: Readonly<Record<string, (wire: WireText) => Answer>> = {
  "a body": () => [streamHead({ "content-type": "application/json" }), chunk(`{"text":"${"a".repeat(9000)}`), stall],
  "a body in pieces": () => [
    streamHead(),
    ...Array.from({ length: 100 }, () => chunk(`{"a":"${"a".repeat(100)}"}`)),
    stall,
  ],
  "an event": (wire) => [streamHead(), chunk(`${wire.opening}data: "${"a".repeat(1500)}`), stall],
  "an event in one read": (wire) => [streamHead(), chunk(`${wire.opening}data: "${"a".repeat(1500)}"\n\n`), stall],
  "an event of many lines": (wire) => [
    streamHead(),
    chunk(wire.opening),
    ...Array.from({ length: 30 }, () => chunk(`data: ${"a".repeat(80)}\n`)),
    stall,
  ],
  "a stream of small events": (wire) => [
    streamHead(),
    ...Array.from({ length: 200 }, () => chunk(wire.piece("again and again"))),
    stall,
  ],
}

describe.concurrent(law.limits, patient, () => {
  const cases = wireCells.flatMap((cell) =>
    Object.entries(excesses)
      .filter(([what]) => cell.call === "stream" || what.startsWith("a body"))
      .map(([what, answer]) => ({ ...cell, what, answer })),
  )
  it.live.each(cases)(
    "$what above the limit ($on)",
    Effect.fnUntraced(function* ({ answer, call, provider: { wire } }) {
      const server = yield* serve(() => answer(wire))
      const seen = yield* ask(yield* open(limited(wire, server.url)), call)
      expect(outcomeOf(seen)).toBe("InvalidResponseError")
      yield* Effect.promise(() => server.requests[0]?.connection.closed ?? Promise.reject())
    }),
  )

  it.live.each(wireCells)(
    "an answer below it is read ($on)",
    Effect.fnUntraced(function* ({ call, provider: { wire } }) {
      const server = yield* serve(() =>
        call === "generate" ? whole(wire.answer(fullText)) : stream(...goodStream(wire)),
      )
      expect((yield* ask(yield* open(limited(wire, server.url)), call)).text).toBe(fullText)
    }),
  )
})

describe.concurrent(law[3], patient, () => {
  const beside = [{ detail: null }, { detail: "fast" }, { message: "served", code: null }, { error: null }]
  const answered = beside.flatMap((more) =>
    wireCells
      .filter(({ call }) => call === "generate")
      .map((cell) => ({ ...cell, more, fields: Object.keys(more).join() })),
  )
  it.live.each(answered)(
    "$fields beside an answer is no failure ($on)",
    Effect.fnUntraced(function* ({ call, more, provider: { wire } }) {
      const body = JSON.stringify({ ...JSON.parse(wire.answer(fullText)), ...more })
      const server = yield* serve(() => whole(body))
      expect((yield* ask(yield* open(limited(wire, server.url)), call)).text).toBe(fullText)
    }),
  )

  const cuts = [1, 2, 3].flatMap((cut) =>
    wireCells.filter(({ call }) => call === "stream").map((cell) => ({ ...cell, cut })),
  )
  it.live.each(cuts)(
    "a byte order mark that is cut after byte $cut costs no text ($on)",
    Effect.fnUntraced(function* ({ call, cut, provider: { wire } }) {
      const [, ...spoken] = goodStream(wire)
      const body = Buffer.from(`\uFEFF${(wire.name === "chat" ? spoken : goodStream(wire)).join("")}`)
      const server = yield* serve(() => [
        streamHead(),
        delay(50),
        chunk(body.subarray(0, cut)),
        delay(50),
        chunk(body.subarray(cut)),
        lastChunk,
      ])
      expect((yield* ask(yield* open(limited(wire, server.url)), call)).text).toBe(fullText)
    }),
  )
})

describe.concurrent(law[4], patient, () => {
  it.live.each(cells.flatMap((cell) => finalEvents(cell.provider.wire).map((final) => ({ ...cell, ...final }))))(
    "$raw is $finishReason ($on)",
    Effect.fnUntraced(function* ({ answer, call, events, finishReason, provider, raw }) {
      const server = yield* serve(() => (call === "generate" ? whole(answer) : stream(...events)))
      const seen = yield* ask(yield* open(provider.layer(server.url)), call)
      expect(seen.response).toMatchObject({ finishReason, metadata: { rawFinishReason: raw } })
    }),
  )
})

/** What must be equal: all but the times, and what only one of two servers' requests can have. */
const comparable = ({ metadata, ...answer }: LlmResponse) => {
  const { attempts, latencyMs: _latency, timestamp: _timestamp, ...rest } = metadata
  return {
    ...answer,
    metadata: rest,
    attempts: attempts.map(
      ({ durationMs: _duration, firstOutputMs: _first, started: _started, ...attempt }) => attempt,
    ),
  }
}

describe.concurrent(law[5], patient, () => {
  const cases = providers.flatMap((provider) =>
    goodAnswers(provider.wire).map((answer) => ({ ...answer, provider, on: provider.name })),
  )
  it.live.each(cases)(
    "$name ($on)",
    Effect.fnUntraced(function* ({ body, events, provider }) {
      const server = yield* serve(inTurn(whole(body), stream(...events)))
      const llm = yield* open(provider.layer(server.url))
      const [generated, streamed] = [yield* ask(llm, "generate"), yield* ask(llm, "stream")]
      if (generated.response === undefined || streamed.response === undefined) return expect.unreachable()
      expect(comparable(streamed.response)).toEqual(comparable(generated.response))
    }),
  )

  it.live.each(providers.map((provider) => ({ provider, on: provider.name })))(
    "a server that was asked to stream and did not ($on)",
    Effect.fnUntraced(function* ({ provider }) {
      const server = yield* serve(() => whole(provider.wire.answer(fullText)))
      const llm = yield* open(provider.layer(server.url))
      const [generated, streamed] = [yield* ask(llm, "generate"), yield* ask(llm, "stream")]
      if (generated.response === undefined || streamed.response === undefined) return expect.unreachable()
      expect(comparable(streamed.response)).toEqual(comparable(generated.response))
    }),
  )
})
