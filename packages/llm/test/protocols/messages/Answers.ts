/** Pieces of which tests make answers of Messages, and what is read from them whole and in a stream. */
import { Result } from "effect"
import { expect } from "vitest"
import * as Messages from "../../../src/protocols/messages/Messages.ts"
import { type Replayed, replay } from "../Replay.ts"

export const decode = (body: unknown) => {
  const decoded = Messages.protocol.decode(body)
  return Result.isSuccess(decoded)
    ? { ...decoded.success, fault: undefined }
    : { parts: [], usage: undefined, billing: undefined, finishReason: undefined, fault: decoded.failure }
}

export const whole = (content: ReadonlyArray<unknown>, more: object = {}) => ({
  model: "m",
  content,
  stop_reason: "end_turn",
  ...more,
})

export const start = (block: unknown, index = 0) => ({ type: "content_block_start", index, content_block: block })
export const delta = (type: string, piece: object, index = 0) => ({
  type: "content_block_delta",
  index,
  delta: { type, ...piece },
})
export const stop = (index = 0) => ({ type: "content_block_stop", index })
export const opening = (message: object = {}) => ({ type: "message_start", message: { model: "m", ...message } })
export const ended = { type: "message_delta", delta: { stop_reason: "end_turn" } }
export const stopped = { type: "message_stop" }

/** Events as they come. */
export const events = (...list: ReadonlyArray<unknown>): Replayed =>
  replay(
    Messages.protocol,
    list.map((event) => ({ name: undefined, data: JSON.stringify(event) })),
  )

/** A whole stream with these events between its beginning and its end. */
export const stream = (...list: ReadonlyArray<unknown>): Replayed => events(opening(), ...list, ended, stopped)

/** The parts of blocks, which are the same whole, as blocks of a stream, and in the message that begins one. */
export const read = (...blocks: ReadonlyArray<unknown>) => {
  const { fault, parts } = decode(whole(blocks))
  expect(fault).toBeUndefined()
  expect(stream(...blocks.flatMap((block, index) => [start(block, index), stop(index)])).parts).toEqual(parts)
  expect(events(opening({ content: blocks }), ended, stopped).parts).toEqual(parts)
  return parts
}

export const text = (text: string) => ({ type: "text", text })
export const kept = (value: object) => ({ type: "other", provider: "messages", value })
