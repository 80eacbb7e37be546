/**
 * LiteLLM: "one interface for many providers". With a base it is the LiteLLM proxy there; without one it routes in this
 * process, as the LiteLLM library does, by what the model id says (`openai/…`, `anthropic/…`, `azure/…`, or a bare known
 * name) to the providers whose keys are set.
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Predicate from "effect/Predicate"
import * as Result from "effect/Result"
import * as Stream from "effect/Stream"
import { looksLikeKey } from "../model/KeyShape.ts"
import type { EmbeddingProvider } from "../model/EmbeddingProvider.ts"
import { InvalidRequestError, LlmError } from "../model/LlmError.ts"
import { LlmProvider } from "../model/LlmProvider.ts"
import type { LlmRequest } from "../model/LlmRequest.ts"
import type { ModelInfo } from "../model/ModelInfo.ts"
import type { Policy } from "../policies/Policy.ts"
import * as LiteLlmProxy from "../providers/LiteLlmProxy.ts"
import { configured, type Overrides } from "../providers/Overrides.ts"
import * as Registry from "../providers/Registry.ts"
import { quoted } from "../settings/Secrets.ts"
import * as Setting from "../settings/Setting.ts"
import * as ProviderLayer from "../transport/ProviderLayer.ts"
import { type ModelRoute, routeOf } from "./ModelRoute.ts"
import { giveToEvery, isConfigured, layerOf, readTarget, type TargetLayer } from "./Target.ts"

/** `apiBase` is the proxy's address; `apiKey` is left out for a proxy that wants none. */
export type LiteLlmOptions = LiteLlmProxy.LiteLlmProxyOptions

/** A provider at a LiteLLM proxy. `apiKey` may be left out for a proxy that wants none. */
export const layer = (options: LiteLlmOptions): Layer.Layer<LlmProvider, LlmError> =>
  ProviderLayer.layer(LiteLlmProxy.row.endpoint(options))

/** The same through the program's own `HttpClient`, and through nothing else. */
export const layerHttpClient = (
  options: LiteLlmOptions,
): Layer.Layer<LlmProvider, LlmError, ProviderLayer.HttpClient> =>
  ProviderLayer.layerHttpClient(LiteLlmProxy.row.endpoint(options))

/** How to reach an embedding model behind a proxy. */
export type LiteLlmEmbeddingOptions = LiteLlmProxy.LiteLlmEmbeddingOptions

/**
 * Embeddings at a LiteLLM proxy. What the model behind an alias accepts in one request is not known here: `withBatches()`
 * sends 96 inputs at a time unless `batchLimits` says otherwise.
 */
export const layerEmbeddings = (options: LiteLlmEmbeddingOptions): Layer.Layer<EmbeddingProvider, LlmError> =>
  ProviderLayer.layerEmbeddings(LiteLlmProxy.embeddings.endpoint(options))

/** The same through the program's own `HttpClient`, and through nothing else. */
export const layerEmbeddingsHttpClient = (
  options: LiteLlmEmbeddingOptions,
): Layer.Layer<EmbeddingProvider, LlmError, ProviderLayer.HttpClient> =>
  ProviderLayer.layerEmbeddingsHttpClient(LiteLlmProxy.embeddings.endpoint(options))

/**
 * The models of a proxy by their aliases, and the tokens of requests: counted by the model's own service where the proxy can
 * ask it, unknown elsewhere.
 */
export const layerModels = (options: LiteLlmOptions): Layer.Layer<ModelInfo, LlmError> =>
  ProviderLayer.layerModels(LiteLlmProxy.models.endpoint(options))

/** The same through the program's own `HttpClient`, and through nothing else. */
export const layerModelsHttpClient = (
  options: LiteLlmOptions,
): Layer.Layer<ModelInfo, LlmError, ProviderLayer.HttpClient> =>
  ProviderLayer.layerModelsHttpClient(LiteLlmProxy.models.endpoint(options))

/**
 * From `LLM_API_BASE` and `LLM_API_KEY` (the proxy), or from the keys of the providers (routing in process), and
 * `PRIMARY_MODEL`, as far as `overrides` do not say otherwise.
 */
export const layerConfig = (overrides: Overrides<LiteLlmOptions> = {}): Layer.Layer<LlmProvider, LlmError> =>
  Layer.unwrap(
    Effect.gen(function* () {
      const { row } = LiteLlmProxy
      const options = yield* configured(row, overrides)
      return isConfigured({ ...options, provider: row.name })
        ? ProviderLayer.layer(row.endpoint(options))
        : Layer.provide(layerRouting(options.model), giveToEvery(options))
    }),
  )

/** A provider, or why it could not be built; `isConfigured` says whether it has a key at all. */
interface Candidate {
  readonly isConfigured: boolean
  readonly service: Result.Result<LlmProvider["Service"], LlmError>
}

type Candidates = ReadonlyMap<Registry.ProviderRow, Candidate>

/** The provider of a request, and what the model is called there. */
type Choice = readonly [LlmProvider["Service"], string]

/**
 * Routes each request by its model, or by `model` where it names none. Fails at once with `ConfigurationError` where
 * `model` leads nowhere; a request's own model that leads nowhere fails that request. `policies` go around each provider
 * and not around all of them: a provider that is unhealthy or out of money does not affect the others.
 */
export const layerRouting = <R = never>(
  model: string | undefined,
  policies: Policy<LlmError> = (provider) => provider,
  targetLayer?: TargetLayer<R>,
): Layer.Layer<LlmProvider, LlmError, R> =>
  Layer.effect(
    LlmProvider,
    Effect.gen(function* () {
      const home = model === undefined ? undefined : routeOf(model)?.row
      const primary = yield* Setting.text("PRIMARY_MODEL")
      const whose = (id: string) => (id === primary ? "PRIMARY_MODEL" : id === model ? "SECONDARY_MODEL" : "model")
      const candidates = new Map<Registry.ProviderRow, Candidate>()
      for (const row of Registry.rows.filter(({ isRouter }) => !isRouter)) {
        const target = yield* readTarget(row, undefined, row === home)
        const layer: Layer.Layer<LlmProvider, LlmError, R> = policies((targetLayer ?? layerOf)(target))
        const service = Effect.map(Layer.build(layer), (context) => Context.get(context, LlmProvider))
        candidates.set(row, { isConfigured: isConfigured(target), service: yield* Effect.result(service) })
      }
      const choose = (id: string | undefined): Result.Result<Choice, LlmError> => {
        if (id === undefined) return Result.fail(noModel(candidates))
        if (!Predicate.isString(id)) return Result.fail(notAName)
        const route = routeOf(id)
        if (route === undefined) return Result.fail(noRoute(whose(id), id, candidates))
        return Result.map(serviceFor(route, id, candidates), (service) => [service, route.model])
      }
      if (model !== undefined) yield* Effect.fromResult(choose(model))
      return {
        name: LiteLlmProxy.row.name,
        model,
        generate: (request: LlmRequest) =>
          Result.match(choose(request.model ?? model), {
            onFailure: (error) => Effect.fail(error),
            onSuccess: ([service, named]) => service.generate({ ...request, model: named }),
          }),
        stream: (request: LlmRequest) =>
          Result.match(choose(request.model ?? model), {
            onFailure: (error) => Stream.fail(error),
            onSuccess: ([service, named]) => service.stream({ ...request, model: named }),
          }),
      }
    }),
  )

/** The provider of a route. Where a bare name's own has no key, one that serves the same models and has one. */
const serviceFor = ({ model, row }: ModelRoute, id: string, candidates: Candidates): Candidate["service"] => {
  const own = candidates.get(row)
  const { apiBase, apiKey, baseVariable, keyVariable } = row.example
  if (own === undefined) {
    const problem = `is not set, and ${quoted(id)} asks for a ${row.title}; write for example ${baseVariable}=${apiBase}`
    return Result.fail(Setting.invalid(baseVariable, problem))
  }
  if (own.isConfigured || Result.isSuccess(own.service)) return own.service
  if (model !== id) return own.service
  for (const other of Registry.rows) {
    const candidate = candidates.get(other)
    if (candidate?.isConfigured === true && other.servesFamiliesOf.includes(row.name)) return candidate.service
  }
  const problem = `is not set, and ${quoted(id)} is asked of ${row.title}; write for example ${keyVariable}=${apiKey}, or name another provider before the model, as in openrouter/…`
  return Result.fail(Setting.invalid(keyVariable, problem))
}

/** Types forbid it; programs without types may pass anything. */
const notAName = new LlmError({
  reason: new InvalidRequestError({ message: "invalid request: expected a string at model", parameter: "model" }),
  provider: LiteLlmProxy.row.name,
  attempts: [],
})

/** The first provider that has a key. */
const reachable = (candidates: Candidates): Registry.ProviderRow | undefined =>
  Registry.rows.find((row) => candidates.get(row)?.isConfigured)

const noModel = (candidates: Candidates): LlmError => {
  const row = reachable(candidates)
  const example = row === undefined ? "gpt-5-mini" : (row.fallbackModel ?? `${row.name}/<model>`)
  return Setting.invalid(
    "PRIMARY_MODEL",
    `write for example PRIMARY_MODEL=${example}: it is not set, and the request names no model`,
  )
}

const noRoute = (setting: string, id: string, candidates: Candidates): LlmError => {
  const provider = reachable(candidates)?.name ?? "openai"
  return Setting.invalid(
    setting,
    `${quoted(id)} does not say which provider to ask; write for example ${provider}/${looksLikeKey(id) ? "<model>" : id}, or set LLM_API_BASE to a LiteLLM proxy`,
  )
}
