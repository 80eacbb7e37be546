/** Embeddings at an endpoint: what one request may hold, what is refused before it is sent, and what its answer is. */
import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import type { BatchLimits, EmbeddingRequest } from "../../src/model/EmbeddingProvider.ts"
import { InvalidRequestError } from "../../src/model/LlmError.ts"
import * as Embeddings from "../../src/protocols/embeddings/Embeddings.ts"
import type { EmbeddingEndpoint } from "../../src/transport/Endpoint.ts"
import * as HttpEmbeddings from "../../src/transport/sending/HttpEmbeddings.ts"
import { type Reply, replying } from "./Replies.ts"

const serviceOf = (reply: Reply, more: Partial<EmbeddingEndpoint> = {}) => {
  const transport = replying(reply)
  const endpoint: EmbeddingEndpoint = {
    provider: "test",
    model: "m",
    protocol: Embeddings.protocol,
    url: () => "https://api.test/v1/embeddings",
    headers: Effect.succeed({ authorization: "Bearer sk-secret-key-1" }),
    batchLimits: () => ({ inputs: 2 }),
    ...more,
  }
  return { ...transport, service: HttpEmbeddings.make(endpoint, transport.open) }
}
const vectors = (count: number): Reply => ({
  reads: [
    JSON.stringify({
      model: "m-1",
      data: Array.from({ length: count }, () => ({ embedding: [0.5] })),
      usage: { prompt_tokens: 3 },
    }),
  ],
})
const inputs = (count: number) => Array.from({ length: count }, () => "text")

describe("embeddings at an endpoint", () => {
  it.effect("are asked for in one request, with what the service says besides", () =>
    Effect.gen(function* () {
      const more = {
        dimensionsField: "output_dimension",
        encodingFormat: "none",
        fields: { input_type: "query" },
      } as const
      const { requests, service } = serviceOf(vectors(2), more)
      const { embeddings, metadata } = yield* service.embed({ inputs: inputs(2), model: "own", dimensions: 8 })
      expect(embeddings).toEqual([[0.5], [0.5]])
      expect(metadata).toMatchObject({
        provider: "test",
        model: "own",
        servedModel: "m-1",
        usage: { inputTokens: 3 },
        warnings: [],
      })
      expect(requests).toHaveLength(1)
      expect(requests[0]?.url).toBe("https://api.test/v1/embeddings")
      expect(JSON.parse(requests[0]?.body ?? "")).toEqual({
        model: "own",
        input: inputs(2),
        output_dimension: 8,
        input_type: "query",
      })
      expect([service.name, service.model, service.batchLimits?.("m")]).toEqual(["test", "m", { inputs: 2 }])
    }),
  )

  it.effect("are as many as a request may hold and no more, unless the service documents no limit", () =>
    Effect.gen(function* () {
      const asked: Array<string | undefined> = []
      const limited = (limits: BatchLimits) => ({
        batchLimits: (model: string | undefined) => {
          asked.push(model)
          return limits
        },
      })
      expect(
        (yield* serviceOf(vectors(2), limited({ inputs: 2 })).service.embed({ inputs: inputs(2) })).embeddings,
      ).toHaveLength(2)
      const { requests, service } = serviceOf(vectors(3), limited({ inputs: 2 }))
      const { model, reason } = yield* Effect.flip(service.embed({ inputs: inputs(3) }))
      expect(model).toBe("m")
      expect(reason).toMatchObject({
        _tag: "InvalidRequestError",
        parameter: "inputs",
        message:
          "invalid request: test takes at most 2 inputs a request and inputs has 3: put withBatches() around the layer",
      })
      expect(requests).toEqual([])
      const advised = serviceOf(vectors(3), limited({ inputs: 2, isAdvice: true })).service
      expect((yield* advised.embed({ inputs: inputs(3) })).embeddings).toHaveLength(3)
      expect(asked).toEqual(["m", "m", "m"])
    }),
  )

  it.effect("tell what was dropped from their request", () =>
    Effect.gen(function* () {
      const { service } = serviceOf(vectors(1), { model: "text-embedding-ada-002" })
      const { metadata } = yield* service.embed({ inputs: inputs(1), dimensions: 8 })
      expect(metadata.warnings).toEqual([expect.stringContaining("dimensions was dropped")])
    }),
  )

  it.effect("are not asked for where the request is invalid, has no model or address, or cannot be written", () =>
    Effect.gen(function* () {
      const refused = (request: EmbeddingRequest, more: Partial<EmbeddingEndpoint> = {}) => {
        const { requests, service } = serviceOf(vectors(1), more)
        return Effect.map(Effect.flip(service.embed(request)), ({ attempts, model, reason }) => {
          expect([requests.length, attempts.length]).toEqual([0, 0])
          return { model, reason }
        })
      }
      expect(yield* refused({ inputs: [] })).toMatchObject({ model: "m", reason: { parameter: "inputs" } })
      const none = yield* refused({ inputs: ["a"] }, { model: undefined, exampleModel: "text-embedding-3-small" })
      expect(none.reason).toMatchObject({ _tag: "ConfigurationError", setting: "EMBEDDING_MODEL" })
      expect(none.reason.message).toContain("EMBEDDING_MODEL=text-embedding-3-small")
      const key = yield* refused({ inputs: ["a"], model: "sk-other-key-1234567" })
      expect(key).toMatchObject({ model: "<redacted>", reason: { parameter: "model" } })
      expect(yield* refused({ inputs: [""] })).toMatchObject({ model: "m", reason: { parameter: "inputs[0]" } })
      const odd = yield* refused({ inputs: ["a"] }, { fields: { seed: 1n } })
      expect(odd).toMatchObject({ model: "m", reason: { _tag: "InvalidRequestError", parameter: "seed" } })
      const reason = new InvalidRequestError({ message: "no address", parameter: "model" })
      expect(yield* refused({ inputs: ["a"], model: "own" }, { url: () => reason })).toEqual({ model: "own", reason })
    }),
  )

  it.effect("that do not come as a list of vectors are unreadable, with what came", () =>
    Effect.gen(function* () {
      const reasonOf = (reply: Reply) =>
        Effect.map(Effect.flip(serviceOf(reply).service.embed({ inputs: ["a"] })), ({ reason }) => reason)
      expect(yield* reasonOf({ reads: ["<html>"] })).toMatchObject({
        _tag: "InvalidResponseError",
        body: "<html>",
        message: "the answer is not JSON",
      })
      const two = yield* reasonOf(vectors(2))
      expect(two).toMatchObject({ _tag: "InvalidResponseError" })
      expect(two.message).toContain("2 embeddings for 1 inputs")
      expect(yield* reasonOf({ status: 429, reads: ["{}"] })).toMatchObject({ _tag: "RateLimitError" })
    }),
  )
})
