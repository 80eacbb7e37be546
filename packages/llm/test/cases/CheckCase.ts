/** Checks a case through each call that applies, over loopback HTTP. */
import { describe, expect, it } from "vitest"
import type { CallName } from "../faults/FaultScenario.ts"
import { type Case, casesAreThere, sharedCase } from "./Case.ts"
import { type OpenCase, openCase } from "./OpenCase.ts"

/** One check of a case: it asks as it likes, and expects. */
export type Check = (opened: OpenCase, call: CallName) => Promise<void>

const callsOf = ({ only }: Case): ReadonlyArray<CallName> => (only === undefined ? ["generate", "stream"] : [only])

const check = (name: string, one: Case, isThere: boolean, run: Check): void => {
  describe.skipIf(!isThere)(name, () => {
    it.each(callsOf(one))("through %s", async (call) => {
      expect.hasAssertions()
      await using opened = await openCase(one)
      await run(opened, call)
    })
  })
}

/** Checks a sample. */
export const checkCase = (name: string, one: Case, run: Check): void => check(name, one, true, run)

/** Checks a case of the shared folder; skipped where the folder is not there. */
export const checkSharedCase = (name: string, run: Check): void => check(name, sharedCase(name), casesAreThere, run)
