/** Whatever the lines, uploads hold each of them once, and none is larger than its service takes. */
import { mkdtemp, readdir, readFile, rm, stat } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import * as fc from "fast-check"
import { describe, expect, it } from "vitest"
import { anthropicBatches } from "../../src/provider-batch/services/AnthropicBatches.ts"
import type { BatchService } from "../../src/provider-batch/services/BatchService.ts"
import { openAiBatches } from "../../src/provider-batch/services/OpenAiBatches.ts"
import { type FullUpload, placeOf, Uploads } from "../../src/provider-batch/Uploads.ts"

const signed = async () => Promise.reject(new Error("nothing is sent"))
const urls = {
  openai: "https://api.openai.com/v1/chat/completions",
  anthropic: "https://api.anthropic.com/v1/messages",
}
const services = {
  openai: openAiBatches("openai", urls.openai, signed),
  anthropic: anthropicBatches("anthropic", urls.anthropic, signed),
}

interface Written {
  readonly custom_id: string
  readonly body?: { readonly text: string }
  readonly params?: { readonly text: string }
}

const entriesOf = (wire: keyof typeof services, content: string): ReadonlyArray<Written> =>
  wire === "openai"
    ? content.split("\n").flatMap((line) => (line === "" ? [] : [JSON.parse(line)]))
    : JSON.parse(content).requests

describe.each(["openai", "anthropic"] as const)("uploads for %s", (wire) => {
  it("hold each line once, in order, within the limits of bytes and requests", async () => {
    const own = services[wire]
    if (own === undefined) throw new Error("no service")
    const folder = await mkdtemp(join(tmpdir(), "uploads-"))
    try {
      await fc.assert(
        fc.asyncProperty(
          fc.array(fc.tuple(fc.string({ maxLength: 200, unit: "grapheme" }), fc.integer({ min: 0, max: 20 })), {
            maxLength: 60,
          }),
          fc.integer({ min: 1, max: 9 }),
          fc.integer({ min: 200, max: 900 }),
          async (texts, requests, bytes) => {
            const service: BatchService = { ...own, limits: { requests, bytes } }
            const uploads = new Uploads(join(folder, "out.jsonl"), service)
            const written: Array<FullUpload> = []
            let refused = 0
            for (const [at, [text, model]] of texts.entries()) {
              const body = JSON.stringify({ model: `m${model}`, text })
              const line = { id: at, key: String(at), requestHash: "0123456789abcdef" }
              const added = await uploads.add(line, { url: urls[wire], headers: {}, body })
              if ("problem" in added) refused += 1
              else written.push(...added)
            }
            for await (const full of uploads.rest()) written.push(full)
            const found: Array<number> = []
            for (const { batch, lines, upload } of written) {
              const content = await readFile(upload.path, "utf8")
              const entries = entriesOf(wire, content)
              expect((await stat(upload.path)).size).toBe(upload.bytes)
              expect(upload.bytes).toBeLessThanOrEqual(bytes)
              expect(entries.length).toBeLessThanOrEqual(requests)
              expect([lines.length, batch.requests]).toEqual([entries.length, entries.length])
              for (const [place, entry] of entries.entries()) {
                expect(placeOf(batch.name, entry.custom_id)).toBe(place)
                expect(placeOf("0".repeat(16), entry.custom_id)).toBeUndefined()
                const at = Number(lines[place]?.id)
                expect((entry.body ?? entry.params)?.text).toBe(texts[at]?.[0])
                found.push(at)
              }
            }
            expect(new Set(found).size).toBe(found.length)
            expect(found.length + refused).toBe(texts.length)
            await uploads.clear()
            expect(await readdir(folder)).toEqual([])
          },
        ),
        { numRuns: 40 },
      )
    } finally {
      await rm(folder, { recursive: true })
    }
  })
})
