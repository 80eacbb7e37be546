/**
 * What comes back for one request: a head, then an answer, the events of one, or a failure in the provider's words. It reads
 * and sends nothing. Law 1, proof of completion: an answer counts only after the provider's own terminal signal. Law 2: a
 * fault means the same as a status, as a body under 200, and inside a stream.
 */
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import type { Attempt } from "../call/Attempt.ts"
import type { Events } from "../call/CallContext.ts"
import {
  AuthenticationError,
  InvalidResponseError,
  type LlmError,
  type LlmErrorReason,
  TimeoutError,
} from "../model/LlmError.ts"
import { fromParts, type LlmResponse, type RateLimits } from "../model/LlmResponse.ts"
import type { Limits } from "../protocols/Limits.ts"
import type { Fault, Protocol } from "../protocols/Protocol.ts"
import { parseJson } from "../protocols/WireReader.ts"
import { type BodyTooLarge, collectBeginning, collectBody } from "./Body.ts"
import { eventPull } from "./EventPull.ts"
import type { Endpoint, ServiceAddress } from "./Endpoint.ts"
import { cleanFault, excerpt, fromBroken, fromBrokenBody, fromFault } from "./Failure.ts"
import * as ResponseHeaders from "./ResponseHeaders.ts"
import type { TimedExchange, TooLate } from "./HeadClock.ts"
import type { Broken, Head, WireHeaders } from "./Transport.ts"
import { readAnswer as decodeBody } from "./WholeAnswer.ts"

/** How long the words of a failing status may take: the status alone says enough to try again or elsewhere. */
const failureBodyMs = 5000

/** How many bytes of them are read: a service's words are short, and stand at the beginning. */
const failureBytes = 1024 * 1024

/** A service that can be asked: an address, and how its failures are read. */
export interface ReachedService extends ServiceAddress {
  readonly protocol: Pick<Protocol, "decodeFailure">
}

/** What a reader needs to know of the request. */
export interface Sent<Service extends ReachedService> {
  readonly attempt: Attempt
  readonly exchange: TimedExchange
  readonly url: string
  readonly headers: WireHeaders
  readonly service: Service
  readonly limits: Limits
  /** False where no figures are due at the end of a stream, because the request did not ask for them. */
  readonly asksForUsage: boolean
  /** Whether the call wants to see the headers of the response. */
  readonly includesHeaders: boolean
  /** Told the account's limits, where the response says them. */
  readonly onLimits: ((limits: RateLimits) => void) | undefined
  /** Blanks the secrets of the request in what the server says. */
  readonly redact: (text: string) => string
}

/** The whole answer. */
export const readAnswer = (sent: Sent<Endpoint>): Effect.Effect<LlmResponse, LlmError> => receive(sent, wholeAnswer)

// What is needed once the head has come is made then: a call that waits for it holds no more than it must.
const wholeAnswer = (sent: Sent<Endpoint>, response: Head): Effect.Effect<LlmResponse, LlmError> =>
  answer(
    sent,
    response,
    (text) => decodeBody(sent.service.protocol, text),
    (decoded) => fromParts(decoded.parts, decoded.finishReason, sent.attempt.finish(decoded)),
  )

/** A whole body, as what `decode` reads in it and `finish` makes of that. */
export const readBody = <Decoded, A>(
  sent: Sent<ReachedService>,
  decode: (text: string) => Effect.Effect<Decoded, Fault>,
  finish: (decoded: Decoded) => A,
): Effect.Effect<A, LlmError> => receive(sent, (_, response) => answer(sent, response, decode, finish))

/** The events of the answer, once its head has come. */
export const readEvents = (sent: Sent<Endpoint>): Effect.Effect<Events, LlmError> => receive(sent, eventsAfter)

const eventsAfter = (sent: Sent<Endpoint>, { headers }: Head): Effect.Effect<Events> =>
  Effect.succeed(eventPull(sent.exchange.read, sent.attempt, sent.service.protocol, sent, fault(sent, headers)))

/** Waits for the head of the response, notes what it says, and reads what follows it as an answer or as a failure. */
const receive = <Service extends ReachedService, A>(
  sent: Sent<Service>,
  read: (sent: Sent<Service>, response: Head) => Effect.Effect<A, LlmError>,
): Effect.Effect<A, LlmError> =>
  // By the cause: `matchEffect` would hold one closure more, in every call that waits.
  Effect.matchCauseEffect(sent.exchange.head, {
    onFailure: (cause) => {
      const error = Cause.findError(cause)
      return Result.isFailure(error)
        ? Effect.failCause(error.failure)
        : Effect.fail(sent.attempt.fail(withoutHead(error.success, sent)))
    },
    onSuccess: (response) => {
      const { headers, status } = response
      const requestId = ResponseHeaders.requestId(headers)
      const costUsd = ResponseHeaders.responseCostUsd(headers)
      const head = { status, requestId, costUsd }
      sent.attempt.sawHead(sent.includesHeaders ? { ...head, ...shownOf(sent, headers) } : head)
      const { onLimits } = sent
      if (onLimits !== undefined) {
        const limits = ResponseHeaders.rateLimits(headers, sent.attempt.epochMs())
        if (limits !== undefined) onLimits(limits)
      }
      return status >= 200 && status < 300 ? read(sent, response) : failure(sent, response)
    },
  })

const shownOf = ({ attempt, redact }: Sent<ReachedService>, headers: WireHeaders) => ({
  limits: ResponseHeaders.rateLimits(headers, attempt.epochMs()),
  responseHeaders: ResponseHeaders.shownHeaders(headers, redact),
})

const withoutHead = (error: Broken | TooLate, { attempt, redact, url }: Sent<ReachedService>): LlmErrorReason => {
  if (error._tag === "Broken") return fromBroken(error, url, redact)
  const { limitMs } = error
  const message = `no response headers from ${attempt.provider} within ${limitMs} ms`
  return new TimeoutError({ clock: "headers", limitMs, message })
}

const answer = <Decoded, A>(
  sent: Sent<ReachedService>,
  response: Head,
  decode: (text: string) => Effect.Effect<Decoded, Fault>,
  finish: (decoded: Decoded) => A,
): Effect.Effect<A, LlmError> => {
  const { attempt, exchange, limits } = sent
  return Effect.matchEffect(collectBody(exchange, limits.maxBodyBytes), {
    onFailure: (error) => Effect.fail(attempt.fail(withoutBody(error, response.status, limits))),
    onSuccess: (text) => {
      const refusal = exchange.refusal?.()
      if (refusal !== undefined) return Effect.fail(attempt.fail(refusalOf(sent, refusal.head, refusal.text)))
      return Effect.matchEffect(decode(text), {
        onFailure: (found) => {
          const spent = found._tag === "Abandoned" ? found : undefined
          return Effect.fail(attempt.fail(fault(sent, response.headers)(found, text), spent, spent?.text))
        },
        onSuccess: (decoded) => {
          attempt.sawOutput()
          return Effect.succeed(finish(decoded))
        },
      })
    },
  })
}

const withoutBody = (error: Broken | BodyTooLarge, status: number, limits: Limits): LlmErrorReason =>
  error._tag === "BodyTooLarge"
    ? new InvalidResponseError({ message: `the answer is larger than ${limits.maxBodyBytes} bytes` })
    : fromBrokenBody(error, "the answer broke off", { position: "byte 0", status })

/** A failing status: the provider's words, in whatever form they came. */
const failure = (sent: Sent<ReachedService>, response: Head): Effect.Effect<never, LlmError> =>
  Effect.flatMap(
    Effect.timeoutOrElse(
      Effect.orElseSucceed(collectBeginning(sent.exchange, failureBytes), () => ""),
      { duration: failureBodyMs, orElse: () => Effect.succeed("") },
    ),
    (raw) =>
      Effect.flatMap(renewable(refusalOf(sent, response, raw), sent), (told) => Effect.fail(sent.attempt.fail(told))),
  )

/** What a failing status and the words with it mean. */
const refusalOf = (
  { attempt, redact, service, url }: Sent<ReachedService>,
  { headers, status }: Head,
  raw: string,
): LlmErrorReason => {
  const parsed = parseJson(raw)
  const said = service.protocol.decodeFailure(parsed ?? raw, status)
  const found = cleanFault(said, redact)
  // A server that does not speak the protocol at all: the address is wrong.
  const message =
    status === 404 && parsed === undefined
      ? `nothing answers at ${redact(url)}: check the API base, most end in /v1`
      : found.message
  return fromFault(
    { ...found, message, status },
    {
      requestId: attempt.requestId,
      retryAfterMs: ResponseHeaders.retryAfterMs(headers, attempt.epochMs(), status),
      shouldRetry: ResponseHeaders.shouldRetry(headers),
      body: excerpt(redact(raw)),
      nowMs: attempt.epochMs(),
    },
  )
}

/** A refused key that is asked for is asked for again: one that has changed is worth another request. */
const renewable = (reason: LlmErrorReason, { headers, service }: Sent<ReachedService>): Effect.Effect<LlmErrorReason> =>
  service.isRenewed === undefined || reason._tag !== "AuthenticationError"
    ? Effect.succeed(reason)
    : Effect.map(service.isRenewed(headers), (isRenewed) =>
        isRenewed ? new AuthenticationError({ ...reason, message: reason.message, isKeyRenewed: true }) : reason,
      )

const fault =
  (sent: Sent<ReachedService>, headers: WireHeaders) =>
  (found: Fault, body?: string): LlmErrorReason => {
    const { attempt, exchange, redact } = sent
    const refusal = exchange.refusal?.()
    if (refusal !== undefined) return refusalOf(sent, refusal.head, refusal.text)
    return fromFault(cleanFault(found, redact), {
      requestId: attempt.requestId,
      shouldRetry: ResponseHeaders.shouldRetry(headers),
      body: body === undefined ? undefined : excerpt(redact(body)),
      nowMs: attempt.epochMs(),
    })
  }
