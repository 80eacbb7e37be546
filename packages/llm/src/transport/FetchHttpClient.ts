/**
 * Effect's `HttpClient` on the platform's `fetch`: the default transport where there is no Node. It follows no redirect
 * (a key must not travel to another address) and sends no trace header to a provider.
 */
import * as Effect from "effect/Effect"
import { layer as layerFetch, RequestInit } from "effect/http/FetchHttpClient"
import * as HttpClient from "effect/http/HttpClient"
import * as Layer from "effect/Layer"

/** The default transport off Node. */
export const layer: Layer.Layer<HttpClient.HttpClient> = Layer.effect(
  HttpClient.HttpClient,
  Effect.map(HttpClient.HttpClient, (client) =>
    HttpClient.transformResponse(client, (effect) =>
      effect.pipe(
        Effect.provideService(HttpClient.TracerDisabledWhen, () => true),
        Effect.provideService(RequestInit, { redirect: "manual" }),
      ),
    ),
  ),
).pipe(Layer.provide(layerFetch))
