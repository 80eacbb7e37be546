/** Reading a settings file where there are none (browsers, edge runtimes): no reader comes along for it. */
import * as Effect from "effect/Effect"
import type { Unreadable, parseSettings as parse, readTextFile as read } from "./TextFile.node.ts"

const noFiles: Unreadable = { reason: "this runtime has no files; set the variables themselves", isMissing: true }

export const readTextFile: typeof read = () => Effect.fail(noFiles)

export const parseSettings: typeof parse = () => undefined
