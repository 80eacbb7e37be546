/**
 * Effect Schemas as JSON Schemas that every provider takes. A request does not know who will answer it, so these keep to
 * what OpenAI and Anthropic both accept; the Schema itself still checks the answer whole.
 */
import type { JsonSchema } from "effect/JsonSchema"
import * as Predicate from "effect/Predicate"
import * as LanguageModel from "effect/ai/LanguageModel"
import * as OpenAiStructuredOutput from "effect/ai/OpenAiStructuredOutput"
import * as Tool from "effect/ai/Tool"

/** Bounds, which Anthropic refuses where it enforces a schema (structured outputs, "JSON Schema limitations"). */
const bounds = new Set([
  "minimum",
  "maximum",
  "exclusiveMinimum",
  "exclusiveMaximum",
  "multipleOf",
  "minItems",
  "maxItems",
  "minLength",
  "maxLength",
])

const namedSchemas = new Set(["properties", "patternProperties", "$defs"])

const nestedSchemas = new Set(["items", "additionalProperties", "anyOf", "oneOf", "allOf"])

const enforceableInside = (schema: unknown): unknown => {
  if (Array.isArray(schema)) return schema.map(enforceableInside)
  return Predicate.isObject(schema) ? enforceable(schema) : schema
}

/** The schema without bounds, and with its objects closed. */
const enforceable = (schema: object): JsonSchema => {
  const result: JsonSchema = {}
  for (const [keyword, value] of Object.entries(schema)) {
    if (bounds.has(keyword)) continue
    if (keyword === "additionalProperties" && value === true) result[keyword] = false
    else if (nestedSchemas.has(keyword)) result[keyword] = enforceableInside(value)
    else if (namedSchemas.has(keyword) && Predicate.isObject(value)) {
      const named = Object.entries(value).map(([name, inner]) => [name, enforceableInside(inner)])
      result[keyword] = Object.fromEntries(named)
    } else result[keyword] = value
  }
  return result
}

/**
 * The form of an answer: every property required, no others allowed, no bounds. Throws for a schema that is not an
 * object, as its kind in effect/ai does.
 */
export const answerForm: LanguageModel.CodecTransformer = (schema) => {
  const { codec, jsonSchema } = OpenAiStructuredOutput.toCodecOpenAI(schema)
  return { codec, jsonSchema: enforceable(jsonSchema) }
}

/** What a strict tool's schema must be: closed, and without bounds. Optional properties stay, and providers refuse them. */
const strictForm: LanguageModel.CodecTransformer = (schema) => {
  const { codec, jsonSchema } = LanguageModel.defaultCodecTransformer(schema)
  return { codec, jsonSchema: enforceable(jsonSchema) }
}

/** The JSON Schema of a tool's parameters. A tool that says nothing of them takes an object. */
export const parametersForm = (tool: Tool.Any): JsonSchema => {
  const transformer = Tool.getStrictMode(tool) === true ? strictForm : LanguageModel.defaultCodecTransformer
  const schema = Tool.getJsonSchema(tool, { transformer })
  return Object.keys(schema).length === 0 ? { type: "object" } : schema
}
