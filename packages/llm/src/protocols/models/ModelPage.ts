/**
 * Reads one page of a list of models: OpenAI's `{ data: [...] }`, which nearly every service shares, Anthropic's with a
 * cursor, and a bare array. It reads what it knows of an entry and leaves the rest.
 */
import * as Result from "effect/Result"
import type { ModelDescription } from "../../model/ModelInfo.ts"
import { failureUnderSuccess, readFailure, reportsFailure } from "../failures/FailureReader.ts"
import type { ProviderFailure } from "../failures/ProviderFailure.ts"
import type { Fault } from "../Protocol.ts"
import { count, isWireObject, nameOf, unreadable, type WireObject } from "../WireReader.ts"

/** One page. */
export interface ModelPage {
  readonly models: ReadonlyArray<ModelDescription>
  /** Entries that name no model and were left out. */
  readonly nameless: number
  /** The last id of the page, where the service says that more follow (`has_more`, `last_id`: @anthropic-ai/sdk 1.12). */
  readonly next: string | undefined
}

/** How a list of models is read. */
export interface ModelListProtocol {
  readonly name: string
  /** Reads a parsed 2xx body. An error body under 200 is that error (law 2). */
  readonly decode: (body: unknown) => Result.Result<ModelPage, Fault>
  /** Reads a body under a failing status: parsed JSON, or the text itself where it is not JSON. */
  readonly decodeFailure: (body: unknown, status: number) => ProviderFailure
}

/** The most models of one list, over all its pages. OpenRouter, the longest known, lists some hundreds. */
export const maxModels = 20_000

/** The largest number of milliseconds that is a date. */
const maxDateMs = 8_640_000_000_000_000

/** A time as seconds since 1970 (`created`) or as text (`created_at`). The epoch itself stands for an unknown date (Anthropic). */
const timeOf = (value: unknown): string | undefined => {
  const ms = typeof value === "number" ? value * 1000 : typeof value === "string" ? Date.parse(value) : Number.NaN
  return ms > 0 && ms <= maxDateMs ? new Date(ms).toISOString() : undefined
}

/** A limit in tokens; 0 and -1 stand for none. */
const limitOf = (value: unknown): number | undefined => Math.floor(count(value) ?? 0) || undefined

const firstOf = <A>(read: (value: unknown) => A | undefined, ...values: ReadonlyArray<unknown>): A | undefined => {
  for (const value of values) {
    const found = read(value)
    if (found !== undefined) return found
  }
  return undefined
}

/**
 * What an entry says, under whichever name. `created`, `owned_by`, `shutdown_date`: OpenAI (openai 7.57). `created_at`,
 * `display_name`, `max_input_tokens`, `max_tokens`, `retires_at`: Anthropic (@anthropic-ai/sdk 1.12). The others are
 * fields of the services' own documentation: `name`, `context_length`, `top_provider` of OpenRouter, `context_window` and
 * `max_completion_tokens` of Groq, `max_context_length` of Mistral, `max_model_len` of vLLM.
 */
const described = (entry: WireObject): ModelDescription | undefined => {
  const id = nameOf(entry.id)
  if (id === undefined) return undefined
  const top: WireObject = isWireObject(entry.top_provider) ? entry.top_provider : {}
  const displayName = firstOf(nameOf, entry.display_name, entry.name)
  const createdAt = firstOf(timeOf, entry.created, entry.created_at)
  const retiresAt = firstOf(timeOf, entry.retires_at, entry.shutdown_date)
  const contextTokens = firstOf(
    limitOf,
    entry.max_input_tokens,
    entry.context_length,
    entry.context_window,
    entry.max_context_length,
    entry.max_model_len,
  )
  const maxOutputTokens = firstOf(limitOf, entry.max_completion_tokens, top.max_completion_tokens, entry.max_tokens)
  const owner = nameOf(entry.owned_by)
  return {
    id,
    ...(displayName === undefined || displayName === id ? {} : { displayName }),
    ...(createdAt === undefined ? {} : { createdAt }),
    ...(retiresAt === undefined ? {} : { retiresAt }),
    ...(contextTokens === undefined ? {} : { contextTokens }),
    ...(maxOutputTokens === undefined ? {} : { maxOutputTokens }),
    ...(owner === undefined ? {} : { owner }),
  }
}

/** Reads a parsed 2xx body. An error body under 200 is that error (law 2). */
export const decode = (body: unknown): Result.Result<ModelPage, Fault> => {
  const object: WireObject = isWireObject(body) ? body : {}
  // Together answers with a bare array.
  const entries = Array.isArray(body) ? body : object.data
  if (reportsFailure(object.error) || !Array.isArray(entries)) {
    return Result.fail(failureUnderSuccess(object) ?? unreadable("it has no list of models", "data", body))
  }
  if (entries.length > maxModels) {
    return Result.fail(unreadable(`it lists more than ${maxModels} models`, "data", ""))
  }
  const models = entries.flatMap((entry) => {
    const model = isWireObject(entry) ? described(entry) : undefined
    return model === undefined ? [] : [model]
  })
  const nameless = entries.length - models.length
  if (entries.length > 0 && models.length === 0) {
    return Result.fail(unreadable("no entry has an id", "data[0].id", entries[0]))
  }
  const next = object.has_more === true ? nameOf(object.last_id) : undefined
  return Result.succeed({ models, nameless, next })
}

/** A list of models. */
export const protocol: ModelListProtocol = { name: "models", decode, decodeFailure: readFailure }
