/** What is behind the promise API for some of its calls only, at hand: programs of several calls, and other services. */
import * as Effect from "effect/Effect"
import * as EmbeddingStack from "../../compose/embeddings/EmbeddingStack.ts"
import * as ModelStack from "../../compose/ModelStack.ts"
import * as StructuredOutput from "../../tools/StructuredOutput.ts"
import * as ToolLoop from "../../tools/ToolLoop.ts"

/** What asks for values of a schema. */
export const structuredOutput = (): Effect.Effect<typeof StructuredOutput> => Effect.succeed(StructuredOutput)

/** What runs tools. */
export const toolLoop = (): Effect.Effect<typeof ToolLoop> => Effect.succeed(ToolLoop)

/** What embeds. */
export const embeddingStack = (): Effect.Effect<typeof EmbeddingStack.layer> => Effect.succeed(EmbeddingStack.layer)

/** What tells of models. */
export const modelStack = (): Effect.Effect<typeof ModelStack.layer> => Effect.succeed(ModelStack.layer)
