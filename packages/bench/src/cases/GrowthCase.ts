/**
 * How cost grows with calls in flight, pieces in a stream and messages in a request. Linear growth has an exponent of at
 * most 1 at every step; a step above it, and above the floor's own, is superlinear.
 */
import { type ClientName, floorOf } from "../clients/Clients.ts"
import type { Load } from "../clients/Load.ts"
import type { Crew, Measured } from "../Crew.ts"
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

const batchPieces = 20_000

const stepOf = (axis: GrowthAxis, size: number): Step => {
  const load: Load = { shape: "call", inFlight: 8, count: 200, pieces: 0, messages: 1 }
  switch (axis) {
    case "inFlight":
      return { path: "call", load: { ...load, inFlight: size, count: Math.max(2_000, size) }, perUnit: 1 }
    case "pieces": {
      const count = Math.min(400, Math.max(1, Math.ceil(batchPieces / size)))
      return {
        path: `large/${size}`,
        load: { ...load, shape: "stream", inFlight: Math.min(4, count), count, pieces: size },
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

/** Measures one axis on the clients that grow. */
export const measureGrowth = async (
  crew: Crew,
  axis: GrowthAxis,
  effort: Effort,
): Promise<ReadonlyArray<GrowthPoint>> => {
  const points: Array<GrowthPoint> = []
  for (const size of effort.growth[axis]) {
    const { path, load, perUnit } = stepOf(axis, size)
    const apiBase = `${crew.upstream.origin}/${path}`
    const during = `growth ${axis} ${size}`
    const names = crew.names().filter((name) => growthClients.includes(name))
    if (effort.growth.rounds > 1) {
      await crew.measure(
        during,
        names,
        2,
        async (client) => (await client.ask({ kind: "run", apiBase, load })).cpuMicros,
      )
    }
    const eachMicros = await crew.measure(during, names, effort.growth.rounds, async (client) => {
      const { cpuMicros } = await client.ask({ kind: "run", apiBase, load })
      return cpuMicros / load.count
    })
    points.push({ size, eachMicros, perUnit })
  }
  return points
}

/** The total cost of a step: for calls in flight the cost of all of them, for the others the cost of one call or stream. */
const total = (axis: GrowthAxis, point: GrowthPoint, name: ClientName): number =>
  median(point.eachMicros.get(name) ?? []) * (axis === "inFlight" ? point.size : 1)

/** The exponent of each step: log of how the cost grew over log of how the size grew. */
export const exponents = (
  axis: GrowthAxis,
  points: ReadonlyArray<GrowthPoint>,
  name: ClientName,
): ReadonlyArray<number> =>
  points.slice(1).map((point, index) => {
    const before = points[index] ?? point
    return Math.log(total(axis, point, name) / total(axis, before, name)) / Math.log(point.size / before.size)
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
