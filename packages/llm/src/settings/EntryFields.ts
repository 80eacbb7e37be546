/**
 * The fields of one entry of a list, as they were written in a setting (`api_key`) or passed as an option (`apiKey`): an unknown
 * field or a value of a wrong kind is an error that names its place. Values are never shown: one may be a key.
 */
import * as Predicate from "effect/Predicate"
import * as Result from "effect/Result"
import { looksLikeKey } from "../model/KeyShape.ts"
import type { LlmError } from "../model/LlmError.ts"
import { suggestion } from "../model/NearestName.ts"
import { isUnreadable, unreadable } from "./SecretText.ts"
import * as Setting from "./Setting.ts"

/** What a value must be, in words, and the check of it. */
export interface FieldKind {
  readonly wanted: string
  readonly fits: (value: unknown) => boolean
}

export const textField: FieldKind = {
  wanted: "a text",
  fits: (value) => typeof value === "string" && value.trim() !== "",
}
export const numberField: FieldKind = {
  wanted: "a number; write it without quotes",
  fits: (value) => typeof value === "number",
}
export const textsField: FieldKind = {
  wanted: "an object of texts",
  fits: (value) => Predicate.isObject(value) && Object.values(value).every((one) => typeof one === "string"),
}

const camelCase = (name: string): string => name.replaceAll(/_([a-z])/g, (_, letter: string) => letter.toUpperCase())
const snakeCase = (name: string): string => name.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)

/**
 * The fields of an entry by the names of the options. `isSetting` where it was written as text, with names in snake case or as
 * the options have them.
 */
export const readFields = (
  entry: unknown,
  at: string,
  kinds: Readonly<Record<string, FieldKind>>,
  isSetting: boolean,
): Result.Result<Readonly<Record<string, unknown>>, LlmError> => {
  const refuse = (place: string, problem: string) => Result.fail(Setting.invalid(place, problem))
  if (!Predicate.isObject(entry)) return refuse(at, 'is not an object; write for example {"name": "east"}')
  const fields: Record<string, unknown> = {}
  for (const [name, value] of Object.entries(entry)) {
    if (value === undefined || (isSetting && value === null)) continue
    const field = isSetting ? camelCase(name) : name
    const kind = Object.hasOwn(kinds, field) ? kinds[field] : undefined
    if (kind === undefined) {
      const names = Object.keys(kinds).map((known) => (isSetting ? snakeCase(known) : known))
      const hint = suggestion(name, names) || `; there are ${names.join(", ")}`
      return refuse(looksLikeKey(name) ? at : `${at}.${name}`, `there is no such field${hint}`)
    }
    if (isUnreadable(value)) return refuse(`${at}.${name}`, `it ${unreadable}`)
    if (!kind.fits(value)) return refuse(`${at}.${name}`, `it is not ${kind.wanted}`)
    if (Object.hasOwn(fields, field)) return refuse(`${at}.${name}`, "is set twice")
    fields[field] = value
  }
  return Result.succeed(fields)
}
