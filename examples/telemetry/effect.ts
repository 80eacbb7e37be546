import { LlmProvider, LlmStack, TelemetryOptions } from "@wiseflow/llm"
import * as Effect from "effect/Effect"
import * as FetchHttpClient from "effect/http/FetchHttpClient"
import * as Layer from "effect/Layer"
import * as Otlp from "effect/observability/Otlp"

const tracing = Otlp.layerJson({
  baseUrl: "http://127.0.0.1:4318",
  resource: { serviceName: "shop" },
}).pipe(Layer.provide(FetchHttpClient.layer))

const said = Layer.succeed(TelemetryOptions, {
  conventions: "v1.41",
  content: (text, kind) => (kind === "user" ? text.replaceAll(/\d/g, "#") : undefined),
})

const program = Effect.gen(function* () {
  const llm = yield* LlmProvider
  return yield* llm.generate({ messages: [{ role: "user", content: "Say hello." }] })
})

export const main = Effect.provide(program, Layer.mergeAll(LlmStack.layerConfig(), tracing, said))
