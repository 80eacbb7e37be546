/** A provider over exchanges that are written down: what comes in which read of the socket, and how it ends. */
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import { expect } from "vitest"
import { ask, type Seen } from "../contract/Ask.ts"
import type { LlmProvider } from "../../src/model/LlmProvider.ts"
import * as ChatCompletions from "../../src/protocols/chat-completions/ChatCompletions.ts"
import type { Endpoint } from "../../src/transport/Endpoint.ts"
import * as HttpProvider from "../../src/transport/HttpProvider.ts"
import { broken, type Broken, type Exchange, type Head, type WireRequest } from "../../src/transport/Transport.ts"

export const calls = ["generate", "stream"] as const

type Chunk = string | Uint8Array

/** One read of the socket: one chunk or several, or a wait before the next. */
export type Read = Chunk | ReadonlyArray<Chunk> | { readonly waitMs: number }

export interface Reply {
  /** Default 200. */
  readonly status?: number
  readonly headers?: Head["headers"]
  /** Instead of a status and headers. */
  readonly head?: Effect.Effect<Head, Broken>
  readonly reads?: ReadonlyArray<Read>
  /** What follows the last read: the end of the body by default. */
  readonly end?: Exchange["read"]
}

/** The end of a connection that was lost. */
export const reset: Exchange["read"] = Effect.fail(
  broken(Object.assign(new Error("socket hang up"), { code: "ECONNRESET" })),
)

const encoder = new TextEncoder()
const bytesOf = (chunk: Chunk): Uint8Array => (typeof chunk === "string" ? encoder.encode(chunk) : chunk)

/** A transport that gives these replies in turn, and notes what it is asked and how each exchange is closed. */
export const replying = (...replies: ReadonlyArray<Reply>) => {
  const requests: Array<WireRequest> = []
  const closed: Array<boolean> = []
  const seen = { reads: 0 }
  const open = (request: WireRequest): Exchange => {
    const { end = Cause.done(), head, headers = {}, reads = [], status = 200 } = replies[requests.length] ?? {}
    requests.push(request)
    let next = 0
    const read: Exchange["read"] = Effect.suspend(() => {
      const step = reads[next++]
      seen.reads++
      if (step === undefined) return end
      if (typeof step === "string" || step instanceof Uint8Array) return Effect.succeed([bytesOf(step)])
      if ("waitMs" in step) return Effect.andThen(Effect.sleep(step.waitMs), read)
      const [first = "", ...others] = step
      return Effect.succeed([bytesOf(first), ...others.map(bytesOf)])
    })
    return {
      head: head ?? Effect.succeed({ status, headers }),
      read,
      close: (isComplete) => void closed.push(isComplete),
    }
  }
  return { open, requests, closed, seen }
}

/** An endpoint of a model called `m` that speaks Chat Completions. */
export const endpoint = (more: Partial<Endpoint> = {}): Endpoint => ({
  provider: "test",
  model: "m",
  protocol: ChatCompletions.protocol,
  url: () => "https://api.test/v1/chat/completions",
  headers: Effect.succeed({ authorization: "Bearer sk-secret-key-1" }),
  ...more,
})

/** The provider of an endpoint over these replies. */
export const providerOf = (replies: ReadonlyArray<Reply>, more: Partial<Endpoint> = {}) => {
  const transport = replying(...replies)
  const llm: LlmProvider["Service"] = HttpProvider.make(endpoint(more), transport.open)
  return { ...transport, llm }
}

/** One streamed call over these reads. */
export const streamed = (reads: ReadonlyArray<Read>, end?: Reply["end"], more?: Partial<Endpoint>) => {
  const { llm } = providerOf([{ reads, ...(end === undefined ? {} : { end }) }], more)
  return ask(llm, "stream")
}
/** Why a call failed, which had no answer. */
export const failureOf = ({ error, response }: Seen) => {
  expect(response).toBeUndefined()
  return error?.reason
}
