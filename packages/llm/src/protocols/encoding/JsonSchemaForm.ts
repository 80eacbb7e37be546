/**
 * The one place that knows which JSON Schemas a provider enforces. A schema that can be enforced gets the form that the
 * wire wants; of one that cannot it says why. The library still checks every answer against the schema as it was given.
 *
 * Forms (openai 7.57 and @anthropic-ai/sdk 1.14, structured-output modules):
 * - `openai`: objects closed, every property required (an optional one may be null), unions as `anyOf`, references alone.
 * - `anthropic`: objects closed, no recursion, optional properties up to a number of them.
 * Bounds, lengths and the like, which one or the other refuses, are told in the description.
 */
import * as Result from "effect/Result"
import {
  allowsNull,
  decoded,
  dereferenced,
  isJsonSchema,
  isRecursive,
  type JsonSchema,
  mapInner,
  propertiesOf,
  requiredOf,
  withPlainRoot,
} from "./JsonSchema.ts"

/** Whose subset of JSON Schema. */
export type Dialect = "openai" | "anthropic"

/** A schema as the wire takes it, or why the wire cannot enforce it. */
export type EnforcedForm =
  | { readonly enforced: true; readonly schema: JsonSchema }
  | { readonly enforced: false; readonly problem: string }

/** Keywords that say nothing about a value. */
const annotations = new Set([
  "$schema",
  "$id",
  "$anchor",
  "$comment",
  "title",
  "default",
  "examples",
  "example",
  "deprecated",
  "readOnly",
  "writeOnly",
  "contentMediaType",
  "contentEncoding",
])

/** Keywords that wires understand as they are. */
const understood = new Set(["type", "enum", "const", "anyOf", "$ref", "$defs", "items", "properties", "description"])

/** Formats of strings that both enforce. */
const formats = new Set(["date-time", "time", "date", "duration", "email", "hostname", "ipv4", "ipv6", "uuid"])

/** Anthropic compiles a schema with a few optional properties; from about eleven on compiling fails. */
const mostOptional = 10

/** An `allOf` of an `allOf` and so on: more of them than this refer to themselves. */
const mostHops = 20

const safeBounds: ReadonlySet<unknown> = new Set([Number.MAX_SAFE_INTEGER, Number.MIN_SAFE_INTEGER])

const jsonTypeOf = (value: unknown): string =>
  value === null ? "null" : Array.isArray(value) ? "array" : Number.isInteger(value) ? "integer" : typeof value

/** One pass over one schema. The first problem counts; nothing written after it is used. */
class Former {
  problem: string | undefined
  private readonly root: JsonSchema
  private readonly dialect: Dialect
  private readonly everyRequired: boolean

  constructor(root: JsonSchema, dialect: Dialect) {
    this.root = root
    this.dialect = dialect
    this.everyRequired = dialect === "openai" || countOptional(root) > mostOptional
  }

  form(given: JsonSchema, path: string): JsonSchema {
    const schema = this.merged(given, path)
    if (typeof schema.$ref === "string") return this.reference(schema, path)
    const result: Record<string, unknown> = {}
    const notes: Array<string> = []
    for (const [keyword, value] of Object.entries(schema)) {
      if (annotations.has(keyword) || keyword === "required" || keyword === "additionalProperties") continue
      if (keyword === "oneOf") result.anyOf = value
      else if (keyword === "definitions") result.$defs = value
      else if (understood.has(keyword) || this.takes(schema, keyword, value)) result[keyword] = value
      else if (keyword !== "prefixItems" && !isIdle(schema, keyword, value)) {
        notes.push(`${keyword}: ${JSON.stringify(value)}`)
      }
    }
    this.typed(result, path)
    if (isObjectType(result)) this.closeObject(schema, result, path)
    if (isArrayType(result)) this.typeItems(schema, result, path)
    if (notes.length > 0) {
      const told = `(${notes.join(", ")})`
      result.description = typeof result.description === "string" ? `${result.description} ${told}` : told
    }
    return mapInner(result, (inner, place) => this.form(inner, `${path}${place}`))
  }

  /** A reference stands alone; beside a description it becomes a union of one. */
  private reference(schema: JsonSchema, path: string): JsonSchema {
    const { $ref, description } = schema
    const reference = `${$ref}`.replace("#/definitions/", "#/$defs/")
    if (reference !== "#" && !reference.startsWith("#/$defs/")) this.refuse(path, `it refers to ${reference}`)
    return description === undefined ? { $ref: reference } : { anyOf: [{ $ref: reference }], description }
  }

  /** `allOf` in one schema where its branches are objects that do not contradict each other. */
  private merged(schema: JsonSchema, path: string, hops = 0): JsonSchema {
    const { allOf, ...own } = schema
    if (!Array.isArray(allOf)) return schema
    if (hops > mostHops) {
      this.refuse(path, "it has an allOf that does not end")
      return own
    }
    const branches = allOf.map((branch) => (isJsonSchema(branch) ? dereferenced(this.root, branch) : {}))
    return this.merged(
      branches.reduce<JsonSchema>((result, branch) => this.both(result, branch, path), own),
      path,
      hops + 1,
    )
  }

  private both(first: JsonSchema, second: JsonSchema, path: string): JsonSchema {
    const before = propertiesOf(first)
    const after = propertiesOf(second)
    const types = new Set([first.type, second.type].filter((type) => type !== undefined))
    if (types.size > 1 || Object.keys(after).some((name) => name in before)) {
      this.refuse(path, "it has an allOf whose branches speak of the same thing")
    }
    const result = { ...second, ...first }
    if (!isJsonSchema(first.properties) && !isJsonSchema(second.properties)) return result
    return {
      ...result,
      properties: { ...before, ...after },
      required: [...requiredOf(first), ...requiredOf(second)],
    }
  }

  /** Keywords that one of the dialects enforces, or that both do in some forms. */
  private takes(schema: JsonSchema, keyword: string, value: unknown): boolean {
    if (keyword === "format") return formats.has(`${value}`) || (this.dialect === "anthropic" && value === "uri")
    if (keyword === "minItems") return this.dialect === "anthropic" && (value === 0 || value === 1)
    return (
      keyword === "pattern" &&
      this.dialect === "openai" &&
      !formats.has(`${schema.format}`) &&
      !/\(\?[=!<]/.test(`${value}`)
    )
  }

  /** Wires want to be told the type also where the values show it. */
  private typed(result: Record<string, unknown>, path: string): void {
    if (result.type !== undefined || result.anyOf !== undefined) return
    if (Array.isArray(result.enum)) {
      const types = [...new Set(result.enum.map(jsonTypeOf))]
      result.type = types.length === 1 ? types[0] : types
    } else if ("const" in result) result.type = jsonTypeOf(result.const)
    else if (isJsonSchema(result.properties)) result.type = "object"
    else if (result.items !== undefined) result.type = "array"
    else this.refuse(path, "it allows any value there")
  }

  private closeObject(schema: JsonSchema, result: Record<string, unknown>, path: string): void {
    if (!isJsonSchema(schema.properties) || isJsonSchema(schema.additionalProperties)) {
      this.refuse(path, "it is an object whose property names are open")
      return
    }
    const properties = propertiesOf(schema)
    const required = requiredOf(schema)
    const open = Object.keys(properties).find((name) => !isJsonSchema(properties[name]))
    if (open !== undefined) this.refuse(`${path}.properties.${open}`, "it allows any value there")
    result.additionalProperties = false
    if (!this.everyRequired) {
      result.required = [...required]
      return
    }
    result.properties = Object.fromEntries(
      Object.entries(properties).map(([name, inner]) => [
        name,
        required.has(name) || allowsNull(this.root, inner) ? inner : orNull(inner),
      ]),
    )
    result.required = Object.keys(properties)
  }

  /** A tuple becomes a list of as many of any of its types: no wire enforces places. */
  private typeItems(schema: JsonSchema, result: Record<string, unknown>, path: string): void {
    const places = Array.isArray(schema.prefixItems)
      ? schema.prefixItems
      : Array.isArray(schema.items)
        ? schema.items
        : undefined
    if (places !== undefined) {
      const rest = isJsonSchema(schema.items) ? [schema.items] : []
      const told = `a list of ${places.length} in this order: ${places.map((place) => JSON.stringify(place)).join(", ")}`
      result.items = { anyOf: [...places, ...rest] }
      result.description = typeof schema.description === "string" ? `${schema.description} (${told})` : told
    }
    if (!isJsonSchema(result.items)) this.refuse(path, "it is a list of anything")
  }

  refuse(path: string, problem: string): void {
    this.problem ??= path === "" ? problem : `${problem} at ${path.slice(1)}`
  }
}

const isObjectType = (schema: JsonSchema): boolean =>
  schema.type === "object" || (Array.isArray(schema.type) && schema.type.includes("object"))

const isArrayType = (schema: JsonSchema): boolean =>
  schema.type === "array" || (Array.isArray(schema.type) && schema.type.includes("array"))

/** Safe-integer bounds mean "an integer", and a format's own pattern says what the format says. */
const isIdle = (schema: JsonSchema, keyword: string, value: unknown): boolean =>
  ((keyword === "minimum" || keyword === "maximum") && safeBounds.has(value)) ||
  (keyword === "pattern" && formats.has(`${schema.format}`)) ||
  keyword === "nullable"

const orNull = (schema: unknown): unknown => {
  if (!isJsonSchema(schema)) return schema
  const { description, ...rest } = schema
  return { anyOf: [rest, { type: "null" }], ...(description === undefined ? {} : { description }) }
}

const definitionName = (reference: string): string =>
  decoded(reference.slice("#/$defs/".length)).replaceAll("~1", "/").replaceAll("~0", "~")

const countOptional = (schema: JsonSchema): number => {
  const required = requiredOf(schema)
  let count = Object.keys(propertiesOf(schema)).filter((name) => !required.has(name)).length
  mapInner(schema, (inner) => (count += countOptional(inner)))
  return count
}

/** Definitions that nothing refers to any more only make the request longer. */
const withoutIdleDefinitions = (schema: JsonSchema): JsonSchema => {
  const { $defs, ...root } = schema
  if (!isJsonSchema($defs)) return schema
  const needed: Record<string, unknown> = {}
  // One after the other: definitions may refer to each other thousands of times.
  const waiting: Array<JsonSchema> = [root]
  for (let inner = waiting.pop(); inner !== undefined; inner = waiting.pop()) {
    mapInner(inner, (one) => waiting.push(one))
    const name = typeof inner.$ref === "string" ? definitionName(inner.$ref) : undefined
    if (name === undefined || !Object.hasOwn($defs, name) || Object.hasOwn(needed, name)) continue
    const definition = $defs[name]
    needed[name] = definition
    if (isJsonSchema(definition)) waiting.push(definition)
  }
  return Object.keys(needed).length === 0 ? root : { ...root, $defs: needed }
}

/** The schema in the form that the wire enforces. Its root must be an object, as the root of every answer's format is. */
export const enforcedForm = (schema: JsonSchema, dialect: Dialect): EnforcedForm =>
  // Alternatives that each refer to the next, thousands of them, exhaust the stack of who follows them.
  Result.getOrElse(
    Result.try(() => formOf(schema, dialect)),
    () => ({ enforced: false, problem: "it is too large" }),
  )

const formOf = (schema: JsonSchema, dialect: Dialect): EnforcedForm => {
  const root = withPlainRoot(schema)
  if (dialect === "anthropic" && isRecursive(root)) return { enforced: false, problem: "it is recursive" }
  const former = new Former(root, dialect)
  if (!isObjectType(root) && !isJsonSchema(root.properties)) former.refuse("", "its root is not an object")
  const formed = former.form(root, "")
  return former.problem === undefined
    ? { enforced: true, schema: withoutIdleDefinitions(formed) }
    : { enforced: false, problem: former.problem }
}

/** The schema of a tool whose arguments nobody enforces: as it was given, with an object at the root. */
export const openForm = (schema: JsonSchema): JsonSchema => {
  const { $schema: _, ...root } = withPlainRoot(schema)
  return { type: "object", ...root }
}
