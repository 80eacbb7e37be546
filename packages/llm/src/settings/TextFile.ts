/** Reading a text file where there are none (browsers, edge runtimes): no parser comes along for it. */
import * as Effect from "effect/Effect"

const noFiles = Effect.fail("this runtime has no files; set the variables themselves")

export const readTextFile = (_path: string): Effect.Effect<string, string> => noFiles

export const parseText = (_path: string, _content: string): Effect.Effect<unknown, string> => noFiles
