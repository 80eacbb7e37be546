/**
 * The check of a value against a plain JSON Schema, in proportion to the value's length. The validator compares every two items
 * of a list that is to have different ones; here that is asked only of what may be the same.
 */
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import { excessOfValue, saidBy } from "../../model/JsonCopy.ts"
import { isJsonSchema, type JsonSchema, mapInner } from "../../protocols/encoding/JsonSchema.ts"
import { hasEqualItems, shortened } from "./EqualItems.ts"

const keywords = ["type", "properties", "items", "anyOf", "oneOf", "allOf", "enum", "const", "$ref", "not"]

/** True for what is meant as a JSON Schema. */
export const isPlain = (schema: unknown): schema is JsonSchema =>
  isJsonSchema(schema) &&
  (Object.keys(schema).length === 0 || keywords.some((keyword) => Object.hasOwn(schema, keyword)))

/** The schema without what is checked by regular expressions; what these allowed is allowed still. */
export const withoutPatterns = (schema: JsonSchema): JsonSchema => {
  const { pattern: _, patternProperties, ...rest } = schema
  const { additionalProperties: _closed, unevaluatedProperties: _alsoClosed, ...open } = rest
  return mapInner(patternProperties === undefined ? rest : open, withoutPatterns)
}

const withoutUniqueness = (schema: JsonSchema): JsonSchema => {
  const { uniqueItems: _, ...rest } = schema
  return mapInner(rest, withoutUniqueness)
}

/** Where a text is longer, a format's check would take its time, and say no. */
const longestFormatted = 256

/** An address that can be fetched. What the validator has for it never ends with some texts of forty characters. */
const urlPattern = "^(?:https?|ftp)://[^\\s/?#]+(?:[/?#]\\S*)?$"

/** What stands for a format whose own check is not in proportion to the text, or slow. */
const safeFormat = (format: unknown): JsonSchema | undefined => {
  if (format === "url") return { pattern: urlPattern }
  if (format !== "date-time") return undefined
  return { maxLength: longestFormatted, if: { minLength: longestFormatted + 1 }, else: { format } }
}

/** The schema with checks that end for every text. */
const withSafeFormats = (schema: JsonSchema): JsonSchema => {
  const inner = mapInner(schema, withSafeFormats)
  const safe = safeFormat(inner["format"])
  if (safe === undefined) return inner
  const { allOf, format: _, ...rest } = inner
  return { ...rest, allOf: [...(Array.isArray(allOf) ? allOf : []), safe] }
}

/** True where something in a schema is meant. It looks at more than schemas, and copies nothing. */
const mentions = (value: unknown, isMeant: (schema: JsonSchema) => boolean): boolean => {
  if (typeof value !== "object" || value === null) return false
  if (isJsonSchema(value) && isMeant(value)) return true
  return Object.values(value).some((inner) => mentions(inner, isMeant))
}

/** What is wrong with a value, if anything is. */
export type Check = (value: unknown) => Result.Result<unknown, string>

interface Found {
  readonly keyword: string
  readonly error: string
  readonly instanceLocation: string
}

/** The last errors are the innermost: the others say only that something inside is wrong. */
const told = (errors: ReadonlyArray<Found>): string =>
  errors
    .slice(-3)
    .map(({ error, instanceLocation }) => `${instanceLocation}: ${error}`)
    .join("; ")

/** Of a value that holds more, only the first thing that is wrong is told. */
const manyValues = 1000

/** The check of a schema that can be followed. Fails with the reason where the schema is none. */
export const checkOf = (given: JsonSchema): Effect.Effect<Check, string> =>
  Effect.gen(function* () {
    const isSafe = !mentions(given, ({ format }) => safeFormat(format) !== undefined)
    const schema = isSafe ? given : withSafeFormats(given)
    // Loaded where a plain JSON Schema is used: few programs pay for it.
    const { dereference, validate } = yield* Effect.promise(() => import("@cfworker/json-schema"))
    const compiled = (one: JsonSchema) =>
      Effect.map(
        Effect.try({ try: () => dereference(one), catch: saidBy }),
        (lookup) =>
          (value: unknown, isBrief = false) =>
            validate(value, one, "2020-12", lookup, isBrief),
      )
    const isUnique = mentions(schema, ({ uniqueItems }) => uniqueItems === true)
    const plain = yield* compiled(isUnique ? withoutUniqueness(schema) : schema)
    const whole = isUnique ? yield* compiled(schema) : undefined
    return (value) => {
      const checked = Result.try(() => {
        // All that is wrong is looked for only where there cannot be too much of it.
        const brief = plain(value, true)
        if (!brief.valid)
          return told(excessOfValue(value, manyValues) === undefined ? plain(value).errors : brief.errors)
        if (whole === undefined || !hasEqualItems(value)) return undefined
        const equal = whole(shortened(value)).errors.filter(({ keyword }) => keyword === "uniqueItems")
        return equal.length === 0 ? undefined : told(equal)
      })
      if (Result.isFailure(checked)) return Result.fail(saidBy(checked.failure))
      return checked.success === undefined ? Result.succeed(value) : Result.fail(checked.success)
    }
  })
