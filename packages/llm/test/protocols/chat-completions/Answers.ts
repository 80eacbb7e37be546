/** Pieces of which tests make answers of Chat Completions, and what is read from them whole and in a stream. */
import { Result } from "effect"
import { expect } from "vitest"
import * as ChatCompletions from "../../../src/protocols/chat-completions/ChatCompletions.ts"
import { type Replayed, replay } from "../Replay.ts"

export const decode = (body: unknown) => {
  const decoded = ChatCompletions.protocol.decode(body)
  return Result.isSuccess(decoded)
    ? { ...decoded.success, fault: undefined }
    : { parts: [], usage: undefined, finishReason: undefined, fault: decoded.failure }
}

/** Chunks as they come, without `[DONE]`. */
export const stream = (...chunks: ReadonlyArray<unknown>): Replayed =>
  replay(
    ChatCompletions.protocol,
    chunks.map((chunk) => ({ name: undefined, data: JSON.stringify(chunk) })),
  )

export const delta = (delta: unknown, finish_reason: string | null = null, more: object = {}) => ({
  choices: [{ index: 0, delta, finish_reason, ...more }],
})
export const message = (message: unknown, finish_reason: string | null = "stop", more: object = {}) => ({
  choices: [{ index: 0, message, finish_reason, ...more }],
})

/** The parts of deltas, then of the end. */
export const partsOf = (...deltas: ReadonlyArray<object>) =>
  stream(...deltas.map((one) => delta(one)), delta({}, "stop")).parts

/** The parts of a message, which are the same whole and as a stream of one delta. */
export const read = (said: object) => {
  const { fault, parts } = decode(message(said))
  expect(fault).toBeUndefined()
  expect(partsOf(said)).toEqual(parts)
  return parts
}

/** The parts of a stream of deltas that ends with the whole message. */
export const withWhole = (whole: object, ...deltas: ReadonlyArray<object>) =>
  stream(...deltas.map((one) => delta(one)), message(whole)).parts

export const text = (text: string) => ({ type: "text", text })
export const kept = (value: object) => ({ type: "other", provider: "chat-completions", value })
export const thought = (text: string, own: object) => ({
  type: "reasoning",
  text,
  protocolData: { "chat-completions": own },
})
