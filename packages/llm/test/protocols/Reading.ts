/** What this library's protocols make of a recorded exchange, in the words of its expectation; and how many they read. */
import { isDeepStrictEqual } from "node:util"
import { Result } from "effect"
import { toReason } from "../../src/protocols/failures/ProviderFailure.ts"
import type { Answer, Fault, Protocol } from "../../src/protocols/Protocol.ts"
import * as ChatCompletions from "../../src/protocols/chat-completions/ChatCompletions.ts"
import * as Messages from "../../src/protocols/messages/Messages.ts"
import * as Responses from "../../src/protocols/responses/Responses.ts"
import { type Exchange, type Expected, expectedOf, loadChat, loadMessages, loadResponses } from "../Corpus.ts"
import { framesOf, replay, summaryOf } from "./Replay.ts"

type Read = { readonly answer: Answer } | { readonly fault: Fault } | "incomplete"

/** Reads an exchange as a provider would, without any network. */
export const readExchange = (protocol: Protocol, { kind, response }: Exchange): Read => {
  if (kind === "error") return { fault: protocol.decodeFailure(response.body, response.status) }
  if (kind === "json") {
    const decoded = protocol.decode(response.body)
    return Result.isSuccess(decoded) ? { answer: decoded.success } : { fault: decoded.failure }
  }
  const { ending, fault, parts } = replay(protocol, framesOf(response.body))
  if (fault !== undefined) return { fault }
  return ending === undefined ? "incomplete" : { answer: { ...ending, parts } }
}

/** What was read, to be compared with what is expected. */
export const found = (read: Read, expected: Expected): unknown => {
  if (read === "incomplete") return { outcome: "incomplete" }
  if ("fault" in read) {
    if (read.fault._tag !== "ProviderFailure") {
      return expected.outcome === "failure" && read.fault.message.includes(expected.message) ? expected : read.fault
    }
    const reason = toReason(read.fault, {})
    // A provider's message may gain a gateway's quotation; of a page of HTML only the title is a message.
    const message = expected.outcome === "failure" ? expected.message : ""
    const isKept = message.startsWith("<html") || reason.message.includes(message.slice(0, 100))
    return { outcome: "failure", errorType: reason._tag, message: isKept ? message : reason.message }
  }
  const { finishReason, parts, rawFinishReason, usage } = read.answer
  const summary = summaryOf(parts)
  const expectedCalls = expected.outcome === "success" ? expected.toolCalls : []
  return {
    outcome: "success",
    text: summary.text,
    toolCalls: summary.toolCalls.map((call, place) =>
      expectedCalls[place]?.id === undefined ? { name: call.name, arguments: call.arguments } : call,
    ),
    reasoning: summary.reasoning || undefined,
    refusal: summary.refusal || undefined,
    finishReason,
    rawFinishReason,
    usage,
  }
}

/** Each protocol with its recordings. */
export const recordingsByWire: ReadonlyArray<readonly [string, Protocol, ReadonlyArray<Exchange>]> = [
  ["Chat Completions", ChatCompletions.protocol, loadChat()],
  ["Messages", Messages.protocol, loadMessages()],
  ["Responses", Responses.protocol, loadResponses()],
]

/** A value without the fields that have none: `undefined` and absent are the same here. */
const plain = (value: unknown): unknown => JSON.parse(JSON.stringify(value) ?? "null")

const serviceOf = ({ tags }: Exchange): string =>
  tags.find((tag) => tag.startsWith("provider:"))?.slice("provider:".length) ?? "unknown"

/** Wire, service, recordings whole, in streams and of failures, and how many of all are read as recorded. */
export const conformanceCells = (): ReadonlyArray<ReadonlyArray<string>> =>
  recordingsByWire.flatMap(([wire, protocol, exchanges]) => {
    const services = [...new Set(exchanges.map(serviceOf))].toSorted()
    return services.map((service) => {
      const own = exchanges.filter((exchange) => serviceOf(exchange) === service)
      const count = (kind: Exchange["kind"]) => String(own.filter((exchange) => exchange.kind === kind).length)
      const right = own.filter((exchange) => {
        const expected = expectedOf(exchange)
        return isDeepStrictEqual(plain(found(readExchange(protocol, exchange), expected)), plain(expected))
      })
      return [wire, service, count("json"), count("sse"), count("error"), `${right.length} of ${own.length}`]
    })
  })
