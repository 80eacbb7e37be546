/** Reads fields of JSON that a service sent: what is of another kind is absent. */

/** An object of JSON. */
export type Fields = Readonly<Record<string, unknown>>

const isFields = (value: unknown): value is Fields =>
  typeof value === "object" && value !== null && !Array.isArray(value)

/** The object that this is, or an empty one. */
export const fieldsOf = (value: unknown): Fields => (isFields(value) ? value : {})

/** The object that this is. */
export const objectOf = (value: unknown): Fields | undefined => (isFields(value) ? value : undefined)

/** The objects of a list. */
export const listOf = (value: unknown): ReadonlyArray<Fields> => (Array.isArray(value) ? value.filter(isFields) : [])

/** A text that is not empty. */
export const textOf = (value: unknown): string | undefined =>
  typeof value === "string" && value !== "" ? value : undefined

/** A number, 0 where there is none. */
export const countOf = (value: unknown): number => (typeof value === "number" && Number.isFinite(value) ? value : 0)

/** A time in epoch milliseconds: of seconds, as OpenAI writes it, or of ISO 8601, as Azure and Anthropic do. */
export const timeOf = (value: unknown): number | undefined => {
  if (typeof value === "number") return value * 1000
  const time = typeof value === "string" ? Date.parse(value) : Number.NaN
  return Number.isNaN(time) ? undefined : time
}

/** Parses a text; undefined where it is no JSON object. */
export const parsedFields = (text: string): Fields | undefined => {
  try {
    const value: unknown = JSON.parse(text)
    return isFields(value) ? value : undefined
  } catch {
    return undefined
  }
}
