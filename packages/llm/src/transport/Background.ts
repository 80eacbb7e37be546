/**
 * An answer that its provider makes in the background, as one exchange: what is not finished is asked for again, and a
 * stream that breaks off goes on where it was. The protocol says what to ask; this asks. The request that orders the answer
 * is sent once and never again.
 */
import * as Cause from "effect/Cause"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Pull from "effect/Pull"
import { createParser } from "eventsource-parser"
import type { Limits } from "../protocols/Limits.ts"
import type { Background, Continuation } from "../protocols/Protocol.ts"
import { collectBody } from "./Body.ts"
import { retryAfterMs } from "./ResponseHeaders.ts"
import {
  type Broken,
  type Exchange,
  type Head,
  type OpenExchange,
  type Refusal,
  unreadable,
  type WireRequest,
} from "./Transport.ts"

/** The wait before an answer is asked for again. It doubles up to the longest, and each piece of a stream resets it. */
const firstWaitMs = 500
const longestWaitMs = 8000

/** Questions that may fail one after the other. */
const mostFailures = 5

type Bytes = Exchange["read"]

const encoder = new TextEncoder()

const isSuccess = (status: number): boolean => status >= 200 && status < 300

/** Statuses that pass by themselves. */
const isPassing = (status: number): boolean => status === 408 || status === 429 || status >= 500

/** The longest end of an event, but for its last character: where it may be cut. */
const longestBlank = 3

/** Where the last whole event of a text ends, whatever its line ends are; 0 where there is none. */
const endOfEvents = (text: string): number => {
  let end = 0
  for (const blank of ["\n\n", "\r\n\r\n", "\r\r"]) {
    const at = text.lastIndexOf(blank)
    if (at >= 0) end = Math.max(end, at + blank.length)
  }
  return end
}

/** The address of what goes on, below that of the request and with its query. */
const addressOf = (url: string, { path, query }: Continuation): string => {
  const mark = url.indexOf("?")
  const base = mark < 0 ? url : url.slice(0, mark)
  const pairs = [mark < 0 ? "" : url.slice(mark + 1), query].filter((text) => text !== "")
  return `${base}${path}${pairs.length === 0 ? "" : `?${pairs.join("&")}`}`
}

/** The exchange that such an answer looks like. It waits and asks only while somebody reads. */
export const inBackground = (
  open: OpenExchange,
  request: WireRequest,
  answer: Background,
  limits: Limits,
  isStream: boolean,
): Exchange => {
  let current = open(request)
  let waitMs = firstWaitMs
  let failures = 0
  /** How long the service wants to be left alone. */
  let toldMs = 0
  let refused: Refusal | undefined
  /** What is left to say once the answer has ended. */
  let ending: Effect.Effect<never, Broken | Cause.Done> | undefined

  const progress = () => {
    waitMs = firstWaitMs
    toldMs = 0
    failures = 0
  }

  /** Asks for what is missing, after a wait: succeeds with the head, which is a failure's where that does not pass. */
  const ask = (where: Continuation): Effect.Effect<Head, Broken> =>
    Effect.suspend(() => {
      const pause = Effect.andThen(current.close(false) ?? Effect.void, Effect.sleep(Math.max(waitMs, toldMs)))
      waitMs = Math.min(waitMs * 2, longestWaitMs)
      return Effect.flatMap(pause, () => {
        const { body: _, ...rest } = request
        current = open({ ...rest, method: "GET", url: addressOf(request.url, where) })
        return Effect.matchEffect(current.head, {
          onSuccess: (head) => {
            if (!isPassing(head.status) || !mayFail()) return Effect.succeed(head)
            return Effect.flatMap(Clock.currentTimeMillis, (nowMs) => {
              toldMs = retryAfterMs(head.headers, nowMs, head.status) ?? 0
              return ask(where)
            })
          },
          onFailure: (error) => (mayFail() ? ask(where) : Effect.fail(error)),
        })
      })
    })

  const mayFail = (): boolean => ++failures < mostFailures

  const say = (text: string): Effect.Effect<[Uint8Array]> => Effect.succeed([encoder.encode(text)])

  const body = Effect.suspend(() =>
    Effect.mapError(collectBody(current, limits.maxBodyBytes), (error) =>
      error._tag === "Broken" ? error : unreadable(`the answer is larger than ${limits.maxBodyBytes} bytes`),
    ),
  )

  /** The body of the finished answer. `before` is where it was asked for last, and with what it was answered. */
  const wholeBody = (
    before: { readonly where: Continuation; readonly head: Head } | undefined,
  ): Effect.Effect<[Uint8Array], Broken> => {
    const again = (where: Continuation) => Effect.flatMap(ask(where), (head) => wholeBody({ where, head }))
    return Effect.matchEffect(body, {
      onSuccess: (text) => {
        const isRefused = before !== undefined && !isSuccess(before.head.status)
        const where = isRefused ? undefined : answer.pending(text)
        if (where === undefined) {
          ending = Cause.done()
          if (isRefused) refused = { head: before.head, text }
          return say(text)
        }
        failures = 0
        toldMs = 0
        return again(where)
      },
      onFailure: (error) => (before !== undefined && mayFail() ? again(before.where) : Effect.fail(error)),
    })
  }

  let decoder = new TextDecoder()
  /** What has come of an event that is not whole yet, its length, and its end, where the end of the event may begin. */
  let pieces: Array<string> = []
  let restLength = 0
  let tail = ""
  const parser = createParser({ onEvent: ({ data }) => answer.note(data) })

  const forget = () => {
    pieces = []
    restLength = 0
    tail = ""
  }

  const keep = (text: string) => {
    if (text === "") return
    pieces.push(text)
    restLength += text.length
    tail = (tail + text).slice(-longestBlank)
  }

  /** Hands on whole events only: what a cut leaves of one would be read as a fault. Each piece is looked through once. */
  const handOn = (text: string): Effect.Effect<[Uint8Array]> | undefined => {
    const end = restLength + text.length > limits.maxEventLength ? text.length : endOfEvents(tail + text) - tail.length
    if (end <= 0) {
      keep(text)
      return undefined
    }
    const events = pieces.join("") + text.slice(0, end)
    forget()
    keep(text.slice(end))
    parser.feed(events)
    progress()
    return say(events)
  }

  const stream: Bytes = Effect.suspend(() =>
    Pull.matchEffect(current.read, {
      onSuccess: (chunks) => {
        let text = ""
        for (const chunk of chunks) text += decoder.decode(chunk, { stream: true })
        return handOn(text) ?? stream
      },
      onFailure: (cause) =>
        Option.isNone(Cause.findErrorOption(cause)) ? Effect.failCause(cause) : goOn(Effect.failCause(cause)),
      onDone: () => goOn(Cause.done()),
    }),
  )

  /** The input has ended: it goes on where it was, or the answer has ended too. */
  const goOn = (end: Effect.Effect<never, Broken | Cause.Done>): Bytes => {
    const where = answer.resume()
    if (where === undefined) {
      ending = end
      return restLength === 0 ? end : say(pieces.join(""))
    }
    forget()
    decoder = new TextDecoder()
    return Effect.flatMap(ask(where), (head) => (isSuccess(head.status) ? stream : refusal(head)))
  }

  /** The provider's refusal to go on, as an error event of a stream. */
  const refusal = (head: Head): Bytes =>
    Effect.flatMap(body, (text) => {
      ending = Cause.done()
      refused = { head, text }
      return say(`event: error\ndata: ${text.replaceAll(/\s+/g, " ")}\n\n`)
    })

  return {
    head: current.head,
    read: Effect.suspend(() => ending ?? (isStream ? stream : wholeBody(undefined))),
    close: (isComplete) => current.close(isComplete),
    refusal: () => refused,
  }
}
