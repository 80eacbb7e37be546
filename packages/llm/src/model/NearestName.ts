/** The known name that an unknown one most likely means. It guesses for a message; nothing is corrected. */
import { looksLikeKey } from "./KeyShape.ts"

/** Names that other libraries and wire formats have for what this one calls differently. */
const otherNames: Readonly<Record<string, string>> = {
  maxoutputtokens: "maxTokens",
  maxcompletiontokens: "maxTokens",
  stopsequences: "stop",
  prompt: "messages",
  input: "messages",
  system: "messages",
  schema: "responseFormat",
  abortsignal: "signal",
  baseurl: "apiBase",
  baseuri: "apiBase",
  endpoint: "apiBase",
  key: "apiKey",
  apikeyenv: "apiKeyVariable",
  apikeyenvvar: "apiKeyVariable",
  retries: "maxRetries",
  concurrency: "maxConcurrentRequests",
  maxconcurrency: "maxConcurrentRequests",
  timeoutms: "timeout",
  defaultheaders: "headers",
  image: "data",
  imageurl: "url",
  mimetype: "mediaType",
  toolname: "name",
  input_schema: "parameters",
  inputschema: "parameters",
}

/** `max_tokens`, `max-tokens` and `MaxTokens` are one name. */
const folded = (name: string): string => name.toLowerCase().replaceAll(/[-_\s]/g, "")

/** How many letters must be put in, left out, exchanged or swapped; `limit` where it is at least that. */
const distance = (one: string, other: string, limit: number): number => {
  let before: Array<number> = []
  let row = Array.from({ length: other.length + 1 }, (_, index) => index)
  for (let i = 1; i <= one.length; i++) {
    const next = [i]
    for (let j = 1; j <= other.length; j++) {
      const isSame = one[i - 1] === other[j - 1]
      const isSwapped = one[i - 1] === other[j - 2] && one[i - 2] === other[j - 1]
      next[j] = Math.min(
        (row[j] ?? limit) + 1,
        (next[j - 1] ?? limit) + 1,
        (row[j - 1] ?? limit) + (isSame ? 0 : 1),
        isSwapped ? (before[j - 2] ?? limit) + 1 : limit,
      )
    }
    before = row
    row = next
  }
  return Math.min(row[other.length] ?? limit, limit)
}

/** The longest name that is worth a guess, in characters. */
const maxLength = 64

/** The known name that is nearest to `name`, if one is near: by at most `most` letters, fewer for a short name. */
export const nearestName = (name: string, known: Iterable<string>, most = 3): string | undefined => {
  if (name.length > maxLength) return undefined
  const wanted = folded(name)
  const alias = otherNames[wanted]
  let nearest: string | undefined
  let least = 1 + Math.max(1, Math.min(most, Math.floor(wanted.length / 3)))
  for (const candidate of known) {
    if (candidate === alias) return candidate
    const far = distance(wanted, folded(candidate), least)
    if (far < least) {
      least = far
      nearest = candidate
    }
  }
  return nearest
}

/** `; did you mean "maxTokens"?`, or nothing. */
export const suggestion = (name: string, known: Iterable<string>): string => {
  const nearest = nearestName(name, known)
  return nearest === undefined ? "" : `; did you mean "${nearest}"?`
}

/** What is wrong with the first name of an object that is none of the known ones: undefined where there is none. */
export const strangerIn = (given: object, known: ReadonlyArray<string>): string | undefined => {
  const stranger = Object.keys(given).find((name) => !known.includes(name))
  if (stranger === undefined) return undefined
  const hint = suggestion(stranger, known) || `; there are ${known.join(", ")}`
  return `there is no option ${looksLikeKey(stranger) ? "of that name" : stranger}${hint}`
}
