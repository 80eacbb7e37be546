/** How long a run may take for what it measures: the full run is believed, the quick run only proves that everything runs. */
export interface Effort {
  readonly rounds: number
  readonly batchMs: number
  readonly warmUpMs: number
  readonly smallWritePieces: number
  readonly largeWritePieces: number
  readonly firstPieces: number
  readonly held: number
  /** How many processes may hold calls at the same time. */
  readonly holders: number
  readonly processes: number
  readonly growth: {
    readonly rounds: number
    readonly inFlight: ReadonlyArray<number>
    readonly pieces: ReadonlyArray<number>
    readonly messages: ReadonlyArray<number>
  }
}

export const fullEffort: Effort = {
  rounds: 7,
  batchMs: 250,
  warmUpMs: 1_500,
  smallWritePieces: 400,
  largeWritePieces: 2_000,
  firstPieces: 60,
  held: 5_000,
  holders: 1,
  processes: 12,
  growth: {
    rounds: 5,
    inFlight: [1, 10, 100, 1_000, 5_000],
    pieces: [1, 10, 100, 1_000, 10_000, 100_000],
    messages: [1, 11, 101, 1_001],
  },
}

export const quickEffort: Effort = {
  rounds: 1,
  batchMs: 30,
  warmUpMs: 0,
  smallWritePieces: 20,
  largeWritePieces: 500,
  firstPieces: 3,
  held: 200,
  holders: 3,
  processes: 1,
  growth: { rounds: 1, inFlight: [1, 100], pieces: [1, 1_000], messages: [1, 101] },
}
