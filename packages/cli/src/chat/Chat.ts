/** A conversation in a loop: a line, an answer, and so on until the end of input. */
import type { GenerateResponse } from "@wiseflow/llm"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { failure } from "../ExitCode.ts"
import { type AnswerPrinter, answerPrinter } from "../generate/AnswerPrinter.ts"
import { printed } from "../generate/StreamedAnswer.ts"
import { summary } from "../generate/Summary.ts"
import { onInterrupt } from "../Interrupts.ts"
import { say, tell } from "../terminal/Streams.ts"
import * as Upstream from "../upstream/Upstream.ts"
import { commandNames, isExit, runCommand } from "./ChatCommands.ts"
import { Conversation } from "./Conversation.ts"
import { isTyped, type Lines, linesOf } from "./Lines.ts"

/** What the command line of `chat` says. */
export interface ChatInput {
  readonly system: Option.Option<string>
  readonly load: Option.Option<string>
  readonly raw: boolean
}

/** A line, with those that a backslash joins to it. */
const question = async (lines: Lines): Promise<string | undefined> => {
  let text = ""
  for (;;) {
    const line = await lines.next()
    if (line === undefined) return text === "" ? undefined : text
    if (!line.endsWith("\\")) return text + line
    text += `${line.slice(0, -1)}\n`
  }
}

/** A printer that also keeps what it printed. */
const keeping = (printer: AnswerPrinter) => {
  const kept = { text: "" }
  const push = (delta: string) => {
    kept.text += delta
    return printer.push(delta)
  }
  return { kept, printer: { push, finish: printer.finish } }
}

/** One question: the answer, or nothing where Ctrl-C stopped it. */
const answer = async (
  { llm }: Upstream.Upstream,
  conversation: Conversation,
  text: string,
  raw: boolean,
): Promise<GenerateResponse | undefined> => {
  const stop = new AbortController()
  const release = onInterrupt(() => stop.abort())
  const { kept, printer } = keeping(await answerPrinter(raw))
  const { model, system } = conversation
  try {
    const { signal } = stop
    return await printed(llm.stream({ messages: conversation.asking(text), model, system, signal }), printer, signal)
  } catch (error) {
    if (!stop.signal.aborted) throw error
    if (kept.text !== "") conversation.keep(text, [{ type: "text", text: kept.text }])
    say(kept.text === "" ? "stopped; the question is left out" : "stopped; what came of the answer is kept")
    return undefined
  } finally {
    release()
  }
}

/** Runs `chat`. */
export const chat = Effect.fn(function* (input: ChatInput) {
  const upstream = yield* Upstream.open
  const { isOffline, options } = upstream
  const conversation = new Conversation(options.model, Option.getOrUndefined(input.system))
  if (Option.isSome(input.load)) yield* conversation.load(input.load.value)
  const lines = yield* Effect.acquireRelease(
    Effect.sync(() => linesOf(commandNames, () => tell("Ctrl-D or /exit ends the chat"))),
    (lines) => Effect.sync(() => lines.close()),
  )
  if (isTyped()) tell("/help lists the commands. Ctrl-C stops an answer, Ctrl-D ends the chat.")
  let failures = 0
  for (;;) {
    const line = yield* Effect.promise(() => question(lines))
    if (line === undefined || isExit(line.trim())) break
    const text = line.trim()
    if (text === "" || (yield* runCommand(text, { conversation, isOffline }))) continue
    const response = yield* Effect.promise(() => answer(upstream, conversation, text, input.raw))
    if (response === undefined) continue
    conversation.count(response.metadata)
    if ("error" in response) {
      failures += 1
      say(`${response.error} (${response.errorType})`)
      continue
    }
    conversation.keep(text, response.parts)
    tell(`${summary(response.metadata, isOffline)}${isTyped() ? "\n" : ""}`)
  }
  if (!isTyped() && failures > 0) return yield* failure(`${failures} of the questions had no answer`)
}, Effect.scoped)
