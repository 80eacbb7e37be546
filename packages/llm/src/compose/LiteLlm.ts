/**
 * LiteLLM: "one interface for many providers". With a base it is the LiteLLM proxy there; without one it routes in this
 * process, as the LiteLLM library does, by what the model id says (`openai/…`, `anthropic/…`, `azure/…`, or a bare known
 * name) to the providers whose keys are set.
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Result from "effect/Result"
import * as Stream from "effect/Stream"
import type { LlmError } from "../model/LlmError.ts"
import { LlmProvider } from "../model/LlmProvider.ts"
import type { LlmRequest } from "../model/LlmRequest.ts"
import type { Policy } from "../policies/Policy.ts"
import * as LiteLlmProxy from "../providers/LiteLlmProxy.ts"
import * as Setting from "../settings/Setting.ts"
import { type ModelRoute, providerNames, routeOf } from "./ModelRoute.ts"
import { isConfigured, layerOf, readTarget } from "./Target.ts"

/** A provider at a LiteLLM proxy. `apiKey` may be left out for a proxy that wants none. */
export const layer: (options: LiteLlmProxy.LiteLlmProxyOptions) => Layer.Layer<LlmProvider, LlmError> =
  LiteLlmProxy.layer

/** From `LLM_API_BASE` and `LLM_API_KEY` (the proxy), or from the keys of the providers (routing in process), and `PRIMARY_MODEL`. */
export const layerConfig: Layer.Layer<LlmProvider, LlmError> = Layer.unwrap(
  Effect.gen(function* () {
    const model = yield* Setting.text("PRIMARY_MODEL")
    const proxy = yield* readTarget("litellm", model, true)
    return isConfigured(proxy) ? layerOf(proxy) : layerRouting(model)
  }),
)

/**
 * Routes each request by its model, or by `model` where it names none. Fails at once with `ConfigurationError` where
 * `model` leads nowhere; a request's own model that leads nowhere fails that request. `policies` go around each provider
 * and not around all of them: one that is ill or out of money says nothing of the others.
 */
export const layerRouting = (
  model: string | undefined,
  policies: Policy = (provider) => provider,
): Layer.Layer<LlmProvider, LlmError> =>
  Layer.effect(
    LlmProvider,
    Effect.gen(function* () {
      const home = model === undefined ? undefined : routeOf(model)?.provider
      const primary = yield* Setting.text("PRIMARY_MODEL")
      const whose = (id: string) => (id === primary ? "PRIMARY_MODEL" : id === model ? "SECONDARY_MODEL" : "model")
      const built = new Map<string, Result.Result<LlmProvider["Service"], LlmError>>()
      for (const provider of providerNames.filter((name) => name !== "litellm")) {
        const target = yield* readTarget(provider, undefined, provider === home)
        const service = Effect.map(Layer.build(policies(layerOf(target))), (context) =>
          Context.get(context, LlmProvider),
        )
        built.set(provider, yield* Effect.result(service))
      }
      const choose = (
        id: string | undefined,
      ): Result.Result<readonly [LlmProvider["Service"], ModelRoute], LlmError> => {
        if (id === undefined) {
          return Result.fail(
            Setting.invalid(
              "PRIMARY_MODEL",
              "is not set and the request names no model; write for example PRIMARY_MODEL=gpt-5-mini",
            ),
          )
        }
        const named = routeOf(id)
        if (named === undefined) {
          const message = `"${id}" does not say which provider to ask; write for example openai/${id}, or set LLM_API_BASE to a LiteLLM proxy`
          return Result.fail(Setting.invalid(whose(id), message))
        }
        const service = built.get(named.provider)
        if (service === undefined) {
          return Result.fail(
            Setting.invalid(
              "LLM_API_BASE",
              `is not set, and "${id}" asks for a LiteLLM proxy; write for example LLM_API_BASE=http://localhost:4000`,
            ),
          )
        }
        // OpenAI's models answer at Azure too: with only Azure's key set, that is where they are meant to be asked.
        const azure = built.get("azure")
        const route =
          Result.isFailure(service) &&
          named.model === id &&
          named.provider === "openai" &&
          azure !== undefined &&
          Result.isSuccess(azure)
            ? { provider: "azure", model: id }
            : named
        return Result.map(built.get(route.provider) ?? service, (found) => [found, route])
      }
      if (model !== undefined) yield* Effect.fromResult(choose(model))
      return {
        name: "litellm",
        generate: (request: LlmRequest) =>
          Result.match(choose(request.model ?? model), {
            onFailure: (error) => Effect.fail(error),
            onSuccess: ([service, route]) => service.generate({ ...request, model: route.model }),
          }),
        stream: (request: LlmRequest) =>
          Result.match(choose(request.model ?? model), {
            onFailure: (error) => Stream.fail(error),
            onSuccess: ([service, route]) => service.stream({ ...request, model: route.model }),
          }),
      }
    }),
  )
