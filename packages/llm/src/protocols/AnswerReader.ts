/**
 * What the readers of all protocols share while they put the parts of one answer together: their numbers, what is kept
 * without a part of its own, warnings, and the limits. It knows no wire format.
 */
import * as Result from "effect/Result"
import { assemble, type LlmEvent } from "../model/LlmEvent.ts"
import { conclude, type Ended, withoutReason } from "./Ending.ts"
import { maxNotes, maxParts } from "./Limits.ts"
import { type Answer, type Fault, isFault, type Unreadable } from "./Protocol.ts"
import { madeUpCallId, unreadable } from "./WireReader.ts"

export abstract class AnswerReader {
  /** What the caller should know about how the answer was read. */
  readonly warnings: Array<string> = []
  /** True once a refusal was read. */
  refused = false
  /** True once a tool call was read. */
  calledTools = false
  /** The limit that the answer went past, if it did: it cannot be read. */
  excess: Unreadable | undefined = undefined
  private parts = 0
  private notes = 0
  private callCount = 0
  private callIds: Set<string> | undefined = undefined
  /** The name of the protocol, under which is kept what goes back. */
  readonly protocol: string

  constructor(protocol: string) {
    this.protocol = protocol
  }

  /** Ends every part still open. */
  abstract end(events: Array<LlmEvent>): void

  /** The number of the next part. */
  nextIndex(): number {
    if (this.parts === maxParts) this.exceed(`the answer has more than ${maxParts} parts`, "parts")
    return this.parts++
  }

  /** Counts something that the answer carries beside its parts. False past the limit: it is not to be kept. */
  note(field: string): boolean {
    if (this.notes < maxNotes) {
      this.notes++
      return true
    }
    this.noteAll(field, Infinity)
    return false
  }

  /** Checks the number of what came in one list, and is kept as it is. */
  noteAll(field: string, count: number): void {
    if (count > maxNotes) this.exceed(`the answer has more than ${maxNotes} ${field}`, field)
  }

  /** The id of a tool call as its provider gave it, or a made-up one: no two calls of an answer share an id. */
  callId(given: string | undefined): string {
    const ids = (this.callIds ??= new Set())
    let id = given ?? madeUpCallId(this.callCount)
    this.callCount++
    while (ids.has(id)) id = madeUpCallId(this.callCount++)
    ids.add(id)
    return id
  }

  /** Keeps what has no part of its own, so that nothing is lost. */
  keep(value: unknown, events: Array<LlmEvent>): void {
    events.push({ type: "part-end", index: this.nextIndex(), part: { type: "other", provider: this.protocol, value } })
  }

  private exceed(message: string, field: string): void {
    this.excess ??= unreadable(message, field, "")
  }
}

/**
 * The answer that a reader has put together from a whole body, whose events these are. One without a finish reason is not
 * whole where such a reason `isDue`.
 */
export const answerOf = (
  reader: AnswerReader,
  events: ReadonlyArray<LlmEvent>,
  ended: Omit<Ended, "warnings" | "text">,
  isDue: boolean,
): Result.Result<Answer, Fault> => {
  if (reader.excess !== undefined) return Result.fail(reader.excess)
  const assembly = assemble()
  for (const event of events) assembly.add(event)
  const whole = { ...ended, warnings: reader.warnings, text: assembly.text }
  const end = ended.rawFinishReason === undefined && isDue ? withoutReason(whole) : conclude(whole)
  return isFault(end) ? Result.fail(end) : Result.succeed({ ...end, parts: assembly.parts() })
}
