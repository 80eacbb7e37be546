/**
 * What both encoders need while they write a request: the notes they take (warnings, and the first refusal), the checks
 * that hold for every provider, and the reading of media. It writes no wire name.
 */
import * as Result from "effect/Result"
import { InvalidRequestError } from "../../model/LlmError.ts"
import type { FilePart, ImagePart, LlmRequest, Message } from "../../model/LlmRequest.ts"
import { jsonText, repairWarning } from "./JsonText.ts"
import type { ModelCapabilities } from "./ModelCapabilities.ts"
import type { EncodedRequest, EncodeOptions } from "../Protocol.ts"

/** Whose own fields are added to a body, and what they may say. */
interface FinishOptions extends Pick<EncodeOptions, "provider"> {
  readonly stream?: boolean
  /** The protocol asks for an answer in the background until it is there. */
  readonly followsBackground?: boolean
}

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
    return Result.succeed({ body, warnings: this.warnings })
  }
}

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
  const called = new Set<string>()
  const speaking: Array<{ readonly message: Message; readonly path: string }> = []
  messages.forEach((message, index) => {
    const path = `messages[${index}]`
    if (isEmpty(message)) {
      encoding.warn(`${path} was dropped: it is empty`)
      return
    }
    speaking.push({ message, path })
    if (message.role === "assistant" && typeof message.content !== "string") {
      for (const part of message.content) if (part.type === "tool-call") called.add(part.id)
    } else if (message.role === "tool") {
      message.content.forEach((part, place) => {
        if (isContinued || called.has(part.toolCallId)) return
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
  encoding.refuse(
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

/** Where a medium's bytes are: on the web, in the provider's own store, or here. */
export type Medium =
  | { readonly at: "url"; readonly url: string }
  | { readonly at: "store"; readonly fileId: string }
  | { readonly at: "hand"; readonly mediaType: string; readonly data: string }

/** The media types that the first bytes of base64 give away. */
const signatures: ReadonlyArray<readonly [string, string]> = [
  ["iVBORw0K", "image/png"],
  ["/9j/", "image/jpeg"],
  ["R0lGOD", "image/gif"],
  ["UklGR", "image/webp"],
  ["JVBERi", "application/pdf"],
]

const guessMediaType = (data: string): string | undefined =>
  signatures.find(([signature]) => data.startsWith(signature))?.[1]

/** Where the bytes of a part are, or a refusal that says what is missing. */
export const mediumOf = (part: ImagePart | FilePart, path: string, encoding: RequestEncoding): Medium | undefined => {
  if (part.type === "file" && part.fileId !== undefined) return { at: "store", fileId: part.fileId }
  if (part.url !== undefined && !part.url.startsWith("data:")) return { at: "url", url: part.url }
  let { data, mediaType } = part
  if (part.url !== undefined) {
    const comma = part.url.indexOf(",")
    const head = part.url.slice(5, Math.max(comma, 5))
    if (comma < 0 || !head.endsWith(";base64")) {
      encoding.refuse(`${path}.url`, "a data URL must be base64: data:<media type>;base64,<data>")
      return undefined
    }
    data = part.url.slice(comma + 1)
    mediaType ??= head.slice(0, -";base64".length).split(";")[0]
  }
  if (data === undefined || data === "") {
    encoding.refuse(path, `the ${part.type} part has neither a url nor data`)
    return undefined
  }
  const known = mediaType || guessMediaType(data) || (part.type === "file" ? "application/pdf" : undefined)
  if (known === undefined) {
    encoding.refuse(`${path}.mediaType`, "mediaType is missing and the data does not show it")
    return undefined
  }
  return { at: "hand", mediaType: known, data }
}
