/** Which transport carries a program's requests: the one it brings, or the platform's. */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import type { HttpClient } from "effect/http/HttpClient"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import { layer as layerTransport } from "#transport"
import { Transport } from "./Transport.ts"

/**
 * The key of Effect's `HttpClient`, by its name alone: importing the module costs more than all the rest of this library,
 * and most programs bring no client of their own.
 */
const HttpClientKey = Context.Service<HttpClient, HttpClient>("effect/HttpClient")

/** The caller's own `HttpClient` where the layer's context holds one, else the platform's default. */
export const layer: Layer.Layer<Transport> = Layer.unwrap(
  Effect.map(Effect.serviceOption(HttpClientKey), (client) =>
    Option.isNone(client)
      ? layerTransport
      : Layer.effect(
          Transport,
          Effect.map(
            Effect.promise(() => import("./http-client/HttpClientTransport.ts")),
            ({ make: through }) => through(client.value),
          ),
        ),
  ),
)
