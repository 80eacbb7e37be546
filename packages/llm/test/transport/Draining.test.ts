/** The end of a body that dawdles after its last event: it holds its permit, not for long, and then its connection closes. */
import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { OpenAi, withConcurrency } from "../../src/index.ts"
import * as FetchHttpClient from "effect/http/FetchHttpClient"
import * as NodeHttpClient from "@effect/platform-node/NodeHttpClient"

import { delay, type FaultServer, stall } from "../faults/FaultServer.ts"
import { chunk, lastChunk, streamHead } from "../faults/HttpText.ts"
import { chat, fullText, goodStream } from "../faults/WireText.ts"
import { ask, provider, serve } from "./Sending.ts"

const events = [streamHead(), ...goodStream(chat).map(chunk)]

const httpClient = (client: typeof FetchHttpClient.layer) => (url: string) =>
  Layer.provide(OpenAi.layerHttpClient({ apiKey: "sk-test", apiBase: `${url}/v1`, model: "gpt-5-mini" }), client)

const transports: Readonly<Record<string, (url: string) => ReturnType<typeof provider>>> = {
  undici: (url) => provider(url),
  fetch: (url) => provider(url, { fetch: globalThis.fetch }),
  "an HttpClient by fetch": httpClient(FetchHttpClient.layer),
  "an HttpClient by undici": httpClient(NodeHttpClient.layerUndici),
  "an HttpClient by node:http": httpClient(NodeHttpClient.layerNodeHttp),
}
const layerOf = (name: string) => transports[name] ?? provider

/** The most connections that were open at once, by the times that the server noted. */
const mostOpen = ({ connections }: FaultServer): number =>
  Math.max(
    ...connections.map(
      ({ openedAtMs: now }) =>
        connections.filter(
          ({ closedAtMs, openedAtMs }) => openedAtMs <= now && (closedAtMs === undefined || closedAtMs > now),
        ).length,
    ),
  )

describe("a body that never ends after its last event", () => {
  it.live.each(Object.keys(transports))("holds its permit until its connection is closed (%s)", (name) =>
    Effect.gen(function* () {
      const server = yield* serve(() => [...events, stall])
      const texts = yield* Effect.forEach(Array.from({ length: 13 }), () => ask("stream"), {
        concurrency: "unbounded",
      }).pipe(Effect.provide(withConcurrency(2)(layerOf(name)(server.url))))
      expect(texts).toEqual(Array.from({ length: 13 }, () => fullText))
      yield* Effect.promise(() => Promise.all(server.connections.map(({ closed }) => closed)))
      // The server learns of a close a turn after the client has done it.
      expect(mostOpen(server)).toBeLessThanOrEqual(3)
      expect(server.connections.every(({ closedBy }) => closedBy === "client")).toBe(true)
    }).pipe(Effect.scoped),
  )
})

describe("a body that ends soon after its last event", () => {
  it.live.each(["undici", "fetch", "an HttpClient by undici"])("leaves its connection to the next call (%s)", (name) =>
    Effect.gen(function* () {
      const server = yield* serve(() => [...events, delay(5), lastChunk])
      yield* Effect.gen(function* () {
        for (let index = 0; index < 4; index++) {
          expect(yield* ask("stream")).toBe(fullText)
          yield* Effect.promise(() => new Promise((resolve) => setTimeout(resolve, 20)))
        }
      }).pipe(Effect.provide(layerOf(name)(server.url)))
      expect(server.connections).toHaveLength(1)
    }).pipe(Effect.scoped),
  )
})
