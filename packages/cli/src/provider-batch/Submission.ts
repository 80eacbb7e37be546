/**
 * Brings a batch from a plan to an id of the service, from wherever an earlier run left it. What may have happened unseen is
 * looked for before it is done again, so that no line is sent twice.
 */
import type { BatchJournal, SentBatch } from "./BatchJournal.ts"
import type { BatchService, Upload } from "./services/BatchService.ts"
import { maxTries, type Patience } from "./Persistence.ts"
import { ServiceFailure } from "./services/ServiceHttp.ts"

/** What a submission works with. */
export interface Submitting {
  readonly service: BatchService
  readonly journal: BatchJournal
  readonly patience: Patience
  readonly onTrouble: (failure: ServiceFailure) => void
}

/**
 * Submits a batch. `upload` is absent where an earlier run planned it: what did not reach the service then is abandoned, and
 * its lines are open again. Rejects with the service's refusal, after which they are open too.
 */
export const submit = async (batch: SentBatch, upload: Upload | undefined, context: Submitting): Promise<void> => {
  const { journal, onTrouble, patience, service } = context

  /** One step that must not be done twice: `find` says whether it was done unseen. */
  const once = async <A>(
    isResumed: boolean,
    begin: () => Promise<void>,
    act: (() => Promise<A>) | undefined,
    find: () => Promise<A | undefined>,
  ): Promise<A | undefined> => {
    let mayBeDone = isResumed
    for (let tries = 0; ; tries++) {
      if (mayBeDone) {
        const found = await lookTwice(find)
        if (found !== undefined) return found
      }
      if (act === undefined) return undefined
      try {
        await begin()
        return await act()
      } catch (thrown) {
        if (!(thrown instanceof ServiceFailure)) throw thrown
        if (!thrown.isTransient || tries + 1 >= maxTries) {
          if (!thrown.mayHaveHappened) await journal.note(batch, isFileGood(batch, thrown) ? "uploaded" : "abandoned")
          throw thrown
        }
        onTrouble(thrown)
        mayBeDone = thrown.mayHaveHappened
        await patience.wait(patience.waitMs(tries, thrown.retryAfterMs))
      }
    }
  }

  /** A list may be behind by a moment. */
  const lookTwice = async <A>(find: () => Promise<A | undefined>): Promise<A | undefined> => {
    const found = await patience.persist(find, onTrouble)
    if (found !== undefined) return found
    await patience.wait(Math.min(2000, patience.waitMs(0)))
    return patience.persist(find, onTrouble)
  }

  if (service.upload !== undefined && (batch.state === "planned" || batch.state === "uploading")) {
    const { findUpload, upload: send } = service
    const fileId = await once(
      batch.state === "uploading",
      () => journal.note(batch, "uploading"),
      upload === undefined ? undefined : () => send(batch, upload),
      async () => findUpload?.(batch),
    )
    if (fileId === undefined) return journal.note(batch, "abandoned")
    await journal.note(batch, "uploaded", { fileId })
  }
  if (batch.state === "created") return undefined
  const from = { fileId: batch.fileId, upload }
  const created = await once(
    batch.state === "creating",
    () => journal.note(batch, "creating"),
    batch.fileId === undefined && upload === undefined
      ? undefined
      : async () => ({ id: await service.create(batch, from), isCertain: true }),
    () => service.findCreated(batch, new Set([...batch.others, ...journal.ids])),
  )
  if (created === undefined) return journal.note(batch, "abandoned")
  return journal.note(batch, "created", { batchId: created.id, isCertain: created.isCertain })
}

/** Statuses that speak of the account and the moment, not of what was uploaded. */
const ofTheAccount: ReadonlySet<number | undefined> = new Set([401, 402, 403, 409, 429])

/** True where a batch was refused whose file the next run can use as it is. */
const isFileGood = ({ fileId }: SentBatch, { status }: ServiceFailure): boolean =>
  fileId !== undefined && ofTheAccount.has(status)
