/** Bodies in content codings that nobody asked for: decoded as they come, never past the limit, and never a hang. */
import * as zlib from "node:zlib"
import * as NodeHttpClient from "@effect/platform-node/NodeHttpClient"
import { describe, expect, it } from "@effect/vitest"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as FetchHttpClient from "effect/http/FetchHttpClient"
import * as Layer from "effect/Layer"
import * as Stream from "effect/Stream"
import { LlmProvider, OpenAi, withTimeout } from "../../../src/index.ts"
import type { CallName } from "../../faults/FaultScenario.ts"
import { end, slowly, stall, type Step, write } from "../../faults/FaultServer.ts"
import { chunk, head, lastChunk, streamHead } from "../../faults/HttpText.ts"
import { chat, fullText } from "../../faults/WireText.ts"
import { ask, bodyOf, calls, provider, serve } from "../Sending.ts"

const codings: Readonly<Record<string, (body: Buffer) => Buffer>> = {
  gzip: zlib.gzipSync,
  "x-gzip": zlib.gzipSync,
  deflate: zlib.deflateSync,
  br: zlib.brotliCompressSync,
  zstd: zlib.zstdCompressSync,
}
const cells = Object.keys(codings).flatMap((coding) => calls.map((call) => ({ coding, call })))
const encoded = (coding: string, text: string): Buffer => codings[coding]?.(Buffer.from(text)) ?? Buffer.from(text)

/** An answer with this body, ended by the server's FIN. */
const answer = (coding: string, body: Buffer, call: CallName, size = body.length): ReadonlyArray<Step> => [
  write(
    head(200, {
      "content-type": call === "generate" ? "application/json" : "text/event-stream",
      "content-encoding": coding,
      connection: "close",
    }),
  ),
  ...slowly(body, Math.max(1, size)),
  end,
]

const reasonOf = Effect.fnUntraced(function* (steps: ReadonlyArray<Step>, call: CallName) {
  const server = yield* serve(() => steps)
  const error = yield* Effect.flip(Effect.provide(ask(call), provider(server.url)))
  return error.reason
}, Effect.scoped)

describe("a coded body", () => {
  it.live.each(cells)("is decoded, whole and byte by byte ($call, $coding)", ({ call, coding }) =>
    Effect.gen(function* () {
      const body = encoded(coding, bodyOf(call, fullText))
      const server = yield* serve(({ index }) => answer(coding, body, call, index === 0 ? body.length : 1))
      const asking = Effect.provide(ask(call), provider(server.url))
      expect(yield* asking).toBe(fullText)
      expect(yield* asking).toBe(fullText)
      expect(server.requests[0]?.headers["accept-encoding"]).toBe("identity")
    }).pipe(Effect.scoped),
  )

  it.live.each(cells)("is decoded under a clock for its head ($call, $coding)", ({ call, coding }) =>
    Effect.gen(function* () {
      const body = encoded(coding, bodyOf(call, fullText))
      const server = yield* serve(() => answer(coding, body, call))
      const timed = provider(server.url).pipe(withTimeout({ headers: "1 minute" }))
      expect(yield* Effect.provide(ask(call), timed)).toBe(fullText)
    }).pipe(Effect.scoped),
  )

  it.live.each(calls)("is decoded as often as it was coded (%s)", (call) =>
    Effect.gen(function* () {
      const twice = zlib.brotliCompressSync(encoded("gzip", bodyOf(call, fullText)))
      const server = yield* serve(() => answer("gzip, identity, br", twice, call))
      expect(yield* Effect.provide(ask(call), provider(server.url))).toBe(fullText)
    }).pipe(Effect.scoped),
  )

  it.live.each(calls)("is decoded where deflate has no zlib header (%s)", (call) =>
    Effect.gen(function* () {
      const bare = zlib.deflateRawSync(bodyOf(call, fullText))
      const server = yield* serve(() => answer("deflate", bare, call))
      expect(yield* Effect.provide(ask(call), provider(server.url))).toBe(fullText)
    }).pipe(Effect.scoped),
  )

  it.live("longer than many reads is decoded whole", () =>
    Effect.gen(function* () {
      const text = Array.from({ length: 200_000 }, (_, index) => `${index} `).join("")
      const server = yield* serve(() => answer("zstd", encoded("zstd", bodyOf("generate", text)), "generate", 10_000))
      expect(yield* Effect.provide(ask("generate"), provider(server.url))).toBe(text)
    }).pipe(Effect.scoped),
  )

  const flushing = {
    gzip: () => zlib.createGzip(),
    deflate: () => zlib.createDeflate(),
    br: () => zlib.createBrotliCompress(),
    zstd: () => zlib.createZstdCompress(),
  }
  it.live.each(["gzip", "deflate", "br", "zstd"] as const)("brings each piece when it is sent (%s)", (coding) =>
    Effect.gen(function* () {
      const compressor = flushing[coding]()
      const piece = yield* Effect.promise(
        () =>
          new Promise<Buffer>((resolve) => {
            compressor.write(chat.opening + chat.piece("Hel"))
            compressor.flush(() => resolve(Buffer.concat([compressor.read() ?? Buffer.alloc(0)])))
          }),
      )
      const server = yield* serve(() => [streamHead({ "content-encoding": coding }), chunk(piece), stall])
      const arrived = yield* Deferred.make<string>()
      const reading = yield* Effect.forkChild(
        Effect.flatMap(LlmProvider, (llm) =>
          Stream.runForEach(llm.stream({ messages: [{ role: "user", content: "hello" }] }), (event) =>
            event.type === "text-delta" ? Deferred.succeed(arrived, event.delta) : Effect.void,
          ),
        ).pipe(Effect.provide(provider(server.url))),
      )
      expect(yield* Deferred.await(arrived)).toBe("Hel")
      yield* Fiber.interrupt(reading)
      yield* Effect.promise(() => server.connections[0]?.closed ?? Promise.resolve(0))
    }).pipe(Effect.scoped),
  )

  it.live("of no bytes is empty", () =>
    Effect.gen(function* () {
      const reason = yield* reasonOf(answer("gzip", Buffer.alloc(0), "generate"), "generate")
      expect(reason).toMatchObject({ _tag: "InvalidResponseError", message: "the answer is empty" })
    }),
  )

  it.live.each(cells)("that is cut is a broken answer ($call, $coding)", ({ call, coding }) =>
    Effect.gen(function* () {
      const body = encoded(coding, bodyOf(call, fullText))
      const reason = yield* reasonOf(answer(coding, body.subarray(0, 12), call), call)
      expect(reason._tag).toBe("StreamInterruptedError")
    }),
  )

  it.live.each(cells)("that is corrupt is an unreadable answer ($call, $coding)", ({ call, coding }) =>
    Effect.gen(function* () {
      const reason = yield* reasonOf(answer(coding, Buffer.alloc(200, 0xfe), call), call)
      expect(reason).toMatchObject({ _tag: "InvalidResponseError" })
      expect(reason.message).toContain(coding)
    }),
  )

  it.live.each(calls)("in a coding that is not known is an unreadable answer (%s)", (call) =>
    Effect.gen(function* () {
      const reason = yield* reasonOf(answer("dcb", Buffer.alloc(20, 7), call), call)
      expect(reason).toMatchObject({ _tag: "InvalidResponseError" })
      expect(reason.message).toContain("dcb")
    }),
  )

  it.live.each(calls)(
    "that grows past the limit is given up (%s)",
    (call) =>
      Effect.gen(function* () {
        const bomb = zlib.gzipSync(Buffer.alloc(80 * 1024 * 1024, call === "generate" ? " " : "data: "))
        const reason = yield* reasonOf([...answer("gzip", bomb, call).slice(0, -1), stall], call)
        expect(reason).toMatchObject({ _tag: "InvalidResponseError" })
        expect(reason.message).toMatch(/larger than|longer than/)
      }),
    30_000,
  )

  it.live.each(calls)("of a failing status is read too (%s)", (call) =>
    Effect.gen(function* () {
      const body = encoded("gzip", `{"error":{"message":"no such model","code":"model_not_found"}}`)
      const reason = yield* reasonOf(
        [write(head(404, { "content-encoding": "gzip", "content-length": body.length })), write(body)],
        call,
      )
      expect(reason).toMatchObject({ _tag: "ModelNotFoundError" })
    }),
  )
})

const clients = { fetch: FetchHttpClient.layer, undici: NodeHttpClient.layerUndici, http: NodeHttpClient.layerNodeHttp }

const through = (client: typeof FetchHttpClient.layer, url: string) =>
  Layer.provide(OpenAi.layerHttpClient({ apiKey: "sk-test", apiBase: `${url}/v1`, model: "gpt-5-mini" }), client)

describe("a coded body through the program's own client", () => {
  it.live.each((["fetch", "undici", "http"] as const).flatMap((client) => cells.map((cell) => ({ ...cell, client }))))(
    "is decoded once, whether or not the client decodes ($call, $coding, $client)",
    ({ call, client, coding }) =>
      Effect.gen(function* () {
        const body = encoded(coding, bodyOf(call, fullText))
        const server = yield* serve(() => [
          streamHead({ "content-encoding": coding, "content-type": "application/json" }),
          chunk(body),
          lastChunk,
        ])
        expect(yield* Effect.provide(ask(call), through(clients[client], server.url))).toBe(fullText)
      }).pipe(Effect.scoped),
  )

  it.live("is decoded once also where the text begins like Brotli may", () =>
    Effect.gen(function* () {
      const body = zlib.brotliCompressSync(
        `[{"error":{"code":429,"message":"slow down","status":"RESOURCE_EXHAUSTED"}}]`,
      )
      const server = yield* serve(() => [
        write(head(429, { "content-encoding": "br", "content-length": body.length })),
        write(body),
      ])
      for (const client of [clients.fetch, clients.undici]) {
        const { reason } = yield* Effect.flip(Effect.provide(ask("generate"), through(client, server.url)))
        expect(reason).toMatchObject({ _tag: "RateLimitError" })
        expect(reason.message).toContain("slow down")
      }
    }).pipe(Effect.scoped),
  )
})
