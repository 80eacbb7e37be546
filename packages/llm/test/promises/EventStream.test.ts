/** A stream and the session it belongs to, step by step: what the network's pace would hide. */
import { expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Scope from "effect/Scope"
import { readCall } from "../../src/promises/CallInput.ts"
import { EventStream } from "../../src/promises/EventStream.ts"
import { LLMInterface } from "../../src/promises/LLMInterface.ts"
import { Session } from "../../src/promises/Session.ts"
import { LlmProvider } from "../../src/model/LlmProvider.ts"
import { streamFrom } from "../../src/policies/mechanisms/StreamStart.ts"

/** A provider that is silent, and counts the streams that are open. */
const silent = () => {
  const counts = { open: 0 }
  const count = (by: number) =>
    Effect.sync(() => {
      counts.open += by
    })
  const stream = streamFrom((scope) =>
    Effect.as(Effect.andThen(count(1), Scope.addFinalizer(scope, count(-1))), Effect.never),
  )
  const layer = Layer.succeed(LlmProvider, { name: "silent", generate: () => Effect.never, stream: () => stream })
  return { counts, layer }
}

it("dispose ends a stream at whatever step of its beginning", async () => {
  for (let step = 0; step < 60; step++) {
    const { counts, layer } = silent()
    const session = new Session(layer)
    const events = new EventStream(session, readCall({ messages: [{ role: "user", content: "hello" }] }))
    const ended = events.next().then(
      () => "an event",
      () => "ended",
    )
    for (let turn = 0; turn < step; turn++) await Promise.resolve()
    await session.dispose()
    expect([step, await ended, counts.open]).toEqual([step, "ended", 0])
  }
})

it("a signal that is aborted by the provider's own first step ends the stream", async () => {
  const controller = new AbortController()
  const reason = new Error("aborted within")
  const aborting = streamFrom(() =>
    Effect.sync(() => {
      controller.abort(reason)
      return Effect.never
    }),
  )
  const layer = Layer.succeed(LlmProvider, { name: "aborting", generate: () => Effect.never, stream: () => aborting })
  const session = new Session(layer)
  await session.acquire(undefined)
  const events = new EventStream(
    session,
    readCall({ messages: [{ role: "user", content: "hello" }], signal: controller.signal }),
  )
  await expect(events.next()).rejects.toBe(reason)
})

it("a reader that is behind by more events than a function takes arguments gets them all", async () => {
  const piece = (count: number) => `data: {"choices":[{"index":0,"delta":{"content":"a"}}]}\n\n`.repeat(count)
  const end = `data: {"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}\n\ndata: [DONE]\n\n`
  const pieces = [piece(10), piece(200_000) + end].map((text) => new TextEncoder().encode(text))
  const body = () =>
    new ReadableStream({
      pull(controller) {
        const next = pieces.shift()
        if (next === undefined) controller.close()
        else controller.enqueue(next)
      },
    })
  await using llm = new LLMInterface({
    provider: "openai",
    apiKey: "sk-test",
    model: "gpt-5-mini",
    logger: false,
    fetch: () => Promise.resolve(new Response(body(), { headers: { "content-type": "text/event-stream" } })),
  })
  const events = llm.stream({ prompt: "Hello." })
  const { response } = events
  let deltas = 0
  for await (const { type } of events) if (type === "text-delta") deltas++
  expect(deltas).toBe(200_010)
  expect((await response).text).toHaveLength(200_010)
})
