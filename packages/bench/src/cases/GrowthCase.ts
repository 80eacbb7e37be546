/**
 * How cost grows with calls in flight, pieces in a stream and messages in a request. Linear growth has an exponent of at
 * most 1 at every step; a step above it, and above the floor's own, is superlinear.
 */
import { type ClientName, floorOf } from "../clients/Clients.ts"
import type { Load } from "../clients/Load.ts"
import { type Failure, type Measured, startCrew } from "../Crew.ts"
import type { Effort } from "../Effort.ts"
import { median } from "../Statistics.ts"

export type GrowthAxis = "inFlight" | "pieces" | "messages"

/** The clients whose growth is measured. */
export const growthClients: ReadonlyArray<ClientName> = ["undici", "wiseflow", "openai"]

/** How far a step may lie above an exponent of 1, and above the floor's, before it counts: the noise of a shared machine. */
const tolerance = 0.15

interface Step {
  readonly path: string
  readonly load: Load
  /** What the CPU of the whole load is divided by. */
  readonly perUnit: number
}

const batchPieces = 100_000

/** Only the axis itself varies: one stream at a time whatever its length, eight calls at a time whatever their messages. */
const stepOf = (axis: GrowthAxis, size: number): Step => {
  const load: Load = { shape: "call", inFlight: 8, count: 400, pieces: 0, messages: 1 }
  switch (axis) {
    case "inFlight":
      return { path: "call", load: { ...load, inFlight: size, count: Math.max(2_000, size) }, perUnit: 1 }
    case "pieces": {
      const count = Math.min(400, Math.ceil(batchPieces / size))
      return {
        path: `large/${size}`,
        load: { ...load, shape: "stream", inFlight: 1, count, pieces: size },
        perUnit: size,
      }
    }
    case "messages":
      return { path: "call", load: { ...load, messages: size }, perUnit: size }
  }
}

export interface GrowthPoint {
  readonly size: number
  /** CPU microseconds of one call or one whole stream, by client. */
  readonly eachMicros: Measured
  /** By what it is divided to read as one unit. */
  readonly perUnit: number
}

export interface Growth {
  readonly axis: GrowthAxis
  readonly points: ReadonlyArray<GrowthPoint>
  readonly failures: ReadonlyArray<Failure>
}

/**
 * Measures one axis on processes of its own, so that it inherits no connections. Each round measures every size, one after
 * the other: what is compared lies seconds apart on a machine whose speed changes by the minute.
 */
export const measureGrowth = async (
  names: ReadonlyArray<ClientName>,
  axis: GrowthAxis,
  effort: Effort,
): Promise<Growth> => {
  const crew = await startCrew(names.filter((name) => growthClients.includes(name)))
  const sizes = effort.growth[axis]
  const measured = sizes.map((): Map<ClientName, Array<number>> => new Map())
  const measureRound = async (keep: boolean): Promise<void> => {
    for (const [index, size] of sizes.entries()) {
      const { path, load } = stepOf(axis, size)
      const apiBase = `${crew.upstream.origin}/${path}`
      const once = await crew.measure(`growth ${axis} ${size}`, crew.names(), 1, async (client) => {
        const { cpuMicros } = await client.ask({ kind: "run", apiBase, load })
        return cpuMicros / load.count
      })
      const sums = measured[index]
      if (keep) for (const [name, micros] of once) sums?.set(name, [...(sums.get(name) ?? []), ...micros])
    }
  }
  try {
    const { rounds } = effort.growth
    if (rounds > 1) await measureRound(false)
    for (let round = 0; round < rounds; round++) await measureRound(true)
    const points = sizes.map((size, index) => ({
      size,
      eachMicros: measured[index] ?? new Map(),
      perUnit: stepOf(axis, size).perUnit,
    }))
    return { axis, points, failures: crew.failures() }
  } finally {
    await crew.stop()
  }
}

/** The total cost of a step: for calls in flight the cost of all of them, for the others the cost of one call or stream. */
const total = (axis: GrowthAxis, point: GrowthPoint, eachMicros: number): number =>
  eachMicros * (axis === "inFlight" ? point.size : 1)

/** The exponent of each step: log of how the cost grew over log of how the size grew, the median of all rounds. */
export const exponents = (
  axis: GrowthAxis,
  points: ReadonlyArray<GrowthPoint>,
  name: ClientName,
): ReadonlyArray<number> =>
  points.slice(1).map((point, index) => {
    const before = points[index] ?? point
    const earlier = before.eachMicros.get(name) ?? []
    return median(
      (point.eachMicros.get(name) ?? []).flatMap((micros, round) => {
        const first = earlier[round]
        if (first === undefined) return []
        const grown = total(axis, point, micros) / total(axis, before, first)
        return [Math.log(grown) / Math.log(point.size / before.size)]
      }),
    )
  })

/** True when no step of a client grows faster than linearly, and than the floor. */
export const growsLinearly = (axis: GrowthAxis, points: ReadonlyArray<GrowthPoint>, name: ClientName): boolean => {
  const floor = exponents(axis, points, floorOf(name))
  const allowed = (step: number) => {
    const floorStep = floor[step]
    return floorStep !== undefined && Number.isFinite(floorStep) ? Math.max(1, floorStep) : 1
  }
  return exponents(axis, points, name).every((exponent, step) => exponent <= allowed(step) + tolerance)
}
