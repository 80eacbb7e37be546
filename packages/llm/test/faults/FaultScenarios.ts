/** Every fault that a server can commit. A contract suite runs each over `generate` and `stream`, on each wire. */
import { answerFaults } from "./AnswerFaults.ts"
import type { FaultScenario } from "./FaultScenario.ts"
import { oddAnswers } from "./OddAnswers.ts"
import { streamFaults } from "./StreamFaults.ts"

/** Every fault. `FaultServer.refusedUrl()` is the one that needs no server. */
export const faultScenarios: ReadonlyArray<FaultScenario> = [...streamFaults, ...answerFaults, ...oddAnswers]

/** The fault of that name. */
export const faultScenario = (name: string): FaultScenario => {
  const found = faultScenarios.find((candidate) => candidate.name === name)
  if (found === undefined) throw new Error(`No fault is called "${name}".`)
  return found
}
