/**
 * The door: a request enters as unknown data and leaves as an `LlmRequest` or as an `InvalidRequestError` that names the
 * field, before anything is sent (law 20). Misspelt fields are refused too: one that is silently ignored is a lost setting.
 */
import * as Predicate from "effect/Predicate"
import * as Record from "effect/Record"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import { EmbeddingRequest } from "./EmbeddingProvider.ts"
import { jsonCopy, jsonProblem, saidBy, Uncopied } from "./JsonCopy.ts"
import { InvalidRequestError } from "./LlmError.ts"
import {
  FilePart,
  ImagePart,
  LlmRequest,
  OtherPart,
  ReasoningOptions,
  ReasoningPart,
  ResponseFormat,
  SystemMessage,
  TextPart,
  ToolCallPart,
  ToolDefinition,
  ToolResultPart,
} from "./LlmRequest.ts"
import { suggestion } from "./NearestName.ts"
import { compile } from "#schema-compiler"

// Every call passes here: compiled, the check costs a third.
compile(LlmRequest)

const decode = Schema.decodeUnknownResult(LlmRequest, { onExcessProperty: "error" })

const fields: ReadonlySet<string> = new Set(Object.keys(LlmRequest.fields))

/** Those of a message that is a text, and nothing else. */
const speakers: ReadonlySet<unknown> = new Set(["system", "user", "assistant"])

/** A message that is a text by somebody, and nothing else. */
const isPlainMessage = (message: unknown): boolean => {
  if (!Predicate.isObject(message) || typeof message["content"] !== "string") return false
  for (const name in message) if (name !== "role" && name !== "content") return false
  return speakers.has(message["role"])
}

const isPlainConversation = (said: unknown): boolean => {
  if (!Array.isArray(said) || said.length === 0) return false
  // By place, as the schema reads them: an array of a class may go over others.
  for (let place = 0; place < said.length; place++) if (!isPlainMessage(said[place])) return false
  return true
}

/** The check of each field, where it is set. */
const checks = Record.map(LlmRequest.fields, (field): ((value: unknown) => boolean) => Schema.is<Schema.Top>(field))

const fits = (value: unknown, check: (value: unknown) => boolean): boolean => value === undefined || check(value)

/**
 * True where each field of a plain question is as the schema wants it. None of its values has fields of its own but
 * `providerOptions`. Each is read once, in the order of the schema, and by a name that is written out: V8 then knows where
 * it stands.
 */
const hasPlainFields = (input: { readonly [Name in keyof LlmRequest]?: unknown }): boolean =>
  fits(input.model, checks.model) &&
  fits(input.temperature, checks.temperature) &&
  fits(input.topP, checks.topP) &&
  fits(input.maxTokens, checks.maxTokens) &&
  fits(input.stop, checks.stop) &&
  fits(input.seed, checks.seed) &&
  fits(input.frequencyPenalty, checks.frequencyPenalty) &&
  fits(input.presencePenalty, checks.presencePenalty) &&
  input.tools === undefined &&
  input.toolChoice === undefined &&
  fits(input.parallelToolCalls, checks.parallelToolCalls) &&
  input.responseFormat === undefined &&
  fits(input.reasoningEffort, checks.reasoningEffort) &&
  input.reasoning === undefined &&
  fits(input.user, checks.user) &&
  fits(input.previousResponseId, checks.previousResponseId) &&
  fits(input.providerOptions, checks.providerOptions)

/**
 * True for the plain question that most calls are: texts, and known fields. The schema would say the same, and at several
 * times the cost: it tells kinds of messages apart, and searches for what is misspelt.
 */
const isPlain = (input: unknown): input is LlmRequest => {
  if (!Predicate.isObject(input) || !isPlainConversation(input["messages"])) return false
  for (const name in input) if (!fields.has(name)) return false
  // By name: what a class gets, what is hidden and what a proxy keeps to itself is sent too.
  return hasPlainFields(input)
}

/** `["messages"][0]["content"]` as a person would write it: `messages[0].content`. */
const readablePath = (path: string): string =>
  path.replaceAll(/\["((?:[^"\\]|\\.)*)"\]/g, (_, key: string) => `.${key}`).slice(1)

/** Every field of a message, a part, a tool or a format. */
const nestedFields: ReadonlySet<string> = new Set([
  ...[SystemMessage, TextPart, ImagePart, FilePart, ReasoningPart, ToolCallPart, ToolResultPart, OtherPart].flatMap(
    ({ fields: own }) => Object.keys(own),
  ),
  ...Object.keys(ToolDefinition.fields),
  ...Object.keys(ReasoningOptions.fields),
  ...ResponseFormat.members.flatMap(({ fields: own }) => Object.keys(own)),
])

/** A field that does not exist, and the one that may be meant. */
const unknownField = (parameter: string, known: ReadonlySet<string>): string => {
  const name = parameter.slice(parameter.lastIndexOf(".") + 1)
  return `${parameter} does not exist${suggestion(name, name === parameter ? known : nestedFields)}`
}

/** What stands in for the fields of each alternative, where a value is none of several: the names of the alternatives. */
const alternatives = (problem: string): string | undefined => {
  const discriminant = /Expected \{ readonly "(role|type)": /.exec(problem)?.[1]
  if (discriminant === undefined) return undefined
  const names = [...problem.matchAll(/readonly "(?:role|type)": ("[^"]*")/g)].map(([, name]) => name)
  return `${discriminant} is not one of ${names.join(", ")}`
}

const invalid = (description: string, known: ReadonlySet<string>): InvalidRequestError => {
  const [problem = description, at] = description.split(/\n\s*at /)
  const parameter = at === undefined ? "" : readablePath(at)
  const said =
    problem === "Expected no excess property"
      ? unknownField(parameter, known)
      : problem.startsWith("is ")
        ? `${parameter} ${problem}`
        : `${alternatives(problem) ?? problem}${parameter === "" ? "" : ` at ${parameter}`}`
  return refusal(said, parameter)
}

/** Names and values of the caller may have any length. */
const longestProblem = 1000
const longestPath = 300

const cut = (text: string, length: number): string => (text.length > length ? `${text.slice(0, length - 1)}…` : text)

/** What is wrong, and with which field; both are cut where they are long. */
const refusal = (problem: string, parameter: string): InvalidRequestError =>
  new InvalidRequestError({
    message: `invalid request: ${cut(problem, longestProblem)}`,
    ...(parameter === "" ? {} : { parameter: cut(parameter, longestPath) }),
  })

/** What cannot be copied or written, as an error that names its field. */
export const unwritable = ({ path, problem }: Uncopied): InvalidRequestError =>
  refusal(`${path === "" ? "it" : cut(path, longestPath)} ${problem}`, path)

/** What JSON cannot hold, in the fields that may hold anything. */
const problemOf = ({ messages, providerOptions, responseFormat, tools }: LlmRequest): Uncopied | undefined => {
  let problem = jsonProblem(providerOptions, "providerOptions")
  if (responseFormat?.type === "json-schema") problem ??= jsonProblem(responseFormat.schema, "responseFormat.schema")
  if (tools !== undefined) {
    for (const [place, { parameters }] of tools.entries()) {
      problem ??= jsonProblem(parameters, `tools[${place}].parameters`)
    }
  }
  for (const [place, { content, role }] of messages.entries()) {
    if (role !== "assistant" || typeof content === "string") continue
    for (const [inner, part] of content.entries()) {
      const at = `messages[${place}].content[${inner}]`
      if (part.type === "other") problem ??= jsonProblem(part.value, `${at}.value`)
      else if (part.type === "tool-call") problem ??= jsonProblem(part.arguments, `${at}.arguments`)
      if ("protocolData" in part) problem ??= jsonProblem(part.protocolData, `${at}.protocolData`)
    }
  }
  return problem
}

const validated = (input: unknown): Result.Result<LlmRequest, InvalidRequestError> => {
  if (isPlain(input)) {
    const { providerOptions } = input
    const problem = providerOptions === undefined ? undefined : jsonProblem(providerOptions, "providerOptions")
    return problem === undefined ? Result.succeed(input) : Result.fail(unwritable(problem))
  }
  const valid = Result.mapError(decode(input), (error) => invalid(error.message, fields))
  if (Result.isFailure(valid)) return valid
  const problem = problemOf(valid.success)
  return problem === undefined ? valid : Result.fail(unwritable(problem))
}

/** What a check says of something that may throw when it is read: a getter, a trap of the caller's. */
const guarded = <A>(
  input: unknown,
  check: (input: unknown) => Result.Result<A, InvalidRequestError>,
): Result.Result<A, InvalidRequestError> => {
  try {
    return check(input)
  } catch (thrown) {
    // The copy says which.
    const copied = jsonCopy(input, "", new Set(), () => undefined)
    return Result.fail(
      Result.isFailure(copied)
        ? unwritable(copied.failure)
        : unwritable(new Uncopied("", `cannot be read: ${saidBy(thrown)}`)),
    )
  }
}

/** Accepts a plain object as a request, or says which field is wrong. It never throws, whatever the object does. */
export const validateRequest = (input: unknown): Result.Result<LlmRequest, InvalidRequestError> =>
  guarded(input, validated)

const embeddingFields: ReadonlySet<string> = new Set(Object.keys(EmbeddingRequest.fields))
const decodeEmbedding = Schema.decodeUnknownResult(EmbeddingRequest, { onExcessProperty: "error" })

const validatedEmbedding = (input: unknown): Result.Result<EmbeddingRequest, InvalidRequestError> => {
  const valid = Result.mapError(decodeEmbedding(input), (error) => invalid(error.message, embeddingFields))
  if (Result.isFailure(valid)) return valid
  const problem = jsonProblem(valid.success.providerOptions, "providerOptions")
  return problem === undefined ? valid : Result.fail(unwritable(problem))
}

/** Accepts a plain object as a request for embeddings, or says which field is wrong. It never throws. */
export const validateEmbeddingRequest = (input: unknown): Result.Result<EmbeddingRequest, InvalidRequestError> =>
  guarded(input, validatedEmbedding)
