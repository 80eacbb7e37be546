/** A folder of recordings on platforms without files (browsers, edge runtimes): there is none. */
import * as Effect from "effect/Effect"
import type * as Node from "./CassetteFolder.node.ts"

const noFiles = Effect.fail("this runtime has no files")

export const readFolder: typeof Node.readFolder = () => noFiles

export const writeFileIn: typeof Node.writeFileIn = () => noFiles

export const environmentSecrets: typeof Node.environmentSecrets = () => []
