/** The laws once more through `LLMInterface`, whose caller writes no Effect. */
import { getEventListeners } from "node:events"
import { describe, expect, it } from "vitest"
import { isLlmError, LLMInterface, type LlmEvent, unwrap } from "../../src/index.ts"
import { callOf, goodAnswer, partial, partialEvents } from "../faults/FaultScenario.ts"
import { delay, FaultServer, inTurn, nowMs, type Script, stall } from "../faults/FaultServer.ts"
import { chunk, stream, streamHead, whole } from "../faults/HttpText.ts"
import { fullText, partialText } from "../faults/WireText.ts"
import { patient } from "./Ask.ts"
import { useBareEnvironment } from "./BareEnvironment.ts"
import { law } from "./Laws.ts"
import { anthropic, openai, providers } from "./Providers.ts"

useBareEnvironment("none")

const messages = [{ role: "user", content: "Say hello." }] as const
/** Far more than the law's 100 ms, for a machine that is busy. */
const soonMs = 2000

/** An interface on one provider at a server of its own; both close at the end of the block. */
const connect = async (
  provider: (typeof providers)[number],
  script: Script,
  more: ConstructorParameters<typeof LLMInterface>[0] = {},
) => {
  const server = await FaultServer.start(script)
  const llm = new LLMInterface({ ...provider.options(server.url), maxRetries: 0, ...more })
  return {
    server,
    llm,
    [Symbol.asyncDispose]: async () => {
      await llm.dispose()
      await server.close()
    },
  }
}

/** What a stream gives until it ends or throws. */
const read = async (events: AsyncIterable<LlmEvent>) => {
  let text = ""
  try {
    for await (const event of events) if (event.type === "text-delta") text += event.delta
    return { text, error: undefined }
  } catch (error) {
    return { text, error }
  }
}

describe.concurrent.each(providers)("promises on $name", patient, (provider) => {
  const { wire } = provider

  it(`answer. ${law[5]}`, async () => {
    await using setup = await connect(provider, (request) => goodAnswer(wire, callOf(request)))
    const generated = unwrap(await setup.llm.generate({ messages }))
    const events = setup.llm.stream({ messages })
    expect((await read(events)).text).toBe(fullText)
    const streamed = unwrap(await events.response)
    expect([generated.text, streamed.text]).toEqual([fullText, fullText])
    expect(streamed.metadata.usage).toEqual(generated.metadata.usage)
    expect(streamed.finishReason).toBe(generated.finishReason)
    expect(generated).not.toHaveProperty("error")
    expect(generated).not.toHaveProperty("errorType")
  })

  it(law[1], async () => {
    await using setup = await connect(provider, () => stream(...partialEvents(wire)))
    const events = setup.llm.stream({ messages })
    const { error, text } = await read(events)
    expect(text).toBe(partialText)
    expect(isLlmError(error) && error.reason._tag).toBe("StreamInterruptedError")
    expect(await events.response).toMatchObject({
      text: "",
      errorType: "StreamInterruptedError",
      partialText,
      metadata: { provider: provider.provider, attempts: [{ status: 200 }] },
    })
  })

  it(`resolve with the error as data. ${law[2]}`, async () => {
    const { body, status } = wire.error("overloaded")
    await using setup = await connect(
      provider,
      inTurn(whole(body, status), whole(body), stream(wire.errorEvent("overloaded"))),
    )
    const failures = [
      await setup.llm.generate({ messages }),
      await setup.llm.generate({ messages }),
      await setup.llm.stream({ messages }).response,
    ]
    for (const failure of failures) {
      expect(failure).toMatchObject({ text: "", error: "Overloaded", errorType: "OverloadedError" })
      expect(() => unwrap(failure)).toThrow("Overloaded")
    }
  })

  it(law[10], async () => {
    await using setup = await connect(provider, () => [...partial(wire), stall], { timeout: 1000 })
    expect(await setup.llm.stream({ messages }).response).toMatchObject({ errorType: "TimeoutError", partialText })
    expect(await setup.llm.generate({ messages })).toMatchObject({ errorType: "TimeoutError" })
    for (const { connection } of setup.server.requests) await connection.closed
  })

  it(`reject with the signal's reason. ${law[11]}`, async () => {
    await using setup = await connect(provider, () => [stall])
    const reason = new Error("the user left")
    for (const [index, begin] of [
      (signal: AbortSignal) => setup.llm.generate({ messages, signal }),
      (signal: AbortSignal) => setup.llm.stream({ messages, signal }).next(),
      (signal: AbortSignal) => setup.llm.stream({ messages, signal }).response,
    ].entries()) {
      const controller = new AbortController()
      const pending = expect(begin(controller.signal)).rejects.toBe(reason)
      const { connection } = await setup.server.request(index)
      const abortedAtMs = nowMs()
      controller.abort(reason)
      await pending
      expect((await connection.closed) - abortedAtMs).toBeLessThan(soonMs)
      expect(getEventListeners(controller.signal, "abort")).toEqual([])
    }
  })

  it(`leaving a for await early closes the socket. ${law[11]}`, async () => {
    await using setup = await connect(provider, inTurn([...partial(wire), stall], goodAnswer(wire, "stream")), {
      maxConcurrentRequests: 1,
    })
    for await (const event of setup.llm.stream({ messages })) if (event.type === "text-delta") break
    const leftAtMs = nowMs()
    const { connection } = await setup.server.request(0)
    expect((await connection.closed) - leftAtMs).toBeLessThan(soonMs)
    expect((await read(setup.llm.stream({ messages }))).text).toBe(fullText)
  })

  it(`an aborted stream never looks complete. ${law[4]}`, async () => {
    await using setup = await connect(provider, () => [...partial(wire), stall])
    const controller = new AbortController()
    const seen: Array<LlmEvent> = []
    const events = setup.llm.stream({ messages, signal: controller.signal })
    const reading = (async () => {
      for await (const event of events) {
        seen.push(event)
        if (event.type === "text-delta" && seen.length > 2) controller.abort()
      }
    })()
    await expect(reading).rejects.toMatchObject({ name: "AbortError" })
    expect(seen.some(({ type }) => type === "response-finish")).toBe(false)
    await expect(events.response).rejects.toMatchObject({ name: "AbortError" })
  })

  it(law[12], async () => {
    await using setup = await connect(provider, (request) => [delay(10), ...goodAnswer(wire, callOf(request))], {
      maxConcurrentRequests: 2,
    })
    const calls = Array.from({ length: 10 }, (_, index) =>
      index % 2 === 0 ? setup.llm.generate({ messages }) : setup.llm.stream({ messages }).response,
    )
    expect((await Promise.all(calls)).map(({ text }) => text)).toEqual(Array(10).fill(fullText))
    expect(setup.server.peakInFlight).toBe(2)
  })
})

describe("promises", patient, () => {
  it(`a stream left while its stack is being built ends, and sends nothing. ${law[11]}`, async () => {
    await using setup = await connect(openai, () => [stall])
    const events = setup.llm.stream({ messages })
    const next = events.next()
    const response = events.response
    await events.return()
    expect(await next).toEqual({ done: true, value: undefined })
    expect(await response).toMatchObject({ errorType: "StreamInterruptedError", metadata: { attempts: [] } })
    expect(setup.server.requests).toEqual([])
  })

  it(`a response that nobody awaits is no unhandled rejection where the stream is aborted. ${law[11]}`, async () => {
    const unhandled: Array<unknown> = []
    const note = (reason: unknown) => unhandled.push(reason)
    process.on("unhandledRejection", note)
    await using setup = await connect(openai, () => [...partial(openai.wire), stall])
    const controller = new AbortController()
    const events = setup.llm.stream({ messages, signal: controller.signal })
    const { response } = events
    await events.next()
    controller.abort()
    await new Promise((resolve) => setImmediate(resolve))
    process.off("unhandledRejection", note)
    expect(unhandled).toEqual([])
    await expect(response).rejects.toMatchObject({ name: "AbortError" })
  })

  it(`a stream that was left resolves with what came of it. ${law[4]}`, async () => {
    await using setup = await connect(openai, () => [...partial(openai.wire), stall])
    const events = setup.llm.stream({ messages })
    for await (const event of events) if (event.type === "text-delta") break
    const response = await events.response
    expect(response).toMatchObject({
      text: "",
      errorType: "StreamInterruptedError",
      isRetryable: true,
      metadata: { provider: "openai", model: "gpt-5-mini", usageStatus: "unknown", attempts: [{ status: 200 }] },
    })
    expect("error" in response && partialText.startsWith(response.partialText ?? "?")).toBe(true)
    // A further loop must not look like an empty answer.
    await expect(read(events)).resolves.toMatchObject({ text: "", error: { name: "AbortError" } })
  })

  it(`a stream that was left gives no more events. ${law[11]}`, async () => {
    const answer = [streamHead(), chunk(partialEvents(openai.wire).join("")), stall]
    await using setup = await connect(openai, () => answer)
    const events = setup.llm.stream({ messages })
    await events.next()
    await events.return()
    expect(await events.next()).toEqual({ done: true, value: undefined })
  })

  it(`dispose ends a stream that is half read. ${law[11]}`, async () => {
    await using setup = await connect(openai, () => [...partial(openai.wire), stall])
    const events = setup.llm.stream({ messages })
    for (let next = await events.next(); !next.done && next.value.type !== "text-delta";) next = await events.next()
    await setup.llm.dispose()
    expect((await read(events)).error).toMatchObject({ name: "AbortError" })
  })

  it(`nothing is left of 1,000 calls on one signal. ${law[11]}`, async () => {
    await using setup = await connect(openai, (request) => goodAnswer(openai.wire, callOf(request)), {
      maxConcurrentRequests: 10,
    })
    const { signal } = new AbortController()
    for (let batch = 0; batch < 20; batch++) {
      const calls = Array.from({ length: 50 }, (_, index) =>
        index % 2 === 0 ? setup.llm.generate({ messages, signal }) : setup.llm.stream({ messages, signal }).response,
      )
      await Promise.all(calls)
    }
    expect(setup.server.requests).toHaveLength(1000)
    expect(setup.server.connections.length).toBeLessThanOrEqual(20)
    expect(getEventListeners(signal, "abort")).toEqual([])
  })

  it(law[15], async () => {
    await using first = await FaultServer.start(() => whole(openai.wire.error("overloaded").body, 529))
    await using second = await FaultServer.start(() => whole(anthropic.wire.error("authentication").body, 401))
    const { apiBase, apiKey, model, provider } = {
      apiKey: undefined,
      ...anthropic.options(second.url),
      provider: "anthropic",
    }
    await using llm = new LLMInterface({
      ...openai.options(first.url),
      maxRetries: 0,
      fallbacks: [{ provider, model, apiKey, apiBase }],
    })
    expect(await llm.generate({ messages })).toMatchObject({
      errorType: "AuthenticationError",
      metadata: {
        provider: "anthropic",
        attempts: [
          { provider: "openai", errorType: "OverloadedError", targetIndex: 0 },
          { provider: "anthropic", errorType: "AuthenticationError", targetIndex: 1 },
        ],
      },
    })
  })
})
