/** One run of the bench: its cases in turn, and all that they measured. */
import { type BundleSizes, measureBundles } from "./cases/BundleCase.ts"
import { cpuCases, measureCpu } from "./cases/CpuCase.ts"
import { addedToFloor, measureFirstPiece } from "./cases/FirstPieceCase.ts"
import { type Growth, type GrowthAxis, growthClients, measureGrowth } from "./cases/GrowthCase.ts"
import { type ImportTimes, measureImports } from "./cases/ImportCase.ts"
import { measureMemory } from "./cases/MemoryCase.ts"
import { measurePolicies, type PolicyCosts } from "./cases/PolicyCase.ts"
import { type ClientName, clients } from "./clients/Clients.ts"
import { describeFailure, type Failure, type Measured, startCrew } from "./Crew.ts"
import type { Effort } from "./Effort.ts"

/** The groups that `--case` chooses from. */
export const caseNames = ["call", "stream", "first-piece", "memory", "import", "bundle", "growth", "policies"] as const

export interface CpuResult {
  readonly name: string
  readonly title: string
  readonly micros: Measured
}

export interface RunResult {
  readonly cpu: ReadonlyArray<CpuResult>
  readonly firstPiece: { readonly micros: Measured; readonly added: Measured } | undefined
  readonly memoryKb: Measured | undefined
  readonly imports: ImportTimes | undefined
  readonly bundles: BundleSizes | undefined
  readonly growth: ReadonlyArray<Growth>
  readonly policies: PolicyCosts | undefined
  readonly failures: ReadonlyArray<Failure>
}

const axes: ReadonlyArray<GrowthAxis> = ["inFlight", "pieces", "messages"]

const memoryOf = async (
  names: ReadonlyArray<ClientName>,
  effort: Effort,
  failures: Array<Failure>,
): Promise<Measured> => {
  const measured = new Map<ClientName, ReadonlyArray<number>>()
  const waiting = [...names]
  const holder = async (): Promise<void> => {
    for (let name = waiting.shift(); name !== undefined; name = waiting.shift()) {
      try {
        measured.set(name, [await measureMemory(name, effort)])
      } catch (error) {
        failures.push({ client: name, during: "memory", message: describeFailure(error) })
      }
    }
  }
  await Promise.all(Array.from({ length: effort.holders }, holder))
  return measured
}

/** Runs the wanted cases on the wanted clients; `tell` hears what is being measured. */
export const runBench = async (
  wanted: ReadonlySet<string>,
  names: ReadonlyArray<ClientName>,
  effort: Effort,
  tell: (text: string) => void,
): Promise<RunResult> => {
  const failures: Array<Failure> = []
  const imports = wanted.has("import") ? (tell("import"), await measureImports(effort)) : undefined
  const bundles = wanted.has("bundle") ? (tell("bundle"), await measureBundles()) : undefined

  const policies = wanted.has("policies") ? (tell("policies"), await measurePolicies(effort)) : undefined

  const growth: Array<Growth> = []
  if (wanted.has("growth") && names.some((name) => growthClients.includes(name))) {
    for (const axis of axes) {
      tell(`growth ${axis}`)
      const grown = await measureGrowth(names, axis, effort)
      growth.push(grown)
      failures.push(...grown.failures)
    }
  }
  const crew = await startCrew(names)
  try {
    const cpu: Array<CpuResult> = []
    for (const cpuCase of cpuCases(effort)) {
      if (!wanted.has(cpuCase.load.shape)) continue
      tell(cpuCase.name)
      cpu.push({ name: cpuCase.name, title: cpuCase.title, micros: await measureCpu(crew, cpuCase, effort) })
    }
    let firstPiece: RunResult["firstPiece"]
    if (wanted.has("first-piece")) {
      tell("first-piece")
      const micros = await measureFirstPiece(crew, effort)
      firstPiece = { micros, added: addedToFloor(micros) }
    }
    const present = crew.names().filter((name) => clients[name].wire === "chat")
    let memoryKb: RunResult["memoryKb"]
    if (wanted.has("memory")) {
      tell("memory")
      memoryKb = await memoryOf(present, effort, failures)
    }
    return {
      cpu,
      firstPiece,
      memoryKb,
      imports,
      bundles,
      growth,
      policies,
      failures: [...crew.failures(), ...failures],
    }
  } finally {
    await crew.stop()
  }
}
