/**
 * Effect Schemas as JSON Schemas. An answer's schema is one of OpenAI's kind, with every property required, and its codec
 * reads that back. What a wire enforces of either is the encoder's business (`protocols/encoding/JsonSchemaForm`).
 */
import type { JsonSchema } from "effect/JsonSchema"
import type * as LanguageModel from "effect/ai/LanguageModel"
import * as OpenAiStructuredOutput from "effect/ai/OpenAiStructuredOutput"
import * as Tool from "effect/ai/Tool"

/** The form of an answer. Throws for a schema that is not an object, as its kind in effect/ai does. */
export const answerForm: LanguageModel.CodecTransformer = OpenAiStructuredOutput.toCodecOpenAI

/** The JSON Schema of a tool's parameters. A tool that says nothing of them takes an object. */
export const parametersForm = (tool: Tool.Any): JsonSchema => {
  const schema = Tool.getJsonSchema(tool)
  return Object.keys(schema).length === 0 ? { type: "object" } : schema
}
