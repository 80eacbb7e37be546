/** Every recorded exchange is read as its recording says it must be. */
import { Result } from "effect"
import { describe, expect, it } from "vitest"
import * as ChatCompletions from "../../src/protocols/chat-completions/ChatCompletions.ts"
import * as Messages from "../../src/protocols/messages/Messages.ts"
import * as Responses from "../../src/protocols/responses/Responses.ts"
import type { Answer, Fault, Protocol } from "../../src/protocols/Protocol.ts"
import { toReason } from "../../src/protocols/failures/ProviderFailure.ts"
import {
  corpusIsThere,
  type Exchange,
  type Expected,
  expectedOf,
  loadChat,
  loadMessages,
  loadResponses,
} from "../Corpus.ts"
import { framesOf, replay, summaryOf } from "./Replay.ts"

type Read = { readonly answer: Answer } | { readonly fault: Fault } | "incomplete"

const readExchange = (protocol: Protocol, { kind, response }: Exchange): Read => {
  if (kind === "error") return { fault: protocol.decodeFailure(response.body, response.status) }
  if (kind === "json") {
    const decoded = protocol.decode(response.body)
    return Result.isSuccess(decoded) ? { answer: decoded.success } : { fault: decoded.failure }
  }
  const { ending, fault, parts } = replay(protocol, framesOf(response.body))
  if (fault !== undefined) return { fault }
  return ending === undefined ? "incomplete" : { answer: { ...ending, parts } }
}

const found = (read: Read, expected: Expected): unknown => {
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

const conforms = (protocol: Protocol, exchanges: ReadonlyArray<Exchange>) => {
  it.each(exchanges.map((exchange) => [exchange.id, exchange] as const))("%s", (_, exchange) => {
    const expected = expectedOf(exchange)
    expect(found(readExchange(protocol, exchange), expected)).toEqual(expected)
  })
}

describe.skipIf(!corpusIsThere)("recorded exchanges of Chat Completions", () => {
  conforms(ChatCompletions.protocol, loadChat())
})

describe.skipIf(!corpusIsThere)("recorded exchanges of Messages", () => {
  conforms(Messages.protocol, loadMessages())
})

describe.skipIf(!corpusIsThere)("recorded exchanges of Responses", () => {
  conforms(Responses.protocol, loadResponses())
})
