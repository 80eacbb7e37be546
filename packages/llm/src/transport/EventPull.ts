/**
 * The bytes of a streamed answer as events, one array per network read. It ends with `response-finish` or with the reason
 * why there is none; it never ends silently (law 1: proof of completion).
 */
import * as Arr from "effect/Array"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Pull from "effect/Pull"
import * as Result from "effect/Result"
import { GrowingText } from "../model/GrowingText.ts"
import { InvalidResponseError, type LlmError, type LlmErrorReason, StreamInterruptedError } from "../model/LlmError.ts"
import { eventsOf, isOutput, type LlmEvent } from "../model/LlmEvent.ts"
import type { Limits } from "../protocols/Limits.ts"
import { type Ending, type Fault, isFault, type Protocol } from "../protocols/Protocol.ts"
import type { Attempt, Spent } from "../call/Attempt.ts"
import type { Events } from "../call/CallContext.ts"
import { monotonicMs } from "../call/Time.ts"
import { fromBrokenBody } from "./Failure.ts"
import type { Exchange } from "./Transport.ts"
import * as ServerSentEvents from "./ServerSentEvents.ts"
import { readDocument as decodeDocument } from "./WholeAnswer.ts"

/** How long a server may dawdle after everything that is due has come: heartbeats do not keep an answer open. */
const graceMs = 250

/** A JSON document or a page of HTML: no line of an event stream begins like this. */
const beginsDocument = (text: string): boolean => text[0] === "{" || text[0] === "[" || text[0] === "<"

/** The events of one answer, read from `bytes` as they come. */
export const eventPull = (
  bytes: Exchange["read"],
  attempt: Attempt,
  protocol: Protocol,
  { asksForUsage, limits }: { readonly asksForUsage: boolean; readonly limits: Limits },
  toReason: (fault: Fault, body?: string) => LlmErrorReason,
): Events => {
  const decoder = protocol.decodeStream({ asksForUsage })
  let out: Array<LlmEvent> = []
  let fault: Fault | undefined
  let reason: LlmErrorReason | undefined
  let failure: LlmError | undefined
  const text = new GrowingText()
  let length = 0
  let started = false
  let finished = false
  let wholeSinceMs: number | undefined
  let kind: "unknown" | "events" | "document" = "unknown"
  const document = new GrowingText()
  let spent: Spent | undefined
  let documentDecoder: TextDecoder | undefined

  const events = ServerSentEvents.make(limits.maxEventLength, (name, data) => {
    fault ??= decoder.push(name, data, out)
  })

  /** The stream will fail with this, after what it brought before has been handed out. */
  const fail = (found: LlmErrorReason) => {
    reason ??= found
  }
  const finish = (ending: Ending) => {
    finished = true
    // An answer that came whole, in one read, has not been handed out yet.
    if (out.some(isOutput)) attempt.sawOutput()
    out.push({ type: "response-finish", finishReason: ending.finishReason, metadata: attempt.finish(ending) })
  }
  /** The end of input: the answer, a fault that it ends in, or `cut` where it has not ended. */
  const settle = (end: Ending | Fault | undefined, cut: () => LlmErrorReason) => {
    if (end === undefined) fail(cut())
    else if (isFault(end)) fail(toReason(end))
    else finish(end)
  }
  const tooLarge = (what: string) =>
    fail(new InvalidResponseError({ message: `the answer was given up: ${what}`, position: `byte ${length}` }))

  const readDocument = () => {
    const whole = `${document}`
    const decoded = decodeDocument(protocol, whole)
    if (Result.isSuccess(decoded)) {
      for (const event of eventsOf(decoded.success.parts)) out.push(event)
      return finish(decoded.success)
    }
    const found = decoded.failure
    if (found._tag === "Abandoned") {
      text.add(found.text)
      spent = found
    }
    return fail(toReason(found, whole))
  }

  const feed = (chunk: Uint8Array) => {
    length += chunk.byteLength
    if (length > limits.maxBodyBytes) return tooLarge(`it is larger than ${limits.maxBodyBytes} bytes`)
    if (kind !== "events") {
      const decoded = (documentDecoder ??= new TextDecoder()).decode(chunk, { stream: true })
      const begun = kind === "document" ? decoded : decoded.trimStart()
      if (kind === "unknown" && begun !== "") kind = beginsDocument(begun) ? "document" : "events"
      if (kind === "document") document.add(begun)
    }
    // Too little to tell goes to the event reader: a byte order mark may be cut too.
    if (kind !== "document" && !events.feed(chunk)) {
      tooLarge(`an event is longer than ${limits.maxEventLength} characters`)
    }
  }

  const endOfInput = (cause: string) => {
    if (kind === "document") return readDocument()
    events.end()
    // The unfinished last line of a cut stream is no fault of the provider's. An earlier fault has ended the reading.
    if (fault?._tag === "Unreadable") fault = undefined
    if (fault !== undefined) return
    const message = `the stream ended before the answer did: ${cause}`
    settle(decoder.end(out), () => new StreamInterruptedError({ message }))
  }

  const take = (): Effect.Effect<Arr.NonEmptyReadonlyArray<LlmEvent>, LlmError | Cause.Done> => {
    const ready = out
    const first = ready[0]
    if (!started && first !== undefined) {
      if (first.type !== "response-start") ready.unshift({ type: "response-start" })
      else if (first.servedModel !== undefined) {
        ready[0] = { type: "response-start", servedModel: attempt.nameOf(first.servedModel) ?? "" }
      }
    }
    if (Arr.isArrayNonEmpty(ready)) {
      started = true
      out = []
      for (const event of ready) {
        if (event.type === "text-delta") text.add(event.delta)
        if (isOutput(event)) attempt.sawOutput()
      }
      return Effect.succeed(ready)
    }
    if (fault !== undefined) fail(toReason(fault))
    if (reason !== undefined) {
      spent ??= { usage: decoder.usage(), billing: decoder.billing() }
      return Effect.fail((failure ??= attempt.fail(reason, spent, `${text}`)))
    }
    if (finished) return Cause.done()
    return decoder.isWhole() ? readLast : read
  }

  /** The next bytes once everything that is due has come: only for a short time. */
  const lastBytes: Exchange["read"] = Effect.withFiber((fiber) => {
    wholeSinceMs ??= monotonicMs(fiber)
    const leftMs = wholeSinceMs + graceMs - monotonicMs(fiber)
    return Effect.timeoutOrElse(bytes, { duration: Math.max(0, leftMs), orElse: () => Cause.done() })
  })

  const reading = (next: Exchange["read"]): Effect.Effect<Arr.NonEmptyReadonlyArray<LlmEvent>, LlmError | Cause.Done> =>
    Pull.matchEffect(next, {
      onSuccess: (chunks) => {
        for (const chunk of chunks) feed(chunk)
        if (fault === undefined && reason === undefined && decoder.isComplete()) {
          const message = "the provider ended the stream without ending the answer"
          settle(decoder.end(out), () => new StreamInterruptedError({ message }))
        }
        return take()
      },
      onFailure: (cause) => {
        const error = Cause.findError(cause)
        // Defects and interruptions are not failures of the connection, and pass unchanged.
        if (Result.isFailure(error)) {
          attempt.close(Exit.failCause(error.failure))
          return Effect.failCause(error.failure)
        }
        settle(decoder.end(out), () =>
          fromBrokenBody(error.success, "the stream ended before the answer did", { position: `byte ${length}` }),
        )
        return take()
      },
      onDone: () => {
        endOfInput("the connection closed")
        return take()
      },
    })

  const read = reading(bytes)
  const readLast = reading(lastBytes)

  return Effect.suspend(take)
}
