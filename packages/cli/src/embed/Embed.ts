/** Embeds texts, in as many calls as there are pieces of input, and prints one line for each as its call ends. */
import { createInterface } from "node:readline"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { failure, usageFailure } from "../ExitCode.ts"
import { summary } from "../generate/Summary.ts"
import { tell, write } from "../terminal/Streams.ts"
import * as Upstream from "../upstream/Upstream.ts"

/** What the command line of `embed` says. */
export interface EmbedInput {
  readonly inputs: ReadonlyArray<string>
  readonly dimensions: Option.Option<number>
}

/** Lines that are embedded in one call; the library cuts them to what a provider takes. */
const linesPerCall = 2048

/** The texts in pieces, so that memory does not grow with stdin. Empty lines have no vector and no line of output. */
async function* pieces(inputs: ReadonlyArray<string>): AsyncGenerator<ReadonlyArray<string>> {
  if (inputs.length > 0) return yield inputs
  let piece: Array<string> = []
  for await (const line of createInterface({ input: process.stdin })) {
    if (line.trim() === "") continue
    piece.push(line)
    if (piece.length < linesPerCall) continue
    yield piece
    piece = []
  }
  if (piece.length > 0) yield piece
}

/** Runs `embed`. */
export const embed = Effect.fn(function* ({ dimensions, inputs }: EmbedInput) {
  if (inputs.length === 0 && process.stdin.isTTY) {
    return yield* usageFailure("there is no text: give some as arguments or on stdin")
  }
  const { isOffline, llm, options } = yield* Upstream.open
  const failed = yield* Effect.promise(async (signal) => {
    let index = 0
    for await (const piece of pieces(inputs)) {
      const response = await llm.embed({
        inputs: piece,
        model: options.model,
        dimensions: Option.getOrUndefined(dimensions),
        signal,
      })
      if ("error" in response) return `${response.error} (${response.errorType})`
      for (const [at, embedding] of response.embeddings.entries()) {
        await write(`${JSON.stringify({ index, input: piece[at], embedding: [...embedding] })}\n`)
        index += 1
      }
      tell(summary(response.metadata, isOffline))
    }
    return index === 0 ? "there was no text on stdin" : undefined
  })
  if (failed !== undefined) return yield* failure(failed)
}, Effect.scoped)
