/** What an endpoint tells of its models: each page asked for once, up to limits that are exact, and tokens counted. */
import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { TestClock } from "effect/testing"
import { InvalidRequestError, type LlmError } from "../../src/model/LlmError.ts"
import type { LlmRequest } from "../../src/model/LlmRequest.ts"
import * as ChatCompletions from "../../src/protocols/chat-completions/ChatCompletions.ts"
import * as ModelPage from "../../src/protocols/models/ModelPage.ts"
import { liteLlm, openAi } from "../../src/protocols/models/TokenCounting.ts"
import type { ModelEndpoint, TokenCounter } from "../../src/transport/Endpoint.ts"
import * as HttpModels from "../../src/transport/sending/HttpModels.ts"
import { hello } from "../contract/Ask.ts"
import { type Reply, replying } from "./Replies.ts"

const serviceOf = (replies: ReadonlyArray<Reply>, more: Partial<ModelEndpoint> = {}) => {
  const transport = replying(...replies)
  const endpoint: ModelEndpoint = {
    provider: "test",
    model: "m",
    protocol: ModelPage.protocol,
    url: () => "https://api.test/v1/models",
    headers: Effect.succeed({ authorization: "Bearer sk-secret-key-1" }),
    estimate: () => Effect.succeed({ type: "estimate", inputTokens: 7, errorBound: 0, tokenizer: "t" }),
    ...more,
  }
  return { ...transport, info: HttpModels.make(endpoint, transport.open) }
}
const page = (body: unknown): Reply => ({ reads: [JSON.stringify(body)] })
const reasonOf = <A>(effect: Effect.Effect<A, LlmError>) => Effect.map(Effect.flip(effect), ({ reason }) => reason)
const ids = (...names: ReadonlyArray<string>) => names.map((id) => ({ id }))

/** A page of so many models, and the id after which the next one begins. */
const pageOf = (count: number, next: string) =>
  page({ data: Array.from({ length: count }, () => ({ id: "a" })), has_more: true, last_id: next })
const pageQuery = (next: string | undefined) => (next === undefined ? "limit=1" : `limit=1&after_id=${next}`)

describe("a list of models", () => {
  it.effect("is one GET that costs nothing, with a warning for what names no model", () =>
    Effect.gen(function* () {
      const { info, requests } = serviceOf([
        page({ data: [{ id: "a" }, {}, { id: "b" }, 7], has_more: true, last_id: "b" }),
      ])
      const { metadata, models } = yield* info.models
      expect(models).toEqual(ids("a", "b"))
      expect(metadata).toMatchObject({ costUsd: 0, warnings: ["2 entries of the list name no model"] })
      expect(metadata.attempts).toMatchObject([{ costUsd: 0, status: 200 }])
      // Without a query for pages there is one page, whatever it says.
      expect(requests).toMatchObject([{ method: "GET", url: "https://api.test/v1/models", body: undefined }])
      const { metadata: quiet } = yield* serviceOf([page({ data: ids("a") })]).info.models
      expect(quiet.warnings).toEqual([])
      expect([info.name, info.model]).toEqual(["test", "m"])
    }),
  )

  it.effect("is at the address of the layer's model, or of none, and nothing is sent where that is no address", () =>
    Effect.gen(function* () {
      const urls: Array<string> = []
      const url = (model: string) => {
        urls.push(model)
        return "https://api.test/v1/models"
      }
      yield* serviceOf([page([])], { url }).info.models
      yield* serviceOf([page([])], { url, model: undefined }).info.models
      expect(urls).toEqual(["m", ""])
      const reason = new InvalidRequestError({ message: "no address", parameter: "model" })
      const { info, requests } = serviceOf([], { url: () => reason })
      expect(yield* reasonOf(info.models)).toBe(reason)
      expect(requests).toEqual([])
    }),
  )

  it.effect("shows no secret that the service repeats", () =>
    Effect.gen(function* () {
      const entry = { id: "a sk-secret-key-1", name: "b sk-secret-key-1", owned_by: "c sk-secret-key-1" }
      const { models } = yield* serviceOf([page({ data: [entry, { id: "d" }] })]).info.models
      expect(models).toStrictEqual([
        { id: "a <redacted>", displayName: "b <redacted>", owner: "c <redacted>" },
        { id: "d" },
      ])
    }),
  )

  it.effect("is asked for page by page, each with its query behind the address's own", () =>
    Effect.gen(function* () {
      const replies = [pageOf(1, "x"), pageOf(2, "y"), page({ data: ids("z") })]
      const { info, requests } = serviceOf(replies, { pageQuery })
      expect((yield* info.models).models).toHaveLength(4)
      const base = "https://api.test/v1/models?limit=1"
      expect(requests.map(({ url }) => url)).toEqual([base, `${base}&after_id=x`, `${base}&after_id=y`])
      const own = serviceOf([page({ data: [] })], { pageQuery, url: () => "https://api.test/v1/models?v=1" })
      yield* own.info.models
      expect(own.requests[0]?.url).toBe("https://api.test/v1/models?v=1&limit=1")
    }),
  )

  it.effect("ends with an error where it comes back to a page", () =>
    Effect.gen(function* () {
      const { info, requests } = serviceOf([pageOf(1, "x"), pageOf(1, "y"), pageOf(1, "x"), pageOf(1, "z")], {
        pageQuery,
      })
      const reason = yield* reasonOf(info.models)
      expect(reason).toMatchObject({ _tag: "InvalidResponseError" })
      expect(reason.message).toBe("the list of test's models comes back to a page that it had before")
      expect(requests).toHaveLength(3)
    }),
  )

  it.effect("may go on for a hundred pages after the first and for 20,000 models, and no further", () =>
    Effect.gen(function* () {
      const pages = (count: number) => Array.from({ length: count }, (_, index) => pageOf(1, `p${index}`))
      const last = page({ data: ids("z") })
      expect((yield* serviceOf([...pages(100), last], { pageQuery }).info.models).models).toHaveLength(101)
      const long = yield* reasonOf(serviceOf([...pages(101), last], { pageQuery }).info.models)
      expect(long.message).toBe("the list of test's models goes on after 100 pages or 20000 models")
      const large = [pageOf(10_000, "x"), pageOf(10_000, "y"), last]
      expect((yield* serviceOf(large, { pageQuery }).info.models).models).toHaveLength(20_001)
      const larger = [pageOf(10_000, "x"), pageOf(10_001, "y"), last]
      expect((yield* reasonOf(serviceOf(larger, { pageQuery }).info.models)).message).toContain("20000 models")
    }),
  )

  it.effect("that is not JSON or is an error cannot be read", () =>
    Effect.gen(function* () {
      const page404 = yield* reasonOf(serviceOf([{ reads: ["<html>"] }]).info.models)
      expect(page404).toMatchObject({ _tag: "InvalidResponseError", body: "<html>", message: "the answer is not JSON" })
      const failed = yield* reasonOf(
        serviceOf([page({ error: { message: "slow down", code: "rate_limit_exceeded" } })]).info.models,
      )
      expect(failed).toMatchObject({ _tag: "RateLimitError" })
    }),
  )
})

describe("the tokens of a request", () => {
  const counter = (more: Partial<TokenCounter> = {}): TokenCounter => ({
    protocol: ChatCompletions.protocol,
    form: { ...openAi, fields: new Set(["model", "messages", "stream"]) },
    url: "https://api.test/v1/count",
    ...more,
  })

  it.effect("are counted by the service, which is sent what its count takes, and cost nothing", () =>
    Effect.gen(function* () {
      const asked: Array<string> = []
      const capabilities = (model: string) => void asked.push(model)
      const { info, requests } = serviceOf([page({ input_tokens: 12 })], { counter: counter({ capabilities }) })
      const { count, metadata } = yield* info.countTokens({ ...hello, model: "own", temperature: 0.5 })
      expect(count).toEqual({ type: "exact", inputTokens: 12 })
      expect(metadata).toMatchObject({
        provider: "test",
        model: "own",
        costUsd: 0,
        usageStatus: "unknown",
        warnings: [],
      })
      expect(requests).toHaveLength(1)
      expect(requests[0]).toMatchObject({ url: "https://api.test/v1/count" })
      expect(JSON.parse(requests[0]?.body ?? "")).toEqual({ model: "own", messages: hello.messages })
      expect(asked).toEqual(["own"])
      expect(requests[0]?.method ?? "POST").toBe("POST")
    }),
  )

  it.effect("show no secret in why they are not known", () =>
    Effect.gen(function* () {
      const reply = page({ total_tokens: 7, tokenizer_type: "sk-secret-key-1" })
      const { count } = yield* serviceOf([reply], { counter: counter({ form: liteLlm }) }).info.countTokens(hello)
      expect(count).toMatchObject({ type: "unknown", reason: expect.stringContaining("counted 7 with <redacted>") })
    }),
  )

  it.effect("are estimated without a request where the service does not count", () =>
    Effect.gen(function* () {
      const { info, requests } = serviceOf([])
      const { count, metadata } = yield* info.countTokens(hello)
      expect(count).toMatchObject({ type: "estimate", inputTokens: 7 })
      expect(metadata).toMatchObject({
        provider: "test",
        model: "m",
        costUsd: 0,
        latencyMs: 0,
        attempts: [],
        warnings: [],
      })
      expect(requests).toEqual([])
    }),
  )

  it.effect("take the time that their estimate took", () =>
    Effect.gen(function* () {
      yield* TestClock.adjust(1000)
      const estimate: ModelEndpoint["estimate"] = () =>
        Effect.as(TestClock.adjust(70), { type: "unknown", reason: "none" } as const)
      expect((yield* serviceOf([], { estimate }).info.countTokens(hello)).metadata.latencyMs).toBe(70)
    }),
  )

  it.effect("are not asked for where the request is invalid, has no model or cannot be written", () =>
    Effect.gen(function* () {
      const refused = (request: LlmRequest, more: Partial<ModelEndpoint> = {}) => {
        const { info, requests } = serviceOf([], { counter: counter(), ...more })
        return Effect.map(Effect.flip(info.countTokens(request)), ({ attempts, model, reason }) => {
          expect([requests.length, attempts.length]).toEqual([0, 0])
          return { model, reason }
        })
      }
      expect(yield* refused({ messages: [] })).toMatchObject({ model: "m", reason: { _tag: "InvalidRequestError" } })
      const none = yield* refused(hello, { model: undefined })
      expect(none).toMatchObject({ reason: { _tag: "ConfigurationError", setting: "PRIMARY_MODEL" } })
      const blank: LlmRequest = { messages: [{ role: "user", content: " " }], model: "own" }
      expect(yield* refused(blank)).toMatchObject({ model: "own", reason: { _tag: "InvalidRequestError" } })
      const key: LlmRequest = { ...hello, model: "sk-other-key-1234567" }
      expect(yield* refused(key)).toMatchObject({ model: "<redacted>", reason: { parameter: "model" } })
    }),
  )
})
