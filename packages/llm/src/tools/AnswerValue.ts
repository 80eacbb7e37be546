/** Finds the value in an answer: in the call of the tool that stands in for a format, or in the text. It checks no schema. */
import * as Result from "effect/Result"
import { boundedJson, maxContainers } from "../model/JsonCopy.ts"
import type { LlmResponse } from "../model/LlmResponse.ts"

/** Thinking that a model in raw mode writes before its answer. */
const withoutThinking = (text: string): string => text.replace(/^\s*<think>[^]*?<\/think>/, "")

const fence = /```(?:json|JSON)?([^]*?)```/

/** From the first bracket to the last: JSON among words. */
const bracketed = (text: string): string | undefined => {
  const first = text.search(/[{[]/)
  const last = Math.max(text.lastIndexOf("}"), text.lastIndexOf("]"))
  return first < 0 || last < first ? undefined : text.slice(first, last + 1)
}

/** The JSON in a text: all of it, in a code fence, or among words. Fails with what it is instead, in words that follow "is". */
export const jsonIn = (text: string): Result.Result<unknown, string> => {
  const said = withoutThinking(text).trim()
  const [, fenced] = fence.exec(said) ?? []
  let problem = "not JSON"
  for (const candidate of [said, fenced, bracketed(said)]) {
    if (candidate === undefined || candidate.trim() === "") continue
    const value = boundedJson(candidate, maxContainers)
    if (Result.isSuccess(value)) return value
    problem = value.failure
  }
  return Result.fail(problem)
}

/** What the model wrote for a format of this name. */
export const writtenIn = (response: LlmResponse, name: string): Result.Result<unknown, string> => {
  const call = response.toolCalls.find((toolCall) => toolCall.name === name)
  if (call === undefined) return jsonIn(response.text)
  return typeof call.arguments === "string" ? jsonIn(call.arguments) : Result.succeed(call.arguments)
}

const start = "<think>"
const end = "</think>"

/** Takes the thinking that a model in raw mode writes before its answer out of pieces of text. */
export class ThinkingFilter {
  private held = ""
  private state: "before" | "thinking" | "answering" = "before"

  /** What of the text so far is certainly answer, and was not passed on before. */
  pass(piece: string): string {
    if (this.state === "answering") return piece
    this.held += piece
    if (this.state === "before") {
      const said = this.held.trimStart()
      // Blanks before an answer mean nothing, however many there are.
      if (said === "") this.held = ""
      else if (said.startsWith(start)) this.state = "thinking"
      else if (!start.startsWith(said)) return this.answer(this.held)
    }
    const at = this.state === "thinking" ? this.held.indexOf(end) : -1
    if (at >= 0) return this.answer(this.held.slice(at + end.length))
    // Of thinking only as much is kept as may be the beginning of its end.
    if (this.state === "thinking") this.held = this.held.slice(-end.length)
    return ""
  }

  private answer(text: string): string {
    this.state = "answering"
    this.held = ""
    return text
  }
}
