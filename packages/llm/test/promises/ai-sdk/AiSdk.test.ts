/** Programs written for the AI SDK (`ai` 7), answered by this library. */
import { globSync, readFileSync } from "node:fs"
import { dirname, join } from "node:path"
import { fileURLToPath } from "node:url"
import type { LanguageModelV4 } from "@ai-sdk/provider"
import { APICallError, generateText, isStepCount, type LanguageModel, Output, streamText, tool } from "ai"
import { describe, expect, expectTypeOf, it } from "vitest"
import * as zod from "zod"
import { LLMInterface } from "../../../src/index.ts"
import { AiCallError, languageModel } from "../../../src/promises/ai-sdk/AiSdk.ts"
import type * as Scripted from "../../../src/testing/Scripted.ts"
import { llm as scripted } from "../../../src/testing/ScriptedLlm.ts"
import { answering } from "../../bridges/effect-ai/Answers.ts"
import { oneOfEachWire } from "../../contract/Providers.ts"
import { resultsIn, listen, type Play } from "../../tools/ToolUpstream.ts"

const usage = {
  inputTokens: 100,
  outputTokens: 30,
  totalTokens: 130,
  cachedInputTokens: 60,
  cacheWriteTokens: 10,
  reasoningTokens: 20,
}

// The tests read warnings; the AI SDK would print them too.
Object.assign(globalThis, { AI_SDK_LOG_WARNINGS: false })

it("is a LanguageModelV4 as the AI SDK types it", () => {
  const model = languageModel(scripted([]))
  expectTypeOf(model).toExtend<LanguageModelV4>()
  expectTypeOf(model).toExtend<LanguageModel>()
})

it("needs no package: neither effect nor the AI SDK is loaded for it", () => {
  const folder = fileURLToPath(new URL("../../../src/promises/ai-sdk/", import.meta.url))
  const seen = new Set<string>()
  const packages = new Set<string>()
  const walk = (file: string): void => {
    if (seen.has(file)) return
    seen.add(file)
    for (const [, clause = "", from = ""] of readFileSync(file, "utf8").matchAll(
      /^(?:import|export) ([^"]*?)from "([^"]+)"/gms,
    )) {
      const named = /^\{(.*)\}\s*$/s
        .exec(clause)?.[1]
        ?.split(",")
        .filter((name) => name.trim() !== "")
      if (clause.startsWith("type ") || named?.every((name) => name.trim().startsWith("type ")) === true) continue
      if (from.startsWith(".")) walk(join(dirname(file), from))
      else packages.add(from)
    }
  }
  for (const file of globSync("*.ts", { cwd: folder })) walk(join(folder, file))
  expect([...packages]).toEqual([])
  expect(seen.size).toBeGreaterThan(6)
})

describe("generateText", () => {
  it("gives the text, the reasoning, the finish reason, the usage and who answered", async () => {
    const llm = scripted([{ reasoning: "Hm.", text: "Hello", finishReason: "length", usage }])
    const result = await generateText({ model: languageModel(llm, "gpt-5"), prompt: "Say hello.", temperature: 0.5 })
    expect(result).toMatchObject({ text: "Hello", reasoningText: "Hm.", finishReason: "length" })
    expect(result.usage).toMatchObject({
      inputTokens: 100,
      outputTokens: 30,
      totalTokens: 130,
      inputTokenDetails: { noCacheTokens: 30, cacheReadTokens: 60, cacheWriteTokens: 10 },
      outputTokenDetails: { textTokens: 10, reasoningTokens: 20 },
    })
    expect(result.response.modelId).toBe("gpt-5")
    expect(result.providerMetadata?.["wiseflow"]).toMatchObject({ provider: "scripted", usageStatus: "reported" })
    expect(llm.requests).toMatchObject([
      {
        model: "gpt-5",
        temperature: 0.5,
        messages: [{ role: "user", content: [{ type: "text", text: "Say hello." }] }],
      },
    ])
  })

  it.each([
    ["stop", "stop"],
    ["length", "length"],
    ["content-filter", "content-filter"],
    ["pause", "other"],
    ["other", "other"],
  ] as const)("tells the finish reason %s as %s", async (finishReason, told) => {
    const result = await generateText({
      model: languageModel(scripted([{ text: "x", finishReason }])),
      prompt: "Hi",
    })
    expect(result.finishReason).toBe(told)
  })

  it("passes every setting on, and warns of those that a request has no place for", async () => {
    const llm = scripted(["x"])
    const result = await generateText({
      model: languageModel(llm),
      system: "Be brief.",
      prompt: "Hi",
      maxOutputTokens: 10,
      topP: 0.9,
      topK: 5,
      presencePenalty: 0.1,
      frequencyPenalty: 0.2,
      seed: 7,
      stopSequences: ["END"],
      reasoning: "low",
      headers: { "x-team": "a" },
      providerOptions: {
        wiseflow: { user: "u1", parallelToolCalls: false, providerOptions: { openai: { store: false } }, nonsense: 1 },
        openai: { store: true },
      },
    })
    expect(llm.requests).toMatchObject([
      {
        messages: [{ role: "system", content: "Be brief." }, { role: "user" }],
        maxTokens: 10,
        topP: 0.9,
        presencePenalty: 0.1,
        frequencyPenalty: 0.2,
        seed: 7,
        stop: ["END"],
        reasoningEffort: "low",
        user: "u1",
        parallelToolCalls: false,
        providerOptions: { openai: { store: false } },
      },
    ])
    expect(result.warnings).toMatchObject([
      { type: "unsupported", feature: "topK" },
      { type: "unsupported", feature: "providerOptions.openai" },
      { type: "unsupported", feature: "providerOptions.wiseflow.nonsense" },
    ])
  })

  it("takes pictures and files, by their bytes and by their address", async () => {
    const llm = scripted(["x"])
    await generateText({
      model: languageModel(llm),
      messages: [
        {
          role: "user",
          content: [
            {
              type: "file",
              mediaType: "image/png",
              data: new Uint8Array([1, 2, 3]),
              providerOptions: { wiseflow: { detail: "low" } },
            },
            { type: "file", mediaType: "image/*", data: new URL("https://example.com/a.png") },
            { type: "file", mediaType: "application/pdf", data: "JVBERi0=", filename: "a.pdf" },
            {
              type: "file",
              mediaType: "application/pdf",
              data: { type: "reference", reference: { openai: "file-1" } },
            },
            { type: "file", mediaType: "text/plain", data: { type: "text", text: "the text" } },
          ],
        },
      ],
    })
    expect(llm.requests[0]?.messages[0]?.content).toEqual([
      { type: "image", mediaType: "image/png", data: "AQID", detail: "low" },
      { type: "image", url: "https://example.com/a.png" },
      { type: "file", mediaType: "application/pdf", data: "JVBERi0=", filename: "a.pdf" },
      { type: "file", mediaType: "application/pdf", fileId: "file-1" },
      { type: "text", text: "the text" },
    ])
  })
})

describe("streamText", () => {
  it("hands pieces over as they come, and gives the whole at the end", async () => {
    const llm = scripted([{ reasoning: "Hm.", text: ["Hel", "lo"], usage }])
    const result = streamText({ model: languageModel(llm), prompt: "Hi" })
    const seen: Array<string> = []
    for await (const part of result.fullStream) seen.push("text" in part ? `${part.type} ${part.text}` : part.type)
    expect(seen).toEqual([
      "start",
      "start-step",
      "reasoning-start",
      "reasoning-delta Hm.",
      "reasoning-end",
      "text-start",
      "text-delta Hel",
      "text-delta lo",
      "text-end",
      "finish-step",
      "finish",
    ])
    expect(await result.text).toBe("Hello")
    expect(await result.usage).toMatchObject({ inputTokens: 100, outputTokens: 30 })
    expect((await result.finalStep).providerMetadata?.["wiseflow"]).toMatchObject({ provider: "scripted" })
  })
})

const parts = [
  { type: "reasoning", text: "Hm.", signature: "s1" },
  { type: "reasoning", text: "", redacted: "r1" },
  { type: "reasoning", text: "No.", protocolData: { "chat-completions": { field: "reasoning_details" } } },
  { type: "refusal", text: "I would rather not." },
  { type: "image", mediaType: "image/png", data: "iVBORw0K" },
  { type: "other", provider: "responses", value: { type: "web_search_call", id: "ws_1" } },
  { type: "text", text: "See." },
  {
    type: "tool-call",
    id: "call_1",
    name: "look",
    arguments: { at: "it" },
    protocolData: { "chat-completions": { extra_content: { google: { thought_signature: "t" } } } },
  },
] as const

describe("what a model said goes back to it as it was said", () => {
  const look = tool({ inputSchema: zod.object({ at: zod.string() }), execute: () => "seen" })
  const program = { prompt: "Hi", tools: { look }, stopWhen: isStepCount(2) }
  const expected = [
    { role: "assistant", content: parts },
    { role: "tool", content: [{ type: "tool-result", toolCallId: "call_1", content: "seen" }] },
  ]

  it("in a loop of generateText", async () => {
    const layer = answering(parts)
    await using llm = LLMInterface.fromLayer(layer, { logger: false })
    await generateText({ model: languageModel(llm), ...program })
    expect(layer.requests[1]?.messages.slice(1)).toEqual(expected)
  })

  it("in a loop of streamText", async () => {
    const layer = answering(parts)
    await using llm = LLMInterface.fromLayer(layer, { logger: false })
    await streamText({ model: languageModel(llm), ...program }).consumeStream()
    expect(layer.requests[1]?.messages.slice(1)).toEqual(expected)
  })

  it("after the messages were saved as JSON", async () => {
    const layer = answering(parts)
    await using llm = LLMInterface.fromLayer(layer, { logger: false })
    const { response } = await generateText({ model: languageModel(llm), ...program, stopWhen: isStepCount(1) })
    const saved = JSON.parse(JSON.stringify(response.messages)) as typeof response.messages
    await generateText({ model: languageModel(llm), messages: [{ role: "user", content: "Hi" }, ...saved] })
    expect(layer.requests[1]?.messages.slice(1)).toEqual(expected)
  })

  it("says what a request has no place for", async () => {
    const { warnings } = await languageModel(scripted(["x"])).doGenerate({
      prompt: [
        { role: "user", content: [{ type: "text", text: "Hi" }] },
        {
          role: "assistant",
          content: [
            { type: "text", text: "See:" },
            { type: "file", mediaType: "application/pdf", data: { type: "data", data: "AQID" } },
            { type: "tool-call", toolCallId: "1", toolName: "search", input: {}, providerExecuted: true },
          ],
        },
      ],
      tools: [{ type: "provider", id: "openai.web_search", name: "web_search" }],
    })
    expect(warnings).toMatchObject([
      { feature: "prompt[1].content[1]" },
      { feature: "prompt[1].content[2]" },
      { feature: "the tool openai.web_search" },
    ])
  })
})

const add = () => {
  const runs: Array<string> = []
  const inputSchema = zod.object({ a: zod.number(), b: zod.number() })
  const made = tool({
    description: "Adds",
    inputSchema,
    execute: ({ a, b }) => {
      runs.push(`${a}+${b}`)
      return { sum: a + b }
    },
  })
  return { runs, tools: { add: made } }
}

const twoCalls: Play = (index) =>
  index === 0
    ? {
        text: "Let me see.",
        calls: [
          { name: "add", arguments: { a: 1, b: 2 } },
          { name: "add", arguments: { a: 3, b: 4 } },
        ],
      }
    : { text: "done" }

/** What is asked of `ai`, whole and streamed, as one. */
const calls = [
  { name: "generateText", ask: async (options: Parameters<typeof generateText>[0]) => generateText(options) },
  {
    name: "streamText",
    ask: async (options: Parameters<typeof generateText>[0]) => {
      let failure: unknown
      const result = streamText({
        ...options,
        onError: ({ error }: { readonly error: unknown }) => void (failure = error),
      } as never)
      await result.consumeStream()
      if (failure !== undefined) throw failure
      return {
        text: await result.text,
        steps: await result.steps,
        output: await Promise.resolve(result.output).catch(() => undefined),
      }
    },
  },
] as const

describe.each(oneOfEachWire)("$name", (provider) => {
  describe.each(calls)("$name", ({ ask }) => {
    it("runs tools in a loop that the provider accepts", async () => {
      await using server = await listen(provider.wire.name, twoCalls)
      await using llm = new LLMInterface({ ...provider.options(server.url), logger: false })
      const { runs, tools } = add()
      const result = await ask({ model: languageModel(llm), prompt: "Go.", tools, stopWhen: isStepCount(5) })
      expect(server.refusals).toEqual([])
      expect(result.text).toBe("done")
      expect(runs).toEqual(["1+2", "3+4"])
      expect(resultsIn(server.requests.at(-1))).toEqual(['{"sum":3}', '{"sum":7}'])
      expect(result.steps).toHaveLength(2)
    })

    it("gives an object of a schema", async () => {
      await using server = await listen(provider.wire.name, () => ({ text: '{"city":"Bonn"}' }))
      await using llm = new LLMInterface({ ...provider.options(server.url), logger: false })
      const output = Output.object({ schema: zod.object({ city: zod.string() }), name: "place" })
      const result = await ask({ model: languageModel(llm), prompt: "Where?", output } as never)
      expect(result.output).toEqual({ city: "Bonn" })
      expect(JSON.stringify(server.requests[0]?.json)).toContain('"city"')
    })

    it("asks no more often than this library does: the AI SDK does not retry on top", async () => {
      await using server = await listen(provider.wire.name, () => ({ status: 500 }))
      await using llm = new LLMInterface({ ...provider.options(server.url), maxRetries: 1, logger: false })
      const error = await ask({ model: languageModel(llm), prompt: "Go.", maxRetries: 5 }).catch(
        (error: unknown) => error,
      )
      expect(server.requests).toHaveLength(2)
      expect(APICallError.isInstance(error)).toBe(true)
      expect(error).toBeInstanceOf(AiCallError)
      expect(error).toMatchObject({
        isRetryable: false,
        statusCode: 500,
        errorType: "ServerError",
        failure: { isRetryable: true, metadata: { attempts: [{ status: 500 }, { status: 500 }] } },
      })
    })

    it("closes the connection when the program aborts", async () => {
      await using server = await listen(provider.wire.name, () => ({ stalls: true }))
      await using llm = new LLMInterface({ ...provider.options(server.url), logger: false })
      const abort = new AbortController()
      const asked = ask({ model: languageModel(llm), prompt: "Go.", abortSignal: abort.signal }).catch(
        (error: unknown) => error,
      )
      while (server.requests.length === 0) await new Promise((resolve) => setTimeout(resolve, 2))
      abort.abort(new DOMException("enough", "AbortError"))
      await asked
      await server.requests[0]?.connection.closed
      expect(server.requests).toHaveLength(1)
      expect(server.requests[0]?.connection.closedBy).toBe("client")
    })
  })
})

describe("an object of a model that has no structured outputs", () => {
  const script = (): Scripted.Answer => ({ toolCalls: [{ name: "place", arguments: { city: "Bonn" } }] })
  const output = Output.object({ schema: zod.object({ city: zod.string() }), name: "place" })

  it.each(calls)("is read from the call that was forced in its place: $name", async ({ ask }) => {
    const result = await ask({ model: languageModel(scripted([script()])), prompt: "Where?", output } as never)
    expect(result.output).toEqual({ city: "Bonn" })
  })
})

describe("a stream that breaks", () => {
  it("fails with what had come already handed over, as data beside the error", async () => {
    const llm = scripted([{ text: ["Hel"], error: "StreamInterruptedError" }])
    const { stream } = await languageModel(llm).doStream({ prompt: [{ role: "user", content: [] }] })
    const seen = []
    for await (const part of stream) seen.push(part)
    expect(seen.map(({ type }) => type)).toEqual(["stream-start", "text-start", "text-delta", "error"])
    expect(seen.at(-1)).toMatchObject({
      error: { errorType: "StreamInterruptedError", failure: { partialText: "Hel" } },
    })
  })

  it("that was cancelled ends its call", async () => {
    await using server = await listen("chat", () => ({ text: "abc" }))
    const [provider] = oneOfEachWire
    await using llm = new LLMInterface({ ...provider?.options(server.url), maxConcurrentRequests: 1, logger: false })
    for (const _ of [1, 2, 3]) {
      const { stream } = await languageModel(llm).doStream({
        prompt: [{ role: "user", content: [{ type: "text", text: "x" }] }],
      })
      const reader = stream.getReader()
      await reader.read()
      await reader.cancel()
    }
    expect(server.requests).toHaveLength(3)
  })
})

it("strict tools get their arguments without the nulls that only a wire asks for", async () => {
  const strict = tool({
    strict: true,
    inputSchema: zod.object({ n: zod.number(), unit: zod.string().optional() }),
    outputSchema: zod.unknown(),
  })
  const llm = scripted([{ toolCalls: [{ name: "measure", arguments: { n: 1, unit: null } }] }])
  const { toolCalls } = await generateText({ model: languageModel(llm), prompt: "Hi", tools: { measure: strict } })
  expect(toolCalls).toMatchObject([{ toolName: "measure", input: { n: 1 } }])
  expect(toolCalls[0]?.input).not.toHaveProperty("unit")
})
