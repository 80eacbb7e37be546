/**
 * A schema as a response format, and the answer's text as a value of it. The provider is asked to hold to the schema; what
 * comes back is checked here all the same.
 */
import * as Predicate from "effect/Predicate"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import { InvalidResponseError, LlmError } from "../model/LlmError.ts"
import type { ResponseFormat } from "../model/LlmRequest.ts"
import type { LlmResponse } from "../model/LlmResponse.ts"

/**
 * Whether OpenAI's strict mode takes the schema: every object closed and every property required (platform.openai.com,
 * structured outputs, supported schemas).
 */
const isStrict = (schema: unknown): boolean => {
  if (Array.isArray(schema)) return schema.every(isStrict)
  if (!Predicate.isObject(schema)) return true
  if ("properties" in schema && Predicate.isObject(schema.properties)) {
    const required = "required" in schema && Array.isArray(schema.required) ? schema.required : []
    if (!("additionalProperties" in schema) || schema.additionalProperties !== false) return false
    if (!Object.keys(schema.properties).every((name) => required.includes(name))) return false
  }
  return Object.values(schema).every(isStrict)
}

const idleBounds: ReadonlySet<unknown> = new Set([Number.MAX_SAFE_INTEGER, Number.MIN_SAFE_INTEGER])

/** `Schema.Int` says that it is a safe integer; Anthropic's structured outputs take no bounds at all, and these mean nothing. */
const withoutIdleBounds = (schema: object): Record<string, unknown> =>
  Object.fromEntries(
    Object.entries(schema)
      .filter(([name, value]) => !((name === "minimum" || name === "maximum") && idleBounds.has(value)))
      .map(([name, value]) => [name, withoutIdleBoundsIn(value)]),
  )

const withoutIdleBoundsIn = (value: unknown): unknown => {
  if (Array.isArray(value)) return value.map(withoutIdleBoundsIn)
  return Predicate.isObject(value) ? withoutIdleBounds(value) : value
}

/** What to ask the provider for. */
export const formatOf = <A>(schema: Schema.Codec<A, unknown>, name: string | undefined): ResponseFormat => {
  const document = Schema.toJsonSchemaDocument(schema, { onExcessProperty: "error" })
  const { definitions } = document
  const whole = Object.keys(definitions).length === 0 ? document.schema : { ...document.schema, $defs: definitions }
  const jsonSchema = withoutIdleBounds(whole)
  return { type: "json-schema", name: name ?? "answer", schema: jsonSchema, strict: isStrict(jsonSchema) }
}

/** The answer's text as a value, or `InvalidResponseError` that says where it does not fit. */
export const objectOf = <A>(schema: Schema.Codec<A, unknown>, response: LlmResponse): Result.Result<A, LlmError> => {
  const parsed = Result.try((): unknown => JSON.parse(response.text))
  if (Result.isFailure(parsed)) return Result.fail(unfit(response, "the answer is not JSON"))
  return Result.mapError(Schema.decodeUnknownResult(Schema.toCodecJson(schema))(parsed.success), (error) =>
    unfit(response, `the answer does not fit the schema: ${error.message.replaceAll(/\s*\n\s*/g, " ")}`),
  )
}

const unfit = (response: LlmResponse, message: string): LlmError =>
  new LlmError({
    reason: new InvalidResponseError({ message, body: response.text.slice(0, 500) }),
    provider: response.metadata.provider,
    model: response.metadata.model,
    attempts: response.metadata.attempts,
    text: response.text,
  })
