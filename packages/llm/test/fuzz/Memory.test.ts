/** What a server invents must not pile up. Thousands of odd answers leave as much behind as hundreds do. */
import { setFlagsFromString } from "node:v8"
import { runInNewContext } from "node:vm"
import { describe, expect, it } from "vitest"
import { LLMInterface } from "../../src/index.ts"
import { rememberedNames } from "../../src/prices/Prices.ts"
import { oneOfEachWire } from "../contract/Providers.ts"
import { callOf, goodAnswer } from "../faults/FaultScenario.ts"
import { FaultServer, type RecordedRequest, type Step } from "../faults/FaultServer.ts"
import { whole } from "../faults/HttpText.ts"
import { patient } from "./Fuzzing.ts"

setFlagsFromString("--expose-gc")
const collectGarbage: () => void = runInNewContext("gc")

/** Bytes in use once everything unreachable is gone. */
const heapBytes = async (): Promise<number> => {
  for (let turn = 0; turn < 3; turn++) {
    await new Promise((resolve) => setImmediate(resolve))
    collectGarbage()
  }
  return process.memoryUsage().heapUsed
}

/** A good answer by a model, with a request id and a cost, that nobody has heard of before. */
const invented = (steps: Iterable<Step>, place: number): ReadonlyArray<Step> =>
  [...steps].map((step) =>
    step.type === "write"
      ? {
          ...step,
          bytes: Buffer.from(
            Buffer.from(step.bytes)
              .toString()
              .replaceAll(/(gpt-5-mini-2025-08-07|claude-sonnet-5)/g, (name) =>
                String(place).padStart(name.length, "m"),
              )
              .replaceAll("req_fault", String(place).padStart(9, "r")),
          ),
        }
      : step,
  )

const waves = 4
const inWave = 600

describe.each(oneOfEachWire)("memory after odd answers of $name", patient, (provider) => {
  it("is bounded, though each answer, failure and request names a model of its own", async () => {
    const answer = (request: RecordedRequest) =>
      request.index % 5 === 4
        ? whole(`{"error":{"message":"no","code":"code-${request.index}"}}`, 400)
        : invented(goodAnswer(provider.wire, callOf(request)), request.index)
    await using server = await FaultServer.start(answer)
    const options = { ...provider.options(server.url), maxRetries: 0, maxConcurrentRequests: 20 }
    await using llm = new LLMInterface({ ...options, logger: false })
    const wave = async (number: number): Promise<number> => {
      const calls = Array.from({ length: inWave }, async (_, place) => {
        const request = {
          model: `model-${number}-${place}`,
          messages: [{ role: "user" as const, content: "hello" }],
        }
        const response = place % 2 === 0 ? await llm.generate(request) : await llm.stream(request).response
        expect(response.metadata.attempts).toHaveLength(1)
      })
      await Promise.all(calls)
      server.requests.length = 0
      return heapBytes()
    }
    const heaps: Array<number> = []
    for (let number = 0; number < waves; number++) heaps.push(await wave(number))
    expect(rememberedNames()).toBeLessThanOrEqual(200)
    // After 1,200 names every table of at most a thousand is full.
    const [, full = 0, , last = 0] = heaps
    expect((last - full) / 1024 / 1024).toBeLessThan(2)
  })
})
