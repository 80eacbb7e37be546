/** A stream and the session it belongs to, step by step: what the network's pace would hide. */
import { setImmediate } from "node:timers/promises"
import { describe, expect, it, vi } from "@effect/vitest"
import type * as Arr from "effect/Array"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as Scope from "effect/Scope"
import { readCall } from "../../src/promises/CallInput.ts"
import { EventStream } from "../../src/promises/EventStream.ts"
import { LLMInterface } from "../../src/promises/LLMInterface.ts"
import { Session } from "../../src/promises/Session.ts"
import { LlmError, ServerError } from "../../src/model/LlmError.ts"
import type { LlmEvent } from "../../src/model/LlmEvent.ts"
import { LlmProvider } from "../../src/model/LlmProvider.ts"
import { type Events, streamFrom } from "../../src/policies/mechanisms/StreamStart.ts"

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

const broken = new LlmError({ reason: new ServerError({ message: "broken" }), provider: "brief", attempts: [] })
const fault = new Error("a fault of its provider")

const finish: LlmEvent = {
  type: "response-finish",
  finishReason: "stop",
  metadata: {
    provider: "brief",
    usage: {},
    usageStatus: "unknown",
    latencyMs: 0,
    timestamp: "2026-01-01T00:00:00.000Z",
    costUsd: null,
    attempts: [],
    warnings: [],
    degraded: false,
  },
}

/** A stream whose answer comes whole in one read, and whether it is still open. */
const layerOf = (closing: Effect.Effect<void>, state = { isOpen: false }) => {
  const set = (isOpen: boolean) =>
    Effect.sync(() => {
      state.isOpen = isOpen
    })
  const stream = streamFrom((scope) => {
    const events: Events = Effect.succeed<Arr.NonEmptyReadonlyArray<LlmEvent>>([
      { type: "response-start" },
      { type: "text-delta", index: 0, delta: "Hello." },
      { type: "part-end", index: 1, part: { type: "reasoning", text: "hm" } },
      finish,
    ])
    const closed = Effect.andThen(set(false), closing)
    return Effect.as(Effect.andThen(set(true), Scope.addFinalizer(scope, closed)), events)
  })
  return Layer.succeed(LlmProvider, { name: "brief", generate: () => Effect.never, stream: () => stream })
}

/** Such a stream in a session that is built. */
const brief = async (closing: Effect.Effect<void> = Effect.void) => {
  const state = { isOpen: false }
  const session = new Session(layerOf(closing, state))
  await session.acquire(undefined)
  return { state, session, events: new EventStream(session, readCall({ prompt: "Hello." })) }
}

describe("an answer that comes whole in one read", () => {
  it("is handed to its reader before it is closed, and is closed without another read", async () => {
    const { events, state } = await brief()
    expect(await events.next()).toMatchObject({ value: { type: "response-start" } })
    expect(state.isOpen).toBe(true)
    await setImmediate()
    await setImmediate()
    expect(state.isOpen).toBe(false)
    const rest: Array<string> = []
    for await (const { type } of events) rest.push(type)
    expect(rest).toEqual(["text-delta", "part-end", "response-finish"])
  })

  it("has given back what it held when its reader gets the last event", async () => {
    const { events, state } = await brief(Effect.yieldNow)
    for await (const { type } of events) if (type === "response-finish") expect(state.isOpen).toBe(false)
    expect(await events.response).toMatchObject({ text: "Hello." })
  })

  it("is closed once the interface is disposed of, also where that has begun already", async () => {
    let isClosed = false
    const closing = Effect.andThen(
      Effect.sleep(5),
      Effect.sync(() => {
        isClosed = true
      }),
    )
    const { events, session } = await brief(closing)
    await events.next()
    const left = events.return()
    await session.dispose()
    expect(isClosed).toBe(true)
    await left
  })

  it("logs what goes wrong when it is closed", async () => {
    const lines: Array<unknown> = []
    const logger = Logger.make(({ logLevel, message }) => lines.push([logLevel, message]))
    const logged = Layer.provideMerge(layerOf(Effect.die(new Error("not closed"))), Logger.layer([logger]))
    const events = new EventStream(new Session(logged), readCall({ prompt: "Hello." }))
    for await (const event of events) expect(event).toBeDefined()
    expect(lines).toEqual([["Error", expect.arrayContaining(["a stream was not closed"])]])
  })

  it("is left, read and disposed of without a word of what goes wrong when it is closed", async () => {
    const broken = () => brief(Effect.die(new Error("not closed")))
    const read = await broken()
    for await (const event of read.events) expect(event).toBeDefined()
    expect(await read.events.response).toMatchObject({ text: "Hello." })
    const left = await broken()
    await left.events.next()
    expect(await left.events.return()).toEqual({ done: true, value: undefined })
    const disposed = await broken()
    await disposed.events.next()
    await disposed.session.dispose()
  })

  it.each<[string, (one: Awaited<ReturnType<typeof brief>>) => Promise<unknown>]>([
    [
      "its loop ends",
      async ({ events }) => {
        for await (const event of events) expect(event).toBeDefined()
      },
    ],
    ["its loop is left", async ({ events }) => events.return()],
    ["its response is there", async ({ events }) => events.response],
    ["the interface is disposed of", async ({ session }) => session.dispose()],
  ])("is closed once %s", async (_, until) => {
    const one = await brief()
    await one.events.next()
    await until(one)
    expect(one.state.isOpen).toBe(false)
  })

  it("is whole in its response, whatever the reader took, changed or left", async () => {
    for (const taken of [0, 1, 2, 3, 4]) {
      const { events } = await brief()
      for (let step = 0; step < taken; step++) {
        const { value } = await events.next()
        if (value?.type === "part-end") Object.assign(value.part, { text: "changed" })
        if (value?.type === "response-finish") Object.assign(value.metadata.usage, { outputTokens: 9 })
      }
      if (taken % 2 === 1) await events.return()
      expect(await events.response).toHaveProperty("metadata.usage", {})
      expect(await events.response).toMatchObject({
        text: "Hello.",
        parts: [
          { type: "text", text: "Hello." },
          { type: "reasoning", text: "hm" },
        ],
      })
    }
  })
})

it.each<[string, Effect.Effect<never, LlmError>, unknown]>([
  ["breaks", Effect.fail(broken), broken],
  ["has a fault", Effect.die(fault), fault],
])("a stream that %s says so, whatever goes wrong when it is closed", async (_, ending, thrown) => {
  const stream = streamFrom((scope) =>
    Effect.as(Scope.addFinalizer(scope, Effect.die(new Error("not closed"))), ending),
  )
  const layer = Layer.succeed(LlmProvider, { name: "brief", generate: () => Effect.never, stream: () => stream })
  const events = new EventStream(new Session(layer), readCall({ prompt: "Hello." }))
  await expect(events.next()).rejects.toBe(thrown)
  expect(await events.next()).toEqual({ done: true, value: undefined })
})

it("a signal ends a stream that cannot be closed, and no rejection is left for nobody", async () => {
  const unheard = vi.fn<(reason: unknown) => void>()
  process.on("unhandledRejection", unheard)
  const stream = streamFrom((scope) =>
    Effect.as(Scope.addFinalizer(scope, Effect.die(new Error("not closed"))), Effect.never),
  )
  const layer = Layer.succeed(LlmProvider, { name: "brief", generate: () => Effect.never, stream: () => stream })
  const controller = new AbortController()
  const call = readCall({ prompt: "Hello.", signal: controller.signal })
  const events = new EventStream(new Session(layer), call)
  const next = events.next()
  await setImmediate()
  controller.abort()
  await expect(next).rejects.toBe(controller.signal.reason)
  await setImmediate()
  process.off("unhandledRejection", unheard)
  expect(unheard).not.toHaveBeenCalled()
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
