/** A line of input as a request, and a line of output as it is written. They know nothing of files. */
import { hash } from "node:crypto"
import type { GenerateOptions, GenerateResponse, WithPrompt } from "@wiseflow/llm"
import type { Line } from "./Lines.ts"

/** What a request says beside its line. */
export type LineDefaults = Pick<GenerateOptions, "system" | "maxTokens" | "temperature">

/** A line that can be asked, or why it cannot. `key` is the same for the same id, and for no other. */
export interface BatchLine {
  readonly id: string | number
  readonly key: string
  readonly request: GenerateOptions | WithPrompt<GenerateOptions> | undefined
  /** Why it cannot be asked. */
  readonly problem: string | undefined
  /** 16 hexadecimal digits, the same for the same request however its fields are ordered; empty where there is none. */
  readonly requestHash: string
}

/** What is written for a line: its answer, or its failure. */
export type LineResult =
  | { readonly id: string | number; readonly text: string; readonly [more: string]: unknown }
  | {
      readonly id: string | number
      readonly error: string
      readonly errorType: string
      readonly [more: string]: unknown
    }

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value)

const isId = (value: unknown): value is string | number =>
  (typeof value === "string" && value !== "") || (typeof value === "number" && Number.isFinite(value))

/** The same for the same id. */
export const keyOf = (id: string | number): string => JSON.stringify(id)

const parsed = (text: string): unknown => {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

const refused = (id: string | number, problem: string): BatchLine => ({
  id,
  key: keyOf(id),
  request: undefined,
  problem,
  requestHash: "",
})

/** A request as the library checks it: every other field of a line is one of the request's. */
const asRequest = (fields: Record<string, unknown>, defaults: LineDefaults): GenerateOptions => {
  const request: { readonly messages: GenerateOptions["messages"] } = { messages: [], ...defaults, ...fields }
  if (!("messages" in fields)) Reflect.deleteProperty(request, "messages")
  return request
}

/** Reads a line: `{ id, messages, ... }` or `{ id, prompt, ... }`. Without an id its number stands for it. */
export const readLine = ({ number, text }: Line, defaults: LineDefaults): BatchLine => {
  if (text === undefined) return refused(number, `line ${number} is longer than 64 MiB`)
  const value = parsed(text)
  if (!isRecord(value)) return refused(number, `line ${number} is not a JSON object`)
  const { id = number, ...fields } = value
  if (!isId(id)) return refused(number, `line ${number}: id is neither a text nor a number`)
  const request = asRequest(fields, defaults)
  return { id, key: keyOf(id), request, problem: undefined, requestHash: hashOf(request, text) }
}

/** Ids are what results are known by: a line with the id of another one is refused, under a name of its own. */
export const unique = (line: BatchLine, number: number, see: (key: string) => boolean): BatchLine => {
  if (line.problem === undefined && see(line.key)) return line
  const why = line.problem ?? `line ${number} has the id ${JSON.stringify(line.id)} of an earlier line`
  return refused(`line ${number}`, why)
}

const ordered = (value: unknown): unknown => {
  if (Array.isArray(value)) return value.map(ordered)
  if (!isRecord(value)) return value
  const fields = Object.entries(value).toSorted(([a], [b]) => (a < b ? -1 : 1))
  return Object.fromEntries(fields.map(([name, field]) => [name, ordered(field)]))
}

const hashOf = (request: object, text: string): string => {
  let said = text
  try {
    said = JSON.stringify(ordered(request))
  } catch {
    // Nested too deep for that: the order of its fields counts.
  }
  return hash("sha256", said, "hex").slice(0, 16)
}

/** What is written of an answer: what a later step needs of it, without its parts unless they are more than its text. */
export const resultOf = (
  { id, requestHash }: Pick<BatchLine, "id" | "requestHash">,
  response: GenerateResponse,
): LineResult => {
  if ("error" in response) {
    const { error, errorType, metadata } = response
    return { id, error, errorType, metadata, requestHash }
  }
  const { finishReason, metadata, parts, text, toolCalls } = response
  const isMore = parts.some(({ type }) => type !== "text")
  return {
    id,
    text,
    finishReason,
    ...(toolCalls.length > 0 ? { toolCalls } : {}),
    ...(isMore ? { parts } : {}),
    metadata,
    requestHash,
  }
}

/** What is written of a line that was not asked. */
export const refusal = ({ id, problem }: BatchLine): LineResult => ({
  id,
  error: problem ?? "it was not asked",
  errorType: "InvalidRequestError",
})

/** What a line of output says of its line of input. */
export interface ReadResult {
  readonly id: string | number
  readonly isFailure: boolean
  /** 0 where it is not known. */
  readonly costUsd: number
  /** Absent in outputs of earlier versions. */
  readonly requestHash: string | undefined
}

/** Reads a line of output; undefined where it is none. */
export const readResult = (text: string): ReadResult | undefined => {
  const value = parsed(text)
  if (!isRecord(value)) return undefined
  const { id } = value
  if (!isId(id)) return undefined
  const { metadata, requestHash } = value
  return {
    id,
    isFailure: "error" in value,
    costUsd: costOf(metadata) ?? 0,
    requestHash: typeof requestHash === "string" && /^[0-9a-f]{16}$/.test(requestHash) ? requestHash : undefined,
  }
}

/** The cost that metadata tells, if it is known. */
export const costOf = (metadata: unknown): number | undefined => {
  const costUsd = isRecord(metadata) ? metadata["costUsd"] : undefined
  return typeof costUsd === "number" ? costUsd : undefined
}
