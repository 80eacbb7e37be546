/** A certificate authority of one's own: by Node's own variable, for every transport on Node, or by an `HttpClient`. */
import * as NodeHttpClient from "@effect/platform-node/NodeHttpClient"
import { expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { OpenAi } from "../../../src/index.ts"
import { callOf, goodAnswer } from "../../faults/FaultScenario.ts"
import { chat, fullText } from "../../faults/WireText.ts"
import { runProgram } from "../../guide/ProgramRun.ts"
import { ask, calls, provider, serve } from "../Sending.ts"
import { loopbackProxy } from "../undici/LoopbackProxy.ts"
import { certificate, certificateFile, tlsFront } from "./TlsFront.ts"

const secured = Effect.gen(function* () {
  const server = yield* serve((request) => goodAnswer(chat, callOf(request)))
  return yield* tlsFront(server.url)
})

it.live.each(calls)("a certificate that nobody vouches for is a failed connection (%s)", (call) =>
  Effect.gen(function* () {
    const { reason } = yield* Effect.flip(Effect.provide(ask(call), provider(yield* secured)))
    expect(reason).toMatchObject({ _tag: "ConnectionError", code: "DEPTH_ZERO_SELF_SIGNED_CERT" })
  }).pipe(Effect.scoped),
)

it.live(
  "NODE_EXTRA_CA_CERTS vouches for it, directly and through a proxy with TLS",
  () =>
    Effect.gen(function* () {
      const url = yield* secured
      const proxy = yield* loopbackProxy({ tls: true })
      const run = (more: Record<string, string>) =>
        Effect.promise(() =>
          runProgram(new URL("programs/ask.ts", import.meta.url).pathname, {
            environment: {
              LLM_PROVIDER: "openai",
              OPENAI_API_KEY: "sk-test",
              OPENAI_API_BASE: `${url}/v1`,
              PRIMARY_MODEL: "gpt-5-mini",
              NODE_EXTRA_CA_CERTS: certificateFile,
              ...more,
            },
          }),
        )
      expect(JSON.parse((yield* run({})).stdout)).toBe(fullText)
      expect(JSON.parse((yield* run({ HTTPS_PROXY: proxy.url })).stdout)).toBe(fullText)
      expect(proxy.asked).toMatchObject([{ method: "CONNECT" }])
    }).pipe(Effect.scoped),
  30_000,
)

it.live.each(calls)("an HttpClient with an authority of its own vouches for it (%s)", (call) =>
  Effect.gen(function* () {
    const url = yield* secured
    const client = NodeHttpClient.layerUndiciOptions({ connect: { ca: certificate } })
    const layer = OpenAi.layerHttpClient({ apiKey: "sk-test", apiBase: `${url}/v1`, model: "gpt-5-mini" })
    expect(yield* Effect.provide(ask(call), Layer.provide(layer, client))).toBe(fullText)
  }).pipe(Effect.scoped),
)
