/** CPU for each call, and for each streamed piece, of every client. */
import type { ClientProcess } from "../clients/ClientProcess.ts"
import type { ClientName } from "../clients/Clients.ts"
import type { Load } from "../clients/Load.ts"
import type { Crew, Measured } from "../Crew.ts"
import type { Effort } from "../Effort.ts"

export interface CpuCase {
  readonly name: string
  readonly title: string
  readonly path: string
  readonly load: Omit<Load, "count">
  /** Calls or pieces in one call or stream: what the cost is divided by. */
  readonly units: number
}

const callCase = (inFlight: number): CpuCase => ({
  name: `call-${inFlight}`,
  title: `one call, ${inFlight} in flight: CPU µs`,
  path: "call",
  load: { shape: "call", inFlight, pieces: 0, messages: 1 },
  units: 1,
})

/** Every CPU case of a run. */
export const cpuCases = (effort: Effort): ReadonlyArray<CpuCase> => [
  callCase(1),
  callCase(32),
  callCase(256),
  {
    name: "stream-large",
    title: `one piece of ${effort.largeWritePieces}, in large socket writes: CPU µs`,
    path: `large/${effort.largeWritePieces}`,
    load: { shape: "stream", inFlight: 4, pieces: effort.largeWritePieces, messages: 1 },
    units: effort.largeWritePieces,
  },
  {
    name: "stream-small",
    title: `one piece of ${effort.smallWritePieces}, each in its own socket write: CPU µs`,
    path: `small/${effort.smallWritePieces}`,
    load: { shape: "stream", inFlight: 16, pieces: effort.smallWritePieces, messages: 1 },
    units: effort.smallWritePieces,
  },
]

/** Runs the load for about `ms` and returns how long one call took, all of those in flight together. */
export const warmUp = async (
  client: ClientProcess,
  apiBase: string,
  load: Omit<Load, "count">,
  ms: number,
): Promise<number> => {
  let perCallMs = 0
  let spentMs = 0
  let count = load.inFlight
  do {
    const { wallMs } = await client.ask({ kind: "run", apiBase, load: { ...load, count } })
    perCallMs = wallMs / count
    spentMs += wallMs
    count = Math.max(load.inFlight, Math.round(ms / 4 / perCallMs))
  } while (spentMs < ms)
  return perCallMs
}

/** Measures one case on every client. */
export const measureCpu = async (crew: Crew, cpuCase: CpuCase, effort: Effort): Promise<Measured> => {
  const apiBase = `${crew.upstream.origin}/${cpuCase.path}`
  const { load, units } = cpuCase
  const counts = new Map<ClientName, number>()
  const warm = effort.warmUpMs > 0
  await crew.measure(cpuCase.name, warm ? crew.names() : [], 1, async (client, name) => {
    const perCallMs = await warmUp(client, apiBase, load, effort.warmUpMs)
    counts.set(name, Math.max(load.inFlight, Math.round(effort.batchMs / perCallMs)))
    return perCallMs
  })
  return crew.measure(cpuCase.name, crew.names(), effort.rounds, async (client, name) => {
    const count = counts.get(name) ?? load.inFlight
    if (warm && load.shape === "call")
      await client.ask({ kind: "run", apiBase, load: { ...load, count: load.inFlight } })
    const { cpuMicros } = await client.ask({ kind: "run", apiBase, load: { ...load, count } })
    return cpuMicros / count / units
  })
}
