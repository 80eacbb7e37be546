/** A package that the program has beside this library, by its name. */
import * as Effect from "effect/Effect"

/** Loads a package. The name is not a literal, so that bundlers do not look for it. */
export const load = (name: string): Effect.Effect<unknown, "not installed"> =>
  Effect.tryPromise({ try: () => import(name), catch: () => "not installed" as const })
