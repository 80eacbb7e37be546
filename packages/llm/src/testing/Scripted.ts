/**
 * A provider for tests that answers from a script, in turn, and opens no socket. It refuses bad requests as the real ones
 * do, keeps the call's ledger as they do, and remembers what it was asked.
 */
import * as Arr from "effect/Array"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import * as Provider from "../call/Provider.ts"
import {
  type ErrorType,
  InvalidRequestError,
  isLlmError,
  type LlmError,
  LlmErrorReason,
  verdicts,
} from "../model/LlmError.ts"
import { LlmProvider } from "../model/LlmProvider.ts"
import type { LlmRequest } from "../model/LlmRequest.ts"
import type { FinishReason, ToolCall, Usage } from "../model/LlmResponse.ts"
import { suggestion } from "../model/NearestName.ts"

/**
 * A failure to play: a reason, a whole `LlmError`, or only what matters of a reason, `"RateLimitError"` or
 * `{ _tag: "RateLimitError", retryAfterMs: 500 }`.
 */
export type ScriptedError = LlmError | LlmErrorReason | ErrorType | { readonly _tag: ErrorType }

const isReason = Schema.is(LlmErrorReason)
const decodeReason = Schema.decodeUnknownSync(LlmErrorReason)

/** The reason that is meant, with something said for every field that the script leaves out. */
export const reasonOf = (error: ScriptedError): LlmErrorReason => {
  if (isLlmError(error)) return error.reason
  if (isReason(error)) return error
  const told = typeof error === "string" ? { _tag: error } : error
  const unsaid = {
    message: `a scripted ${told._tag}`,
    clock: "total",
    limitMs: 0,
    categories: [],
    budget: "budget",
    unit: "usd",
    limit: 1,
    used: 1,
    reserved: 0,
    setting: "scripted",
    tool: "scripted",
    toolCallId: "scripted",
  }
  return decodeReason({ ...unsaid, ...told })
}

/**
 * One answer. A string is a text. `text` as a list is emitted piece by piece; `error` fails the call, after the pieces if
 * there are any; `delay` passes before the first piece, `pause` before each further one; `stall` never ends.
 */
export type Answer =
  | string
  | {
      /** The text; a list is emitted piece by piece. */
      readonly text?: string | ReadonlyArray<string> | undefined
      /** What the model thinks before. */
      readonly reasoning?: string | undefined
      /** The functions that the model wants called; an `id` is made up where none is given. */
      readonly toolCalls?: ReadonlyArray<Omit<ToolCall, "id"> & { readonly id?: string }> | undefined
      /** Default `stop`, or `tool-calls` where there are any. */
      readonly finishReason?: FinishReason | undefined
      /** The tokens of the answer. Default: none are reported. */
      readonly usage?: Usage | undefined
      /** The failure that ends the answer. */
      readonly error?: ScriptedError | undefined
      /** How long the first piece takes. */
      readonly delay?: Duration.Input | undefined
      /** How long each further piece takes. */
      readonly pause?: Duration.Input | undefined
      /** True for an answer that never ends. */
      readonly stall?: boolean | undefined
    }

/** What the script is called in metadata and errors. */
export interface ScriptedOptions {
  /** The provider's name. Default `scripted`. */
  readonly name?: string | undefined
  /** The model of requests that name none. Default `scripted`. */
  readonly model?: string | undefined
}

/** A Layer of `LlmProvider`, and the requests it has been asked, in order. */
export interface ScriptedLayer extends Layer.Layer<LlmProvider> {
  /** The requests in the order in which they were asked. */
  readonly requests: ReadonlyArray<LlmRequest>
}

/** Answers each request with the next answer; one that finds none left fails with `InvalidRequestError`. */
export const layer = (answers: ReadonlyArray<Answer>, options: ScriptedOptions = {}): ScriptedLayer => {
  const requests: Array<LlmRequest> = []
  const service = Provider.make({
    name: options.name ?? "scripted",
    model: options.model ?? "scripted",
    stream: (request, model) => {
      requests.push(request)
      const answer = answers[requests.length - 1]
      if (answer === undefined) {
        return refused(`the script has ${answers.length} answers and was asked ${requests.length} times`)
      }
      const script = typeof answer === "string" ? { text: answer } : answer
      const mistake = mistakeIn(script)
      return mistake === undefined ? play(script, model) : refused(mistake)
    },
  })
  return Object.assign(Layer.succeed(LlmProvider, service), { requests })
}

const refused = (message: string) => Stream.fail(new InvalidRequestError({ message }))

type Script = Exclude<Answer, string>

/** Every field of an answer. */
const answerFields: Readonly<Record<keyof Script, true>> = {
  text: true,
  reasoning: true,
  toolCalls: true,
  finishReason: true,
  usage: true,
  error: true,
  delay: true,
  pause: true,
  stall: true,
}

/** What is wrong with an answer of a script that no compiler has read. */
const mistakeIn = (answer: Script): string | undefined => {
  const unknown = Object.keys(answer).find((name) => !Object.hasOwn(answerFields, name))
  if (unknown !== undefined) {
    const known = Object.keys(answerFields)
    return `"${unknown}" is not a field of a scripted answer: write a text, or an object with ${known.join(", ")}`
  }
  const { error } = answer
  if (error === undefined || isLlmError(error)) return undefined
  const name = typeof error === "string" ? error : error._tag
  if (Object.hasOwn(verdicts, name)) return undefined
  return `"${name}" is not an error type${suggestion(name, Object.keys(verdicts))}`
}

/** One answer, as it is given. */
const play = (script: Script, model: string | undefined): Stream.Stream<Provider.ReplyPiece, LlmErrorReason> => {
  const { delay, error, finishReason, pause, stall, toolCalls, usage } = script
  const pieces = Stream.fromArray(piecesOf(script)).pipe(
    Stream.mapEffect((piece, index) =>
      Effect.as(pause === undefined || index === 0 ? Effect.void : Effect.sleep(pause), piece),
    ),
  )
  const end: Provider.ReplyPiece = {
    type: "end",
    finishReason: finishReason ?? (toolCalls === undefined ? "stop" : "tool-calls"),
    usage,
    servedModel: model,
  }
  const ending = error === undefined ? Stream.succeed(end) : Stream.fail(reasonOf(error))
  return Stream.fromEffectDrain(delay === undefined ? Effect.void : Effect.sleep(delay)).pipe(
    Stream.concat(pieces),
    Stream.concat(stall === true ? Stream.never : ending),
  )
}

const piecesOf = (script: Script): ReadonlyArray<Provider.ReplyPiece> => {
  const pieces: Array<Provider.ReplyPiece> = []
  let index = 0
  if (script.reasoning !== undefined) pieces.push({ type: "reasoning-delta", index: index++, delta: script.reasoning })
  const texts = script.text === undefined ? [] : Arr.ensure(script.text)
  for (const delta of texts) pieces.push({ type: "text-delta", index, delta })
  if (texts.length > 0) index++
  for (const [position, { arguments: args, id = `call_${position}`, name }] of (script.toolCalls ?? []).entries()) {
    pieces.push({ type: "tool-call-start", index, id, name })
    pieces.push({ type: "tool-call-end", index, id, name, arguments: args })
    index++
  }
  return pieces
}
