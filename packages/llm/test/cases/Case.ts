/**
 * Cases from the field: what a service answered, and a suite that says what must come of it. Some are kept beside the
 * repository (`../shared/cases`, or where `FIELD_CASES` says) and are skipped where that folder is not; the samples of the
 * suites themselves always run.
 */
import { existsSync, readFileSync } from "node:fs"
import { join, resolve } from "node:path"
import type { CallName } from "../faults/FaultScenario.ts"

/** What a server says to one request: `body` to a plain one, `sse` to a streamed one, where it differs. */
export interface CaseAnswer {
  readonly status?: number
  readonly headers?: Readonly<Record<string, string>>
  /** Text as it is, or a value that goes as JSON. */
  readonly body?: unknown
  readonly sse?: string
}

export interface Case {
  /** What must come out, in words. */
  readonly right: string
  /** One answer a request, in turn; the last one repeats. */
  readonly answers: ReadonlyArray<CaseAnswer>
  /** Beside one user message. */
  readonly request?: Readonly<Record<string, unknown>>
  /** Options of the interface, beside an OpenAI-compatible provider without retries. */
  readonly options?: Readonly<Record<string, unknown>>
  readonly provider?: "openai" | "anthropic"
  /** The one of the two calls that applies. */
  readonly only?: CallName
}

const folder = process.env["FIELD_CASES"] ?? resolve(import.meta.dirname, "../../../..", "../shared/cases")

/** Whether there are cases beside the repository. */
export const casesAreThere = existsSync(folder)

if (!casesAreThere) console.warn(`SKIPPED: the cases of ${folder}, which is not there (set FIELD_CASES)`)

const absent: Case = { right: "", answers: [] }

/** A case of the folder; one that says nothing where the folder is not there. */
export const sharedCase = (name: string): Case =>
  casesAreThere ? (JSON.parse(readFileSync(join(folder, `${name}.json`), "utf8")) as Case) : absent
