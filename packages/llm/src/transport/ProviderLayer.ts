/**
 * A provider's Layer, on one of two transports: the library's own, or the program's `HttpClient`. The caller says which;
 * nothing that happens to be in the context is used unasked (law 22).
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import type { HttpClient } from "effect/http/HttpClient"
import * as Layer from "effect/Layer"
import type * as Scope from "effect/Scope"
import { layer as layerTransport } from "#transport"
import { LlmProvider } from "../model/LlmProvider.ts"
import type { Endpoint } from "./Endpoint.ts"
import * as HttpProvider from "./HttpProvider.ts"
import { Transport } from "./Transport.ts"

export type { HttpClient }

/** A provider at an endpoint, on a transport of its own (undici on Node, `fetch` elsewhere). */
export const layer = <E, R>(
  endpoint: Effect.Effect<Endpoint, E, R>,
): Layer.Layer<LlmProvider, E, Exclude<R, Scope.Scope>> => through(endpoint, own)

/** A provider at an endpoint, on the program's own `HttpClient` and nothing else. */
export const layerHttpClient = <E, R>(
  endpoint: Effect.Effect<Endpoint, E, R>,
): Layer.Layer<LlmProvider, E, Exclude<R, Scope.Scope> | HttpClient> => through(endpoint, provided)

const through = <E, R, RT>(
  endpoint: Effect.Effect<Endpoint, E, R>,
  transport: Effect.Effect<Transport["Service"], never, RT>,
): Layer.Layer<LlmProvider, E, Exclude<R | RT, Scope.Scope>> =>
  Layer.effect(
    LlmProvider,
    Effect.flatMap(endpoint, (known) => Effect.map(transport, (open) => HttpProvider.make(known, open))),
  )

/** A transport for one provider, for as long as the scope. Fresh: no two layers share connections. */
const own: Effect.Effect<Transport["Service"], never, Scope.Scope> = Effect.suspend(() =>
  Effect.map(Layer.build(Layer.fresh(layerTransport)), (context) => Context.get(context, Transport)),
)

/**
 * The key of Effect's `HttpClient`, by its name alone: importing the module costs more than all the rest of this library,
 * and most programs bring no client of their own.
 */
const HttpClientKey = Context.Service<HttpClient, HttpClient>("effect/HttpClient")

/** A transport through the `HttpClient` of the context. */
const provided: Effect.Effect<Transport["Service"], never, HttpClient> = Effect.flatMap(HttpClientKey, (client) =>
  Effect.map(
    Effect.promise(() => import("./http-client/HttpClientTransport.ts")),
    ({ make: through }) => through(client),
  ),
)
