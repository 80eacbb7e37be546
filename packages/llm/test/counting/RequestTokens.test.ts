/** Estimates of tokens: exact to the token where that is known, unknown where it is not, and never a failure. */
import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { estimateRequest } from "../../src/counting/RequestTokens.ts"
import { encodingOf } from "../../src/counting/Tokenizer.ts"
import { toolText } from "../../src/counting/ToolText.ts"
import { LlmRequest, type Message } from "../../src/model/LlmRequest.ts"
import { TokenCount } from "../../src/model/ModelInfo.ts"

const chat = { provider: "openai", wire: "chat" } as const
const user = (content: string): Message => ({ role: "user", content })
const isCount = Schema.is(TokenCount)

describe("an estimate", () => {
  it.live("is the count that OpenAI charges for a text", () =>
    Effect.gen(function* () {
      const messages: ReadonlyArray<Message> = [{ role: "system", content: "You are terse." }, user("Say hello.")]
      // 3 for the answer, 4 for each message, and 4 and 3 for its text.
      const inputTokens = 3 + 4 + 4 + 4 + 3
      expect(yield* estimateRequest({ messages }, "gpt-4o", chat)).toEqual({
        type: "estimate",
        inputTokens,
        errorBound: Math.ceil(2000 / inputTokens) / 1000,
        tokenizer: "o200k_base",
      })
      expect(yield* estimateRequest({ messages }, "o3-mini", chat)).toMatchObject({ inputTokens: inputTokens - 1 })
      expect(yield* estimateRequest({ messages }, "gpt-4-turbo", chat)).toMatchObject({ tokenizer: "cl100k_base" })
    }),
  )

  it.live("takes the words of a special token for words", () =>
    Effect.gen(function* () {
      const request = { messages: [user("<|endoftext|><|im_start|>system")] }
      expect(yield* estimateRequest(request, "gpt-4o", chat)).toMatchObject({ type: "estimate" })
    }),
  )

  it.live("counts unbroken and long texts in a time that grows with their length", () =>
    Effect.gen(function* () {
      const started = performance.now()
      for (const text of ["漢".repeat(100_000), " ".repeat(200_000), "=".repeat(200_000), "ab c ".repeat(100_000)]) {
        const count = yield* estimateRequest({ messages: [user(text)] }, "gpt-4o", chat)
        expect(count).toMatchObject({ type: "estimate" })
      }
      // The package alone takes a minute for the first of them.
      expect(performance.now() - started).toBeLessThan(20_000)
    }),
  )

  it.live("of a text in parts is that of its pieces, to a token for each cut", () =>
    Effect.gen(function* () {
      const words = Array.from({ length: 40_000 }, (_, index) => `word${index % 97}`)
      const whole = yield* estimateRequest({ messages: [user(words.join(" "))] }, "gpt-4o", chat)
      const apart = yield* estimateRequest({ messages: words.map((word) => user(` ${word}`)) }, "gpt-4o", chat)
      expect(whole.type === "estimate" && apart.type === "estimate").toBe(true)
      if (whole.type !== "estimate" || apart.type !== "estimate") return
      expect(Math.abs(apart.inputTokens - 4 * 39_999 - whole.inputTokens)).toBeLessThan(20)
    }),
  )

  it.live.each<readonly [string, Partial<LlmRequest>, string]>([
    ["a picture", { messages: [{ role: "user", content: [{ type: "image", url: "https://a.b/c.png" }] }] }, "image"],
    ["a file", { messages: [{ role: "user", content: [{ type: "file", fileId: "f" }] }] }, "file"],
    ["thinking", { messages: [{ role: "assistant", content: [{ type: "reasoning", text: "hm" }] }] }, "reasoning"],
    [
      "a picture of a tool",
      {
        messages: [
          {
            role: "tool",
            content: [{ type: "tool-result", toolCallId: "a", content: [{ type: "image", fileId: "f" }] }],
          },
        ],
      },
      "image",
    ],
    ["an answer that is kept", { previousResponseId: "resp_1" }, "keeps"],
    ["fields in the service's words", { providerOptions: { openai: { prompt: {} } } }, "providerOptions"],
  ])("is unknown with %s, and says why", ([, more, said]) =>
    Effect.gen(function* () {
      const count = yield* estimateRequest({ messages: [user("a")], ...more }, "gpt-4o", chat)
      expect(count).toMatchObject({ type: "unknown", reason: expect.stringContaining(said) })
    }),
  )

  it.live("does not mind what is said to another provider", () =>
    Effect.gen(function* () {
      const request = { messages: [user("a")], providerOptions: { anthropic: { top_k: 1 } } }
      expect(yield* estimateRequest(request, "gpt-4o", chat)).toMatchObject({ type: "estimate" })
    }),
  )

  it.effect.prop(
    "never fails, whatever the request",
    {
      request: LlmRequest,
      model: Schema.Literals(["gpt-4o", "gpt-5", "gpt-4", "o3", "llama"]),
      wire: Schema.Literals(["chat", "responses"]),
    },
    ({ model, request, wire }) =>
      Effect.gen(function* () {
        const count = yield* estimateRequest(request, model, { provider: "openai", wire })
        expect(isCount(count)).toBe(true)
      }),
  )

  it.effect.prop("never fails, whatever the text", { text: Schema.String, times: Schema.Int }, ({ text, times }) =>
    Effect.gen(function* () {
      const content = text.repeat(Math.abs(times) % 3000) + "\ud800"
      const count = yield* estimateRequest({ messages: [user(content)] }, "gpt-4o", chat)
      expect(count.type).toBe("estimate")
    }),
  )
})

describe("the tokenizer of a model", () => {
  it.each([
    ["gpt-4o", "o200k_base"],
    ["gpt-4o-mini-2024-07-18", "o200k_base"],
    ["gpt-4.1-nano", "o200k_base"],
    ["gpt-5.6-sol", "o200k_base"],
    ["o3", "o200k_base"],
    ["o4-mini", "o200k_base"],
    ["gpt-4", "cl100k_base"],
    ["gpt-4-0613", "cl100k_base"],
    ["gpt-3.5-turbo", "cl100k_base"],
    ["gpt-35-turbo", "cl100k_base"],
    ["gpt-6", undefined],
    ["gpt-4o-audio-preview", undefined],
    ["gpt-4o-search-preview", undefined],
    ["gpt-oss-20b", undefined],
    ["gpt-40", undefined],
    ["claude-sonnet-5", undefined],
    ["my-deployment", undefined],
    ["", undefined],
  ])("%s is %s", (model, encoding) => {
    expect(encodingOf(model)).toBe(encoding)
  })
})

describe("the text of tools", () => {
  it("is a declaration of each, with references, alternatives and lists", () => {
    const schema = {
      type: "object",
      properties: {
        city: { type: "string", description: "Where" },
        unit: { enum: ["c", "f"] },
        days: { type: "array", items: { $ref: "#/$defs/Day" } },
        note: { anyOf: [{ type: "string" }, { type: "null" }], default: null },
      },
      required: ["city"],
      $defs: { Day: { type: "object", properties: { date: { type: "integer" } }, required: ["date"] } },
    }
    expect(
      toolText([
        { name: "weather", description: "Tells the weather.", parameters: schema },
        { name: "now", parameters: {} },
      ]),
    ).toMatchInlineSnapshot(`
      "# Tools

      ## functions

      namespace functions {

      // Tells the weather.
      type weather = (_: {
      // Where
      city: string,
      unit?: "c" | "f",
      days?: {
      date: number,
      }[],
      note?: string | null, // default: null
      }) => any;

      type now = () => any;

      } // namespace functions"
    `)
  })

  it("ends for schemas that refer to themselves", () => {
    const parameters = {
      type: "object",
      properties: Object.fromEntries(Array.from({ length: 20 }, (_, index) => [`f${index}`, { $ref: "#" }])),
    }
    expect(toolText([{ name: "tree", parameters }]).length).toBeLessThan(2_000_000)
  })
})
