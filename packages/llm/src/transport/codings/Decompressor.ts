/** Where there is no Node, `fetch` has decoded every body that it could: what is left has no decoder here either. */
import * as Effect from "effect/Effect"
import type { Decompressor } from "./ContentCoding.ts"

export const decompressor = (_coding: string, _first: Uint8Array): Effect.Effect<Decompressor | undefined> =>
  Effect.succeed(undefined)
