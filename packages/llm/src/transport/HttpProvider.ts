/**
 * A protocol at an address: the one place where a request meets the network. It makes exactly one HTTP request per call
 * and never a second one; trying again, elsewhere or later is for policies.
 *
 * Law 1, proof of completion: an answer counts only after the provider's own terminal signal. Law 2: a fault means the
 * same as a status, as a body under 200, and inside a stream. Law 3: what is unknown is passed over, and a body above the
 * limit fails the call, not the process.
 */
import * as Channel from "effect/Channel"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as Fiber from "effect/Fiber"
import * as Result from "effect/Result"
import * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import { joinCall, type LlmCall } from "../call/LlmCall.ts"
import { beginsLikeKey } from "../model/KeyShape.ts"
import {
  AuthenticationError,
  ConfigurationError,
  InvalidResponseError,
  LlmError,
  type LlmErrorReason,
  TimeoutError,
} from "../model/LlmError.ts"
import type { LlmProvider } from "../model/LlmProvider.ts"
import type { LlmRequest } from "../model/LlmRequest.ts"
import { fromParts, type LlmResponse } from "../model/LlmResponse.ts"
import { defaultLimits } from "../protocols/Limits.ts"
import type { Background, Fault } from "../protocols/Protocol.ts"
import { inBackground } from "./Background.ts"
import { parseJson } from "../protocols/WireReader.ts"
import { validateRequest } from "../model/RequestValidation.ts"
import { Attempt } from "../call/Attempt.ts"
import { blank, Redactor } from "../settings/Redactor.ts"
import * as Secrets from "../settings/Secrets.ts"
import { type BodyTooLarge, collectBeginning, collectBody } from "./Body.ts"
import { eventPull } from "./EventPull.ts"
import { cleanFault, excerpt, fromBroken, fromBrokenBody, fromFault, keyAsModel } from "./Failure.ts"
import type { Endpoint } from "./Endpoint.ts"
import * as RequestHeaders from "./RequestHeaders.ts"
import * as ResponseHeaders from "./ResponseHeaders.ts"
import type { Broken, Exchange, Head, Transport, WireHeaders, WireRequest } from "./Transport.ts"
import { readAnswer } from "./WholeAnswer.ts"

/** How long the words of a failing status may take: the status alone says enough to try again or elsewhere. */
const failureBodyMs = 5000

/** How many bytes of them are read: a service's words are short, and stand at the beginning. */
const failureBytes = 1024 * 1024

/** A request that is ready to go, and the attempt it is. */
interface Prepared {
  readonly attempt: Attempt
  readonly request: WireRequest
  readonly background: Background | undefined
}

/** The clock of the headers ran out. */
interface TooLate {
  readonly _tag: "TooLate"
  readonly limitMs: number
}

/** The service of an endpoint on an open transport. */
export const make = (endpoint: Endpoint, open: Transport["Service"]): LlmProvider["Service"] => {
  const { protocol, provider } = endpoint
  const limits = { ...defaultLimits, ...endpoint.limits }
  const redactor = new Redactor()
  const { redact } = redactor
  if (open.secrets !== undefined) redactor.learn(open.secrets)
  const headersOf = RequestHeaders.reader((given) => redactor.learn(Secrets.ofHeaders(given)))

  const refuse = (call: LlmCall, model: string | undefined, reason: LlmErrorReason) =>
    Effect.fail(new LlmError({ reason, provider, model, attempts: [...call.attempts] }))

  /** Everything that can be wrong before a request is made is found here; what is right goes to `send`. */
  const prepare = <A>(
    input: LlmRequest,
    call: LlmCall,
    fiber: Fiber.Fiber<unknown, unknown>,
    stream: boolean,
    send: (prepared: Prepared) => Effect.Effect<A, LlmError>,
  ): Effect.Effect<A, LlmError> => {
    const valid = validateRequest(input)
    if (Result.isFailure(valid)) return refuse(call, endpoint.model, valid.failure)
    const llmRequest = valid.success
    const model = llmRequest.model ?? endpoint.model
    if (model === undefined) {
      const message = `PRIMARY_MODEL: write for example PRIMARY_MODEL=${endpoint.exampleModel ?? "<model>"}: it is not set, and neither the layer nor the request names a model`
      return refuse(call, model, new ConfigurationError({ setting: "PRIMARY_MODEL", message }))
    }
    // It would be shown everywhere: in errors, metadata, spans and logs.
    if (beginsLikeKey(model)) return refuse(call, blank, keyAsModel)
    const capabilities = endpoint.capabilities?.(model)
    const encoded = protocol.encode(llmRequest, { model, provider, stream, capabilities })
    if (Result.isFailure(encoded)) return refuse(call, model, encoded.failure)
    const { background, body, warnings } = encoded.success
    const url = endpoint.url(model)
    if (typeof url !== "string") return refuse(call, model, url)
    const clock = fiber.getRef(Clock.Clock)
    return Effect.matchEffect(endpoint.headers, {
      onFailure: (reason) => refuse(call, model, reason),
      onSuccess: (own) => {
        const headers = headersOf(own)
        if (Result.isFailure(headers)) return refuse(call, model, headers.failure)
        const request = { url, headers: headers.success, body: JSON.stringify(body) }
        if (url.includes("?")) redactor.learn(Secrets.ofAddress(url))
        return redactor.holdsSecret(model)
          ? refuse(call, blank, keyAsModel)
          : send({
              attempt: new Attempt({ call, request: llmRequest, endpoint, provider, model, warnings, clock, redact }),
              request,
              background,
            })
      },
    })
  }

  const fault = (attempt: Attempt, headers: WireHeaders) => (found: Fault, body?: string) =>
    fromFault(cleanFault(found, redact), {
      requestId: attempt.record.requestId,
      shouldRetry: ResponseHeaders.shouldRetry(headers),
      body: body === undefined ? undefined : excerpt(redact(body)),
      nowMs: attempt.nowMs(),
    })

  /** The head of the response, within the `headers` clock if the call has one. */
  const head = (call: LlmCall, exchange: Exchange): Effect.Effect<Head, Broken | TooLate> => {
    const limitMs = call.headersLimitMs
    if (limitMs === undefined) return exchange.head
    return Effect.timeoutOrElse(exchange.head, {
      duration: limitMs,
      orElse: () => Effect.fail<TooLate>({ _tag: "TooLate", limitMs }),
    })
  }

  /** Waits for the head of the response, notes what it says, and reads what follows it as an answer or as a failure. */
  const receive = <A>(
    { attempt, request }: Prepared,
    exchange: Exchange,
    read: (response: Head) => Effect.Effect<A, LlmError>,
  ): Effect.Effect<A, LlmError> =>
    Effect.matchEffect(head(attempt.call, exchange), {
      onFailure: (error) => Effect.fail(attempt.fail(withoutHead(error, request.url), undefined, undefined)),
      onSuccess: (response) => {
        const requestId = ResponseHeaders.requestId(response.headers)
        attempt.record.status = response.status
        attempt.record.requestId = requestId === undefined ? undefined : attempt.name(requestId)
        attempt.reportedCostUsd = ResponseHeaders.responseCostUsd(response.headers)
        return isSuccess(response) ? read(response) : failure(attempt, exchange, response, request)
      },
    })

  const withoutHead = (error: Broken | TooLate, url: string): LlmErrorReason => {
    if (error._tag === "Broken") return fromBroken(error, url, redact)
    const { limitMs } = error
    const message = `no response headers from ${provider} within ${limitMs} ms`
    return new TimeoutError({ clock: "headers", limitMs, message })
  }

  const withoutBody = (error: Broken | BodyTooLarge, status: number): LlmErrorReason =>
    error._tag === "BodyTooLarge"
      ? new InvalidResponseError({ message: `the answer is larger than ${limits.maxBodyBytes} bytes` })
      : fromBrokenBody(error, "the answer broke off", { position: "byte 0", status })

  /** A failing status: the provider's words, in whatever form they came. */
  const failure = (
    attempt: Attempt,
    exchange: Exchange,
    response: Head,
    { headers: sent, url }: WireRequest,
  ): Effect.Effect<never, LlmError> =>
    Effect.flatMap(
      Effect.timeoutOrElse(
        Effect.orElseSucceed(collectBeginning(exchange, Math.min(limits.maxBodyBytes, failureBytes)), () => ""),
        { duration: failureBodyMs, orElse: () => Effect.succeed("") },
      ),
      (raw) => {
        const parsed = parseJson(raw)
        const said = protocol.decodeFailure(parsed ?? raw, response.status)
        const found = cleanFault(said, redact)
        const { headers } = response
        // A server that does not speak the protocol at all was asked at the wrong address.
        const message =
          response.status === 404 && parsed === undefined
            ? `nothing answers at ${redact(url)}: check the API base, most end in /v1`
            : found.message
        const reason = fromFault(
          { ...found, message, status: response.status },
          {
            requestId: attempt.record.requestId,
            retryAfterMs: ResponseHeaders.retryAfterMs(headers, attempt.nowMs(), response.status),
            shouldRetry: ResponseHeaders.shouldRetry(headers),
            body: excerpt(redact(raw)),
            nowMs: attempt.nowMs(),
          },
        )
        return Effect.flatMap(renewable(reason, sent), (told) => Effect.fail(attempt.fail(told, undefined, undefined)))
      },
    )

  /** A refused key that is asked for is asked for again: one that has changed is worth another request. */
  const renewable = (reason: LlmErrorReason, sent: WireHeaders): Effect.Effect<LlmErrorReason> =>
    endpoint.isRenewed === undefined || reason._tag !== "AuthenticationError"
      ? Effect.succeed(reason)
      : Effect.map(endpoint.isRenewed(sent), (isRenewed) =>
          isRenewed ? new AuthenticationError({ ...reason, message: reason.message, isKeyRenewed: true }) : reason,
        )

  const answer = (attempt: Attempt, exchange: Exchange, response: Head): Effect.Effect<LlmResponse, LlmError> =>
    Effect.matchEffect(collectBody(exchange, limits.maxBodyBytes), {
      onFailure: (error) => Effect.fail(attempt.fail(withoutBody(error, response.status), undefined, undefined)),
      onSuccess: (text) => {
        const decoded = readAnswer(protocol, text)
        if (Result.isFailure(decoded)) {
          const found = decoded.failure
          const reason = fault(attempt, response.headers)(found, text)
          const spent = found._tag === "Abandoned" ? found : undefined
          return Effect.fail(attempt.fail(reason, spent?.usage, spent?.text))
        }
        attempt.sawOutput()
        const { finishReason, parts } = decoded.success
        return Effect.succeed(fromParts(parts, finishReason, attempt.finish(decoded.success)))
      },
    })

  const begin = ({ background, request }: Prepared, isStream: boolean): Exchange =>
    background === undefined ? open(request) : inBackground(open, request, background, limits, isStream)

  const generate = (llmRequest: LlmRequest) =>
    joinCall((call, fiber) =>
      prepare(llmRequest, call, fiber, false, (prepared) => {
        const { attempt } = prepared
        const exchange = begin(prepared, false)
        return Effect.onExitPrimitive(
          receive(prepared, exchange, (response) => answer(attempt, exchange, response)),
          () => released(exchange.close(false), attempt.end(fiber)),
        )
      }),
    )

  const stream = (llmRequest: LlmRequest) =>
    Stream.fromChannel(
      Channel.fromTransform((_, scope) =>
        joinCall((call, fiber) =>
          prepare(llmRequest, call, fiber, true, (prepared) => {
            const { attempt } = prepared
            const exchange = begin(prepared, true)
            const close = (exit: Exit.Exit<unknown, unknown>) =>
              Effect.withFiber(
                (closingFiber) =>
                  released(exchange.close(Exit.isSuccess(exit)), attempt.end(closingFiber)) ?? Effect.void,
              )
            return Effect.andThen(
              Scope.addFinalizerExit(scope, close),
              receive(prepared, exchange, (response) =>
                Effect.succeed(eventPull(exchange.read, attempt, protocol, limits, fault(attempt, response.headers))),
              ),
            )
          }),
        ),
      ),
    )

  return { name: provider, generate, stream }
}

/** What remains to be done at the end of a call; undefined where nothing does. */
const released = (
  closing: Effect.Effect<void> | undefined,
  ending: Effect.Effect<void> | undefined,
): Effect.Effect<void> | undefined =>
  closing === undefined ? ending : ending === undefined ? closing : Effect.ensuring(closing, ending)

const isSuccess = (response: Head): boolean => response.status >= 200 && response.status < 300
