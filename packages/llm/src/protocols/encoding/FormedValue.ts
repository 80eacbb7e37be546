/**
 * Reads a value back that was written to an enforced form of a schema: where every property was required, an absent one
 * came as null. It checks nothing.
 */
import { excessOfValue } from "../Limits.ts"
import {
  allowsNull,
  dereferenced,
  isJsonSchema,
  type JsonSchema,
  listOf,
  propertiesOf,
  requiredOf,
} from "./JsonSchema.ts"

/** Whether an object may be meant by this branch of a union: its fixed values are the branch's, its required keys are there. */
const mayBe = (root: JsonSchema, branch: JsonSchema, value: JsonSchema): boolean => {
  const plain = dereferenced(root, branch)
  if (plain.type !== undefined && plain.type !== "object") return false
  for (const name of requiredOf(plain)) if (typeof name === "string" && !(name in value)) return false
  return Object.entries(propertiesOf(plain)).every(([name, property]) => {
    if (!isJsonSchema(property) || !(name in value)) return true
    if ("const" in property) return property.const === value[name]
    return !Array.isArray(property.enum) || property.enum.includes(value[name])
  })
}

const restoredObject = (root: JsonSchema, schema: JsonSchema, value: JsonSchema): JsonSchema => {
  const properties = propertiesOf(schema)
  const required = requiredOf(schema)
  const entries = Object.entries(value).flatMap(([name, inner]): Array<[string, unknown]> => {
    const property = properties[name]
    if (inner === null && !required.has(name) && !allowsNull(root, property)) return []
    return [[name, restoredIn(root, property, inner)]]
  })
  return Object.fromEntries(entries)
}

/** `seen` are the schemas that the same value was read by already: one that comes back to itself says nothing new. */
const restoredIn = (root: JsonSchema, schema: unknown, value: unknown, seen?: Set<unknown>): unknown => {
  if (!isJsonSchema(schema)) return value
  const plain = dereferenced(root, schema)
  if (Array.isArray(value)) {
    if (!Array.isArray(plain.prefixItems)) return value.map((item) => restoredIn(root, plain.items, item))
    const places = plain.prefixItems
    return value.map((item, place) => restoredIn(root, place < places.length ? places[place] : plain.items, item))
  }
  if (!isJsonSchema(value)) return value
  let result: unknown = isJsonSchema(plain.properties) ? restoredObject(root, plain, value) : value
  const branches = listOf(plain.allOf)
  const union = listOf(plain.anyOf ?? plain.oneOf)
  if (branches.length === 0 && union.length === 0) return result
  const before = seen ?? new Set<unknown>()
  before.add(schema)
  for (const branch of branches) if (!before.has(branch)) result = restoredIn(root, branch, result, before)
  const branch = union.find((one) => isJsonSchema(one) && !before.has(one) && mayBe(root, one, value))
  return restoredIn(root, branch, result, before)
}

/**
 * The value with each null taken out that only says that an optional property is absent. A value that is too much to be checked
 * stays as it is.
 */
export const restored = (schema: JsonSchema, value: unknown, most?: number): unknown =>
  excessOfValue(value, most) === undefined ? restoredIn(schema, schema, value) : value
