/** Recorded exchanges sent over loopback HTTP and read by the providers, and what came of each. */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { Anthropic, AzureOpenAi, type LlmError, type LlmEvent, LlmProvider, OpenAi } from "../../src/index.ts"
import { ask, hello, type Seen } from "../contract/Ask.ts"
import { type Exchange, type Expected, expectedOf, loadCorpus } from "../Corpus.ts"
import { summaryOf } from "../protocols/Replay.ts"
import { type Recorded, RecordedServer } from "./RecordedServer.ts"

/** One file of recordings, and the provider that reads it. */
export interface Recordings {
  readonly name: string
  readonly exchanges: ReadonlyArray<Exchange>
  readonly layer: (url: string) => Layer.Layer<LlmProvider, LlmError>
}

const openAi = (url: string) => OpenAi.layer({ apiKey: "key", apiBase: `${url}/v1` })

const openAiResponses = (url: string) => OpenAi.layer({ apiKey: "key", apiBase: `${url}/v1`, wireApi: "responses" })
const isAzure = ({ tags }: Exchange): boolean => tags.includes("provider:azure")

/** The recordings of each file, by the wire that they speak. */
export const recordings: ReadonlyArray<Recordings> = [
  { name: "openai-chat", exchanges: loadCorpus("openai-chat"), layer: openAi },
  {
    name: "anthropic-messages",
    exchanges: loadCorpus("anthropic-messages"),
    layer: (url) => Anthropic.layer({ apiKey: "key", apiBase: url }),
  },
  {
    name: "azure-chat",
    exchanges: loadCorpus("azure-chat"),
    layer: (url) => AzureOpenAi.layer({ apiKey: "key", apiBase: url, apiVersion: "v1" }),
  },
  {
    name: "openai-compatible",
    exchanges: loadCorpus("openai-compatible").filter(({ tags }) => tags.includes("wire:chat")),
    layer: openAi,
  },
  {
    name: "openai-responses",
    exchanges: loadCorpus("openai-responses").filter((exchange) => !isAzure(exchange)),
    layer: openAiResponses,
  },
  {
    name: "openai-responses of Azure",
    exchanges: loadCorpus("openai-responses").filter(isAzure),
    layer: (url) => AzureOpenAi.layer({ apiKey: "key", apiBase: url, wireApi: "responses" }),
  },
  {
    name: "openai-compatible over Responses",
    exchanges: loadCorpus("openai-compatible").filter(({ tags }) => tags.includes("wire:responses")),
    layer: openAiResponses,
  },
]

/** An answer as it was recorded, in one write. */
export const recorded = ({ kind, response }: Exchange): Recorded => ({
  status: response.status,
  contentType: kind === "sse" ? "text/event-stream" : (response.headers["content-type"] ?? "application/json"),
  pieces: [Buffer.from(typeof response.body === "string" ? response.body : JSON.stringify(response.body))],
})

/** One exchange to be replayed, as it was or otherwise. */
export interface Replay {
  readonly exchange: Exchange
  readonly answer: Recorded
}

/** What came of it, in the words of `Expected`. */
export interface Outcome {
  readonly exchange: Exchange
  readonly seen: Seen
  readonly found: unknown
  readonly expected: Expected
}

/** A provider's message may gain a gateway's quotation; of a page of HTML only the title is a message. */
const messageOf = (error: LlmError, expected: Expected): string => {
  const message = expected.outcome === "failure" ? expected.message : ""
  return message.startsWith("<html") || error.message.includes(message.slice(0, 100)) ? message : error.message
}

const foundIn = ({ error, response }: Seen, expected: Expected): unknown => {
  if (error?.reason._tag === "StreamInterruptedError") return { outcome: "incomplete" }
  if (error !== undefined) {
    return { outcome: "failure", errorType: error.reason._tag, message: messageOf(error, expected) }
  }
  if (response === undefined) return undefined
  const { reasoning, refusal } = summaryOf(response.parts)
  const expectedCalls = expected.outcome === "success" ? expected.toolCalls : []
  return {
    outcome: "success",
    text: response.text,
    toolCalls: response.toolCalls.map(({ id, ...call }, place) =>
      expectedCalls[place]?.id === undefined ? call : { id, ...call },
    ),
    reasoning: reasoning || undefined,
    refusal: refusal || undefined,
    finishReason: response.finishReason,
    rawFinishReason: response.metadata.rawFinishReason,
    usage: response.metadata.usage,
  }
}

/** A failure may have been recorded from either call: what asked for a stream is asked for one again. */
const callOf = ({ kind, request }: Exchange): "generate" | "stream" =>
  kind === "sse" || (kind === "error" && (request?.body as { stream?: unknown } | null)?.stream === true)
    ? "stream"
    : "generate"

/** Replays all of them through one provider, eight at a time. */
export const replayAll = async (
  layer: Recordings["layer"],
  replays: ReadonlyArray<Replay>,
): Promise<ReadonlyArray<Outcome>> => {
  await using server = await RecordedServer.start()
  for (const [index, { answer }] of replays.entries()) server.put(`recording-${index}`, answer)
  const all = Effect.flatMap(Layer.build(layer(server.url)), (context) =>
    Effect.forEach(
      replays,
      ({ exchange }, index) =>
        Effect.map(
          ask(Context.get(context, LlmProvider), callOf(exchange), { ...hello, model: `recording-${index}` }),
          (seen): Outcome => {
            const expected = expectedOf(exchange)
            return { exchange, seen, expected, found: foundIn(seen, expected) }
          },
        ),
      { concurrency: 8 },
    ),
  )
  return await Effect.runPromise(Effect.scoped(all))
}

/** What a stream had brought when it ended, however it ended. */
export const textOf = (events: ReadonlyArray<LlmEvent>): string =>
  events.map((event) => (event.type === "text-delta" ? event.delta : "")).join("")
