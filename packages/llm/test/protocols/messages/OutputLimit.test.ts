/** The limit of an answer that nobody asked for: what is sent, what metadata tells of it, and what is said where it cuts. */
import { describe, expect, it } from "vitest"
import type { InterfaceOptions, LlmRequest } from "../../../src/index.ts"
import { eventsOf } from "../../cases/Samples.ts"
import { relayed } from "../../prices/RelayedService.ts"

const message = (reason: string) => ({
  type: "message",
  role: "assistant",
  model: "claude-sonnet-5",
  content: [{ type: "text", text: "ok" }],
  stop_reason: reason,
  usage: { input_tokens: 10, output_tokens: 10 },
})
const messageStream = (reason: string) =>
  eventsOf(
    { type: "message_start", message: { ...message(reason), content: [], stop_reason: null } },
    { type: "content_block_start", index: 0, content_block: { type: "text", text: "ok" } },
    { type: "content_block_stop", index: 0 },
    { type: "message_delta", delta: { stop_reason: reason }, usage: { output_tokens: 10 } },
    { type: "message_stop" },
  )
const forms = (reason: string) => [
  { said: message(reason), stream: false },
  { said: messageStream(reason), stream: true },
]
const claude: InterfaceOptions = { provider: "anthropic", model: "claude-sonnet-5" }

const asked = async (reason: string, request: Partial<LlmRequest> = {}, options: InterfaceOptions = claude) =>
  Promise.all(forms(reason).map(({ said, stream }) => relayed(said, options, { ...request, stream })))

describe("a request to Anthropic without a limit", () => {
  it("may be answered with as much as the model can write, which metadata tells", async () => {
    for (const { response, sent } of await asked("end_turn")) {
      expect(sent.max_tokens).toBe(128_000)
      expect(response.metadata).toMatchObject({ maxTokens: 128_000, warnings: [] })
    }
  })

  it("takes a model that is not known to write 8,192 tokens", async () => {
    const [one] = await asked("end_turn", {}, { ...claude, model: "our-alias" })
    expect(one?.sent.max_tokens).toBe(8_192)
  })

  it("says where the answer was cut", async () => {
    for (const { response } of await asked("max_tokens")) {
      expect(response.metadata.warnings).toEqual([
        "the answer was cut at 128000 tokens (max_tokens), which the request did not set; set maxTokens to choose the limit",
      ])
    }
  })

  it("says nothing where the answer filled the whole context window", async () => {
    for (const { response } of await asked("model_context_window_exceeded")) {
      expect(response.metadata.warnings).toEqual([])
    }
  })

  it("keeps room for thinking below what the model can write", async () => {
    const haiku: InterfaceOptions = { ...claude, model: "claude-haiku-4-5" }
    const [one] = await asked("end_turn", { reasoning: { budgetTokens: 100_000 } }, haiku)
    expect(one?.sent).toMatchObject({ max_tokens: 64_000, thinking: { budget_tokens: 63_999 } })
    const [other] = await asked("end_turn", { reasoning: { budgetTokens: 2_000 } }, haiku)
    expect(other?.sent).toMatchObject({ max_tokens: 64_000, thinking: { budget_tokens: 2_000 } })
  })
})

describe("a limit that was asked for", () => {
  it.each([
    ["by the request", { maxTokens: 10 }, claude],
    ["by the interface", {}, { ...claude, maxTokens: 10 }],
    ["by the provider's own options", { providerOptions: { anthropic: { max_tokens: 10 } } }, claude],
  ] as const)("is sent, told and cuts without a warning: %s", async (_, request, options) => {
    for (const { response, sent } of await asked("max_tokens", request, options)) {
      expect(sent.max_tokens).toBe(10)
      expect(response.metadata).toMatchObject({ maxTokens: 10, warnings: [] })
    }
  })
})

describe("another protocol", () => {
  const chat = {
    model: "gpt-4o",
    choices: [{ index: 0, message: { role: "assistant", content: "ok" }, finish_reason: "length" }],
    usage: { prompt_tokens: 1, completion_tokens: 1, total_tokens: 2 },
  }

  it("sends no limit that nobody asked for, and says so where the answer was cut all the same", async () => {
    const { response, sent } = await relayed(chat, { provider: "openai", model: "gpt-4o" })
    expect(sent).not.toHaveProperty("max_completion_tokens")
    expect(response.metadata.maxTokens).toBeUndefined()
    expect(response.metadata.warnings).toEqual([
      "the answer was cut at a limit of the model or its service, which the request did not set; set maxTokens to choose the limit",
    ])
  })

  it("tells of a temperature only where it was sent", async () => {
    const dropped = await relayed(chat, { provider: "openai", model: "gpt-5" }, { temperature: 0.5, maxTokens: 5 })
    expect(dropped.sent).not.toHaveProperty("temperature")
    expect(dropped.response.metadata.temperature).toBeUndefined()
    const kept = await relayed(chat, { provider: "openai", model: "gpt-4o" }, { temperature: 0.5, maxTokens: 5 })
    expect(kept.response.metadata).toMatchObject({ temperature: 0.5, maxTokens: 5 })
  })
})

describe("an effort of none", () => {
  it("turns thinking off, and is raised where a model always thinks", async () => {
    const [off] = await asked("end_turn", { reasoningEffort: "none" })
    expect(off?.sent).toMatchObject({ thinking: { type: "disabled" } })
    const [always] = await asked("end_turn", { reasoningEffort: "none" }, { ...claude, model: "claude-sonnet-5-5" })
    expect(always?.sent).not.toMatchObject({ thinking: { type: "disabled" } })
    expect(always?.response.metadata.warnings).toEqual([
      "reasoningEffort was raised from none to low: claude-sonnet-5-5 knows low, medium, high, xhigh, max",
    ])
  })
})
