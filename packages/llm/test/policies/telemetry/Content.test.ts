/** What was said, in spans: only where the program asks for it, and only as its hook lets it through. */
import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Tracer from "effect/Tracer"
import type { LlmRequest } from "../../../src/model/LlmRequest.ts"
import { withTelemetry } from "../../../src/policies/Telemetry.ts"
import { TelemetryOptions } from "../../../src/policies/telemetry/TelemetryOptions.ts"
import * as Scripted from "../../../src/testing/Scripted.ts"
import { ask, type CallName, callNames } from "../Calls.ts"

const request: LlmRequest = {
  messages: [
    { role: "system", content: "Be brief." },
    {
      role: "user",
      content: [
        { type: "text", text: "secret 1234" },
        { type: "image", url: "https://a.test/b.png" },
      ],
    },
    { role: "assistant", content: [{ type: "tool-call", id: "c1", name: "look", arguments: { at: "x" } }] },
    { role: "tool", content: [{ type: "tool-result", toolCallId: "c1", content: "seen" }] },
  ],
  tools: [{ name: "look", description: "Looks.", parameters: { type: "object" } }],
  temperature: 0.5,
  topP: 0.9,
  seed: 7,
  reasoningEffort: "low",
  responseFormat: { type: "json" },
}

const attributesOf = (name: CallName, asked: LlmRequest, options: typeof TelemetryOptions.Service) => {
  const spans: Array<Tracer.NativeSpan> = []
  const tracer = Tracer.make({
    span: (given) => {
      const span = new Tracer.NativeSpan(given)
      spans.push(span)
      return span
    },
  })
  const script = Scripted.layer([{ text: ["hel", "lo"], reasoning: "thinking" }]).pipe(withTelemetry)
  return Effect.exit(ask(name, asked)).pipe(
    Effect.provide(script),
    Effect.provideService(Tracer.Tracer, tracer),
    Effect.provideService(TelemetryOptions, options),
    Effect.map(() => Object.fromEntries(spans[0]?.attributes ?? [])),
  )
}

const parsed = (value: unknown): unknown => JSON.parse(typeof value === "string" ? value : "null")

describe.each(callNames)("content of %s", (name) => {
  it.effect("is told as the conventions write it, each text as the hook gives it back", () =>
    Effect.gen(function* () {
      const content = (text: string) => text.replaceAll(/\d/g, "#")
      const attributes = yield* attributesOf(name, request, { content })
      expect(parsed(attributes["gen_ai.system_instructions"])).toEqual([{ type: "text", content: "Be brief." }])
      expect(parsed(attributes["gen_ai.input.messages"])).toEqual([
        { role: "user", parts: [{ type: "text", content: "secret ####" }, { type: "image" }] },
        { role: "assistant", parts: [{ type: "tool_call", id: "c1", name: "look", arguments: '{"at":"x"}' }] },
        { role: "tool", parts: [{ type: "tool_call_response", id: "c1", response: "seen" }] },
      ])
      expect(parsed(attributes["gen_ai.tool.definitions"])).toEqual([
        { type: "function", name: "look", definition: '{"description":"Looks.","parameters":{"type":"object"}}' },
      ])
      expect(parsed(attributes["gen_ai.output.messages"])).toEqual([
        {
          role: "assistant",
          parts: expect.arrayContaining([
            { type: "reasoning", content: "thinking" },
            { type: "text", content: "hello" },
          ]),
        },
      ])
    }),
  )

  it.effect("is left out where the hook gives nothing or throws, and without a hook there is none at all", () =>
    Effect.gen(function* () {
      const kinds: Array<string> = []
      const silent = yield* attributesOf(name, request, {
        content: (_, kind) => {
          kinds.push(kind)
          if (kind === "user") throw new Error("broken")
          return undefined
        },
      })
      expect(JSON.stringify(silent)).not.toMatch(/secret|brief|hello|thinking|seen|Looks/)
      expect(kinds).toEqual(expect.arrayContaining(["system", "user", "tool-call", "tool-result", "tool-definition"]))
      const none = yield* attributesOf(name, request, {})
      expect(Object.keys(none).filter((key) => /messages|instructions|definitions/.test(key))).toEqual([])
    }),
  )

  it.effect("the options of the request are told, and v1.41 has no level of reasoning", () =>
    Effect.gen(function* () {
      expect(yield* attributesOf(name, request, {})).toMatchObject({
        "gen_ai.request.temperature": 0.5,
        "gen_ai.request.top_p": 0.9,
        "gen_ai.request.seed": 7,
        "gen_ai.request.reasoning.level": "low",
        "gen_ai.output.type": "json",
        ...(name === "stream"
          ? { "gen_ai.request.stream": true, "gen_ai.response.time_to_first_chunk": expect.any(Number) }
          : {}),
      })
      const old = yield* attributesOf(name, request, { conventions: "v1.41" })
      expect(Object.keys(old)).not.toContain("gen_ai.request.reasoning.level")
    }),
  )

  it.effect("each text is shown to the hook as what it is: who said it, and to what end", () =>
    Effect.gen(function* () {
      const kinds: Array<string> = []
      const content = (text: string, kind: string) => {
        kinds.push(`${kind}: ${text}`)
        return undefined
      }
      const parts: LlmRequest = {
        messages: [
          { role: "user", content: "asks" },
          { role: "assistant", content: [{ type: "reasoning", text: "thinks" }] },
          {
            role: "tool",
            content: [{ type: "tool-result", toolCallId: "c1", content: [{ type: "text", text: "finds" }] }],
          },
        ],
      }
      const attributes = yield* attributesOf(name, parts, { content })
      expect(kinds.slice(0, 3)).toEqual(["user: asks", "reasoning: thinks", "tool-result: finds"])
      expect(kinds.slice(3).toSorted()).toEqual(["assistant: hello", "reasoning: thinking"])
      expect(parsed(attributes["gen_ai.input.messages"])).toEqual([
        { role: "user", parts: [] },
        { role: "assistant", parts: [] },
        { role: "tool", parts: [{ type: "tool_call_response", id: "c1", response: [] }] },
      ])
    }),
  )

  it.effect("a refusal is told as the text that it is, and a tool's text as its result", () =>
    Effect.gen(function* () {
      const kinds: Array<string> = []
      const content = (text: string, kind: string) => {
        kinds.push(`${kind}: ${text}`)
        return text
      }
      const odd: LlmRequest = JSON.parse(
        '{"messages":[{"role":"assistant","content":[{"type":"refusal","text":"no"}]},{"role":"tool","content":"found"}]}',
      )
      const attributes = yield* attributesOf(name, odd, { content })
      expect(parsed(attributes["gen_ai.input.messages"])).toEqual([
        { role: "assistant", parts: [{ type: "text", content: "no" }] },
        { role: "tool", parts: [{ type: "text", content: "found" }] },
      ])
      expect(kinds.slice(0, 2)).toEqual(["assistant: no", "tool-result: found"])
      expect(attributes["error.type"]).toBe("InvalidRequestError")
      expect(Object.keys(attributes)).not.toContain("gen_ai.output.messages")
    }),
  )

  it.effect("there is no attribute for what a request does not have", () =>
    Effect.gen(function* () {
      const attributes = yield* attributesOf(name, { messages: [] }, { content: (text) => text })
      expect(Object.keys(attributes).filter((key) => /input.messages|instructions|definitions/.test(key))).toEqual([])
    }),
  )

  it.effect("what a hook gives that is no text is nothing, and so is a text that is none", () =>
    Effect.gen(function* () {
      const odd: LlmRequest = JSON.parse('{"messages":[{"role":"user","content":[{"type":"text","text":7}]}]}')
      const shown: Array<unknown> = []
      const attributes = yield* attributesOf(name, odd, { content: (text) => (shown.push(text), text) })
      expect(parsed(attributes["gen_ai.input.messages"])).toEqual([{ role: "user", parts: [] }])
      expect(shown).not.toContain(7)
      const number = yield* attributesOf(name, request, { content: () => JSON.parse("7") })
      expect(parsed(number["gen_ai.system_instructions"])).toBeNull()
    }),
  )

  it.effect("a request that is none breaks nothing", () =>
    Effect.gen(function* () {
      const wrong: LlmRequest = JSON.parse(
        '{"messages":{"role":1},"tools":3,"reasoning":null,"responseFormat":"x","topP":"y"}',
      )
      const attributes = yield* attributesOf(name, wrong, { content: (text) => text })
      expect(attributes["error.type"]).toBe("InvalidRequestError")
    }),
  )
})
