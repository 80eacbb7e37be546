/**
 * Reading JSON that came from outside. A reader takes what it understands and leaves the rest: a Schema would reject a
 * whole chunk for a field that nobody here reads, and would cost more than the parsing (law 3: open decoding).
 */
import { excessOf, maxContainers, readJson } from "../model/json/JsonBounds.ts"
import { bounded, excerptOf } from "./Excerpt.ts"
import { maxCount } from "./Limits.ts"
import type { Unreadable } from "./Protocol.ts"

/** A JSON object of which nothing is known yet. */
export type WireObject = { readonly [key: string]: unknown }

export const isWireObject = (value: unknown): value is WireObject =>
  typeof value === "object" && value !== null && !Array.isArray(value)

const none: ReadonlyArray<unknown> = []

/** The elements of an array; none where it is anything else. */
export const elements = (value: unknown): ReadonlyArray<unknown> => (Array.isArray(value) ? value : none)

/** The text, where there is some: providers write `""` and `null` for absent. */
export const nonEmpty = (value: unknown): string | undefined =>
  typeof value === "string" && value !== "" ? value : undefined

/** The longest name that is kept, in characters: names end up in metadata, spans and price look-ups. */
const longestName = 200

/** A name: a model's, a finish reason's. A longer one than any honest name is cut. */
export const nameOf = (value: unknown): string | undefined => nonEmpty(value)?.slice(0, longestName)

/** A count as the provider reported it, 0 included; anything else is absent. */
export const count = (value: unknown): number | undefined =>
  typeof value === "number" && value >= 0 && value <= maxCount ? value : undefined

/** What a text is as JSON, or undefined (which JSON cannot write) where it is not JSON or too deep or wide. */
export const parseJson = (text: string, most?: number): unknown => {
  const read = readJson(text, most)
  return "value" in read ? read.value : undefined
}

/** Why `parseJson` reads nothing in a text. */
export const whyNotJson = (text: string): string => `is ${excessOf(text) ?? "not JSON"}`

/** Something required that is missing or wrong, at `position`. */
export const unreadable = (message: string, position: string, value: unknown): Unreadable => ({
  _tag: "Unreadable",
  message: `the provider's answer cannot be read: ${message} at ${position}`,
  position,
  excerpt: excerptOf(value),
})

/**
 * A tool call's arguments as the model wrote them. Nothing at all, and `null`, mean no arguments; text that is not JSON, or
 * too deep or wide to be handled, stays the text it is, with a warning, because only the caller knows what to do with it.
 */
export const parseArguments = (text: string, name: string, warnings: Array<string>): unknown => {
  if (text.trim() === "") return {}
  const parsed = parseJson(text, maxContainers)
  if (parsed !== undefined) return parsed ?? {}
  const shown = bounded(name, longestName)
  warnings.push(
    `the arguments of the tool call "${shown}" are ${excessOf(text, maxContainers) ?? "not JSON"}; they are kept as the text the model wrote`,
  )
  return text
}

/** The id of a tool call to which the provider gave none. `position` counts the answer's tool calls from 0. */
export const madeUpCallId = (position: number): string => `call_${position}`
