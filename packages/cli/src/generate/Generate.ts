/** Asks one question and prints the answer. */
import type { GenerateResponse } from "@wiseflow/llm"
import * as Effect from "effect/Effect"
import { text } from "node:stream/consumers"
import { failure, usageFailure } from "../ExitCode.ts"
import { say, write } from "../terminal/Streams.ts"
import * as Upstream from "../upstream/Upstream.ts"
import { summary } from "./Summary.ts"

/** What the command line of `generate` says. */
export interface GenerateInput {
  readonly prompt: ReadonlyArray<string>
  readonly json: boolean
}

const promptOf = Effect.fn(function* (given: ReadonlyArray<string>) {
  const argument = given.join(" ").trim()
  const piped = process.stdin.isTTY ? "" : (yield* Effect.promise(() => text(process.stdin))).trim()
  const prompt = [argument, piped].filter(Boolean).join("\n\n")
  return prompt === "" ? yield* usageFailure("there is no prompt: give one as an argument or on stdin") : prompt
})

/** Streams the text of an answer to stdout; gives the whole. */
const streamed = async ({ llm }: Upstream.Upstream, prompt: string, json: boolean, signal: AbortSignal) => {
  const stream = llm.stream({ prompt, signal })
  let last = ""
  try {
    for await (const event of stream) {
      if (json || event.type !== "text-delta") continue
      await write(event.delta)
      last = event.delta
    }
  } catch (error) {
    // It is told from the response.
    if (signal.aborted) throw error
  }
  const response: GenerateResponse = await stream.response
  if (json) await write(`${JSON.stringify(response, undefined, 2)}\n`)
  else if (last !== "" && !last.endsWith("\n")) await write("\n")
  return response
}

/** Runs `generate`. */
export const generate = Effect.fn(function* ({ json, prompt: given }: GenerateInput) {
  const prompt = yield* promptOf(given)
  const upstream = yield* Upstream.open
  const response = yield* Effect.promise((signal) => streamed(upstream, prompt, json, signal))
  if ("error" in response) return yield* failure(`${response.error} (${response.errorType})`)
  say(summary(response.metadata, upstream.isOffline))
}, Effect.scoped)
