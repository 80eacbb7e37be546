/** Schemas as generated code, on Node. Where a policy forbids generated code Effect itself stays with its interpreter. */
import type * as Schema from "effect/Schema"
import * as SchemaJITCompiler from "effect/schema/SchemaJITCompiler"

export const compile = (schema: Schema.Top): void => SchemaJITCompiler.enable(schema.ast)
