/**
 * What a schema may be: one of effect/Schema, a Standard Schema (zod, valibot, arktype and others), or a plain JSON
 * Schema. It reads nothing: `SchemaReader` does.
 */
import type * as Schema from "effect/Schema"
import type { StandardSchemaV1 } from "effect/StandardSchema"
import type { JsonSchema } from "../../protocols/encoding/JsonSchema.ts"
import type { OfJsonSchema } from "./JsonSchemaType.ts"

/** A schema of any kind. A schema of effect/Schema must decode without services. */
export type AnySchema = Schema.Codec<unknown, unknown, never, unknown> | StandardSchemaV1 | JsonSchema

/** The type of the values that a schema gives. Of a plain JSON Schema it is known where the schema is written in place or `as const`. */
export type OutputOf<S> = S extends Schema.Top
  ? S["Type"]
  : S extends StandardSchemaV1
    ? StandardSchemaV1.InferOutput<S>
    : OfJsonSchema<S>

/** The type of what the model writes: before a schema's transformations. */
export type InputOf<S> = S extends Schema.Top
  ? S["Encoded"]
  : S extends StandardSchemaV1
    ? StandardSchemaV1.InferInput<S>
    : OfJsonSchema<S>

/** A value that is still being written: everything in it may be missing. */
export type DeepPartial<A> =
  A extends ReadonlyArray<infer Item>
    ? ReadonlyArray<DeepPartial<Item>>
    : A extends object
      ? { readonly [Key in keyof A]?: DeepPartial<A[Key]> }
      : A
