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
import * as HttpBody from "effect/http/HttpBody"
import * as HttpClient from "effect/http/HttpClient"
import * as HttpClientRequest from "effect/http/HttpClientRequest"
import type { HttpClientResponse } from "effect/http/HttpClientResponse"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Result from "effect/Result"
import * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import { layer as layerHttpClient } from "#http-client"
import { joinCall, type LlmCall } from "../LlmCall.ts"
import {
  ConfigurationError,
  InvalidResponseError,
  LlmError,
  type LlmErrorReason,
  StreamInterruptedError,
  TimeoutError,
} from "../LlmError.ts"
import { LlmProvider } from "../LlmProvider.ts"
import type { LlmRequest } from "../LlmRequest.ts"
import { fromParts, type LlmResponse } from "../LlmResponse.ts"
import type { ModelCapabilities } from "../protocols/ModelCapabilities.ts"
import type { Fault, Protocol } from "../protocols/Protocol.ts"
import { validateRequest } from "../RequestValidation.ts"
import { Attempt, redactor } from "./Attempt.ts"
import { collectBody } from "./Body.ts"
import { eventPull, type Limits } from "./EventPull.ts"
import { excerpt, fromFault, fromRequest, interruption } from "./Failure.ts"
import * as ResponseHeaders from "./ResponseHeaders.ts"

/** What a provider adds to a protocol. */
export interface Endpoint {
  readonly provider: string
  readonly protocol: Protocol
  /** The model for requests that name none. */
  readonly model: string | undefined
  readonly url: (model: string) => string
  /** Authentication and version; an effect, so that a token can be renewed. */
  readonly headers: Effect.Effect<Readonly<Record<string, string>>, LlmErrorReason>
  /** What must appear in no message, error or log. */
  readonly secrets: ReadonlyArray<string>
  /** What this deployment's model refuses, where its name does not tell. */
  readonly capabilities: (model: string) => Partial<ModelCapabilities> | undefined
  /** The largest body in bytes (default 64 MiB), and the longest event in characters (default 10 Mi). */
  readonly limits?: Partial<Limits> | undefined
}

const defaultLimits: Limits = { maxBodyBytes: 64 * 1024 * 1024, maxEventLength: 10 * 1024 * 1024 }

/** A request that is ready to go, and the attempt it is. */
interface Prepared {
  readonly attempt: Attempt
  readonly request: HttpClientRequest.HttpClientRequest
}

const make = (endpoint: Endpoint, client: HttpClient.HttpClient): LlmProvider["Service"] => {
  const { protocol, provider } = endpoint
  const limits = { ...defaultLimits, ...endpoint.limits }
  const redact = redactor(endpoint.secrets)

  /** What all requests to one URL with the same headers share; taking it apart and building it anew would cost more than the rest. */
  let shared: { readonly headers: object; readonly request: HttpClientRequest.HttpClientRequest } | undefined
  const requestOf = (url: string, headers: Readonly<Record<string, string>>, body: string) => {
    if (shared?.request.url !== url || shared.headers !== headers) {
      const all = { "content-type": "application/json", accept: "application/json, text/event-stream", ...headers }
      shared = { headers, request: HttpClientRequest.post(url, { headers: all }) }
    }
    const { hash, headers: sent, method, urlParams } = shared.request
    return HttpClientRequest.makeWith(method, url, urlParams, hash, sent, HttpBody.raw(body))
  }

  const refuse = (call: LlmCall, model: string | undefined, reason: LlmErrorReason) =>
    Effect.fail(new LlmError({ reason, provider, model, attempts: [...call.attempts] }))

  /** Everything that can be wrong before a request is made is found here. */
  const prepare = (input: LlmRequest, call: LlmCall, stream: boolean): Effect.Effect<Prepared, LlmError> => {
    const valid = validateRequest(input)
    if (Result.isFailure(valid)) return refuse(call, endpoint.model, valid.failure)
    const llmRequest = valid.success
    const model = llmRequest.model ?? endpoint.model
    if (model === undefined) {
      const message =
        "PRIMARY_MODEL: is not set, and neither the layer nor the request names a model; write for example PRIMARY_MODEL=gpt-5-mini"
      return refuse(call, model, new ConfigurationError({ setting: "PRIMARY_MODEL", message }))
    }
    const capabilities = endpoint.capabilities(model)
    const encoded = protocol.encode(llmRequest, { model, provider, stream, capabilities })
    if (Result.isFailure(encoded)) return refuse(call, model, encoded.failure)
    const { body, warnings } = encoded.success
    return Effect.matchEffect(endpoint.headers, {
      onFailure: (reason) => refuse(call, model, reason),
      onSuccess: (headers) =>
        Effect.map(Clock.Clock, (clock) => ({
          attempt: new Attempt({
            call,
            request: llmRequest,
            provider,
            model,
            warnings,
            now: () => clock.currentTimeMillisUnsafe(),
          }),
          request: requestOf(endpoint.url(model), headers, JSON.stringify(body)),
        })),
    })
  }

  const clean = (found: Fault): Fault =>
    found._tag === "Unreadable"
      ? { ...found, message: redact(found.message), excerpt: redact(found.excerpt) }
      : {
          ...found,
          message: redact(found.message),
          code: found.code === undefined ? undefined : redact(found.code),
          type: found.type === undefined ? undefined : redact(found.type),
          parameter: found.parameter === undefined ? undefined : redact(found.parameter),
          categories: found.categories?.map(redact),
        }

  const fault = (attempt: Attempt, headers: HttpClientResponse["headers"]) => (found: Fault, body?: string) =>
    fromFault(clean(found), {
      requestId: attempt.record.requestId,
      shouldRetry: ResponseHeaders.shouldRetry(headers),
      body: body === undefined ? undefined : excerpt(redact(body)),
    })

  /** Sends, with the `headers` clock if the call has one, and notes what the head of the response says. */
  const send = ({ attempt, request }: Prepared): Effect.Effect<HttpClientResponse, LlmError> => {
    const { call, record } = attempt
    const sent = Effect.matchEffect(client.execute(request), {
      onFailure: (error) => Effect.fail(attempt.fail(fromRequest(error, origin(request.url)), undefined, undefined)),
      onSuccess: (response) => {
        record.status = response.status
        const requestId = ResponseHeaders.requestId(response.headers)
        record.requestId = requestId === undefined ? undefined : redact(requestId)
        attempt.reportedCostUsd = ResponseHeaders.responseCostUsd(response.headers)
        return Effect.succeed(response)
      },
    })
    const limitMs = call.headersLimitMs
    if (limitMs === undefined) return sent
    return Effect.timeoutOrElse(sent, {
      duration: limitMs,
      orElse: () => {
        const message = `no response headers from ${provider} within ${limitMs} ms`
        return Effect.fail(attempt.fail(new TimeoutError({ clock: "headers", limitMs, message }), undefined, undefined))
      },
    })
  }

  const body = (attempt: Attempt, response: HttpClientResponse): Effect.Effect<string, LlmError> =>
    Effect.mapError(collectBody(response, limits.maxBodyBytes), (error) =>
      attempt.fail(
        error._tag === "BodyTooLarge"
          ? new InvalidResponseError({ message: `the answer is larger than ${limits.maxBodyBytes} bytes` })
          : new StreamInterruptedError({
              message: `the answer broke off: ${interruption(error)}`,
              status: response.status,
            }),
        undefined,
        undefined,
      ),
    )

  /** A failing status: the provider's words, in whatever form they came. */
  const failure = (attempt: Attempt, response: HttpClientResponse): Effect.Effect<never, LlmError> =>
    Effect.flatMap(
      Effect.orElseSucceed(body(attempt, response), () => ""),
      (raw) => {
        const text = redact(raw)
        const parsed = parseJson(text)
        const found = protocol.decodeFailure(Result.isSuccess(parsed) ? parsed.success : text, response.status)
        const { headers } = response
        const reason = fromFault(
          { ...found, status: response.status },
          {
            requestId: attempt.record.requestId,
            retryAfterMs: ResponseHeaders.retryAfterMs(headers, attempt.nowMs()),
            shouldRetry: ResponseHeaders.shouldRetry(headers),
            body: excerpt(text),
          },
        )
        return Effect.fail(attempt.fail(reason, undefined, undefined))
      },
    )

  const answer = (attempt: Attempt, response: HttpClientResponse): Effect.Effect<LlmResponse, LlmError> =>
    Effect.flatMap(body(attempt, response), (text) => {
      const parsed = parseJson(text)
      if (Result.isFailure(parsed)) {
        // The parser quotes what it stumbled over, so that it is asked again without the key.
        const clean = redact(text)
        const said = clean === text ? parsed : parseJson(clean)
        const why = text === "" ? ": it is empty" : Result.isFailure(said) ? `: ${said.failure}` : ""
        const message = `the answer is not JSON${why}`
        const unreadable = new InvalidResponseError({ message, position: "byte 0", body: excerpt(clean) })
        return Effect.fail(attempt.fail(unreadable, undefined, undefined))
      }
      const decoded = protocol.decode(parsed.success)
      if (Result.isFailure(decoded)) {
        return Effect.fail(attempt.fail(fault(attempt, response.headers)(decoded.failure, text), undefined, undefined))
      }
      attempt.sawOutput()
      const { finishReason, parts } = decoded.success
      return Effect.succeed(fromParts(parts, finishReason, attempt.finish(decoded.success)))
    })

  const generate = (request: LlmRequest) =>
    joinCall((call) =>
      Effect.flatMap(prepare(request, call, false), (prepared) =>
        Effect.onExit(
          Effect.flatMap(send(prepared), (response) =>
            isSuccess(response) ? answer(prepared.attempt, response) : failure(prepared.attempt, response),
          ),
          () => prepared.attempt.closing,
        ),
      ),
    )

  const stream = (request: LlmRequest) =>
    Stream.fromChannel(
      Channel.fromTransform((_, scope) =>
        joinCall((call) =>
          Effect.flatMap(prepare(request, call, true), (prepared) => {
            const { attempt } = prepared
            return Effect.uninterruptibleMask((restore) =>
              Effect.andThen(
                Scope.addFinalizer(scope, attempt.closing),
                Effect.flatMap(restore(send(prepared)), (response) => {
                  if (!isSuccess(response)) return restore(failure(attempt, response))
                  const toReason = fault(attempt, response.headers)
                  return Effect.map(Channel.toPullScoped(response.stream.channel, scope), (bytes) =>
                    eventPull(bytes, attempt, protocol, limits, toReason),
                  )
                }),
              ),
            )
          }),
        ),
      ),
    )

  return { name: provider, generate, stream }
}

const isSuccess = (response: HttpClientResponse): boolean => response.status >= 200 && response.status < 300

const parseJson = (text: string): Result.Result<unknown, string> => {
  try {
    return Result.succeed(JSON.parse(text))
  } catch (error) {
    return Result.fail(error instanceof Error ? error.message : String(error))
  }
}

const origin = (url: string): string => {
  const parsed = URL.canParse(url) ? new URL(url) : undefined
  return parsed === undefined ? url : parsed.origin
}

/**
 * A provider at an endpoint. The transport is the `HttpClient` in the layer's context where there is one
 * (`Layer.provide(FetchHttpClient.layer)`), else undici on Node and `fetch` elsewhere.
 */
export const layer = (endpoint: Endpoint): Layer.Layer<LlmProvider> =>
  Layer.unwrap(
    Effect.map(Effect.serviceOption(HttpClient.HttpClient), (client) => {
      const provided = Layer.effect(
        LlmProvider,
        Effect.map(HttpClient.HttpClient, (chosen) => make(endpoint, chosen)),
      )
      return Option.isSome(client)
        ? Layer.provide(provided, Layer.succeed(HttpClient.HttpClient, client.value))
        : Layer.provide(provided, layerHttpClient)
    }),
  )
