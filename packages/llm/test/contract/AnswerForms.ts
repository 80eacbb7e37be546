/** The forms in which a table of answers gives each one: whole, and as the events of a stream. */
import type { FinishReason } from "../../src/index.ts"

/** One answer in both forms. */
export interface TwoForms {
  readonly name: string
  readonly body: string
  readonly events: ReadonlyArray<string>
}

/** An answer that ended so, in both forms. */
export interface Final {
  readonly raw: string
  readonly finishReason: FinishReason
  readonly answer: string
  readonly events: ReadonlyArray<string>
}
