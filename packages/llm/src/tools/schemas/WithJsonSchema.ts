/** A schema with the JSON Schema that its library does not write. It reads neither. */
import type { StandardSchemaV1 } from "effect/StandardSchema"
import type { JsonSchema } from "../../protocols/encoding/JsonSchema.ts"

/** A Standard Schema of a library that writes no JSON Schema, with one beside it that says what the model must write. */
export const withJsonSchema = <S extends StandardSchemaV1>(schema: S, jsonSchema: JsonSchema): S => {
  const converted = { input: () => jsonSchema, output: () => jsonSchema }
  return Object.assign(Object.create(schema), { "~standard": { ...schema["~standard"], jsonSchema: converted } })
}
