/** Requests and answers of a batch are the library's own: bodies, prices, errors. Nothing leaves the process. */
import { describe, expect, it } from "vitest"
import { anthropicBatches } from "../../src/provider-batch/services/AnthropicBatches.ts"
import { openAiBatches } from "../../src/provider-batch/services/OpenAiBatches.ts"
import type { ServiceResult } from "../../src/provider-batch/services/BatchService.ts"
import { RequestCodec } from "../../src/provider-batch/RequestCodec.ts"
import { folder } from "../batch/Folder.ts"
import { batchServer } from "./BatchServer.ts"

const completion = (serviceTier: string) => ({
  status: 200,
  headers: { "x-request-id": "req-1" },
  body: JSON.stringify({
    id: "chatcmpl-1",
    object: "chat.completion",
    model: "gpt-5-mini-2025-08-07",
    choices: [{ index: 0, message: { role: "assistant", content: "hello" }, finish_reason: "stop" }],
    usage: { prompt_tokens: 1000, completion_tokens: 2000, total_tokens: 3000 },
    service_tier: serviceTier,
  }),
})

const openAi = { provider: "openai", model: "gpt-5-mini", apiKey: "sk-1" } as const

describe("a request codec", () => {
  it("reads an answer of a batch at half its price, the first too", async () => {
    const codec = new RequestCodec(openAi)
    const batch = await codec.decode({ prompt: "hi" }, completion("batch"))
    const usual = await codec.decode({ prompt: "hi" }, completion("default"))
    expect(batch).toMatchObject({ text: "hello", metadata: { requestId: "req-1", usageStatus: "reported" } })
    expect(usual.metadata.costUsd).toBeGreaterThan(0)
    expect(batch.metadata.costUsd).toBeCloseTo((usual.metadata.costUsd ?? 0) / 2, 12)
    await codec.dispose()
  })

  it("reads any number of failures in a row as what they are", async () => {
    const codec = new RequestCodec({ ...openAi, fallbacks: [{ provider: "openai", model: "gpt-5" }] })
    const down = { status: 500, headers: {}, body: '{"error":{"message":"oops"}}' }
    for (let nth = 0; nth < 25; nth++) {
      expect(await codec.decode({ prompt: "hi" }, down)).toMatchObject({ errorType: "ServerError" })
    }
    expect(await codec.decode({ prompt: "hi" }, completion("batch"))).toMatchObject({ text: "hello" })
    await codec.dispose()
  })

  it("encodes as the library sends, and tells why a request would not be sent", async () => {
    const codec = new RequestCodec({ ...openAi, wireApi: "responses" })
    const encoded = await codec.encode({ prompt: "hi", maxTokens: 30 })
    if (!("request" in encoded)) throw new Error("not encoded")
    expect(encoded.request.url).toBe("https://api.openai.com/v1/responses")
    expect(JSON.parse(encoded.request.body)).toMatchObject({ model: "gpt-5-mini", max_output_tokens: 30 })
    const [one, other] = await Promise.all([codec.encode({ prompt: "1" }), codec.encode({ prompt: "2" })])
    expect(JSON.stringify(one)).not.toBe(JSON.stringify(other))
    const wrong = await codec.encode({ prompt: "hi", maxTokens: -1 })
    expect("response" in wrong && wrong.response).toMatchObject({ errorType: "InvalidRequestError" })
    await codec.dispose()
  })

  it("gives entries the endpoint of their interface", async () => {
    const signed = async () => Promise.reject(new Error("nothing is sent"))
    const request = (url: string) => ({ url, headers: {}, body: '{"model":"m","input":"hi"}' })
    const openAiUrl = "https://api.openai.com/v1/responses"
    const service = openAiBatches("openai", openAiUrl, signed)
    expect(service?.groupOf(request(openAiUrl))).toEqual({ endpoint: "/v1/responses", key: "/v1/responses m" })
    expect(JSON.parse(service?.entryOf("a-1", request(openAiUrl)) ?? "")).toEqual({
      custom_id: "a-1",
      method: "POST",
      url: "/v1/responses",
      body: { model: "m", input: "hi" },
    })
    const dated = "https://r.openai.azure.com/openai/deployments/my%20mini/chat/completions?api-version=2024-10-21"
    const azure = openAiBatches("azure", dated, signed)
    const entry = azure?.entryOf("a-1", { url: dated, headers: {}, body: '{"messages":[]}' }) ?? ""
    expect(JSON.parse(entry)).toMatchObject({ url: "/chat/completions", body: { model: "my mini", messages: [] } })
    expect(azure?.groupOf(request("https://other.openai.azure.com/openai/v1/chat/completions"))).toBeUndefined()
    const claude = "https://api.anthropic.com/v1/messages"
    const anthropic = anthropicBatches("anthropic", claude, signed)
    const beta = { url: claude, headers: { "anthropic-beta": "files" }, body: "{}" }
    expect(anthropic?.groupOf(beta)?.key).not.toBe(anthropic?.groupOf({ ...beta, headers: {} })?.key)
  })
})

describe("the results of a service", () => {
  it.each(["openai", "anthropic"] as const)(
    "of %s say their batch price through the library",
    async (wire) => {
      await using server = await batchServer(wire, { looks: 0 })
      await using place = await folder(server.settings)
      await place.write("in.jsonl", [{ id: "a", prompt: "hi" }])
      await place.run(["batch", "in.jsonl", "-o", "out.jsonl", "--provider-batch", "--poll-interval", "10ms"])
      const key = Object.values(server.settings).find((value) => value.startsWith("sk-")) ?? ""
      const url = Object.values(server.settings).find((value) => value.startsWith("http")) ?? ""
      const signal = new AbortController().signal
      const headers = { authorization: `Bearer ${key}`, "x-api-key": key, "anthropic-version": "2023-06-01" }
      const signed = async (request: object) => ({ url: "", ...request, headers, signal })
      const service =
        wire === "openai"
          ? openAiBatches(wire, `${url}/chat/completions`, signed)
          : anthropicBatches(wire, `${url}/v1/messages`, signed)
      if (service === undefined) throw new Error("no service")
      const results: Array<ServiceResult> = []
      for await (const result of service.results("batch_1", await service.status("batch_1"))) results.push(result)
      const [result] = results
      if (result === undefined || !("reply" in result)) throw new Error("no reply")
      const model = wire === "openai" ? "gpt-5-mini" : "claude-sonnet-5"
      // At the provider's own address, where its list prices are known.
      const codec = new RequestCodec({ provider: wire, model, apiKey: "sk-1" })
      const batch = await codec.decode({ prompt: "hi", model }, result.reply)
      const standard = result.reply.body.replace('"service_tier":"batch"', '"service_tier":"standard"')
      const usual = await codec.decode({ prompt: "hi", model }, { ...result.reply, body: standard })
      expect(usual.metadata.costUsd).toBeGreaterThan(0)
      expect(batch.metadata.costUsd).toBeCloseTo((usual.metadata.costUsd ?? 0) / 2, 12)
      await codec.dispose()
    },
    60_000,
  )
})
