/** The checker of wires agrees with the recordings: what a service accepted it accepts, what one refused it refuses. */
import { describe, expect, it } from "vitest"
import { corpusIsThere, type Exchange, loadChat, loadMessages, loadResponses } from "../Corpus.ts"
import { providerOf } from "./RecordedTurns.ts"
import * as WireRules from "./WireRules.ts"

const services: ReadonlyArray<readonly [string, () => ReadonlyArray<Exchange>, string, WireRules.Rules]> = [
  ["OpenAI", loadChat, "openai", WireRules.openAi],
  ["Azure", loadChat, "azure", WireRules.azure],
  ["Mistral", loadChat, "mistral", WireRules.mistral],
  ["DeepSeek", loadChat, "deepseek", WireRules.deepSeek],
  ["OpenRouter", loadChat, "openrouter", WireRules.openRouter],
  ["Anthropic", loadMessages, "anthropic", WireRules.anthropic],
  ["Responses", loadResponses, "openai", WireRules.responses],
]

const isConversation = (body: any): boolean => Array.isArray(body?.messages) || Array.isArray(body?.input)

/** The same id twice, which was accepted once and is reported as refused. */
const lucky = "bc4f92"

describe.skipIf(!corpusIsThere).each(services)("the rules of %s", (_, load, provider, rules) => {
  it("let pass what it accepted", () => {
    const complaints = load()
      .filter((exchange) => exchange.kind !== "error" && providerOf(exchange) === provider)
      .filter(({ id, request }) => isConversation(request?.body) && !id.endsWith(lucky))
      .flatMap(({ id, request }) => rules(request?.body as never).map((complaint) => `${id.slice(-40)}: ${complaint}`))
    expect(complaints).toEqual([])
  })
})

const call = (id: string) => ({ id, type: "function", function: { name: "f", arguments: "{}" } })
const called = (id: string, more: object = {}) => ({
  role: "assistant",
  content: null,
  tool_calls: [call(id)],
  ...more,
})
const result = (id: string) => ({ role: "tool", tool_call_id: id, content: "42" })
const user = { role: "user", content: "Hi" }
const blocks = (role: string, ...content: ReadonlyArray<object>) => ({ role, content })
const use = { type: "tool_use", id: "t1", name: "f", input: {} }
const answer = { type: "tool_result", tool_use_id: "t1", content: "42" }
const thinking = { thinking: { type: "enabled", budget_tokens: 1024 }, max_tokens: 2000 }
const text = { type: "text", text: "Hi" }

/** What the services are recorded or reported to refuse. */
const refused: ReadonlyArray<readonly [string, WireRules.Rules, object]> = [
  ["a long id", WireRules.openAi, { messages: [user, called("x".repeat(41)), result("x".repeat(41))] }],
  ["an unanswered call", WireRules.openAi, { messages: [user, called("a"), user] }],
  ["a result of no call", WireRules.openAi, { messages: [user, result("a")] }],
  ["an unknown field", WireRules.openAi, { messages: [user, { role: "assistant", content: "x", reasoning: "y" }] }],
  ["half a character", WireRules.openAi, { messages: [{ role: "user", content: "\ud83d" }] }],
  ["an id of ten", WireRules.mistral, { messages: [user, called("abcdefghij"), result("abcdefghij")] }],
  ["no reasoning", WireRules.deepSeek, { model: "deepseek-v4", messages: [user, called("a"), result("a")] }],
  ["no signature", WireRules.gemini, { messages: [user, called("a"), result("a")] }],
  ["a document", WireRules.azure, { messages: [blocks("user", { type: "file", file: { file_id: "x" } })] }],
  ["an empty text", WireRules.anthropic, { messages: [blocks("user", { type: "text", text: " " })] }],
  [
    "no result",
    WireRules.anthropic,
    { messages: [blocks("user", text), blocks("assistant", use), blocks("user", text)] },
  ],
  [
    "foreign thinking",
    WireRules.anthropic,
    { ...thinking, messages: [blocks("user", text), blocks("assistant", use), blocks("user", answer)] },
  ],
  ["no output", WireRules.responses, { input: [{ type: "function_call", call_id: "a", arguments: "{}" }, user] }],
  ["bare reasoning", WireRules.responses, { store: false, input: [{ type: "reasoning", summary: [] }] }],
]

it.each(refused)("the rules refuse %s", (_, rules, body) => {
  expect(rules(body)).not.toEqual([])
})
