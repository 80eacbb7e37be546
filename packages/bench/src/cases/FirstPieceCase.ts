/** Time from the question to the first piece of text, one stream at a time, beside the floor in the same round. */
import { type ClientName, floorOf } from "../clients/Clients.ts"
import type { Crew, Measured } from "../Crew.ts"
import type { Effort } from "../Effort.ts"
import { median } from "../Statistics.ts"

/** Microseconds to the first piece; a client's rounds and its floor's rounds belong together by position. */
export const measureFirstPiece = async (crew: Crew, effort: Effort): Promise<Measured> => {
  const apiBase = `${crew.upstream.origin}/large/1`
  const ask = (rounds: number, count: number) =>
    crew.measure("first-piece", crew.names(), rounds, async (client) =>
      median(await client.ask({ kind: "first-piece", apiBase, count })),
    )
  await ask(1, effort.firstPieces * 5)
  return ask(effort.rounds, effort.firstPieces)
}

/** What a client adds to its floor, round by round. */
export const addedToFloor = (measured: Measured): Measured =>
  new Map(
    [...measured].map(([name, values]): [ClientName, ReadonlyArray<number>] => {
      const floor = measured.get(floorOf(name)) ?? []
      return [name, values.map((value, round) => value - (floor[round] ?? Number.NaN))]
    }),
  )
