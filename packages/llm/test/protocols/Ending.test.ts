/** How answers end and what they count and cost, in the words of every service, whole and streamed alike (laws 1 and 19). */
import { Result } from "effect"
import { describe, expect, it } from "vitest"
import type { FinishReason } from "../../src/model/LlmResponse.ts"
import { messagesBilling, openAiBilling } from "../../src/protocols/BillingReader.ts"
import * as ChatCompletions from "../../src/protocols/chat-completions/ChatCompletions.ts"
import { usageFrom, usageStatusOf } from "../../src/protocols/Ending.ts"
import * as Messages from "../../src/protocols/messages/Messages.ts"
import { replay } from "./Replay.ts"

const frame = (event: object) => ({ name: undefined, data: JSON.stringify(event) })
const call = { index: 0, id: "c", function: { name: "f", arguments: "{}" } }

/** What comes of an answer that ends with this reason: of a whole one, and of a stream. */
const endsOf = (finish_reason: unknown, message: object = { content: "so far" }, more: object = {}) => {
  const decoded = ChatCompletions.protocol.decode({ choices: [{ index: 0, message, finish_reason }], ...more })
  const { ending, fault } = replay(ChatCompletions.protocol, [
    frame({ choices: [{ index: 0, delta: message }] }),
    frame({ choices: [{ index: 0, delta: {}, finish_reason }], ...more }),
  ])
  return [Result.isSuccess(decoded) ? decoded.success : decoded.failure, ending ?? fault]
}

const words: ReadonlyArray<readonly [FinishReason, string]> = [
  ["stop", "stop end_turn stop_sequence eos eos_token complete"],
  ["length", "length max_tokens model_length model_context_window_exceeded"],
  ["tool-calls", "tool_calls tool_call tool_use function_call"],
  ["content-filter", "content_filter content_filtered guardrail_intervened sensitive safety recitation blocklist"],
  ["content-filter", "prohibited_content refusal"],
  ["pause", "pause_turn"],
  ["other", "unheard_of"],
]

describe("why an answer finished", () => {
  it.each(words.flatMap(([name, all]) => all.split(" ").map((word) => [word, name] as const)))(
    "%s is %s",
    (word, finishReason) => {
      for (const raw of [word, word.toUpperCase()]) {
        for (const end of endsOf(raw)) expect(end).toMatchObject({ finishReason, rawFinishReason: raw })
      }
    },
  )

  it("is told by the word before a colon, without the blanks beside it", () => {
    for (const raw of ["LENGTH: the limit: 5\nwas reached", " length ", "length :"])
      for (const end of endsOf(raw)) expect(end).toMatchObject({ finishReason: "length", rawFinishReason: raw })
  })

  it("is told by the type of an object, too", () => {
    const raw = { type: "length", length: 5 }
    for (const end of endsOf(raw)) expect(end).toMatchObject({ finishReason: "length", rawFinishReason: "length" })
  })

  it("is the call of tools where the service only says that the model stopped", () => {
    const message = { content: "a", tool_calls: [call] }
    for (const end of endsOf("stop", message)) expect(end).toMatchObject({ finishReason: "tool-calls" })
    for (const end of endsOf("length", message)) expect(end).toMatchObject({ finishReason: "length" })
  })

  it("is the refusal of a model that refused, whatever the service calls it", () => {
    for (const end of endsOf("stop", { refusal: "No." })) expect(end).toMatchObject({ finishReason: "content-filter" })
  })

  it("may be missing where the service counted what the model wrote, in an answer that came whole", () => {
    const [whole, streamed] = endsOf(undefined, { content: "so far" }, { usage: { completion_tokens: 2 } })
    expect(whole).toMatchObject({ finishReason: "other", rawFinishReason: undefined, usage: { outputTokens: 2 } })
    expect(streamed).toBeUndefined()
  })
})

const givenUp = [
  ..."abort aborted error failed cancelled canceled timeout network_error insufficient_system_resource".split(" "),
  ..."function_call_filter malformed_function_call malformed_model_output malformed_tool_use".split(" "),
]

describe("an answer that was given up", () => {
  it.each(givenUp)("with %s is no answer, and keeps what was counted and said", (word) => {
    for (const raw of [word, `${word.toUpperCase()}: ODD`]) {
      const [whole, streamed] = endsOf(raw, { content: "so far" }, { usage: { completion_tokens: 2, cost: 0.5 } })
      const message = `the provider gave up before the answer was whole (finish reason "${raw}")`
      const given = { _tag: "Abandoned", message, usage: { outputTokens: 2 }, billing: { costUsd: 0.5 } }
      expect(whole).toMatchObject({ ...given, text: "so far" })
      // The reader of a stream has its text already.
      expect(streamed).toMatchObject({ ...given, text: "" })
    }
  })

  it("without any reason is none either, and says so", () => {
    const message = "the provider gave no reason why the answer finished, so it may not be whole"
    const [whole] = endsOf(null, { content: "so far" }, { usage: { prompt_tokens: 3 } })
    expect(whole).toMatchObject({ _tag: "Abandoned", message, usage: { inputTokens: 3 }, text: "so far" })
    const decoded = Messages.protocol.decode({ content: [{ type: "text", text: "so far" }], stop_reason: null })
    expect(Result.isFailure(decoded) && decoded.failure).toMatchObject({ _tag: "Abandoned", message, text: "so far" })
  })
})

describe("the figures of an answer", () => {
  it("hold each bucket that was reported, 0 included, and no other", () => {
    expect(usageFrom(0, 0, 0, 0, 0, 0)).toStrictEqual({
      inputTokens: 0,
      outputTokens: 0,
      totalTokens: 0,
      cachedInputTokens: 0,
      cacheWriteTokens: 0,
      reasoningTokens: 0,
    })
    const none = [undefined, undefined, undefined, undefined, undefined, undefined] as const
    expect(usageFrom(...none)).toStrictEqual({})
  })

  it("are known where either side of the answer was counted", () => {
    expect(usageStatusOf({ inputTokens: 0 })).toBe("reported")
    expect(usageStatusOf({ outputTokens: 0 })).toBe("reported")
    expect(usageStatusOf({ totalTokens: 9 })).toBe("unknown")
  })
})

describe("how an answer was billed", () => {
  it.each<readonly [string, unknown, object | undefined, object | undefined]>([
    ["nothing, of figures without a cost", undefined, { prompt_tokens: 1 }, undefined],
    ["nothing, of no figures", undefined, undefined, undefined],
    ["the tier, without figures", "flex", undefined, { serviceTier: "flex" }],
    ["the tier, beside figures", "priority", { prompt_tokens: 1 }, { serviceTier: "priority" }],
    ["no tier, of an empty text", "", {}, undefined],
    ["a cost of 0", undefined, { cost: 0 }, { costUsd: 0 }],
    ["a cost as text", undefined, { cost: "0.25" }, { costUsd: 0.25 }],
    ["no cost, of blanks", undefined, { cost: " " }, undefined],
    ["no cost, of words", undefined, { cost: "free" }, undefined],
    ["no cost, of a list", undefined, { cost: [3] }, undefined],
    ["no cost, of less than nothing", undefined, { cost: -0.1 }, undefined],
    ["no cost, of a number without an end", undefined, { cost: Number.POSITIVE_INFINITY }, undefined],
    ["the total of a cost in parts", undefined, { cost: { input: 1, total_cost: 3 } }, { costUsd: 3 }],
    ["ticks, before a cost", undefined, { cost: 3, cost_in_usd_ticks: 5_000_000_000 }, { costUsd: 0.5 }],
    [
      "the fee alone, where the key is the service's",
      undefined,
      { cost: 1, is_byok: false, cost_details: { upstream_inference_cost: 2 } },
      { costUsd: 1 },
    ],
    [
      "the fee and the provider's bill, where the key is the caller's",
      undefined,
      { cost: 1, is_byok: true, cost_details: { upstream_inference_cost: 2 } },
      { costUsd: 3 },
    ],
    ["no cost, where the provider's bill is not told", undefined, { cost: 1, is_byok: true }, undefined],
    [
      "no cost, where only the provider's bill is told",
      undefined,
      { is_byok: true, cost_details: { upstream_inference_cost: 2 } },
      undefined,
    ],
    [
      "what is kept for half a day, in Responses",
      undefined,
      { input_tokens_details: { cache_write_tokens_details: { ttl_12h: 7 } } },
      { longCacheWriteTokens: 7 },
    ],
    [
      "what is kept for half a day, in Chat Completions",
      undefined,
      { prompt_tokens_details: { cache_write_tokens_details: { ttl_12h: 7 } } },
      { longCacheWriteTokens: 7 },
    ],
    [
      "nothing, of nothing kept for half a day",
      undefined,
      { prompt_tokens_details: { cache_write_tokens_details: { ttl_12h: 0 } } },
      undefined,
    ],
    ["nothing, of odd details", undefined, { prompt_tokens_details: 3, cost_details: "x" }, undefined],
  ])("by OpenAI's protocols is %s", (_, tier, usage, expected) => {
    expect(openAiBilling(tier, usage as Parameters<typeof openAiBilling>[1])).toEqual(expected)
  })

  const written = (hour: unknown, minutes: unknown, all: unknown) => ({
    cache_creation: { ephemeral_1h_input_tokens: hour, ephemeral_5m_input_tokens: minutes },
    cache_creation_input_tokens: all,
  })

  it.each<readonly [string, object | undefined, object | undefined]>([
    ["nothing, of no figures", undefined, undefined],
    ["nothing, of figures alone", { input_tokens: 1 }, undefined],
    ["the tier", { service_tier: "batch" }, { serviceTier: "batch" }],
    ["fast mode as a tier of its own", { service_tier: "standard", speed: "fast" }, { serviceTier: "fast" }],
    ["the tier, where the speed is the usual one", { service_tier: "a", speed: "standard" }, { serviceTier: "a" }],
    ["the region", { inference_geo: "us" }, { region: "us" }],
    ["the cost that a gateway wrote", { cost: 2 }, { costUsd: 2 }],
    ["what is kept for an hour", written(5, 3, 8), { longCacheWriteTokens: 5 }],
    [
      "what is kept for an hour, where nothing else is told",
      written(5, undefined, undefined),
      { longCacheWriteTokens: 5 },
    ],
    ["nothing, where nothing is kept for an hour", written(0, 3, 8), undefined],
    ["nothing, where no lifetimes are told", { cache_creation_input_tokens: 8 }, undefined],
    ["all later writes too, where all are kept for an hour", written(5, 0, 8), { longCacheWriteTokens: 8 }],
    ["all later writes too, where no other lifetime is told", written(5, undefined, 8), { longCacheWriteTokens: 8 }],
    ["not known, where later writes came and lifetimes differ", written(5, 3, 9), { longCacheWriteTokens: Number.NaN }],
  ])("by Messages is %s", (_, usage, expected) => {
    expect(messagesBilling(usage as Parameters<typeof messagesBilling>[0])).toEqual(expected)
  })
})
