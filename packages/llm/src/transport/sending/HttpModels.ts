/**
 * What an endpoint tells of its models: its list, one HTTP request for each page, and the tokens of a request, one HTTP
 * request where the service counts and none where it does not. It asks nothing twice.
 */
import * as Effect from "effect/Effect"
import type * as Fiber from "effect/Fiber"
import * as Result from "effect/Result"
import { type CallContext, joinCall } from "../../call/CallContext.ts"
import { metadataOf } from "../../call/Metadata.ts"
import { monotonicMs } from "../../call/Time.ts"
import { InvalidResponseError, type LlmError } from "../../model/LlmError.ts"
import type { LlmRequest } from "../../model/LlmRequest.ts"
import type { CountedTokens, ModelDescription, ModelInfo, ModelList, TokenCount } from "../../model/ModelInfo.ts"
import { validateRequest } from "../../model/RequestValidation.ts"
import { maxModels, type ModelPage } from "../../protocols/models/ModelPage.ts"
import { countBody } from "../../protocols/models/TokenCounting.ts"
import type { Fault } from "../../protocols/Protocol.ts"
import { parseJson } from "../../protocols/WireReader.ts"
import type { ModelEndpoint, TokenCounter } from "../Endpoint.ts"
import { readBody } from "../Reception.ts"
import type { Transport } from "../Transport.ts"
import { notJson } from "../WholeAnswer.ts"
import { type Outgoing, Sender } from "./Sender.ts"

/** The most pages of one list: with 1,000 models each, far more than any service has. */
const maxPages = 100

/** No tokens are used. */
const unused = { usage: {}, usageStatus: "unknown" } as const

const reading =
  <A>(decode: (body: unknown) => Result.Result<A, Fault>) =>
  (text: string): Effect.Effect<A, Fault> => {
    const parsed = parseJson(text)
    return Effect.fromResult(parsed === undefined ? Result.fail(notJson(text)) : decode(parsed))
  }

/** A page in which the request's secrets are blanked, should the service repeat one. */
const withoutSecrets = (page: ModelPage, redact: (text: string) => string): ModelPage => ({
  ...page,
  models: page.models.map((model) => ({
    ...model,
    id: redact(model.id),
    ...(model.displayName === undefined ? {} : { displayName: redact(model.displayName) }),
    ...(model.owner === undefined ? {} : { owner: redact(model.owner) }),
  })),
})

/** A URL with more in its query. */
const withQuery = (url: string, query: string): string =>
  query === "" ? url : `${url}${url.includes("?") ? "&" : "?"}${query}`

/** The service of an endpoint on an open transport. */
export const make = (endpoint: ModelEndpoint, open: Transport["Service"]): ModelInfo["Service"] => {
  const { counter, estimate, pageQuery = () => "", protocol, provider } = endpoint
  const sender = new Sender(endpoint, open)

  const page = (url: string, context: CallContext, fiber: Fiber.Fiber<unknown, unknown>) =>
    sender.answer(
      { model: undefined, isFree: true, method: "GET", url, body: undefined, warnings: [] },
      context,
      fiber,
      (sent) =>
        readBody(sent, reading(protocol.decode), (read: ModelPage) => {
          const warnings = read.nameless === 0 ? [] : [`${read.nameless} entries of the list name no model`]
          for (const warning of warnings) context.ledger.warn(warning)
          return { page: withoutSecrets(read, sent.redact), metadata: sent.attempt.finish(unused) }
        }),
    )

  /** Each page after the one before, until the service says that it was the last. */
  const pages = (url: string, context: CallContext, fiber: Fiber.Fiber<unknown, unknown>) => {
    const models: Array<ModelDescription> = []
    const asked = new Set<string>()
    const from = (next: string | undefined): Effect.Effect<ModelList, LlmError> =>
      Effect.flatMap(page(withQuery(url, pageQuery(next)), context, fiber), ({ metadata, page: read }) => {
        for (const model of read.models) models.push(model)
        const after = endpoint.pageQuery === undefined ? undefined : read.next
        if (after === undefined) return Effect.succeed({ models, metadata })
        if (asked.has(after) || asked.size >= maxPages || models.length > maxModels) {
          return sender.refuse(context, undefined, endless(provider, asked.has(after)))
        }
        asked.add(after)
        return from(after)
      })
    return from(undefined)
  }

  const models = joinCall((context, fiber) => {
    const url = endpoint.url(endpoint.model ?? "")
    return typeof url === "string" ? pages(url, context, fiber) : sender.refuse(context, undefined, url)
  })

  const asking = (
    { capabilities, form, protocol: wire, url }: TokenCounter,
    request: LlmRequest,
    model: string,
    context: CallContext,
    fiber: Fiber.Fiber<unknown, unknown>,
  ): Effect.Effect<CountedTokens, LlmError> => {
    const encoded = wire.encode(request, { model, provider, stream: false, capabilities: capabilities?.(model) })
    if (Result.isFailure(encoded)) return sender.refuse(context, model, encoded.failure)
    const outgoing: Outgoing = { model, isFree: true, url, body: countBody(form, encoded.success.body), warnings: [] }
    return sender.answer(outgoing, context, fiber, (sent) =>
      readBody(sent, reading(form.decode), (count: TokenCount) => ({
        count: count.type === "unknown" ? { ...count, reason: sent.redact(count.reason) } : count,
        metadata: sent.attempt.finish(unused),
      })),
    )
  }

  const estimating = (
    request: LlmRequest,
    model: string,
    { ledger }: CallContext,
    fiber: Fiber.Fiber<unknown, unknown>,
  ): Effect.Effect<CountedTokens> =>
    Effect.map(estimate(request, model), (count) => ({
      count,
      metadata: metadataOf({
        provider,
        model,
        costUsd: 0,
        latencyMs: Math.round(monotonicMs(fiber) - ledger.startedMs),
        timestamp: ledger.started,
        attempts: ledger.attempts(),
        warnings: ledger.warnings,
      }),
    }))

  const countTokens = (input: LlmRequest) =>
    joinCall((context, fiber): Effect.Effect<CountedTokens, LlmError> => {
      const valid = validateRequest(input)
      if (Result.isFailure(valid)) return sender.refuse(context, endpoint.model, valid.failure)
      const request = valid.success
      const model = sender.modelOf(request.model)
      if (typeof model !== "string") return sender.refuse(context, request.model, model)
      return counter === undefined
        ? estimating(request, model, context, fiber)
        : asking(counter, request, model, context, fiber)
    })

  return { name: provider, model: endpoint.model, models, countTokens }
}

const endless = (provider: string, isRepeated: boolean): InvalidResponseError =>
  new InvalidResponseError({
    message: isRepeated
      ? `the list of ${provider}'s models comes back to a page that it had before`
      : `the list of ${provider}'s models goes on after ${maxPages} pages or ${maxModels} models`,
  })
