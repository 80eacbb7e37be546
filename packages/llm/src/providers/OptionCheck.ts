/**
 * What types forbid and programs without types pass all the same: an option of another kind is a `ConfigurationError` that
 * names it, before anything is made of it. Keys and addresses have checks of their own.
 */
import * as Effect from "effect/Effect"
import * as Predicate from "effect/Predicate"
import type { LlmError } from "../model/LlmError.ts"
import { isPublicHeader, quoted } from "../settings/Secrets.ts"
import * as Setting from "../settings/Setting.ts"
import type { OwnPrices } from "../prices/OwnPrices.ts"
import type { TargetOptions } from "./ProviderOptions.ts"

const isRate = (value: unknown): boolean => typeof value === "number" && Number.isFinite(value) && value >= 0

/** What is wrong with prices of the user's own: a wrong one would make a wrong cost out of every answer. */
const problemOfPrices = (prices: OwnPrices): readonly [string, string] | undefined => {
  if (typeof prices === "function") return undefined
  if (!Predicate.isObject(prices)) return ["prices", "is neither a record of rates by models nor a function"]
  for (const [model, rates] of Object.entries(prices)) {
    const at = `prices[${quoted(model)}]`
    if (!Predicate.isObject(rates)) return [at, "is not an object such as { input: 1.25, output: 10 }"]
    const { tiers, ...each } = rates
    const missing = ["input", "output"].find((name) => !Object.hasOwn(each, name))
    if (missing !== undefined) return [at, `has no ${missing}; write for example { input: 1.25, output: 10 }`]
    for (const [name, rate] of [...Object.entries(each), ...Object.entries(tiers ?? {})]) {
      if (rate === undefined || isRate(rate)) continue
      return [`${at}.${name}`, "is not a number of US dollars per million tokens (a factor, of a tier) of at least 0"]
    }
  }
  return undefined
}

/** What is wrong with the header of a key: its value must be a secret, and its name can be sent. */
const problemOfKeyHeader = (name: string): string | undefined => {
  if (!Setting.isHeaderName(name)) return "is not the name of a header; write for example x-api-key"
  return isPublicHeader(name) ? "is a header whose value errors show: it cannot hold a key" : undefined
}

const problemOf = ({
  apiVersion,
  keyHeader,
  model,
  name,
  prices,
  wireApi,
}: TargetOptions): readonly [string, string] | undefined => {
  for (const [option, value] of Object.entries({ apiVersion, keyHeader, model, name, wireApi })) {
    if (value !== undefined && !Predicate.isString(value)) return [option, "is not a text"]
  }
  // It stands in a URL or in a header.
  if (apiVersion !== undefined && apiVersion !== "" && !Setting.isHeaderValue(apiVersion)) {
    return ["apiVersion", "holds a character that no version contains; write for example 2024-10-21"]
  }
  const keyProblem = keyHeader === undefined ? undefined : problemOfKeyHeader(keyHeader)
  if (keyProblem !== undefined) return ["keyHeader", keyProblem]
  const problem = prices === undefined ? undefined : problemOfPrices(prices)
  if (problem !== undefined) return problem
  return wireApi === undefined || ["chat", "responses"].includes(wireApi)
    ? undefined
    : ["wireApi", "is not one of chat, responses"]
}

/** Fails where an option is of the wrong kind. */
export const checked = (options: TargetOptions): Effect.Effect<void, LlmError> => {
  const problem = problemOf(options)
  return problem === undefined ? Effect.void : Effect.fail(Setting.invalid(...problem))
}
