/** Schemas as they are, where generated code may be forbidden (browsers, edge runtimes). */
import type * as Schema from "effect/Schema"

export const compile = (_schema: Schema.Top): void => {}
