/**
 * What was sent to a provider's batch interface, beside the output: each step is noted before it is begun and after it is done,
 * and is on the disk before the next. It holds ids, no prompts, no answers and no keys.
 */
import { rm, stat } from "node:fs/promises"
import { AppendedFile } from "../batch/AppendedFile.ts"
import { keyOf } from "../batch/BatchLine.ts"
import type { Line } from "../batch/Lines.ts"
import type { NamedBatch } from "./services/BatchService.ts"
import { countOf, type Fields, parsedFields, textOf } from "./services/JsonFields.ts"

/** A line that is in a batch. */
export interface SentLine {
  readonly id: string | number
  readonly key: string
  readonly requestHash: string
}

const states = ["planned", "uploading", "uploaded", "creating", "created", "collected", "abandoned"] as const

/** How far the sending of a batch is; steps ending in -ing may have happened. */
export type SentState = (typeof states)[number]

/** A batch, as it was sent. */
export interface SentBatch extends NamedBatch {
  readonly service: string
  /** In the order of the upload: the number in a `custom_id` is the place here. */
  readonly lines: ReadonlyArray<SentLine>
  readonly state: SentState
  readonly at: string
  readonly fileId: string | undefined
  readonly batchId: string | undefined
  /** False where only the results can tell whether `batchId` is this batch. */
  readonly isCertain: boolean
  /** Ids of batches that turned out to be others. */
  readonly others: ReadonlySet<string>
}

type Noted = { -readonly [Key in keyof SentBatch]: SentBatch[Key] }

/** What a step adds. */
export interface StepFacts {
  readonly fileId?: string
  readonly batchId?: string
  readonly isCertain?: boolean
  /** Id of a batch that is another one. */
  readonly notThis?: string
}

/** The file beside an output. */
export const batchJournalOf = (output: string): string => `${output}.provider-batch`

const isState = (value: unknown): value is SentState => states.some((state) => state === value)

export class BatchJournal {
  private readonly path: string
  private readonly file: AppendedFile
  private readonly byName: Map<string, Noted>

  private constructor(path: string, file: AppendedFile, byName: Map<string, Noted>) {
    this.path = path
    this.file = file
    this.byName = byName
  }

  /** Opens the journal of an output, a new one where there is none. */
  static async open(output: string): Promise<BatchJournal> {
    const path = batchJournalOf(output)
    const byName = new Map<string, Noted>()
    const lines = new Map<string, Array<SentLine>>()
    const file = await AppendedFile.open(path, ({ isEnded, number, text = "" }: Line) => {
      const fields = parsedFields(text)
      if (isEnded && (fields === undefined || !read(fields, byName, lines))) {
        throw new Error(`${path} is no journal of batches (line ${number})`)
      }
    })
    return new BatchJournal(path, file, byName)
  }

  /** Batches that are not done with, the earliest first. */
  get open(): ReadonlyArray<SentBatch> {
    return [...this.byName.values()].filter(({ state }) => state !== "collected" && state !== "abandoned")
  }

  /** The ids of batches that the journal knows. */
  get ids(): ReadonlyArray<string> {
    return [...this.byName.values()].flatMap(({ batchId }) => batchId ?? [])
  }

  /** Which open batch each line is in; the latest where a line was sent again. */
  pending(): ReadonlyMap<string, { readonly batch: SentBatch; readonly requestHash: string }> {
    return new Map(
      this.open.flatMap((batch) => batch.lines.map(({ key, requestHash }) => [key, { batch, requestHash }] as const)),
    )
  }

  /** Notes a batch that is about to be sent. */
  async plan(batch: NamedBatch, service: string, lines: ReadonlyArray<SentLine>): Promise<SentBatch> {
    const { at, bytes, endpoint, name, requests } = batch
    const noted = fresh(batch, service, lines)
    await Promise.all(
      lines.map(({ id, requestHash }) => this.file.append(JSON.stringify({ line: id, batch: name, requestHash }))),
    )
    await this.file.append(JSON.stringify({ batch: name, state: "planned", at, service, endpoint, requests, bytes }))
    await this.file.flush()
    this.byName.set(name, noted)
    return noted
  }

  /** Notes a step; the batch is changed. */
  async note({ name }: SentBatch, state: SentState, facts: StepFacts = {}): Promise<void> {
    // What was begun once is looked for from then on, also where another batch was taken for it.
    const at = (facts.notThis === undefined ? undefined : this.byName.get(name)?.at) ?? new Date().toISOString()
    await this.file.append(JSON.stringify({ batch: name, state, at, ...facts }))
    await this.file.flush()
    const batch = this.byName.get(name)
    if (batch !== undefined) take(batch, state, at, facts)
  }

  /** Closes the journal, and takes it away where nothing is open. */
  async close(): Promise<void> {
    await this.file.close()
    if (this.open.length === 0) await rm(this.path, { force: true })
  }
}

/** The batches of an output that are not done with; undefined where there are none. Only for who has the output's lock. */
export const openBatches = async (
  output: string,
): Promise<{ readonly path: string; readonly ids: ReadonlyArray<string> } | undefined> => {
  const path = batchJournalOf(output)
  if (!(await stat(path).catch(() => undefined))) return undefined
  const journal = await BatchJournal.open(output)
  const { open } = journal
  await journal.close()
  return open.length === 0 ? undefined : { path, ids: open.map(({ batchId, name }) => batchId ?? name) }
}

const fresh = (batch: NamedBatch, service: string, lines: ReadonlyArray<SentLine>): Noted => ({
  ...batch,
  service,
  lines,
  state: "planned",
  fileId: undefined,
  batchId: undefined,
  isCertain: true,
  others: new Set(),
})

const take = (batch: Noted, state: SentState, at: string, facts: StepFacts): void => {
  // A batch is looked for from the time on at which its step was first begun.
  if (state !== batch.state && (state === "uploading" || state === "creating")) batch.at = at
  batch.state = state
  if (facts.fileId !== undefined) batch.fileId = facts.fileId
  if (facts.batchId !== undefined) batch.batchId = facts.batchId
  batch.isCertain = facts.isCertain ?? true
  if (facts.notThis !== undefined) batch.others = new Set([...batch.others, facts.notThis])
}

/** Reads a line of the journal; false where it is none. */
const read = (fields: Fields, byName: Map<string, Noted>, lines: Map<string, Array<SentLine>>): boolean => {
  const { at, endpoint, line: id, requestHash, service, state } = fields
  const name = textOf(fields["batch"])
  if (name === undefined) return false
  if (typeof id === "string" || typeof id === "number") {
    const known = lines.get(name) ?? []
    lines.set(name, known)
    known.push({ id, key: keyOf(id), requestHash: textOf(requestHash) ?? "" })
    return true
  }
  if (!isState(state) || typeof at !== "string") return false
  if (state === "planned") {
    const batch = {
      name,
      at,
      endpoint: textOf(endpoint) ?? "",
      requests: countOf(fields["requests"]),
      bytes: countOf(fields["bytes"]),
    }
    byName.set(name, fresh(batch, textOf(service) ?? "", lines.get(name) ?? []))
    return true
  }
  const batch = byName.get(name)
  if (batch === undefined) return false
  const fileId = textOf(fields["fileId"])
  const batchId = textOf(fields["batchId"])
  const notThis = textOf(fields["notThis"])
  take(batch, state, at, {
    ...(fileId === undefined ? {} : { fileId }),
    ...(batchId === undefined ? {} : { batchId }),
    ...(notThis === undefined ? {} : { notThis }),
    isCertain: fields["isCertain"] !== false,
  })
  return true
}
