/**
 * A provider at an endpoint: where a request meets the network. It makes exactly one HTTP request per call and never a
 * second one; trying again, elsewhere or later is for policies.
 */
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as Fiber from "effect/Fiber"
import * as Channel from "effect/Channel"
import * as Result from "effect/Result"
import * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import { failBefore, openAttempt } from "../call/Attempt.ts"
import { type CallContext, joinCall } from "../call/CallContext.ts"
import { CallOptions } from "../call/CallOptions.ts"
import { logsDebug } from "../call/Time.ts"
import { beginsLikeKey } from "../model/KeyShape.ts"
import { ConfigurationError, type LlmError, type LlmErrorReason } from "../model/LlmError.ts"
import type { LlmProvider } from "../model/LlmProvider.ts"
import type { LlmRequest } from "../model/LlmRequest.ts"
import { validateRequest } from "../model/RequestValidation.ts"
import { bodyText, repairWarning } from "../protocols/encoding/JsonText.ts"
import { defaultLimits } from "../protocols/Limits.ts"
import { blank, Redactor } from "../settings/Redactor.ts"
import * as Secrets from "../settings/Secrets.ts"
import { inBackground } from "./Background.ts"
import type { Endpoint } from "./Endpoint.ts"
import { keyAsModel } from "./Failure.ts"
import * as RequestHeaders from "./RequestHeaders.ts"
import { readAnswer, readEvents, type Sent } from "./Reception.ts"
import type { Transport } from "./Transport.ts"

/** The service of an endpoint on an open transport. */
export const make = (endpoint: Endpoint, open: Transport["Service"]): LlmProvider["Service"] => {
  const { protocol, provider } = endpoint
  const limits = { ...defaultLimits, ...endpoint.limits }
  const redactor = new Redactor()
  const { redact } = redactor

  if (open.secrets !== undefined) redactor.learn(open.secrets)
  const headersOf = RequestHeaders.reader((given) => redactor.learn(Secrets.ofHeaders(given)))

  const refuse = (context: CallContext, model: string | undefined, reason: LlmErrorReason) =>
    Effect.fail(failBefore(context, { provider, model }, reason))

  /** Sends what is right, and reads what comes back; everything that can be wrong before is found here. */
  const send = <A>(
    input: LlmRequest,
    context: CallContext,
    fiber: Fiber.Fiber<unknown, unknown>,
    stream: boolean,
    receive: (sent: Sent) => Effect.Effect<A, LlmError>,
  ): Effect.Effect<A, LlmError> => {
    const valid = validateRequest(input)
    if (Result.isFailure(valid)) return refuse(context, endpoint.model, valid.failure)
    const llmRequest = valid.success
    const model = llmRequest.model ?? endpoint.model
    if (model === undefined) return refuse(context, model, noModel(endpoint))
    // It would be shown everywhere: in errors, metadata, spans and logs.
    if (beginsLikeKey(model)) return refuse(context, blank, keyAsModel)
    const capabilities = endpoint.capabilities?.(model)
    const encoded = protocol.encode(llmRequest, { model, provider, stream, capabilities })
    if (Result.isFailure(encoded)) return refuse(context, model, encoded.failure)
    const { background } = encoded.success
    const url = endpoint.url(model)
    if (typeof url !== "string") return refuse(context, model, url)
    const written = bodyText(encoded.success.body)
    if (Result.isFailure(written)) return refuse(context, model, written.failure)
    const { isRepaired, text: body } = written.success
    const warnings = isRepaired ? [...encoded.success.warnings, repairWarning] : encoded.success.warnings
    const { maxTokens, temperature } = llmRequest
    return Effect.matchEffect(endpoint.headers, {
      onFailure: (reason) => refuse(context, model, reason),
      onSuccess: (own) => {
        const { headers: forCall } = fiber.getRef(CallOptions)
        const headers = headersOf(forCall === undefined ? own : { ...forCall, ...own })
        if (Result.isFailure(headers)) return refuse(context, model, headers.failure)
        if (url.includes("?")) redactor.learn(Secrets.ofAddress(url))
        if (redactor.holdsSecret(model)) return refuse(context, blank, keyAsModel)
        const { priceList, pricesModelAsked, telemetryName } = endpoint
        const prices = { priceList, pricesModelAsked, telemetryName }
        const target = { provider, model, temperature, maxTokens, warnings, redact, ...prices }
        const attempt = openAttempt(context, fiber, target)
        const request = { url, headers: headers.success, body }
        const exchange =
          background === undefined ? open(request) : inBackground(open, request, background, limits, stream)
        const { headersMs } = context
        const asksForUsage = capabilities?.streamUsage !== false
        return receive({
          attempt,
          exchange,
          url,
          headers: headers.success,
          endpoint,
          limits,
          asksForUsage,
          headersMs,
          redact,
        })
      },
    })
  }

  const generate = (request: LlmRequest) =>
    joinCall((context, fiber) =>
      send(request, context, fiber, false, (sent) =>
        Effect.onExitPrimitive(readAnswer(sent), () => release(sent, false, fiber)),
      ),
    )

  const stream = (request: LlmRequest) =>
    Stream.fromChannel(
      Channel.fromTransform((_, scope) =>
        joinCall((context, fiber) =>
          send(request, context, fiber, true, (sent) =>
            Effect.andThen(
              Scope.addFinalizerExit(scope, (exit) =>
                Effect.withFiber((closing) => release(sent, Exit.isSuccess(exit), closing) ?? Effect.void),
              ),
              readEvents(sent),
            ),
          ),
        ),
      ),
    )

  return { name: provider, model: endpoint.model, generate, stream }
}

const noModel = ({ exampleModel = "<model>" }: Endpoint): ConfigurationError =>
  new ConfigurationError({
    setting: "PRIMARY_MODEL",
    message: `PRIMARY_MODEL: write for example PRIMARY_MODEL=${exampleModel}: it is not set, and neither the layer nor the request names a model`,
  })

/** Closes the exchange and the attempt's record, and logs it where somebody listens. What remains to be done is awaited; undefined where nothing does. */
const release = (
  { attempt, exchange }: Sent,
  isComplete: boolean,
  fiber: Fiber.Fiber<unknown, unknown>,
): Effect.Effect<void> | undefined => {
  const closing = exchange.close(isComplete)
  attempt.close()
  if (!logsDebug(fiber)) return closing
  const { durationMs, errorType, model, provider, requestId, status } = attempt.record()
  const line = Effect.logDebug("API call", { provider, model, status, errorType, durationMs, requestId })
  return closing === undefined ? line : Effect.ensuring(closing, line)
}
