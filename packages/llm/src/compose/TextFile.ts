/** Reading a text file where there are none (browsers, edge runtimes). */
import * as Effect from "effect/Effect"

export const readTextFile = (_path: string): Effect.Effect<string, string> =>
  Effect.fail("this runtime has no files; set the variables themselves")
