/**
 * What keeps a JSON Schema from being followed: one pass over it, in proportion to its length. It checks no value, and does not
 * say whether a schema makes sense.
 */
import { maxCheckedValues, maxPlainValues } from "../Limits.ts"
import { isJsonSchema, type JsonSchema, mapInner, maxParts, partsOf, resolveReference } from "./JsonSchema.ts"

/** Levels of a schema, in JSON. No honest one has half as many: OpenAI takes 10 levels of objects, two of JSON each. */
const maxDepth = 120

/**
 * Values of a schema, every text, number, list and object counted; what stands in several places counts in each of them. OpenAI
 * takes 5,000 properties: with a type, a description and their names as `required` they are 20,000 values.
 */
const maxSize = 25_000

/** How often schemas are looked at for one value: each reference, branch and condition counts what is behind it. */
const maxSteps = 10_000

/** Keywords whose schemas look at the same value. */
const sameValueOne = ["not", "if", "then", "else"] as const
const sameValueMany = ["allOf", "anyOf", "oneOf"] as const

/** How deep and how large a value is as JSON; infinitely deep where it is too deep, or holds itself. */
interface Extent {
  readonly height: number
  readonly size: number
}

const endless: Extent = { height: Number.POSITIVE_INFINITY, size: 0 }

/** Of what holds more than `most` values it is said only that it does. */
const extentOf = (value: unknown, most: number, depth = 0, known = new Map<object, Extent>()): Extent => {
  if (typeof value !== "object" || value === null) return { height: 0, size: 1 }
  if (depth > maxDepth) return endless
  const before = known.get(value)
  if (before !== undefined) return before
  known.set(value, endless)
  let height = 0
  let size = 1
  for (const inner of Object.values(value)) {
    const extent = extentOf(inner, most, depth + 1, known)
    if (extent === endless) return endless
    height = Math.max(height, extent.height)
    size += extent.size
    if (size > most) break
  }
  const extent = { height: height + 1, size }
  known.set(value, extent)
  return extent
}

/** How many schemas are looked at for one value; infinitely many where a schema comes back to itself. */
class Steps {
  private readonly root: JsonSchema
  private readonly known = new Map<JsonSchema, number>()

  constructor(root: JsonSchema) {
    this.root = root
  }

  of(schema: unknown, depth = 0): number {
    if (!isJsonSchema(schema)) return 0
    if (depth > maxDepth) return Number.POSITIVE_INFINITY
    const before = this.known.get(schema)
    if (before !== undefined) return before
    this.known.set(schema, Number.POSITIVE_INFINITY)
    let steps = 1
    if (typeof schema.$ref === "string") steps += this.of(resolveReference(this.root, schema.$ref), depth + 1)
    for (const keyword of sameValueOne) steps += this.of(schema[keyword], depth + 1)
    for (const keyword of sameValueMany) {
      const branches = schema[keyword]
      if (Array.isArray(branches)) for (const branch of branches) steps += this.of(branch, depth + 1)
    }
    if (isJsonSchema(schema.dependentSchemas)) {
      for (const inner of Object.values(schema.dependentSchemas)) steps += this.of(inner, depth + 1)
    }
    this.known.set(schema, steps)
    return steps
  }
}

const mostSteps = (root: JsonSchema): number => {
  const steps = new Steps(root)
  let most = 0
  const visit = (schema: JsonSchema): void => {
    most = Math.max(most, steps.of(schema))
    mapInner(schema, visit)
  }
  visit(root)
  return most
}

/** How many values are checked against a schema that can be followed: the more often it looks at one, the fewer. */
export const mostValuesOf = (root: JsonSchema): number =>
  Math.max(maxCheckedValues, Math.floor(maxPlainValues / Math.max(1, mostSteps(root))))

/** What is found of a schema before it is followed. */
export interface SchemaExtent {
  /** Why it cannot be followed, in words that follow "it"; undefined where it can. */
  readonly excess: string | undefined
  /** True where following it takes so long that the event loop should have a turn afterwards. */
  readonly isLarge: boolean
}

/** Values of a schema that is large. */
const large = 5000

/** Whether a schema can be followed. `most` is how many values it may hold. */
export const extentOfSchema = (root: JsonSchema, most = maxSize): SchemaExtent => {
  const { height, size } = extentOf(root, most)
  const isLarge = size > large
  if (height > maxDepth) return { excess: `is nested deeper than ${maxDepth} levels`, isLarge }
  if (size > most) return { excess: `holds more than ${most} values`, isLarge }
  if (most === maxSize && partsOf(root) > maxParts) {
    return { excess: `holds more than ${maxParts} values besides texts`, isLarge }
  }
  const many = mostSteps(root)
  if (many === Number.POSITIVE_INFINITY) return { excess: "comes back to itself without an end", isLarge }
  return { excess: many > maxSteps ? "refers to itself more often than can be followed" : undefined, isLarge }
}
