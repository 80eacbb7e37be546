/** A package beside this library, where programs are bundled whole (browsers, edge runtimes): there is none to load by name. */
import * as Effect from "effect/Effect"

/** Fails: what a program needs there it bundles itself. */
export const load = (_name: string): Effect.Effect<unknown, "not installed"> => Effect.fail("not installed")
