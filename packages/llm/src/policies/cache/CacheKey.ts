/**
 * What makes two calls the same question: everything that is sent for them, written in one way. What decides how long a call
 * may take or who is told of it is no part of it. Two questions that differ in anything have different keys.
 */
import * as Predicate from "effect/Predicate"
import { jsonProblem } from "../../model/JsonCopy.ts"
import { type Asked, type Identity, kindOf } from "../mechanisms/Around.ts"
import { sha256 } from "./Sha256.ts"

/** JSON with the keys of every object in order, and without what is undefined. Only for plain data. */
export const canonicalJson = (value: unknown): string => {
  if (Array.isArray(value)) return `[${value.map((item) => canonicalJson(item ?? null)).join(",")}]`
  if (!Predicate.isObject(value)) return JSON.stringify(value ?? null)
  const fields = Object.keys(value)
    .toSorted()
    .flatMap((name) => (value[name] === undefined ? [] : [`${JSON.stringify(name)}:${canonicalJson(value[name])}`]))
  return `{${fields.join(",")}}`
}

/** What a key is made of, beside the request. */
export interface KeyOptions {
  /** Tells apart stacks that share a store and would answer differently. */
  readonly namespace?: string | undefined
  /** What stands for the request, in place of all its fields; undefined where the call is not cached. */
  readonly own?: ((request: Asked) => string | undefined) | undefined
  /** Headers that the call itself adds: a service may answer differently by them. */
  readonly headers?: Readonly<Record<string, string>> | undefined
}

/** The key of a request, 64 hexadecimal digits; undefined for one that cannot be written as JSON, which no provider takes. */
export const keyOf = (
  request: Asked,
  { model, name }: Identity,
  { headers, namespace, own }: KeyOptions = {},
): string | undefined => {
  if (jsonProblem(request, "") !== undefined) return undefined
  const asked = own === undefined ? request : own(request)
  if (asked === undefined) return undefined
  return sha256(
    canonicalJson({
      version: 1,
      service: kindOf(request),
      namespace,
      provider: name,
      model: request.model ?? model,
      headers,
      request: Predicate.isString(asked) ? asked : { ...asked, model: undefined },
    }),
  )
}
