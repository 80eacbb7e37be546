/**
 * One request of whatever service, from a model's name to its release: headers, secrets, the attempt's record. It makes
 * exactly one HTTP request and never a second one. What is asked, and what the answer means, is for the service.
 */
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as Fiber from "effect/Fiber"
import * as Result from "effect/Result"
import * as Scope from "effect/Scope"
import { failBefore, openAttempt } from "../../call/Attempt.ts"
import { type CallContext, endingWith } from "../../call/CallContext.ts"
import { CallOptions } from "../../call/CallOptions.ts"
import { logsDebug } from "../../call/Time.ts"
import { beginsLikeKey } from "../../model/KeyShape.ts"
import * as Prices from "../../prices/Prices.ts"
import {
  ConfigurationError,
  type InvalidRequestError,
  type LlmError,
  type LlmErrorReason,
} from "../../model/LlmError.ts"
import { bodyText, repairWarning } from "../../protocols/encoding/JsonText.ts"
import { defaultLimits, type Limits } from "../../protocols/Limits.ts"
import { blank, Redactor } from "../../settings/Redactor.ts"
import * as Secrets from "../../settings/Secrets.ts"
import { keyAsModel } from "../Failure.ts"
import { withHeadClock } from "../HeadClock.ts"
import type { ReachedService, Sent } from "../Reception.ts"
import type { Exchange, Transport, WireRequest } from "../Transport.ts"
import * as RequestHeaders from "./RequestHeaders.ts"

/** A request that is ready to be sent but for its headers. */
export interface Outgoing {
  /** Absent for a request about no model in particular. */
  readonly model: string | undefined
  /** What was asked, before it was encoded; absent for what is free, which no gate is asked for. */
  readonly request?: object | undefined
  /** True for what uses no tokens: it costs nothing, and takes nothing of a budget. Default false. */
  readonly isFree?: boolean | undefined
  readonly method?: WireRequest["method"]
  readonly url: string
  /** Absent where the method takes none. */
  readonly body: Readonly<Record<string, unknown>> | undefined
  readonly temperature?: number | undefined
  readonly maxTokens?: number | undefined
  /** False where the request itself set no limit of output tokens. */
  readonly asksForLimit?: boolean | undefined
  /** What was dropped from the request. */
  readonly warnings: ReadonlyArray<string>
  /** Opens the exchange otherwise than by one plain request. */
  readonly openWith?: ((open: Transport["Service"], request: WireRequest) => Exchange) | undefined
  /** False where no figures are due at the end of a stream. Default true. */
  readonly asksForUsage?: boolean | undefined
}

interface Written {
  readonly text: string | undefined
  readonly isRepaired: boolean
}

/** Characters of a body after which the event loop has a turn before it is sent. */
const manyCharacters = 262_144

/** The body of a request that has none. */
const nothing: Result.Result<Written, InvalidRequestError> = Result.succeed({ isRepaired: false, text: undefined })

/** What has been sent, once it has been. */
interface Begun<Service extends ReachedService> {
  sent: Sent<Service> | undefined
}

// The release is laid down before the request begins, so that no interruption can come between. Made apart from what sends
// the request: it waits for the end of the answer, and would keep the request's body until then.

const releasing =
  <Service extends ReachedService>(begun: Begun<Service>, fiber: Fiber.Fiber<unknown, unknown>) =>
  (exit: Exit.Exit<unknown, unknown>): Effect.Effect<void> | undefined =>
    begun.sent === undefined ? undefined : release(begun.sent, false, fiber, exit)

const releasingWith = <Service extends ReachedService>(
  scope: Scope.Scope,
  begun: Begun<Service>,
): Effect.Effect<void> =>
  Scope.addFinalizerExit(scope, (exit) =>
    Effect.withFiber((closing) =>
      begun.sent === undefined ? Effect.void : (release(begun.sent, Exit.isSuccess(exit), closing) ?? Effect.void),
    ),
  )

const closingUnopened =
  <Service extends ReachedService>(begun: Begun<Service>) =>
  (exit: Exit.Exit<unknown, unknown>): undefined => {
    if (Exit.isFailure(exit)) begun.sent?.attempt.close(exit)
    return undefined
  }

/** Sends the requests of one service on an open transport. */
export class Sender<Service extends ReachedService> {
  readonly limits: Limits
  private readonly service: Service
  private readonly open: Transport["Service"]
  /** The setting that names the model of requests that name none. */
  private readonly modelSetting: string
  private readonly redactor = new Redactor()
  private readonly headersOf = RequestHeaders.reader((given) => this.redactor.learn(Secrets.ofHeaders(given)))

  constructor(service: Service, open: Transport["Service"], modelSetting = "PRIMARY_MODEL") {
    this.service = service
    this.open = open
    this.modelSetting = modelSetting
    this.limits = { ...defaultLimits, ...service.limits }
    if (open.secrets !== undefined) this.redactor.learn(open.secrets)
  }

  /** The failure of a request that is not sent. */
  refuse(context: CallContext, model: string | undefined, reason: LlmErrorReason): Effect.Effect<never, LlmError> {
    // A key in its place would be shown everywhere: in errors, metadata, spans and logs.
    const shown = reason === keyAsModel ? blank : model
    return Effect.fail(failBefore(context, { provider: this.service.provider, model: shown }, reason))
  }

  /** The model to ask: the request's own, or the service's. */
  modelOf(asked: string | undefined): string | LlmErrorReason {
    const { exampleModel = "<model>", model: own } = this.service
    const model = asked ?? own
    if (model !== undefined) return beginsLikeKey(model) ? keyAsModel : model
    const setting = this.modelSetting
    return new ConfigurationError({
      setting,
      message: `${setting}: write for example ${setting}=${exampleModel}: it is not set, and neither the layer nor the request names a model`,
    })
  }

  /** Sends a request and reads its whole answer. It is released however that ends. */
  answer<A>(
    outgoing: Outgoing,
    context: CallContext,
    fiber: Fiber.Fiber<unknown, unknown>,
    read: (sent: Sent<Service>) => Effect.Effect<A, LlmError>,
  ): Effect.Effect<A, LlmError> {
    const begun: Begun<Service> = { sent: undefined }
    const begin = () => this.send(outgoing, context, fiber, (sent) => read((begun.sent = sent)))
    return endingWith(begin, releasing(begun, fiber))
  }

  /** Sends a request and opens its answer for as long as `scope`. */
  openIn<A>(
    scope: Scope.Scope,
    outgoing: Outgoing,
    context: CallContext,
    fiber: Fiber.Fiber<unknown, unknown>,
    open: (sent: Sent<Service>) => Effect.Effect<A, LlmError>,
  ): Effect.Effect<A, LlmError> {
    const begun: Begun<Service> = { sent: undefined }
    const begin = () => this.send(outgoing, context, fiber, (sent) => open((begun.sent = sent)))
    return Effect.flatMap(releasingWith(scope, begun), () => endingWith(begin, closingUnopened(begun)))
  }

  /** The headers; before the first request of all also the table of prices, where its answers have list prices. */
  private ready(): Service["headers"] {
    const { headers, priceList } = this.service
    return priceList === undefined || Prices.isLoaded() ? headers : Effect.andThen(Effect.promise(Prices.load), headers)
  }

  /** Sends a request, and hands on what is needed to read what comes back. */
  private send<A>(
    outgoing: Outgoing,
    context: CallContext,
    fiber: Fiber.Fiber<unknown, unknown>,
    receive: (sent: Sent<Service>) => Effect.Effect<A, LlmError>,
  ): Effect.Effect<A, LlmError> {
    const { redactor, service } = this
    // Taken apart, so that what waits for the answer does not hold the body once it is a text.
    const { asksForLimit, asksForUsage = true, isFree, maxTokens, method, model, openWith, temperature, url } = outgoing
    const { request: asked = {} } = outgoing
    const written: Result.Result<Written, InvalidRequestError> =
      outgoing.body === undefined ? nothing : bodyText(outgoing.body)
    if (Result.isFailure(written)) return this.refuse(context, model, written.failure)
    const { isRepaired, text: body } = written.success
    const warnings = isRepaired ? [...outgoing.warnings, repairWarning] : outgoing.warnings
    const ready = this.ready()
    return Effect.matchEffect((body?.length ?? 0) > manyCharacters ? Effect.andThen(Effect.yieldNow, ready) : ready, {
      onFailure: (reason) => this.refuse(context, model, reason),
      onSuccess: (own) => {
        const { headers: forCall, includeResponseHeaders } = fiber.getRef(CallOptions)
        const headers = this.headersOf(forCall === undefined ? own : { ...forCall, ...own })
        if (Result.isFailure(headers)) return this.refuse(context, model, headers.failure)
        if (url.includes("?")) redactor.learn(Secrets.ofAddress(url))
        if (model !== undefined && redactor.holdsSecret(model)) return this.refuse(context, model, keyAsModel)
        const { provider, telemetryName } = service
        const { redact } = redactor
        const target = {
          provider,
          model,
          temperature,
          maxTokens,
          asksForLimit,
          isFree,
          warnings,
          url,
          redact,
          pricing: service,
          telemetryName,
        }
        const request: WireRequest = { method, url, headers: headers.success, body }
        const opened = openWith === undefined ? this.open(request) : openWith(this.open, request)
        const { headersMs } = context
        const exchange = headersMs === undefined ? opened : withHeadClock(opened, headersMs)
        // Last, because from here on the attempt must be closed: a transport that cannot open an exchange has made none.
        const opening = openAttempt(context, fiber, target, asked)
        if (Result.isFailure(opening)) {
          return Effect.andThen(exchange.close(false) ?? Effect.void, Effect.fail(opening.failure))
        }
        const attempt = opening.success
        return receive({
          attempt,
          exchange,
          url,
          headers: headers.success,
          service,
          limits: this.limits,
          asksForUsage,
          includesHeaders: includeResponseHeaders === true,
          onLimits: context.onLimits,
          redact,
        })
      },
    })
  }
}

/** Closes the exchange and the attempt's record, and logs it where somebody listens. What remains to be done is awaited; undefined where nothing does. */
const release = (
  { attempt, exchange }: Pick<Sent<ReachedService>, "attempt" | "exchange">,
  isComplete: boolean,
  fiber: Fiber.Fiber<unknown, unknown>,
  exit?: Exit.Exit<unknown, unknown>,
): Effect.Effect<void> | undefined => {
  const closing = exchange.close(isComplete)
  attempt.close(exit)
  if (!logsDebug(fiber)) return closing
  const { durationMs, errorType, model, provider, requestId, status } = attempt.record()
  const line = Effect.logDebug("API call", { provider, model, status, errorType, durationMs, requestId })
  return closing === undefined ? line : Effect.ensuring(closing, line)
}
