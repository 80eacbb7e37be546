/**
 * A provider's Layer, on one of two transports: the library's own, or the program's `HttpClient`. The caller says which;
 * nothing that happens to be in the context is used unasked (law 22).
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import type { HttpClient } from "effect/http/HttpClient"
import * as Layer from "effect/Layer"
import type * as Scope from "effect/Scope"
import { layerOptions } from "#transport"
import { EmbeddingProvider } from "../model/EmbeddingProvider.ts"
import type { LlmError } from "../model/LlmError.ts"
import { LlmProvider } from "../model/LlmProvider.ts"
import { ModelInfo } from "../model/ModelInfo.ts"
import type { EmbeddingEndpoint, Endpoint, ModelEndpoint, ServiceAddress } from "./Endpoint.ts"
import * as HttpProvider from "./HttpProvider.ts"
import * as HttpEmbeddings from "./sending/HttpEmbeddings.ts"
import * as HttpModels from "./sending/HttpModels.ts"
import * as Setting from "../settings/Setting.ts"
import { type Fetch, Transport, type TransportOptions } from "./Transport.ts"

export type { HttpClient }

/** A provider at an endpoint, on a transport of its own (undici on Node, `fetch` elsewhere). */
export const layer = <E, R>(
  endpoint: Effect.Effect<Endpoint, E, R>,
): Layer.Layer<LlmProvider, E | LlmError, Exclude<R, Scope.Scope>> =>
  Layer.effect(LlmProvider, through(endpoint, own, HttpProvider.make))

/** A provider at an endpoint, on the program's own `HttpClient` and nothing else. */
export const layerHttpClient = <E, R>(
  endpoint: Effect.Effect<Endpoint, E, R>,
): Layer.Layer<LlmProvider, E | LlmError, Exclude<R, Scope.Scope> | HttpClient> =>
  Layer.effect(LlmProvider, through(endpoint, provided, HttpProvider.make))

/** Embeddings at an endpoint, on a transport of its own. */
export const layerEmbeddings = <E, R>(
  endpoint: Effect.Effect<EmbeddingEndpoint, E, R>,
): Layer.Layer<EmbeddingProvider, E | LlmError, Exclude<R, Scope.Scope>> =>
  Layer.effect(EmbeddingProvider, through(endpoint, own, HttpEmbeddings.make))

/** Embeddings at an endpoint, on the program's own `HttpClient` and nothing else. */
export const layerEmbeddingsHttpClient = <E, R>(
  endpoint: Effect.Effect<EmbeddingEndpoint, E, R>,
): Layer.Layer<EmbeddingProvider, E | LlmError, Exclude<R, Scope.Scope> | HttpClient> =>
  Layer.effect(EmbeddingProvider, through(endpoint, provided, HttpEmbeddings.make))

/** What an endpoint tells of its models, on a transport of its own. */
export const layerModels = <E, R>(
  endpoint: Effect.Effect<ModelEndpoint, E, R>,
): Layer.Layer<ModelInfo, E | LlmError, Exclude<R, Scope.Scope>> =>
  Layer.effect(ModelInfo, through(endpoint, own, HttpModels.make))

/** What an endpoint tells of its models, on the program's own `HttpClient` and nothing else. */
export const layerModelsHttpClient = <E, R>(
  endpoint: Effect.Effect<ModelEndpoint, E, R>,
): Layer.Layer<ModelInfo, E | LlmError, Exclude<R, Scope.Scope> | HttpClient> =>
  Layer.effect(ModelInfo, through(endpoint, provided, HttpModels.make))

/** The service at an address, on a transport that the address may choose. */
const through = <Address extends ServiceAddress, Service, E, R, RT>(
  address: Effect.Effect<Address, E, R>,
  transport: (options: TransportOptions) => Effect.Effect<Transport["Service"], LlmError, RT>,
  make: (address: Address, open: Transport["Service"]) => Service,
): Effect.Effect<Service, E | LlmError, R | RT> =>
  Effect.flatMap(address, (known) => Effect.map(transport(known.transport ?? {}), (open) => make(known, open)))

/** A transport for one provider, for as long as the scope. Fresh: no two layers share connections. */
const own = (options: TransportOptions): Effect.Effect<Transport["Service"], LlmError, Scope.Scope> =>
  options.fetch === undefined
    ? Effect.map(Layer.build(layerOptions(options)), (context) => Context.get(context, Transport))
    : throughFetch(options.fetch, options.proxy)

/** A `fetch` of the program's own, which connects as it does. */
const throughFetch = (
  fetch: Fetch,
  proxy: TransportOptions["proxy"],
): Effect.Effect<Transport["Service"], LlmError> => {
  if (typeof fetch !== "function") return Effect.fail(Setting.invalid("fetch", "is not a function"))
  return proxy === undefined || proxy === false
    ? Effect.map(
        Effect.promise(() => import("./fetch/FetchTransport.ts")),
        ({ make }) => make(fetch),
      )
    : Effect.fail(Setting.invalid("proxy", "a fetch of your own connects by itself; give one of the two"))
}

/**
 * The key of Effect's `HttpClient`, by its name alone: importing the module costs more than all the rest of this library,
 * and most programs bring no client of their own.
 */
const HttpClientKey = Context.Service<HttpClient, HttpClient>("effect/HttpClient")

/** A transport through the `HttpClient` of the context, which connects as it does. */
const provided = ({ fetch, proxy }: TransportOptions): Effect.Effect<Transport["Service"], LlmError, HttpClient> => {
  const setting = fetch !== undefined ? "fetch" : proxy !== undefined ? "proxy" : undefined
  return setting === undefined
    ? Effect.flatMap(HttpClientKey, (client) =>
        Effect.map(
          Effect.promise(() => import("./http-client/HttpClientTransport.ts")),
          ({ make }) => make(client),
        ),
      )
    : Effect.fail(Setting.invalid(setting, "layerHttpClient sends through its HttpClient alone; give that one instead"))
}
