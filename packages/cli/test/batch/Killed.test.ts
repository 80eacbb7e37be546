/**
 * A batch that is killed at any moment loses nothing that was answered, and asks again only what was in flight.
 * `BATCH_LINES` and `BATCH_KILLS` make it longer; docs/batch.md has the figures of a long run.
 */
import { spawn } from "node:child_process"
import { once } from "node:events"
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { describe, expect, it } from "vitest"
import { faultyUpstream } from "./FaultyUpstream.ts"

const lines = Number(process.env["BATCH_LINES"] ?? 600)
const kills = Number(process.env["BATCH_KILLS"] ?? 4)
const concurrency = 8
/** Lines that are under way at once, those that wait before a retry included. */
const underWay = 2 * concurrency

const main = new URL("../../src/main.ts", import.meta.url).pathname

/** Numbers that are the same in every run. */
const randomOf = (seed: number) => () => {
  seed = (Math.imul(seed, 1_664_525) + 1_013_904_223) >>> 0
  return seed / 2 ** 32
}

/** Started in `folder`; the child's exit. */
const started = (folder: string, settings: Readonly<Record<string, string>>, more: ReadonlyArray<string>) => {
  const args = ["batch", "in.jsonl", "--output", "out.jsonl", "--concurrency", String(concurrency), "--quiet", ...more]
  const child = spawn(process.execPath, ["--conditions=@wiseflow/source", main, ...args], {
    cwd: folder,
    env: { ...settings },
    stdio: ["ignore", "ignore", "inherit"],
  })
  return { child, ended: once(child, "exit") }
}

describe.each([[[]], [["--ordered"]]] as const)("a batch with %j", (more) => {
  it(`of ${lines} lines that is killed ${kills} times has every line once`, { timeout: 3_600_000 }, async () => {
    const random = randomOf(more.length + 1)
    // One request in twenty fails, and is worth another.
    await using upstream = await faultyUpstream((nth) =>
      nth % 20 === 7 ? "busy" : nth % 20 === 13 ? "reset" : "answer",
    )
    const folder = await mkdtemp(join(tmpdir(), "batch-"))
    try {
      const input = Array.from({ length: lines }, (_, place) =>
        JSON.stringify({ id: `id-${place}`, prompt: `question ${place}` }),
      )
      await writeFile(join(folder, "in.jsonl"), `${input.join("\n")}\n`)
      let killed = 0
      let peakKb = 0
      while (killed < kills) {
        const before = upstream.answered.size
        const run = started(folder, upstream.settings, more)
        // At a moment of its work, wherever it then is.
        const until = before + Math.ceil(random() * (lines / (kills + 1)))
        while (upstream.answered.size < until && run.child.exitCode === null) {
          await new Promise((resolve) => setTimeout(resolve, random() * 20))
          peakKb = Math.max(peakKb, await residentKb(run.child.pid))
        }
        run.child.kill("SIGKILL")
        await run.ended
        killed += 1
      }
      // With one request in ten refused, one line in ten thousand fails four times: those are asked again.
      let code: unknown = 1
      for (let run = 0; run < 4 && code !== 0; run++) {
        ;[code] = await started(folder, upstream.settings, [...more, "--retry-failed"]).ended
      }
      expect(code).toBe(0)
      const output = (await readFile(join(folder, "out.jsonl"), "utf8")).trimEnd().split("\n")
      const results: ReadonlyArray<{ readonly id: string; readonly text: string }> = output.map((line) =>
        JSON.parse(line),
      )
      const ids = results.map(({ id }) => id)
      expect(new Set(ids).size).toBe(lines)
      expect(ids).toHaveLength(lines)
      if (more.length > 0) expect(ids).toEqual(input.map((_, place) => `id-${place}`))
      expect(results.every(({ id, text }) => text === `re: question ${id.slice(3)}`)).toBe(true)
      const repeated = [...upstream.answered.values()].reduce((sum, times) => sum + times - 1, 0)
      expect(repeated).toBeLessThanOrEqual(kills * underWay)
      expect(upstream.mostOpen()).toBeLessThanOrEqual(concurrency * 2)
      if (process.env["BATCH_LINES"] !== undefined) {
        process.stderr.write(
          `${more.join()} ${lines} lines, ${kills} kills: ${repeated} answered twice, ${upstream.requests()} requests, at most ${peakKb} KB resident\n`,
        )
      }
    } finally {
      await rm(folder, { recursive: true })
    }
  })
})

const residentKb = async (pid: number | undefined): Promise<number> => {
  const status = await readFile(`/proc/${pid}/status`, "utf8").catch(() => "")
  return Number(/VmRSS:\s+(\d+)/.exec(status)?.[1] ?? 0)
}
