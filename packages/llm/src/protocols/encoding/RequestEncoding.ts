/**
 * What all encoders need while they write a request: the notes they take (warnings, and the first refusal), and the checks
 * that hold for every provider. It writes no wire name.
 */
import * as Result from "effect/Result"
import { InvalidRequestError } from "../../model/LlmError.ts"
import type { LlmRequest, Message } from "../../model/LlmRequest.ts"
import { jsonText, repairWarning } from "./JsonText.ts"
import type { ModelCapabilities } from "./ModelCapabilities.ts"
import type { EncodedRequest, EncodeOptions } from "../Protocol.ts"

/** Whose own fields are added to a body, and what they may say. */
interface FinishOptions extends Pick<EncodeOptions, "provider"> {
  readonly stream?: boolean
  /** The protocol asks for an answer in the background until it is there. */
  readonly followsBackground?: boolean
}

const noWarnings: ReadonlyArray<string> = []

/** The notes of one encoding. The encoder goes on after a refusal; nothing of what it writes then is used. */
export class RequestEncoding {
  readonly warnings: Array<string> = []
  private refusal: InvalidRequestError | undefined = undefined

  /** Says once what was dropped or moved. */
  warn(warning: string): void {
    if (!this.warnings.includes(warning)) this.warnings.push(warning)
  }

  /** The request cannot be sent: `parameter` is wrong. The first refusal counts. */
  refuse(parameter: string, problem: string): void {
    this.refusal ??= new InvalidRequestError({ message: `invalid request: ${problem} at ${parameter}`, parameter })
  }

  /** Only this target cannot take the request: a fallback passes it and asks the next one. */
  refuseHere(parameter: string, problem: string): void {
    const message = `invalid request: ${problem} at ${parameter}`
    this.refusal ??= new InvalidRequestError({ message, parameter, otherTargetMayTake: true })
  }

  /** A tool call's arguments as text; arguments that are text already are what a model wrote instead of JSON. */
  argumentsText(value: unknown): string {
    if (typeof value === "string") return value
    const { isRepaired, text } = jsonText(value ?? {})
    if (isRepaired) this.warn(repairWarning)
    return text
  }

  /** The caller's own fields may say anything but that the answer has another shape than the one that is read. */
  private checkOwn(
    own: Readonly<Record<string, unknown>>,
    { followsBackground, provider, stream }: FinishOptions,
  ): void {
    const at = `providerOptions.${provider}`
    for (const name of ["n", "best_of"]) {
      const answers = own[name]
      if (typeof answers === "number" && answers > 1) {
        this.refuse(`${at}.${name}`, "an answer is one answer: leave this out, and ask as often as you want answers")
      }
    }
    if (stream !== undefined && own["stream"] !== undefined && own["stream"] !== stream) {
      this.refuse(`${at}.stream`, "stream and generate set this themselves: call the one that you mean")
    }
    if (own["background"] === true && !followsBackground) {
      this.refuse(
        `${at}.background`,
        "an answer in the background is none yet, unless wireApi is responses: leave this out",
      )
    }
  }

  /**
   * The request, with the caller's own fields last and untouched (law 21). Their tools, which are hosted ones, stand beside
   * the request's functions.
   */
  finish(
    body: Record<string, unknown>,
    request: Pick<LlmRequest, "providerOptions">,
    options: FinishOptions,
  ): Result.Result<EncodedRequest, InvalidRequestError> {
    const own = request.providerOptions?.[options.provider]
    if (own !== undefined) {
      this.checkOwn(own, options)
      const { tools } = body
      Object.assign(body, own)
      if (Array.isArray(tools) && Array.isArray(own["tools"])) body["tools"] = [...new Set([...tools, ...own["tools"]])]
    }
    if (this.refusal !== undefined) return Result.fail(this.refusal)
    return Result.succeed({
      body,
      warnings: this.warnings.length === 0 ? noWarnings : this.warnings,
      maxTokens: limitOf(body),
      temperature: numberOf(body["temperature"]),
    })
  }
}

const numberOf = (value: unknown): number | undefined => (typeof value === "number" ? value : undefined)

/** The limit of output tokens in a body, under each name that protocols have for it. */
export const limitOf = (body: Readonly<Record<string, unknown>>): number | undefined =>
  numberOf(body["max_tokens"] ?? body["max_completion_tokens"] ?? body["max_output_tokens"])

/** True for text that providers refuse as empty. */
export const isBlank = (text: string): boolean => text.trim() === ""

const isEmpty = (message: Message): boolean =>
  typeof message.content === "string"
    ? isBlank(message.content)
    : !message.content.some((part) => part.type !== "text" || !isBlank(part.text))

/**
 * Checks what no provider can repair, and returns the messages that say something, with their places in the request:
 * empty ones are dropped with a warning, a tool result without its call is refused (law 20). Where the conversation
 * `isContinued` its beginning, and with it the call, is kept by the provider.
 */
export const speakingMessages = (
  messages: ReadonlyArray<Message>,
  encoding: RequestEncoding,
  isContinued = false,
): ReadonlyArray<{ readonly message: Message; readonly path: string }> => {
  let called: Set<string> | undefined
  const speaking: Array<{ readonly message: Message; readonly path: string }> = []
  messages.forEach((message, index) => {
    const path = `messages[${index}]`
    if (isEmpty(message)) {
      encoding.warn(`${path} was dropped: it is empty`)
      return
    }
    speaking.push({ message, path })
    if (message.role === "assistant" && typeof message.content !== "string") {
      for (const part of message.content) {
        if (part.type === "tool-call") (called ??= new Set()).add(part.id)
      }
    } else if (message.role === "tool") {
      message.content.forEach((part, place) => {
        if (isContinued || called?.has(part.toolCallId) === true) return
        encoding.refuse(
          `${path}.content[${place}].toolCallId`,
          `no earlier assistant message makes the tool call "${part.toolCallId}"`,
        )
      })
    }
  })
  if (speaking.length === 0) encoding.refuse("messages", "every message is empty")
  return speaking
}

/** A conversation that one provider keeps cannot be continued where another protocol is spoken. */
export const refuseContinuation = (encoding: RequestEncoding, request: LlmRequest): void => {
  if (request.previousResponseId === undefined) return
  encoding.refuseHere(
    "previousResponseId",
    "only the Responses API continues a stored answer; set wireApi to responses or send the whole conversation",
  )
}

/** The parameters that bend how a model chooses its words, as far as `capabilities` lets them through. */
export interface Sampling {
  readonly temperature: number | undefined
  readonly topP: number | undefined
  readonly frequencyPenalty: number | undefined
  readonly presencePenalty: number | undefined
  readonly stop: ReadonlyArray<string> | undefined
}

/** Says that a parameter was dropped for a model (law 13: never silently). */
export const drop = (encoding: RequestEncoding, parameter: string, model: string): void =>
  encoding.warn(`${parameter} was dropped: ${model} does not accept it`)

/** Both are refused where there are no tools to choose from or to call (openai 7.57 types; Anthropic's API reference). */
export const dropToolOptions = (encoding: RequestEncoding, request: LlmRequest): void => {
  const { parallelToolCalls, toolChoice } = request
  if (toolChoice !== undefined && toolChoice !== "none") encoding.warn("toolChoice was dropped: there are no tools")
  if (parallelToolCalls !== undefined) encoding.warn("parallelToolCalls was dropped: there are no tools")
}

/** The sampling parameters that the model accepts; each other one is dropped with a warning that names it. */
export const acceptedSampling = (
  request: LlmRequest,
  model: string,
  capabilities: ModelCapabilities,
  encoding: RequestEncoding,
): Sampling => {
  const keep = <Value>(parameter: string, value: Value | undefined, accepted: boolean): Value | undefined => {
    if (value === undefined || accepted) return value
    drop(encoding, parameter, model)
    return undefined
  }
  const { sampling } = capabilities
  const samples = sampling === "accepted" || (sampling === "without-reasoning" && request.reasoningEffort === "none")
  const temperature = keep("temperature", request.temperature, samples)
  let topP = keep("topP", request.topP, samples)
  if (topP !== undefined && temperature !== undefined && !capabilities.temperatureWithTopP) {
    encoding.warn(`topP was dropped: ${model} does not accept it together with temperature`)
    topP = undefined
  }
  const stop = request.stop !== undefined && request.stop.length > 0 ? request.stop : undefined
  return {
    temperature,
    topP,
    frequencyPenalty: keep("frequencyPenalty", request.frequencyPenalty, capabilities.penalties),
    presencePenalty: keep("presencePenalty", request.presencePenalty, capabilities.penalties),
    stop: keep("stop", stop, capabilities.stop),
  }
}
