/**
 * A schema whose root is an object, which every wire wants of answers and arguments: a list, a choice or a union is put
 * under the key `value`, and taken out again.
 */
import { restored } from "../../protocols/encoding/FormedValue.ts"
import { isJsonSchema, type JsonSchema, mapInner, withPlainRoot } from "../../protocols/encoding/JsonSchema.ts"

const key = "value"

/** A schema with an object at its root. */
export interface ObjectRoot {
  readonly schema: JsonSchema
  readonly wrapped: boolean
}

const isObject = (schema: JsonSchema): boolean =>
  (schema.type === "object" || (schema.type === undefined && isJsonSchema(schema.properties))) &&
  !("anyOf" in schema || "oneOf" in schema || "enum" in schema || "const" in schema)

/** References to the root follow it to its new place. */
const moved = (schema: JsonSchema): JsonSchema =>
  mapInner(schema.$ref === "#" ? { ...schema, $ref: `#/properties/${key}` } : schema, moved)

export const make = (given: JsonSchema): ObjectRoot => {
  const root = withPlainRoot(given)
  if (isObject(root)) return { schema: root, wrapped: false }
  const { $defs, $schema: _, definitions, ...inner } = moved(root)
  const schema = {
    type: "object",
    properties: { [key]: inner },
    required: [key],
    additionalProperties: false,
    ...($defs === undefined ? {} : { $defs }),
    ...(definitions === undefined ? {} : { definitions }),
  }
  return { schema, wrapped: true }
}

/**
 * The value that was asked for, from the one that was written, of which at most so many values are checked. Models that leave the
 * wrapping out are understood too.
 */
export const valueOf = (root: ObjectRoot, written: unknown, mostValues: number): unknown => {
  const value = restored(root.schema, written, mostValues + (root.wrapped ? 1 : 0))
  return root.wrapped && isJsonSchema(value) && Object.keys(value).length === 1 && key in value ? value[key] : value
}

/** What stands under the key so far; undefined where nothing does. */
export const inside = (written: unknown): unknown => (isJsonSchema(written) ? written[key] : undefined)
