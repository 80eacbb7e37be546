/** Laws 1 to 5: whatever is sent, cut anywhere and broken off in any way, the caller sees what was sent and how it ended. */
import * as fc from "fast-check"
import { describe, expect, it } from "vitest"
import { LLMInterface } from "../../src/index.ts"
import { oneOfEachWire } from "../contract/Providers.ts"
import { FaultServer, type Step } from "../faults/FaultServer.ts"
import { patient, runs } from "./Fuzzing.ts"
import { promiseSurface } from "./Surfaces.ts"
import { dueOf, sequences, stepsOf } from "./Sequences.ts"

const [, streamed] = promiseSurface

describe.each(oneOfEachWire)("a random stream of $name", patient, (provider) => {
  it("is what a small reference reader makes of it, however it is cut and however it ends", async () => {
    let steps: ReadonlyArray<Step> = []
    await using server = await FaultServer.start(() => steps)
    const property = fc.asyncProperty(sequences, async (sequence) => {
      steps = stepsOf(provider.wire, sequence)
      const before = server.requests.length
      await using llm = new LLMInterface({
        ...provider.options(server.url),
        maxRetries: 0,
        logger: false,
        idleTimeout: sequence.end === "stall" ? "100 millis" : "30 seconds",
      })
      const response = await streamed?.(llm)
      if (response === undefined) throw new Error("no surface")
      const due = dueOf(provider.wire, sequence)
      const text = "error" in response ? (response.partialText ?? "") : response.text
      if (due.end === "answered") expect("error" in response ? response.error : "answered").toBe("answered")
      else expect(due.end).toContain("error" in response ? response.errorType : "answered")
      if (due.whole) expect(text).toBe(due.text)
      else expect(due.text.startsWith(text)).toBe(true)
      expect(response.metadata.attempts).toHaveLength(1)
      // On a busy machine the clock of a silent stream may run out before the request has arrived.
      if (sequence.end !== "stall") expect(server.requests.length - before).toBe(1)
    })
    await fc.assert(property, runs(40))
  })
})
