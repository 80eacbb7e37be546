/**
 * About how many tokens a request is for one of OpenAI's models, and how far the true count may be from that. What cannot be
 * counted from its text (pictures, files, what a service keeps) has no estimate: a number without a bound is a guess.
 */
import * as Effect from "effect/Effect"
import type { LlmRequest, Message } from "../model/LlmRequest.ts"
import type { TokenCount } from "../model/ModelInfo.ts"
import { countText, encodingOf, packageName, tokenizer } from "./Tokenizer.ts"
import { toolText } from "./ToolText.ts"

/** Which of OpenAI's interfaces the request goes to: they write the same request differently for the model. */
export type Wire = "chat" | "responses"

/** What of a request becomes text for the model. */
interface Read {
  /** Texts that are counted as they are. */
  readonly texts: ReadonlyArray<string>
  /** Tokens around them. */
  readonly around: number
  /** Tokens that the true count may be away from this, beside a share of the tools and of the schema. */
  readonly slack: number
}

/*
 * The figures below are fitted to the recorded requests of twelve projects and the `usage` that OpenAI and Azure answered
 * (test/counting/Bounds.test.ts measures them again): texts to the token, tools to within three for most, tool calls and
 * schemas to within some ten.
 */

/** A message is its text and its role between marks. */
const perMessage = 4

/** The beginning of the answer; models that reason begin with one mark less. */
const perAnswer = 3

/** A call of a tool and its answer, around the name, the arguments and the text. */
const perCall = 7
const perResult = 6
const callSlack = 8

/** gpt-5 is told more about tools over Chat Completions than over Responses. */
const chatToolNote = 84

/** Texts are cut into parts here, and marks differ by a token between models. */
const textSlack = 2
const toolSlack = 8
const toolShare = 0.3
const schemaSlack = 14
const schemaShare = 0.2

const reasons = (model: string): boolean => /^(?:o\d|gpt-5)/.test(model) && !model.includes("chat")

/** Text parts, or what is something else. */
const textsOf = (content: string | ReadonlyArray<{ readonly type: string }>): ReadonlyArray<string> | string => {
  if (typeof content === "string") return [content]
  const texts: Array<string> = []
  for (const part of content) {
    if ("text" in part && typeof part.text === "string" && part.type !== "reasoning") texts.push(part.text)
    else return part.type
  }
  return texts
}

/** What a message is to the model; a text says what in it cannot be counted. */
const readMessage = (message: Message): Read | string => {
  if (message.role === "tool") {
    const read = message.content.map(({ content }) => textsOf(content))
    const other = read.find((texts) => typeof texts === "string")
    if (other !== undefined) return String(other)
    return { texts: read.flat(), around: perResult * read.length, slack: callSlack * read.length }
  }
  const { content } = message
  if (message.role !== "assistant" || typeof content === "string") {
    const texts = textsOf(content)
    return typeof texts === "string" ? texts : { texts, around: perMessage, slack: 0 }
  }
  const calls = content.filter((part) => part.type === "tool-call")
  const texts = textsOf(content.filter((part) => part.type !== "tool-call"))
  if (typeof texts === "string") return texts
  const called = calls.flatMap((call) => [
    call.name,
    typeof call.arguments === "string" ? call.arguments : JSON.stringify(call.arguments),
  ])
  return {
    texts: [...texts, ...called],
    around: (texts.length === 0 ? 0 : perMessage) + perCall * calls.length,
    slack: callSlack * calls.length,
  }
}

const unknown = (reason: string): TokenCount => ({ type: "unknown", reason })

/** Why a request cannot be estimated though its messages can; undefined where it can. */
const unread = ({ previousResponseId }: LlmRequest, own: unknown): string | undefined =>
  previousResponseId !== undefined
    ? "it goes on from an answer that the service keeps"
    : own !== undefined
      ? "its providerOptions may add to what the model reads"
      : undefined

/** The estimate of a request to a model, as `provider` would send it over `wire`. It does not fail. */
export const estimateRequest = (
  request: LlmRequest,
  model: string,
  { provider, wire }: { readonly provider: string; readonly wire: Wire },
): Effect.Effect<TokenCount> =>
  Effect.gen(function* () {
    const encoding = encodingOf(model)
    if (encoding === undefined) return unknown(`no tokenizer is known for the model ${model}`)
    const why = unread(request, request.providerOptions?.[provider])
    if (why !== undefined) return unknown(`${why}, so that its tokens cannot be estimated`)
    const count = yield* tokenizer(encoding)
    const { responseFormat, tools = [] } = request
    let inputTokens = reasons(model) ? perAnswer - 1 : perAnswer
    let slack = textSlack
    for (const message of request.messages) {
      const read = readMessage(message)
      if (typeof read === "string") {
        return unknown(`a part of the type ${read} is in its messages, whose tokens cannot be estimated`)
      }
      inputTokens += read.around
      slack += read.slack
      for (const text of read.texts) inputTokens += yield* countText(text, count)
    }
    if (tools.length > 0) {
      const written = yield* countText(toolText(tools), count)
      inputTokens += written + (wire === "chat" && model.startsWith("gpt-5") ? chatToolNote : 0)
      slack += toolSlack + toolShare * written
    }
    if (responseFormat?.type === "json-schema") {
      const written = yield* countText(JSON.stringify(responseFormat.schema), count)
      inputTokens += written
      slack += schemaSlack + schemaShare * written
    }
    const errorBound = Math.ceil((slack / inputTokens) * 1000) / 1000
    return { type: "estimate", inputTokens, errorBound, tokenizer: encoding } satisfies TokenCount
  }).pipe(
    Effect.catchDefect(() => Effect.succeed(unknown("its texts cannot be counted"))),
    Effect.catch(() =>
      Effect.succeed(
        unknown(`the package ${packageName} is not installed beside this library; npm install ${packageName}`),
      ),
    ),
  )

/** The estimate where a model's tokenizer is not known, or what a service adds to a request is not. */
export const noEstimate = (title: string) => (): Effect.Effect<TokenCount> =>
  Effect.succeed(unknown(`${title} counts no tokens, and what its models make of a request is not known`))
