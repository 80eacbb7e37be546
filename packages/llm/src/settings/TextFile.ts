/** Reading a settings file on platforms without files (browsers, edge runtimes): every file is missing. */
import * as Effect from "effect/Effect"
import type { Unreadable, parseSettings as parse, readTextFile as read } from "./TextFile.node.ts"

const noFiles: Unreadable = { reason: "this runtime has no files; set the variables themselves", isMissing: true }

export const readTextFile: typeof read = () => Effect.fail(noFiles)

export const parseSettings: typeof parse = () => undefined
