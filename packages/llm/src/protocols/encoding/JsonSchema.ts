/**
 * JSON Schema as data: how to walk one, follow its references and read what it says about a value. It knows no provider;
 * what each wire accepts is in `JsonSchemaForm`.
 */
/** A JSON Schema object, any draft. */
export type JsonSchema = Readonly<Record<string, unknown>>

/** True for what may be read as a JSON Schema object. */
export const isJsonSchema = (value: unknown): value is JsonSchema =>
  typeof value === "object" && value !== null && !Array.isArray(value)

/**
 * Values of a schema that are no texts: schemas above all, each of which takes 3 to 7 µs to write in a wire's form. OpenAI takes 5,000
 * properties.
 */
export const maxParts = 5500

/** The same of the schemas of all strict tools of one request: of 128 tools, 60 schemas each. */
export const maxStrictParts = 8000

/** How many values of a schema are no texts; where they are too many, only that they are. */
export const partsOf = (value: unknown): number => {
  if (typeof value !== "object" || value === null) return typeof value === "string" ? 0 : 1
  let parts = 1
  for (const inner of Object.values(value)) if (parts <= maxParts) parts += partsOf(inner)
  return parts
}

const one = new Set(["items", "additionalProperties", "not", "if", "then", "else", "contains", "propertyNames"])
const many = new Set(["anyOf", "oneOf", "allOf", "prefixItems"])
const named = new Set(["properties", "patternProperties", "$defs", "definitions", "dependentSchemas"])

/** The same schema with `map` applied to each schema directly inside it. `place` is the way there, as in `.properties.age`. */
export const mapInner = (schema: JsonSchema, map: (inner: JsonSchema, place: string) => unknown): JsonSchema => {
  const mapped = (value: unknown, place: string): unknown => (isJsonSchema(value) ? map(value, place) : value)
  const result: Record<string, unknown> = {}
  for (const [keyword, value] of Object.entries(schema)) {
    if (one.has(keyword)) result[keyword] = mapped(value, `.${keyword}`)
    else if (many.has(keyword) && Array.isArray(value)) {
      result[keyword] = value.map((inner, index) => mapped(inner, `.${keyword}[${index}]`))
    } else if (named.has(keyword) && isJsonSchema(value)) {
      const entries = Object.entries(value).map(([name, inner]) => [name, mapped(inner, `.${keyword}.${name}`)])
      result[keyword] = Object.fromEntries(entries)
    } else result[keyword] = value
  }
  return result
}

/** A step of a reference without its percent-encoding; one that is none stays as it is. */
export const decoded = (step: string): string => {
  try {
    return decodeURIComponent(step)
  } catch {
    return step
  }
}

/** The schema that a local reference (`#`, `#/$defs/Person`) names inside `root`; undefined where it names none. */
export const resolveReference = (root: JsonSchema, reference: unknown): JsonSchema | undefined => {
  if (typeof reference !== "string" || !reference.startsWith("#")) return undefined
  let found: unknown = root
  for (const step of reference.slice(1).split("/").filter(Boolean)) {
    const key = decoded(step).replaceAll("~1", "/").replaceAll("~0", "~")
    found = isJsonSchema(found) && Object.hasOwn(found, key) ? found[key] : undefined
  }
  return isJsonSchema(found) ? found : undefined
}

/** A schema without the `$ref`s at its own top: what it refers to, with what it says itself on top of that. */
export const dereferenced = (root: JsonSchema, schema: JsonSchema): JsonSchema => {
  let result = schema
  for (let hops = 0; hops < 20; hops++) {
    const target = resolveReference(root, result.$ref)
    if (target === undefined) return result
    const { $ref: _, ...own } = result
    result = { ...target, ...own }
  }
  return result
}

/** The same schema whose root is no reference: strict wires want to see the object there. `$defs` stay. */
export const withPlainRoot = (schema: JsonSchema): JsonSchema => dereferenced(schema, schema)

/** The properties of an object schema. */
export const propertiesOf = (schema: JsonSchema): JsonSchema =>
  isJsonSchema(schema.properties) ? schema.properties : {}

/** The names of an object schema's required properties. */
export const requiredOf = (schema: JsonSchema): ReadonlySet<unknown> =>
  new Set(Array.isArray(schema.required) ? schema.required : [])

/** The elements of a list, none where it is anything else. */
export const listOf = (value: unknown): ReadonlyArray<unknown> => (Array.isArray(value) ? value : [])

/** True where `null` fits the schema. A schema that says nothing allows everything, and so does one that only says itself. */
export const allowsNull = (root: JsonSchema, schema: unknown, known = new Map<unknown, boolean>()): boolean => {
  if (!isJsonSchema(schema)) return schema !== false
  const before = known.get(schema)
  if (before !== undefined) return before
  known.set(schema, true)
  const plain = dereferenced(root, schema)
  const inside = (branch: unknown) => allowsNull(root, branch, known)
  const allows =
    "const" in plain
      ? plain.const === null
      : Array.isArray(plain.enum)
        ? plain.enum.includes(null)
        : plain.nullable === true || typeAllowsNull(plain.type, plain, inside)
  known.set(schema, allows)
  return allows
}

const typeAllowsNull = (type: unknown, plain: JsonSchema, inside: (branch: unknown) => boolean): boolean => {
  if (type !== undefined) return type === "null" || listOf(type).includes("null")
  if (Array.isArray(plain.anyOf)) return plain.anyOf.some(inside)
  if (Array.isArray(plain.oneOf)) return plain.oneOf.some(inside)
  return listOf(plain.allOf).every(inside)
}

/** True where a schema's definitions refer to each other in a circle: trees, lists of lists. */
export const isRecursive = (root: JsonSchema): boolean => {
  const open = new Set<unknown>()
  const closed = new Set<unknown>()
  // Schemas to look at, and references whose schemas have been: definitions may refer to each other thousands of times.
  const waiting: Array<unknown> = [root]
  while (waiting.length > 0) {
    const next = waiting.pop()
    if (!isJsonSchema(next)) {
      open.delete(next)
      closed.add(next)
      continue
    }
    const { $ref: reference, $defs: _, definitions: _too, ...plain } = next
    mapInner(plain, (inner) => waiting.push(inner))
    if (closed.has(reference)) continue
    if (open.has(reference)) return true
    const target = resolveReference(root, reference)
    if (target === undefined) continue
    open.add(reference)
    waiting.push(reference, target)
  }
  return false
}
