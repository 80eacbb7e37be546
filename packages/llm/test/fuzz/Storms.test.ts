/**
 * Storms of calls by all four ways at once over real sockets, with random faults and aborts. The ledger is the oracle: what
 * each call tells is what the server counted, no limit is passed, and afterwards every permit and connection is back.
 */
import { describe, expect, it } from "vitest"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import { MinimumLogLevel } from "effect/References"
import * as Schedule from "effect/Schedule"
import * as Scope from "effect/Scope"
import * as fc from "fast-check"
import { type GenerateResponse, LLMInterface, LlmProvider, withConcurrency, withRetry } from "../../src/index.ts"
import { failure } from "../../src/promises/PromiseResponse.ts"
import { oneOfEachWire } from "../contract/Providers.ts"
import { callOf, goodAnswer } from "../faults/FaultScenario.ts"
import { type Answer, delay, end, FaultServer, type RecordedRequest, reset } from "../faults/FaultServer.ts"
import { chunk, stream, streamHead, whole } from "../faults/HttpText.ts"
import type { WireText } from "../faults/WireText.ts"
import { ask } from "../policies/Calls.ts"
import { patient, runs, sequence } from "./Fuzzing.ts"

const permits = 6
const maxRetries = 2
const count = 48

const faults: ReadonlyArray<(wire: WireText, request: RecordedRequest) => Answer> = [
  (wire) => whole(wire.error("rate-limit").body, 429, { "retry-after-ms": "3" }),
  (wire) => whole(wire.error("overloaded").body, 529),
  (wire) => whole(wire.error("server").body, 500),
  () => [reset],
  () => [end],
  () => whole("<html>"),
  (wire) => stream(wire.opening, wire.piece("Hel"), wire.errorEvent("overloaded")),
  (wire) => [streamHead(), chunk(wire.opening + wire.piece("Hel")), reset],
  (wire) => stream(wire.opening, wire.piece("Hel")),
  (wire, request) => [delay(15), ...goodAnswer(wire, callOf(request))],
]

/** The number that a call's message carries. */
const numberIn = (request: RecordedRequest): number => Number(/call-(\d+)/.exec(request.body)?.[1])

const messagesOf = (place: number) => [{ role: "user" as const, content: `call-${place}` }]

describe.each(oneOfEachWire)("a storm on $name", patient, (provider) => {
  it("tells of each call what the server counted, passes no limit, and gives everything back", async () => {
    const { wire } = provider
    const property = fc.asyncProperty(fc.integer({ min: 1, max: 2 ** 31 - 1 }), async (stormSeed) => {
      const received = new Map<number, number>()
      await using server = await FaultServer.start((request) => {
        const place = numberIn(request)
        const before = received.get(place) ?? 0
        received.set(place, before + 1)
        const random = sequence(stormSeed + place * 7919 + before * 31)
        if (random() < 0.6) return goodAnswer(wire, callOf(request))
        return faults[Math.floor(random() * faults.length)]?.(wire, request) ?? [reset]
      })
      const llm = new LLMInterface({
        ...provider.options(server.url),
        maxRetries,
        maxConcurrentRequests: permits,
        logger: false,
      })
      const scope = Scope.makeUnsafe()
      const layer = provider
        .layer(server.url)
        .pipe(withConcurrency(permits), withRetry({ times: maxRetries, schedule: Schedule.spaced("2 millis") }))
      const service = Context.get(await Effect.runPromise(Layer.buildWithScope(layer, scope)), LlmProvider)
      const random = sequence(stormSeed)

      const call = async (place: number): Promise<GenerateResponse | undefined> => {
        const name = place % 2 === 0 ? "generate" : "stream"
        const controller = new AbortController()
        const { signal } = controller
        if (random() < 0.2) setTimeout(() => controller.abort(), random() * 40)
        if (place % 4 < 2) {
          const request = { messages: messagesOf(place), signal }
          try {
            return name === "generate" ? await llm.generate(request) : await llm.stream(request).response
          } catch (error) {
            if (!signal.aborted) throw error
            return undefined
          }
        }
        const program = Effect.match(ask(name, { messages: messagesOf(place) }), {
          onFailure: (error): GenerateResponse => failure(error, {}, 0, 0),
          onSuccess: (response): GenerateResponse => response,
        }).pipe(Effect.provideService(LlmProvider, service), Effect.provideService(MinimumLogLevel, "None"))
        const exit = await Effect.runPromiseExit(program, { signal })
        if (Exit.isSuccess(exit)) return exit.value
        expect(signal.aborted).toBe(true)
        return undefined
      }

      const responses = await Promise.all(Array.from({ length: count }, (_, place) => call(place)))
      for (const [place, response] of responses.entries()) {
        const requests = received.get(place) ?? 0
        expect(requests).toBeLessThanOrEqual(1 + maxRetries)
        if (response === undefined) continue
        const told = response.metadata.attempts.filter(({ errorType }) => errorType !== "CircuitOpenError")
        expect([place, told.length]).toEqual([place, requests])
      }
      // Each surface has its own permits.
      expect(server.peakInFlight).toBeLessThanOrEqual(2 * permits)
      expect(received.size).toBeGreaterThan(0)
      await llm.dispose()
      await Effect.runPromise(Scope.close(scope, Exit.void))
      await Promise.all(server.connections.map(({ closed }) => closed))
      expect(server.openConnections).toBe(0)
    })
    await fc.assert(property, runs(4))
  })
})
