/** A request without a body, by each transport: the method is the one asked for, and no body is sent. */
import * as NodeHttpClient from "@effect/platform-node/NodeHttpClient"
import { expect, it } from "@effect/vitest"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as HttpClient from "effect/http/HttpClient"
import * as Layer from "effect/Layer"
import { collectBody } from "../../src/transport/Body.ts"
import * as FetchTransport from "../../src/transport/fetch/FetchTransport.ts"
import * as HttpClientTransport from "../../src/transport/http-client/HttpClientTransport.ts"
import { Transport } from "../../src/transport/Transport.ts"
import * as UndiciTransport from "../../src/transport/undici/UndiciTransport.ts"
import { whole } from "../faults/HttpText.ts"
import { serve } from "./Sending.ts"

const transports = {
  undici: Effect.map(Layer.build(UndiciTransport.layer), (context) => Context.get(context, Transport)),
  fetch: Effect.map(Layer.build(FetchTransport.layer), (context) => Context.get(context, Transport)),
  HttpClient: Effect.map(Layer.build(NodeHttpClient.layerUndici), (context) =>
    HttpClientTransport.make(Context.get(context, HttpClient.HttpClient)),
  ),
}

it.live.each(
  (["undici", "fetch", "HttpClient"] as const).flatMap((transport) =>
    (["GET", "DELETE"] as const).map((method) => ({ transport, method })),
  ),
)("$method by $transport", ({ method, transport }) =>
  Effect.gen(function* () {
    const server = yield* serve(() => whole(`{"data":[]}`))
    const open = yield* transports[transport]
    const exchange = open({ method, url: `${server.url}/v1/models`, headers: { authorization: "Bearer sk-1" } })
    const { status } = yield* exchange.head
    expect([status, yield* collectBody(exchange, 1000)]).toEqual([200, `{"data":[]}`])
    yield* exchange.close(true) ?? Effect.void
    expect(server.requests).toMatchObject([{ method, path: "/v1/models", body: "" }])
  }).pipe(Effect.scoped),
)
