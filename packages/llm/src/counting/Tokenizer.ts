/**
 * The tokenizers of OpenAI's models, from the package `gpt-tokenizer` where the program has it. One is loaded when it is
 * first needed: each takes tens of megabytes. It knows no requests.
 */
import * as Effect from "effect/Effect"
import * as Predicate from "effect/Predicate"
import { load } from "#installed-package"

/** The vocabularies that are told apart. */
export type Encoding = "o200k_base" | "cl100k_base"

/** Models that hear, draw, search or act: what they read besides the text is not known. */
const isSpecial = /audio|image|realtime|transcribe|tts|search|research|computer|oss|instruct|live/

/**
 * By the beginning of a model's name, as `gpt-tokenizer` 4.0.0 has them (`modelsMap`): o200k since gpt-4o, cl100k before.
 * Families that it does not list yet have no encoding here.
 */
const encodings: ReadonlyArray<readonly [beginning: RegExp, encoding: Encoding]> = [
  [/^(?:chatgpt-4o|gpt-4o|gpt-4\.[15]|gpt-5|o[134])(?![\da-z])/, "o200k_base"],
  [/^(?:gpt-4|gpt-3\.?5)(?![\d.a-z])/, "cl100k_base"],
]

/** The encoding of a model; undefined where its name does not tell. */
export const encodingOf = (model: string): Encoding | undefined =>
  isSpecial.test(model) ? undefined : encodings.find(([beginning]) => beginning.test(model))?.[1]

/** Counts the tokens of one text. */
export type CountText = (text: string) => number

/** `<|endoftext|>` and its like are text here: a request cannot contain the tokens that they stand for. */
const asText = { disallowedSpecial: new Set<string>() }

/**
 * A run of one kind of character that this much longer: the package merges pairs in a time that grows with the square of
 * a run's length (100,000 kanji take a minute). A cut adds a token at most.
 */
const longRun = /[\p{L}\p{M}]{1000}|\s{1000}|[^\s\p{L}\p{M}\p{N}]{1000}/gu

const countRuns = (text: string, count: CountText): number => {
  let tokens = 0
  let start = 0
  for (const { 0: run, index } of text.matchAll(longRun)) {
    tokens += count(text.slice(start, index + run.length))
    start = index + run.length
  }
  return tokens + count(text.slice(start))
}

/** How many characters are counted in one turn of the event loop: some 3 ms of work. */
const turnLength = 32 * 1024

/** The pieces of a text, each for one turn: cut at a blank where there is one nearby, and never within a character. */
const piecesOf = (text: string): ReadonlyArray<string> => {
  const pieces: Array<string> = []
  let start = 0
  while (text.length - start > turnLength) {
    const blank = text.lastIndexOf(" ", start + turnLength)
    const at = blank > start ? blank : start + turnLength
    const last = text.charCodeAt(at - 1)
    const end = last >= 0xd800 && last <= 0xdbff ? at + 1 : at
    pieces.push(text.slice(start, end))
    start = end
  }
  pieces.push(text.slice(start))
  return pieces
}

/** The tokens of a text, however long. Other fibers run between its parts. */
export const countText = Effect.fnUntraced(function* (text: string, count: CountText) {
  if (text.length <= turnLength) return countRuns(text, count)
  let tokens = 0
  for (const piece of piecesOf(text)) {
    tokens += countRuns(piece, count)
    yield* Effect.yieldNow
  }
  return tokens
})

/** The package that has them. */
export const packageName = "gpt-tokenizer"

/** The counter of an encoding. Fails where the package is not installed, or has no such encoding. */
export const tokenizer = (encoding: Encoding): Effect.Effect<CountText, "not installed"> =>
  Effect.flatMap(load(`${packageName}/encoding/${encoding}`), (loaded) => {
    const countTokens = Predicate.hasProperty(loaded, "countTokens") ? loaded.countTokens : undefined
    return typeof countTokens === "function"
      ? Effect.succeed((text: string) => Number(countTokens(text, asText)))
      : Effect.fail("not installed" as const)
  })
