/**
 * What codes, phrases and statuses mean. The words themselves, with their sources, are the data of `ServiceWordsTable`; here
 * is how they are looked up, in time linear in what the provider wrote.
 */
import { codes, type FailureKind, phrases, type WordsByService } from "./ServiceWordsTable.ts"

export type { FailureKind } from "./ServiceWordsTable.ts"

/** Types that say whose fault it is and no more. Only a failure without a status needs them. */
const vagueTokens: ReadonlyArray<readonly [FailureKind, ReadonlyArray<string>]> = [
  [
    "invalid-request",
    ["invalid_request_error", "bad_request", "invalid_argument", "failed_precondition", "out_of_range"],
  ],
  ["model-not-found", ["not_found_error", "not_found"]],
  [
    "server",
    [
      "api_error",
      "server_error",
      "internal_server_error",
      "internal_error",
      "internal",
      "timeout_error",
      "conflict_error",
    ],
  ],
]

const rowsOf = (table: WordsByService) => Object.values(table).flat()

const certain: ReadonlyMap<string, FailureKind> = new Map(rowsOf(codes).map(([words, means]) => [words, means]))

const vague: ReadonlyMap<string, FailureKind> = new Map(
  vagueTokens.flatMap(([kind, tokens]) => tokens.map((token) => [token, kind] as const)),
)

/** A service's own number means something at that service only, and is read only where no type stands beside it. */
export const isOwnNumber = (code: string | undefined): boolean => /^\d{4}$/.test(String(code))

/** OpenAI names a spend limit per kind of owner, and may name more of them. */
const spendLimits = ["_limit_exceeded", "_limit_reached"].flatMap((end) =>
  ["_spend", "_usage", "_budget"].map((owner) => `${owner}${end}`),
)

/** What a code or type means for certain. */
export const kindOfToken = (token: string | undefined): FailureKind | undefined => {
  if (token === undefined) return undefined
  const lower = token.toLowerCase()
  return certain.get(lower) ?? (spendLimits.some((end) => lower.endsWith(end)) ? "quota" : undefined)
}

/** What a code or type suggests where nothing better is known. */
export const kindOfVagueToken = (token: string | undefined): FailureKind | undefined =>
  token === undefined ? undefined : vague.get(token.toLowerCase())

/**
 * What a status means where no code said better; undefined for those (400, 422 …) under which providers report several
 * things. 408, 409 and 425 are passing states, so they are the server's fault and tried again, as OpenAI's SDK does; 499
 * is a generation that somebody upstream cancelled (Gemini, Cohere, Groq), 498 Groq's and 529 Anthropic's "no capacity",
 * 410 a model that was retired, 434 Z.ai's "not for this key".
 */
export const kindOfStatus = (status: number): FailureKind | undefined => {
  if (status < 400) return "redirect"
  switch (status) {
    case 401:
      return "authentication"
    case 402:
      return "quota"
    case 403:
    case 434:
    case 451:
      return "permission"
    case 404:
    case 410:
      return "model-not-found"
    case 408:
    case 409:
    case 425:
    case 499:
      return "server"
    case 413:
      return "context-length"
    case 429:
      return "rate-limit"
    case 498:
    case 503:
    case 529:
      return "overloaded"
    default:
      return status >= 500 ? "server" : undefined
  }
}

/**
 * The kinds that phrases may mean, in the order in which they are tried, each with the statuses under which services have
 * said it. A failure without a status, inside a stream or a 200 body, may be any of them.
 */
const readUnder: ReadonlyArray<readonly [FailureKind, ReadonlyArray<number>]> = [
  ["user-quota", [400, 401, 403, 422, 429]],
  ["quota", [400, 401, 403, 412, 422, 429, 500]],
  ["authentication", [400, 403, 422]],
  ["content-filter", [400, 403, 422, 498, 500]],
  ["context-length", [400, 403, 422, 429, 500]],
  ["model-not-found", [400, 403, 422, 500]],
  ["permission", [400, 422]],
  ["slip", [400, 422]],
  ["rate-limit", [400, 422, 429]],
  ["overloaded", [400, 429, 500]],
  ["invalid-request", [404]],
]

interface Phrases {
  readonly kind: FailureKind
  readonly statuses: ReadonlySet<number>
  readonly pieces: ReadonlyArray<ReadonlyArray<string>>
}

const phrasesByKind: ReadonlyArray<Phrases> = readUnder.map(([kind, statuses]) => ({
  kind,
  statuses: new Set(statuses),
  pieces: rowsOf(phrases).flatMap(([words, means]) => (means === kind ? [words.split(" … ")] : [])),
}))

/** How far apart the pieces of a phrase may stand: a model's name fits, another sentence does not. */
const longestGap = 200

/** True where the pieces of a phrase follow the one that ends at `at`. */
const follows = (text: string, pieces: ReadonlyArray<string>, at: number): boolean => {
  let end = at
  for (const piece of pieces) {
    const found = text.indexOf(piece, end)
    if (found < 0 || found - end > longestGap) return false
    end = found + piece.length
  }
  return true
}

/** True where the pieces of a phrase stand in the text one after the other. */
const contains = (text: string, [first = "", ...rest]: ReadonlyArray<string>): boolean => {
  for (let at = text.indexOf(first); at >= 0; at = text.indexOf(first, at + first.length)) {
    if (follows(text, rest, at + first.length)) return true
  }
  return false
}

/** What a message says that came under `status`. The caller bounds the message. */
export const kindOfMessage = (message: string, status: number | undefined): FailureKind | undefined => {
  const text = message.toLowerCase()
  for (const { kind, pieces, statuses } of phrasesByKind) {
    if (status !== undefined && !statuses.has(status)) continue
    if (pieces.some((phrase) => contains(text, phrase))) return kind
  }
  return undefined
}
