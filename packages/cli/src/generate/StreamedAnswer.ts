/** Prints the text of an answer as it comes, and tells of the tools that it calls. It says nothing of failures. */
import type { GenerateResponse } from "@wiseflow/llm"
import { tell } from "../terminal/Streams.ts"
import type { AnswerPrinter } from "./AnswerPrinter.ts"

/** An answer that comes, of a model or of a run with tools. */
export interface Answered {
  readonly response: Promise<GenerateResponse>
  readonly [Symbol.asyncIterator]: () => AsyncIterator<{ readonly type: string }>
}

const hasDelta = (event: object): event is { readonly delta: string } =>
  "delta" in event && typeof event.delta === "string"

const isCall = (event: object): event is { readonly name: string; readonly arguments: unknown } =>
  "name" in event && "arguments" in event

/** Prints the answer; gives the whole. Rejects where the signal aborted it. */
export const printed = async (
  stream: Answered,
  printer: AnswerPrinter,
  signal: AbortSignal,
): Promise<GenerateResponse> => {
  try {
    for await (const event of stream) {
      if (event.type === "text-delta" && hasDelta(event)) await printer.push(event.delta)
      if (event.type === "tool-call-end" && isCall(event)) {
        await printer.finish()
        tell(`calls ${event.name}(${JSON.stringify(event.arguments)})`)
      }
    }
  } catch (error) {
    // A failure is told from the response.
    if (signal.aborted) throw error
  } finally {
    await printer.finish()
  }
  return stream.response
}
