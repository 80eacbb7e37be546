/**
 * A recording as a file: one request and what it was answered with, in plain JSON that people can read and compare. It
 * holds no headers, no times and no secret that is known or looks like one.
 */
import * as Predicate from "effect/Predicate"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import { beginsLikeKey, withoutKeys } from "../model/KeyShape.ts"
import { LlmErrorReason } from "../model/LlmError.ts"
import { LlmEvent } from "../model/LlmEvent.ts"
import { type ResponseMetadata, FinishReason, ResponsePart, Usage } from "../model/LlmResponse.ts"
import { canonicalJson } from "../policies/cache/CacheKey.ts"
import { sha256 } from "../policies/cache/Sha256.ts"
import { maxLength, type Redactor } from "../settings/Redactor.ts"

const metadataFields = {
  model: Schema.optional(Schema.String),
  servedModel: Schema.optional(Schema.String),
  usage: Schema.optional(Usage),
  costUsd: Schema.optional(Schema.Finite),
  warnings: Schema.optional(Schema.Array(Schema.String)),
}

/** How an answer ended. */
export const RecordedEnd = Schema.Struct({
  finishReason: FinishReason,
  rawFinishReason: Schema.optional(Schema.String),
  ...metadataFields,
})
export type RecordedEnd = typeof RecordedEnd.Type

/** What a request was answered with: a whole answer, the pieces of a stream, vectors, or a failure (with the pieces before it). */
export const RecordedAnswer = Schema.Union([
  Schema.Struct({ parts: Schema.Array(ResponsePart), end: RecordedEnd }),
  Schema.Struct({ pieces: Schema.Array(LlmEvent), end: RecordedEnd }),
  Schema.Struct({ embeddings: Schema.Array(Schema.Array(Schema.Finite)), end: Schema.Struct(metadataFields) }),
  Schema.Struct({ pieces: Schema.optional(Schema.Array(LlmEvent)), error: LlmErrorReason }),
])
export type RecordedAnswer = typeof RecordedAnswer.Type

/** One file. The answers are those to the same request, asked one after the other. */
export const Cassette = Schema.Struct({
  version: Schema.Literal(1),
  provider: Schema.String,
  model: Schema.optional(Schema.String),
  request: Schema.Unknown,
  answers: Schema.Array(RecordedAnswer).check(Schema.isMinLength(1)),
})
export type Cassette = typeof Cassette.Type

const decode = Schema.decodeUnknownResult(Cassette)
const encode = Schema.encodeResult(Cassette)

/** A cassette from its text, or what is wrong with it. */
export const parseCassette = (text: string): Result.Result<Cassette, string> => {
  const json = Result.try({ try: (): unknown => JSON.parse(text), catch: () => "it is not JSON" })
  return Result.flatMap(json, (value) => Result.mapError(decode(value), () => "it is not a recording of version 1"))
}

/** What is sent of an end's metadata. */
export const recordedMetadata = ({ costUsd, model, servedModel, usage, usageStatus, warnings }: ResponseMetadata) => ({
  ...(model === undefined ? {} : { model }),
  ...(servedModel === undefined ? {} : { servedModel }),
  ...(usageStatus === "unknown" ? {} : { usage }),
  ...(costUsd === null ? {} : { costUsd }),
  ...(warnings.length === 0 ? {} : { warnings }),
})

/** Blanks secrets in every text of a value, names of fields included. */
export type Blank = (text: string) => string

/** Secrets as they are written, whatever their length and number, the longest first: one may hold another. */
export class ExactSecrets {
  private readonly known = new Set<string>()
  private inOrder: ReadonlyArray<string> = []

  learn(secrets: ReadonlyArray<string>): void {
    for (const secret of secrets) if (secret.trim() !== "") this.known.add(secret.trim())
    this.inOrder = [...this.known].toSorted((one, other) => other.length - one.length)
  }

  readonly blank: Blank = (text) =>
    this.inOrder.reduce(
      (rest, secret) => (rest.includes(secret) ? rest.replaceAll(secret, () => "<redacted>") : rest),
      text,
    )
}

/** A redactor reads no more than `maxLength` characters at once: longer texts are blanked in pieces, cut at a space. */
export const blankWith =
  ({ redact }: Redactor, exact: ExactSecrets): Blank =>
  (text) => {
    let blanked = ""
    let rest = exact.blank(text)
    while (rest.length > maxLength) {
      const space = rest.lastIndexOf(" ", maxLength)
      const end = space > 0 ? space : maxLength
      blanked += redact(rest.slice(0, end))
      rest = rest.slice(end)
    }
    return withoutKeys(blanked + redact(rest)).replaceAll(/[^\s"'`,;()<>[\]{}]{20,}/g, (word) =>
      beginsLikeKey(word) ? "<redacted>" : word,
    )
  }

/** The value with every text blanked. */
export const blankAll = (value: unknown, blank: Blank): unknown => {
  if (typeof value === "string") return blank(value)
  if (Array.isArray(value)) return value.map((item) => blankAll(item, blank))
  if (!Predicate.isObject(value)) return value
  return Object.fromEntries(Object.entries(value).map(([name, inner]) => [blank(name), blankAll(inner, blank)]))
}

const isPiece = (event: LlmEvent): event is Extract<LlmEvent, { readonly delta: string }> => "delta" in event

/** Pieces of a part that hold a secret only together become one piece: else each would hold a half of it. */
export const joinSecrets = (pieces: ReadonlyArray<LlmEvent>, blank: Blank): ReadonlyArray<LlmEvent> => {
  const joined: Array<LlmEvent> = []
  for (let at = 0; at < pieces.length;) {
    const first = pieces[at]
    if (first === undefined) break
    let end = at + 1
    if (!isPiece(first)) joined.push(first)
    else {
      let delta = first.delta
      for (let next = pieces[end]; next !== undefined && isPiece(next); next = pieces[end]) {
        if (next.type !== first.type || next.index !== first.index) break
        delta += next.delta
        end++
      }
      if (blank(delta) === delta) joined.push(...pieces.slice(at, end))
      else joined.push({ ...first, delta })
    }
    at = end
  }
  return joined
}

/** What identifies a request: its fields in one order, without secrets. */
export const identityOf = (request: unknown, blank: Blank): string => canonicalJson(blankAll(request, blank))

/** The beginning of a file's name. */
export const digestOf = (identity: string): string => sha256(identity).slice(0, 16)

/** `3f2a9c1b0d4e5f60-gpt-5-mini.json`. */
export const fileName = (digest: string, model: string | undefined): string =>
  `${[digest, (model ?? "").replaceAll(/[^\w.-]+/g, "-").slice(0, 60)].filter((part) => part !== "").join("-")}.json`

/** The text of a file; fails with the reason in words. */
export const cassetteText = (cassette: Cassette, blank: Blank): Result.Result<string, string> => {
  const answers = cassette.answers.map((answer) =>
    "pieces" in answer && answer.pieces !== undefined
      ? { ...answer, pieces: joinSecrets(answer.pieces, blank) }
      : answer,
  )
  return Result.match(encode({ ...cassette, answers }), {
    onFailure: () => Result.fail("the answer cannot be written as JSON"),
    onSuccess: (plain) => {
      const request: unknown = JSON.parse(identityOf(cassette.request, blank))
      const shown = blankAll({ ...plain, request: undefined, answers: plain.answers }, blank)
      const { answers: told, ...head } = Predicate.isObject(shown) ? shown : { answers: [] }
      return Result.succeed(`${JSON.stringify({ ...head, request, answers: told }, null, 2)}\n`)
    },
  })
}

const leaves = (value: unknown, path: string, found: Map<string, string>): void => {
  if (Array.isArray(value)) for (const [index, item] of value.entries()) leaves(item, `${path}[${index}]`, found)
  else if (Predicate.isObject(value)) {
    for (const [name, inner] of Object.entries(value)) leaves(inner, path === "" ? name : `${path}.${name}`, found)
  } else found.set(path, JSON.stringify(value) ?? "")
}

/** Where two requests differ. */
export const differences = (one: unknown, other: unknown): ReadonlyArray<string> => {
  const left = new Map<string, string>()
  const right = new Map<string, string>()
  leaves(one, "", left)
  leaves(other, "", right)
  return [...new Set([...left.keys(), ...right.keys()])].filter((path) => left.get(path) !== right.get(path))
}
