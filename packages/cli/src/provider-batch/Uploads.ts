/** Puts encoded lines into uploads on the disk, one for each group that may share a batch, and hands on those that are full. */
import { randomBytes } from "node:crypto"
import { createWriteStream, type WriteStream } from "node:fs"
import { readdir, rm } from "node:fs/promises"
import { basename, dirname, join } from "node:path"
import { once } from "node:events"
import { finished } from "node:stream/promises"
import type { SentLine } from "./BatchJournal.ts"
import type { BatchLimits, BatchService, EncodedRequest, Group, NamedBatch, Upload } from "./services/BatchService.ts"

/** An upload that is written. */
export interface FullUpload {
  readonly batch: NamedBatch
  readonly lines: ReadonlyArray<SentLine>
  readonly upload: Upload
}

interface Growing {
  readonly name: string
  readonly endpoint: string
  readonly headers: Upload["headers"]
  readonly path: string
  readonly stream: WriteStream
  readonly lines: Array<SentLine>
  bytes: number
}

/** How many groups grow at once; the largest is handed on for one more. */
const maxGroups = 16

const suffix = ".upload-"

export class Uploads {
  private readonly output: string
  private readonly service: BatchService
  private readonly limits: BatchLimits
  private readonly groups = new Map<string, Growing>()

  /** Uploads stand beside the output; `size` is the most requests of a batch, at most what the service takes. */
  constructor(output: string, service: BatchService, size = service.limits.requests) {
    this.output = output
    this.service = service
    this.limits = { ...service.limits, requests: Math.min(size, service.limits.requests) }
  }

  /** Takes a line. Resolves with the uploads that are full by it, or with why the line cannot be in any. */
  async add(
    line: SentLine,
    request: EncodedRequest,
  ): Promise<ReadonlyArray<FullUpload> | { readonly problem: string }> {
    const { frame, groupOf, name } = this.service
    const group = groupOf(request)
    if (group === undefined) return { problem: `it is not for ${name} at this address, and a batch asks one provider` }
    const { bytes: maxBytes, requests } = this.limits
    let growing = this.groups.get(group.key)
    // Every name is as long as this one.
    const entry = this.service.entryOf(customId(growing?.name ?? "0".repeat(16), growing?.lines.length ?? 0), request)
    const bytes = Buffer.byteLength(frame.between + entry + frame.end)
    if (Buffer.byteLength(frame.begin) + bytes > maxBytes) {
      return { problem: `its request is longer than a batch of ${name} (${maxBytes} bytes)` }
    }
    const full: Array<FullUpload> = []
    if (growing !== undefined && growing.bytes + bytes > maxBytes) {
      full.push(await this.close(group.key, growing))
      growing = undefined
    }
    if (growing === undefined && this.groups.size >= maxGroups) {
      const [largest] = [...this.groups].toSorted(([, a], [, b]) => b.bytes - a.bytes)
      if (largest !== undefined) full.push(await this.close(...largest))
    }
    growing ??= this.begin(group)
    const text = this.service.entryOf(customId(growing.name, growing.lines.length), request)
    await put(growing, (growing.lines.length === 0 ? frame.begin : frame.between) + text)
    growing.lines.push(line)
    if (growing.lines.length >= requests) full.push(await this.close(group.key, growing))
    return full
  }

  /** The uploads that are left, one at a time. */
  async *rest(): AsyncGenerator<FullUpload> {
    for (const [key, growing] of [...this.groups]) yield await this.close(key, growing)
  }

  /** Takes uploads off the disk: those of a run that was killed, too. */
  async clear(): Promise<void> {
    for (const { stream } of this.groups.values()) stream.destroy()
    const folder = dirname(this.output)
    const own = basename(this.output) + suffix
    for (const name of await readdir(folder)) if (name.startsWith(own)) await rm(join(folder, name), { force: true })
  }

  private begin({ endpoint, headers, key }: Group): Growing {
    const name = randomBytes(8).toString("hex")
    const path = `${this.output}${suffix}${name}`
    // Prompts are in it: only their owner reads them.
    const stream = createWriteStream(path, { mode: 0o600 })
    // A disk that is full is told where the stream is closed.
    stream.on("error", () => {})
    const growing: Growing = { name, endpoint, headers, path, stream, lines: [], bytes: 0 }
    this.groups.set(key, growing)
    return growing
  }

  private async close(key: string, growing: Growing): Promise<FullUpload> {
    this.groups.delete(key)
    const { endpoint, headers, lines, name, path, stream } = growing
    await put(growing, this.service.frame.end)
    stream.end()
    await finished(stream)
    const batch = { name, endpoint, requests: lines.length, bytes: growing.bytes, at: new Date().toISOString() }
    return { batch, lines, upload: { path, bytes: growing.bytes, headers } }
  }
}

const put = async (growing: Growing, text: string): Promise<void> => {
  growing.bytes += Buffer.byteLength(text)
  if (growing.stream.errored !== null) throw growing.stream.errored
  if (!growing.stream.write(text)) await once(growing.stream, "drain")
}

/** What names a request inside its batch: 25 characters at most, letters of which every service takes. */
const customId = (batch: string, place: number): string => `${batch}-${place}`

/** The place that a `custom_id` names; undefined where it is of another batch. */
export const placeOf = (batch: string, id: string): number | undefined => {
  const found = /^([0-9a-f]{16})-(\d+)$/.exec(id)
  return found?.[1] === batch ? Number(found[2]) : undefined
}
