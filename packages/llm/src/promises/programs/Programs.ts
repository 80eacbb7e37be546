/** The programs of several calls behind the promise API, at hand. */
import * as Effect from "effect/Effect"
import * as StructuredOutput from "../../tools/StructuredOutput.ts"
import * as ToolLoop from "../../tools/ToolLoop.ts"

/** What asks for values of a schema. */
export const structuredOutput = (): Effect.Effect<typeof StructuredOutput> => Effect.succeed(StructuredOutput)

/** What runs tools. */
export const toolLoop = (): Effect.Effect<typeof ToolLoop> => Effect.succeed(ToolLoop)
