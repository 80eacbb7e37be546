/** What a batch holds does not grow with its input. `BATCH_MEMORY_LINES` makes it longer. */
import { mkdtemp, rm, stat } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { Readable } from "node:stream"
import { setFlagsFromString } from "node:v8"
import { runInNewContext } from "node:vm"
import { expect, it } from "vitest"
import { Scripted } from "@wiseflow/llm/testing"
import { Budget } from "../../src/batch/Budget.ts"
import { linesOf } from "../../src/batch/Lines.ts"
import * as Results from "../../src/batch/Results.ts"
import { runBatch } from "../../src/batch/RunBatch.ts"

const count = Number(process.env["BATCH_MEMORY_LINES"] ?? 20_000)

setFlagsFromString("--expose-gc")
const collect: unknown = runInNewContext("gc")

const heapBytes = (): number => {
  if (typeof collect === "function") collect()
  return process.memoryUsage().heapUsed
}

const question = "What is this text about? ".repeat(20)

it.each([false, true])(
  "a batch holds next to nothing of a line that is done (ordered: %s)",
  { timeout: 3_600_000 },
  async (ordered) => {
    const folder = await mkdtemp(join(tmpdir(), "batch-"))
    const answer = await Scripted.llm(["an answer"]).generate({ prompt: question })
    const llm = { generate: () => Promise.resolve(answer) }
    try {
      const output = join(folder, "out.jsonl")
      const marks: Array<number> = []
      const chunks = function* () {
        for (let id = 0; id < count; id++) {
          if (id === Math.floor(count / 10) || id === count - 100) marks.push(heapBytes())
          yield Buffer.from(`${JSON.stringify({ id: `id-${id}`, prompt: question })}\n`)
        }
      }
      const results = await Results.inFile(output, { ordered, overwrite: false, retryFailed: false })
      const end = await runBatch({
        lines: linesOf(Readable.from(chunks())),
        closeInput: () => {},
        llm,
        results,
        defaults: {},
        budget: new Budget(),
        width: 16,
        isFree: true,
        signal: new AbortController().signal,
        progress: { answered: 0, failed: 0, skipped: 0, readBytes: 0 },
      })
      await results.close(true)
      expect(end.problem).toBeUndefined()
      const [early = 0, late = 0] = marks
      const perLine = (late - early) / (count * 0.9)
      if (process.env["BATCH_MEMORY_LINES"] !== undefined) {
        process.stderr.write(
          `${count} lines: ${(early / 2 ** 20).toFixed(0)} MiB of heap after a tenth, ${(late / 2 ** 20).toFixed(0)} MiB at the end, output ${(await stat(output)).size} bytes\n`,
        )
      }
      // The table of ids takes 17 to 34 bytes a line outside the heap; a held line or result would take 700 and more.
      expect(perLine).toBeLessThan(150)
    } finally {
      await rm(folder, { recursive: true })
    }
  },
)
