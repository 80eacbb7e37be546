/** The guide's section for Effect users: every provider is a Layer, policies turn one into another, errors are data. */
import { assert, describe, it } from "@effect/vitest"
import * as ConfigProvider from "effect/ConfigProvider"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import {
  Anthropic,
  assemble,
  AzureOpenAi,
  LiteLlm,
  LlmError,
  LlmEvent,
  LlmProvider,
  LlmRequest,
  LlmResponse,
  LlmStack,
  OpenAi,
  withConcurrency,
  withFallback,
  withRetry,
  withTimeout,
} from "../../src/index.ts"
import { hello } from "./Ask.ts"
import { answers, byModel, listen, refuses, type Upstream } from "./LoopbackUpstream.ts"

const upstream = (reply = answers("hello")) => Effect.acquireDisposable(Effect.promise(() => listen(reply)))

const settings = ({ url }: Upstream) => ({
  OPENAI_API_KEY: "k",
  OPENAI_API_BASE: url,
  ANTHROPIC_API_KEY: "k",
  ANTHROPIC_API_BASE: url,
  AZURE_API_KEY: "k",
  AZURE_API_BASE: url,
  LITELLM_PROXY_API_KEY: "k",
  LITELLM_PROXY_API_BASE: url,
  PRIMARY_MODEL: "default-model",
})

const layers = ({ url }: Upstream) => {
  const options = { apiKey: Redacted.make("k"), apiBase: url, model: "default-model" }
  return [OpenAi.layer(options), Anthropic.layer(options), AzureOpenAi.layer(options), LiteLlm.layer(options)]
}

const provided = (record: Record<string, string>) =>
  Layer.succeed(ConfigProvider.ConfigProvider, ConfigProvider.fromEnvRecord(record))

describe("providers", () => {
  it.effect("each layer and layerConfig answers generate and stream; a request may name another model", () =>
    Effect.gen(function* () {
      const server = yield* upstream()
      const configured = [OpenAi, Anthropic, AzureOpenAi, LiteLlm].map(({ layerConfig }) =>
        Layer.provide(layerConfig(), provided(settings(server))),
      )
      for (const layer of [...layers(server), ...configured]) {
        yield* Effect.gen(function* () {
          const llm = yield* LlmProvider
          const answer = yield* llm.generate(hello)
          const other = yield* llm.generate({ ...hello, model: "other-model" })
          const assembly = assemble()
          yield* Stream.runForEach(llm.stream(hello), (event) => Effect.sync(() => assembly.add(event)))
          assert.strictEqual(answer.metadata.model, "default-model")
          assert.strictEqual(other.metadata.model, "other-model")
          for (const { text } of [answer, other, assembly.response()].flatMap((each) => each ?? [])) {
            assert.strictEqual(text, "hello")
          }
          assert.strictEqual(assembly.response()?.text, "hello")
        }).pipe(Effect.provide(layer))
      }
      assert.strictEqual(server.requests.length, 3 * 8)
    }).pipe(Effect.scoped),
  )
})

describe("policies", () => {
  it.effect("compose with pipe; a fallback asks for the model of its own", () =>
    Effect.gen(function* () {
      const server = yield* upstream(byModel({ "claude-sonnet-5": answers("from the second") }))
      const llm = OpenAi.layerConfig().pipe(
        withConcurrency(10),
        withRetry({ times: 3 }),
        withFallback(Anthropic.layerConfig(), { model: "claude-sonnet-5" }),
        withTimeout("60 seconds"),
        Layer.provide(provided(settings(server))),
      )
      const response = yield* Effect.flatMap(LlmProvider, ({ generate }) =>
        generate({ ...hello, model: "gpt-5" }),
      ).pipe(Effect.provide(llm))
      assert.strictEqual(response.text, "from the second")
      assert.deepStrictEqual(
        server.requests.map(({ body }) => body["model"]),
        ["gpt-5", "claude-sonnet-5"],
      )
    }).pipe(Effect.scoped),
  )

  it.effect("LlmStack.layerConfig() is the whole stack, from the ConfigProvider of the program", () =>
    Effect.gen(function* () {
      const server = yield* upstream(byModel({ "gpt-5-mini": answers("from the second") }))
      const stack = Layer.provide(
        LlmStack.layerConfig(),
        provided({
          ...settings(server),
          LLM_PROVIDER: "openai",
          PRIMARY_MODEL: "gpt-5",
          SECONDARY_MODEL: "gpt-5-mini",
        }),
      )
      const response = yield* Effect.flatMap(LlmProvider, ({ generate }) => generate(hello)).pipe(Effect.provide(stack))
      assert.strictEqual(response.text, "from the second")
    }).pipe(Effect.scoped),
  )
})

describe("errors and data", () => {
  it.effect("Effect.catchReason recovers from one reason; the error's JSON round-trips through its Schema", () =>
    Effect.gen(function* () {
      const server = yield* upstream(refuses(402))
      const asked = Effect.flatMap(LlmProvider, ({ generate }) => generate(hello)).pipe(
        Effect.provide(OpenAi.layer({ apiKey: "k", apiBase: server.url, model: "m" })),
      )
      const recovered = yield* Effect.catchReason(asked, "LlmError", "QuotaExceededError", ({ message }) =>
        Effect.succeed(message),
      )
      assert.strictEqual(recovered, "refused with 402")

      const error = yield* Effect.flip(asked)
      assert.isFalse(error.isRetryable)
      assert.deepStrictEqual([error.provider, error.model, error.attempts.length], ["openai", "m", 1])
      const json = yield* Schema.encodeEffect(Schema.fromJsonString(Schema.toCodecJson(LlmError)))(error)
      const decoded = yield* Schema.decodeEffect(Schema.fromJsonString(Schema.toCodecJson(LlmError)))(json)
      assert.instanceOf(decoded, LlmError)
      assert.strictEqual(decoded.reason._tag, "QuotaExceededError")
      assert.deepStrictEqual(decoded.attempts, error.attempts)
    }).pipe(Effect.scoped),
  )

  it("requests, responses and events are Schemas", () => {
    for (const schema of [LlmRequest, LlmResponse, LlmEvent]) assert.isTrue(Schema.isSchema(schema))
    assert.isTrue(Schema.is(LlmRequest)(hello))
  })
})
