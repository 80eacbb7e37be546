/** What looks like an API key, in a place where none belongs. It knows no key: it judges by the shape. */

/** How keys of known services begin. */
const keyPrefix =
  /(?:^|[^A-Za-z0-9])(?:(?:sk|pk|rk|gsk|xai|nvapi|pplx|csk)[-_]|(?:hf|gh[a-z]|github_pat|glpat|fw|r8)_|AIza|AKIA|ASIA|eyJ|[Bb]earer\s)[-_A-Za-z0-9.]{8,}/

/** Shannon's entropy of a text, in bits a character. */
const entropy = (text: string): number => {
  const counts = new Map<string, number>()
  for (const character of text) counts.set(character, (counts.get(character) ?? 0) + 1)
  let bits = 0
  for (const count of counts.values()) bits -= (count / text.length) * Math.log2(count / text.length)
  return bits
}

/** Letters and digits (or cases) mixed and without a pattern, as generated keys are and names of models are not. */
const isRandom = (token: string): boolean =>
  token.length >= 20 &&
  /[A-Za-z]/.test(token) &&
  (/\d/.test(token) || (token.length >= 28 && /[a-z]/.test(token) && /[A-Z]/.test(token))) &&
  entropy(token) >= 3

/** True for a text that holds what looks like a key: the beginning of one, or a long random word. */
export const looksLikeKey = (text: string): boolean => {
  const bounded = text.slice(0, 4096)
  return keyPrefix.test(bounded) || bounded.split(/[^A-Za-z0-9]/).some(isRandom)
}

/** How a key within a text looks, and what stands before it. */
const keyWithin = new RegExp(keyPrefix.source.replace("(?:^|[^A-Za-z0-9])", "(^|[^A-Za-z0-9])(").concat(")"), "g")

/** The text with `<redacted>` in the place of whatever begins as a key does and is as long as one. */
export const withoutKeys = (text: string): string =>
  text.replaceAll(keyWithin, (found: string, before: string, key: string) =>
    key.length < 20 ? found : `${before}<redacted>`,
  )

/** How a value of a wrong kind is told of: a number as it is, what may be a key by its kind alone. It never throws. */
export const shownValue = (value: unknown): string => {
  switch (typeof value) {
    case "string":
      return value.length > 16 || looksLikeKey(value) ? "a text" : JSON.stringify(value)
    case "symbol":
    case "function":
      return `a ${typeof value}`
    case "object":
      return value === null ? "null" : "an object"
    default:
      return String(value)
  }
}

/** True for a text that begins as a key does, and as no name of a model or a provider does. */
export const beginsLikeKey = (text: string): boolean =>
  text.length >= 20 && keyPrefix.exec(text.slice(0, 4096))?.index === 0

/** A model's name as spans and metadata may show it: a key may have been written in its place. */
export const shownModel = (model: string): string => (beginsLikeKey(model) ? "<redacted>" : model)
