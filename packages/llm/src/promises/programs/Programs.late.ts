/**
 * The same, loaded where it is used, for the entries that are built whole: there a class comes with all its
 * methods, and many programs run neither tools nor schemas.
 */
import * as Effect from "effect/Effect"
import type * as EmbeddingStack from "../../compose/embeddings/EmbeddingStack.ts"
import type * as ModelStack from "../../compose/ModelStack.ts"
import type * as StructuredOutput from "../../tools/StructuredOutput.ts"
import type * as ToolLoop from "../../tools/ToolLoop.ts"

let values: typeof StructuredOutput | undefined
let tools: typeof ToolLoop | undefined

/** What asks for values of a schema. */
export const structuredOutput = (): Effect.Effect<typeof StructuredOutput> =>
  values === undefined
    ? Effect.promise(async () => (values = await import("../../tools/StructuredOutput.ts")))
    : Effect.succeed(values)

/** What runs tools. */
export const toolLoop = (): Effect.Effect<typeof ToolLoop> =>
  tools === undefined
    ? Effect.promise(async () => (tools = await import("../../tools/ToolLoop.ts")))
    : Effect.succeed(tools)

/** What embeds. */
export const embeddingStack = (): Effect.Effect<typeof EmbeddingStack.layer> =>
  Effect.promise(async () => {
    // Taken out here, so that a bundler leaves out what else the module exports: what reads settings for Effect.
    const { layer } = await import("../../compose/embeddings/EmbeddingStack.ts")
    return layer
  })

/** What tells of models. */
export const modelStack = (): Effect.Effect<typeof ModelStack.layer> =>
  Effect.promise(async () => {
    // Taken out here, so that a bundler leaves out what else the module exports: what reads settings for Effect.
    const { layer } = await import("../../compose/ModelStack.ts")
    return layer
  })
