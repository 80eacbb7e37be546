/** What a model said goes back to it as it was said, and what has no place in a request is told. */
import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import * as LanguageModel from "effect/ai/LanguageModel"
import * as Prompt from "effect/ai/Prompt"
import { layerLanguageModel, metadataKey } from "../../../src/bridges/effect-ai/EffectAi.ts"
import { StreamParts } from "../../../src/bridges/effect-ai/ResponseParts.ts"
import type { LlmEvent } from "../../../src/model/LlmEvent.ts"
import type { ResponsePart } from "../../../src/model/LlmResponse.ts"
import { type AnsweringLayer, answering, metadata, streamOf } from "./Answers.ts"

const answeredBy = (llm: AnsweringLayer) => Effect.provide(Layer.provide(layerLanguageModel, llm))

const Text = Schema.NonEmptyString
const type = <const Name extends string>(name: Name) => Schema.Literal(name)

const Data = Schema.Struct({ "chat-completions": Schema.Struct({ extra_content: Schema.Json }) })

/** Parts as providers make them: none is empty but redacted reasoning. */
const Part: Schema.Codec<ResponsePart, unknown> = Schema.Union([
  Schema.Struct({ type: type("text"), text: Text }),
  Schema.Struct({ type: type("refusal"), text: Text }),
  Schema.Struct({ type: type("reasoning"), text: Text, signature: Schema.optionalKey(Text) }),
  Schema.Struct({ type: type("reasoning"), text: type(""), redacted: Text }),
  Schema.Struct({ type: type("reasoning"), text: Text, protocolData: Data }),
  Schema.Struct({ type: type("tool-call"), id: Text, name: Text, arguments: Schema.Json }),
  Schema.Struct({ type: type("tool-call"), id: Text, name: Text, arguments: Schema.Json, protocolData: Data }),
  Schema.Struct({ type: type("image"), mediaType: type("image/png"), data: type("iVBORw0K") }),
  Schema.Struct({ type: type("image"), url: type("https://example.com/a.png") }),
  Schema.Struct({ type: type("other"), provider: Text, value: Schema.Json }),
])

const Parts = Schema.NonEmptyArray(Part).check(Schema.isMaxLength(6))

const asked = { disableToolCallResolution: true, toolCallValidation: "deferred" } as const

describe("what a model said goes back to it as it was said", () => {
  it.effect.prop("after generateText", { parts: Parts }, ({ parts }) => {
    const llm = answering(parts)
    return Effect.gen(function* () {
      const response = yield* LanguageModel.generateText({ prompt: "Hi", ...asked })
      yield* LanguageModel.generateText({ prompt: Prompt.fromResponseParts(response.content), ...asked })
      expect(llm.requests[1]?.messages).toEqual([{ role: "assistant", content: parts }])
    }).pipe(answeredBy(llm))
  })

  it.effect.prop("after streamText", { parts: Parts }, ({ parts }) => {
    const llm = answering(parts)
    return Effect.gen(function* () {
      const said = yield* Stream.runCollect(LanguageModel.streamText({ prompt: "Hi", ...asked }))
      yield* LanguageModel.generateText({ prompt: Prompt.fromResponseParts(said), ...asked })
      expect(llm.requests[1]?.messages).toEqual([{ role: "assistant", content: parts }])
    }).pipe(answeredBy(llm))
  })

  it.effect("also where the whole is not what its pieces promised", () => {
    const thought = { type: "reasoning", text: "No, 4.", signature: "s" } as const
    const events: ReadonlyArray<LlmEvent> = [
      { type: "reasoning-delta", index: 0, delta: "It is 5" },
      { type: "part-end", index: 0, part: thought },
      { type: "response-finish", finishReason: "stop", metadata },
    ]
    const llm = answering([thought], events)
    return Effect.gen(function* () {
      const said = yield* Stream.runCollect(LanguageModel.streamText({ prompt: "Hi" }))
      yield* LanguageModel.generateText({ prompt: Prompt.fromResponseParts(said) })
      expect(llm.requests[1]?.messages).toEqual([{ role: "assistant", content: [thought] }])
    }).pipe(answeredBy(llm))
  })

  it.effect("after the prompt was saved as JSON", () => {
    const thought = { type: "reasoning", text: "Hm.", signature: "s" } as const
    const llm = answering([thought, { type: "text", text: "4" }])
    const Saved = Schema.fromJsonString(Schema.toCodecJson(Prompt.Prompt))
    return Effect.gen(function* () {
      const { content } = yield* LanguageModel.generateText({ prompt: "Hi" })
      const saved = yield* Schema.encodeEffect(Saved)(Prompt.fromResponseParts(content))
      yield* LanguageModel.generateText({ prompt: yield* Schema.decodeEffect(Saved)(saved) })
      expect(llm.requests[1]?.messages).toEqual([
        { role: "assistant", content: [thought, { type: "text", text: "4" }] },
      ])
    }).pipe(answeredBy(llm))
  })
})

describe("a stream", () => {
  it.effect.prop("starts and ends every part exactly once", { parts: Parts }, ({ parts }) =>
    Effect.sync(() => {
      const reader = new StreamParts("2026-01-01T00:00:00.000Z", [])
      const open = new Set<string>()
      for (const part of streamOf(parts).flatMap((event) => reader.read(event))) {
        const [kind = "", phase = ""] = part.type.split(/-(?=start$|delta$|end$)/)
        if (!("id" in part) || phase === "") continue
        const name = `${kind} ${part.id}`
        expect(open.has(name)).toBe(phase !== "start")
        if (phase === "start") open.add(name)
        if (phase === "end") open.delete(name)
      }
      expect(open.size).toBe(0)
    }),
  )

  it("keeps tool calls apart that are written at the same time", () => {
    const reader = new StreamParts("2026-01-01T00:00:00.000Z", [])
    const events: ReadonlyArray<LlmEvent> = [
      { type: "tool-call-start", index: 0, id: "a", name: "A" },
      { type: "tool-call-start", index: 1, id: "b", name: "B" },
      { type: "tool-call-delta", index: 0, delta: "{}" },
      { type: "tool-call-end", index: 0, id: "a", name: "A", arguments: {} },
      { type: "tool-call-end", index: 1, id: "b", name: "B", arguments: { n: 1 } },
    ]
    expect(events.flatMap((event) => reader.read(event))).toEqual([
      { type: "tool-params-start", id: "a", name: "A" },
      { type: "tool-params-start", id: "b", name: "B" },
      { type: "tool-params-delta", id: "a", delta: "{}" },
      { type: "tool-params-end", id: "a" },
      { type: "tool-call", id: "a", name: "A", params: {} },
      { type: "tool-params-delta", id: "b", delta: '{"n":1}' },
      { type: "tool-params-end", id: "b" },
      { type: "tool-call", id: "b", name: "B", params: { n: 1 } },
    ])
  })
})

describe("a prompt", () => {
  it.effect("may show pictures and files, by their bytes or by their address", () => {
    const llm = answering([{ type: "text", text: "x" }])
    const options = { [metadataKey]: { detail: "low" } }
    return Effect.gen(function* () {
      yield* LanguageModel.generateText({
        prompt: [
          { role: "system", content: "Be brief." },
          {
            role: "user",
            content: [
              { type: "file", mediaType: "image/png", data: new Uint8Array([1, 2, 3]), options },
              { type: "file", mediaType: "image/*", data: "iVBORw0K" },
              { type: "file", mediaType: "image/*", data: new URL("https://example.com/a.png") },
              { type: "file", mediaType: "application/pdf", data: "JVBERi0=", fileName: "a.pdf" },
              { type: "file", mediaType: "application/pdf", data: "https://example.com/a.pdf" },
            ],
          },
        ],
      })
      expect(llm.requests[0]?.messages).toEqual([
        { role: "system", content: "Be brief." },
        {
          role: "user",
          content: [
            { type: "image", mediaType: "image/png", data: "AQID", detail: "low" },
            { type: "image", data: "iVBORw0K" },
            { type: "image", url: "https://example.com/a.png" },
            { type: "file", mediaType: "application/pdf", data: "JVBERi0=", filename: "a.pdf" },
            { type: "file", mediaType: "application/pdf", url: "https://example.com/a.pdf" },
          ],
        },
      ])
    }).pipe(answeredBy(llm))
  })

  it.effect("says in the answer's metadata what a request has no place for", () => {
    const llm = answering([{ type: "text", text: "x" }])
    return Effect.gen(function* () {
      const { content } = yield* LanguageModel.generateText({
        prompt: [
          { role: "user", content: "Hi" },
          {
            role: "assistant",
            content: [
              { type: "text", text: "See:" },
              { type: "file", mediaType: "application/pdf", data: "AQID" },
              { type: "tool-call", id: "1", name: "web_search", params: {}, providerExecuted: true },
            ],
          },
        ],
      })
      expect(llm.requests[0]?.messages[1]?.content).toEqual([{ type: "text", text: "See:" }])
      expect(content.at(-1)?.metadata[metadataKey]).toMatchObject({
        warnings: [
          "prompt[1].content[1] was dropped: a request has no files of an assistant",
          "prompt[1].content[2] was dropped: a request has no tool-call that the provider executes itself",
          "temperature was dropped",
        ],
      })
    }).pipe(answeredBy(llm))
  })

  it.effect("shows a tool's result as the tool wants the model to see it", () => {
    const llm = answering([{ type: "text", text: "x" }])
    const result = { type: "tool-result", name: "Photo", isFailure: false } as const
    return Effect.gen(function* () {
      yield* LanguageModel.generateText({
        prompt: [
          {
            role: "tool",
            content: [
              { ...result, id: "1", result: {}, modelOutput: [{ type: "file", mediaType: "image/png", data: "AQID" }] },
              { ...result, id: "2", result: undefined },
            ],
          },
        ],
      })
      expect(llm.requests[0]?.messages).toEqual([
        {
          role: "tool",
          content: [
            {
              type: "tool-result",
              toolCallId: "1",
              content: [{ type: "image", mediaType: "image/png", data: "AQID" }],
            },
            { type: "tool-result", toolCallId: "2", content: "null" },
          ],
        },
      ])
    }).pipe(answeredBy(llm))
  })

  it.effect("asks nothing where a tool's result is not JSON", () => {
    const llm = answering([])
    return Effect.gen(function* () {
      const error = yield* LanguageModel.generateText({
        prompt: [
          { role: "tool", content: [{ type: "tool-result", id: "1", name: "Big", isFailure: false, result: 1n }] },
        ],
      }).pipe(Effect.flip)
      expect(error.reason._tag).toBe("InvalidUserInputError")
      expect(llm.requests).toEqual([])
    }).pipe(answeredBy(llm))
  })
})
