/** Law 1 (proof of completion), law 3 (open decoding) and law 5 (a stream folds to the whole answer), on both wire formats. */
import { Result } from "effect"
import * as fc from "fast-check"
import { describe, expect, it } from "vitest"
import * as ChatCompletions from "../../src/protocols/chat-completions/ChatCompletions.ts"
import * as Messages from "../../src/protocols/messages/Messages.ts"
import * as Responses from "../../src/protocols/responses/Responses.ts"
import type { Protocol } from "../../src/protocols/Protocol.ts"
import { corpusIsThere, type Exchange, expectedOf, loadChat, loadMessages, loadResponses } from "../Corpus.ts"
import { type Frame, framesOf, replay, summaryOf } from "./Replay.ts"

const isTerminal = {
  chat: ({ data }: Frame) =>
    data.startsWith("{") &&
    (JSON.parse(data).choices ?? []).some((choice: any) => (choice.index ?? 0) === 0 && choice.finish_reason),
  messages: ({ data }: Frame) => data.startsWith("{") && JSON.parse(data).type === "message_stop",
  responses: ({ data }: Frame) => data.startsWith("{") && responsesEnd.test(JSON.parse(data).type),
}

const responsesEnd = /^response\.(completed|incomplete|failed|cancelled)$/

const streamsOf = (exchanges: ReadonlyArray<Exchange>) =>
  exchanges.filter(({ kind }) => kind === "sse").filter((exchange) => expectedOf(exchange).outcome !== "failure")

const corpora = [
  ["Chat Completions", ChatCompletions.protocol, isTerminal.chat, streamsOf(loadChat())],
  ["Messages", Messages.protocol, isTerminal.messages, streamsOf(loadMessages())],
  ["Responses", Responses.protocol, isTerminal.responses, streamsOf(loadResponses())],
] as const

describe.skipIf(!corpusIsThere).each(corpora)("recorded streams of %s", (_, protocol, isLast, exchanges) => {
  it("are never whole at an event boundary before their terminal signal", () => {
    expect(exchanges.length).toBeGreaterThan(80)
    for (const exchange of exchanges) {
      const decoder = protocol.decodeStream()
      for (const frame of framesOf(exchange.response.body)) {
        if (isLast(frame)) break
        expect(decoder.push(frame.name, frame.data, [])).toBeUndefined()
        expect([exchange.id, decoder.end([])]).toEqual([exchange.id, undefined])
      }
    }
  })

  it("are never whole when cut at any character before their terminal signal", () => {
    const property = fc.property(
      fc.nat(exchanges.length - 1),
      fc.double({ min: 0, max: 1, noNaN: true }),
      (place, at) => {
        const body: string = exchanges[place]?.response.body
        const frames = framesOf(body)
        const last = frames.find(isLast)
        const length = last === undefined ? body.length : body.indexOf(last.data) + last.data.length - 1
        const cut = replay(protocol, framesOf(body.slice(0, Math.floor(at * length))))
        expect(cut.ending).toBeUndefined()
      },
    )
    fc.assert(property, { numRuns: 500 })
  })

  it("lose nothing that was said before a cut", () => {
    for (const exchange of exchanges) {
      const frames = framesOf(exchange.response.body)
      const half = frames.slice(0, Math.floor(frames.length / 2))
      const whole = summaryOf(replay(protocol, frames).parts).text
      expect(whole.startsWith(summaryOf(replay(protocol, half).parts).text)).toBe(true)
    }
  })
})

const frames = (...chunks: ReadonlyArray<unknown>): ReadonlyArray<Frame> =>
  chunks.map((chunk) => ({ name: undefined, data: typeof chunk === "string" ? chunk : JSON.stringify(chunk) }))
const choice = (delta: unknown, finish_reason: string | null = null, more: object = {}) => ({
  id: "1",
  model: "m",
  choices: [{ index: 0, delta, finish_reason }],
  ...more,
})
const chat = (...chunks: ReadonlyArray<unknown>) => replay(ChatCompletions.protocol, frames(...chunks))

describe("a Chat Completions stream", () => {
  it("is not whole at [DONE] without a finish reason", () => {
    const { ending, isComplete } = chat(choice({ content: "Hi" }), "[DONE]")
    expect(isComplete).toBe(true)
    expect(ending).toBeUndefined()
  })

  it("is whole at its finish reason without [DONE]", () => {
    expect(chat(choice({ content: "Hi" }), choice({}, "stop")).ending?.finishReason).toBe("stop")
  })

  it("does not take an empty finish reason for an end", () => {
    expect(chat(choice({ content: "Hi" }, "")).ending).toBeUndefined()
  })

  it("is not whole again once output follows its finish reason", () => {
    const call = { index: 1, id: "b", function: { name: "f", arguments: "{" } }
    const open = [choice({ content: "Hi" }, "tool_calls"), choice({ tool_calls: [call] })]
    expect(chat(...open).ending).toBeUndefined()
    expect(chat(...open, choice({}, "tool_calls")).ending).toBeDefined()
  })

  it("stays whole where no output follows its finish reason", () => {
    const verdict = { choices: [{ index: 0, finish_reason: null, content_filter_results: {}, delta: {} }] }
    expect(chat(choice({ content: "Hi" }), choice({}, "stop"), verdict).ending?.finishReason).toBe("stop")
  })

  it("needs nothing more once its finish reason and its figures have come", () => {
    const figures = { choices: [], usage: { prompt_tokens: 1, completion_tokens: 1 } }
    expect(chat(choice({ content: "Hi" }), figures).isWhole).toBe(false)
    expect(chat(choice({ content: "Hi" }, "stop")).isWhole).toBe(false)
    expect(chat(choice({ content: "Hi" }, "stop"), figures).isWhole).toBe(true)
    expect(chat(choice({ content: "Hi" }, "stop"), figures, choice({ content: "!" })).isWhole).toBe(false)
    expect(chat(figures, choice({ content: "Hi" }, "stop")).isWhole).toBe(true)
  })

  it("needs no figures where the request asked for none", () => {
    const decoder = ChatCompletions.protocol.decodeStream({ asksForUsage: false })
    decoder.push(undefined, JSON.stringify(choice({ content: "Hi" })), [])
    expect(decoder.isWhole()).toBe(false)
    decoder.push(undefined, JSON.stringify(choice({}, "stop")), [])
    expect(decoder.isWhole()).toBe(true)
    expect(decoder.isComplete()).toBe(false)
  })

  it("takes the last usage instead of adding them up", () => {
    const usage = (tokens: number) => ({
      usage: { prompt_tokens: 1, completion_tokens: tokens, total_tokens: tokens + 1 },
    })
    const { ending } = chat(choice({ content: "a" }, null, usage(1)), choice({ content: "b" }, "stop", usage(2)))
    expect(ending?.usage).toEqual({ inputTokens: 1, outputTokens: 2, totalTokens: 3 })
  })

  it("says that usage is unknown where none came, never 0", () => {
    const { ending } = chat(choice({ content: "a" }, "stop"))
    expect(ending?.usage).toEqual({})
    expect(ending?.usageStatus).toBe("unknown")
  })

  it.each([
    ["without choices", { id: "1" }],
    ["with null choices", { choices: null }],
    ["with empty choices", { choices: [] }],
    [
      "without a delta, as Azure's late filter verdicts are",
      {
        choices: [{ index: 0, finish_reason: null, content_filter_results: {}, content_filter_offsets: {} }],
      },
    ],
    ["with a null delta", choice(null)],
    ["with tool calls that are none", choice({ content: null, tool_calls: "none" })],
    ["of another choice", { choices: [{ index: 1, delta: { content: "no" }, finish_reason: "stop" }] }],
    ["of null", null],
  ])("is not bothered by a chunk %s", (_, chunk) => {
    const { ending, fault, parts } = chat(choice({ content: "a" }), chunk, choice({ content: "b" }, "stop"))
    expect(fault).toBeUndefined()
    expect(ending?.finishReason).toBe("stop")
    expect(parts).toEqual([{ type: "text", text: "ab" }])
  })

  it("keeps content of a kind from the future where it stood", () => {
    const { parts } = chat(choice({ content: "a" }), choice({ content: [{ type: "hologram" }, "b"] }, "stop"))
    expect(parts).toEqual([
      { type: "text", text: "a" },
      { type: "other", provider: "chat-completions", value: { type: "hologram" } },
      { type: "text", text: "b" },
    ])
  })

  it("puts tool calls together whose pieces name neither index nor id", () => {
    const piece = (part: object) => choice({ tool_calls: [part] })
    const { parts } = chat(
      piece({ function: { name: "first", arguments: '{"a":' } }),
      piece({ function: { arguments: "1}" } }),
      piece({ function: { name: "second", arguments: "" } }),
      choice({}, "tool_calls"),
    )
    expect(parts).toEqual([
      { type: "tool-call", id: "call_0", name: "first", arguments: { a: 1 } },
      { type: "tool-call", id: "call_1", name: "second", arguments: {} },
    ])
  })

  it("tells calls apart that share an index and differ in id", () => {
    const call = (id: string) => choice({ tool_calls: [{ index: 0, id, function: { name: "f", arguments: "{}" } }] })
    const { parts } = chat(call("a"), call("b"), choice({}, "tool_calls"))
    expect(parts.map((part) => (part.type === "tool-call" ? part.id : part.type))).toEqual(["a", "b"])
  })

  it("keeps arguments that are not JSON as text, with a warning", () => {
    const call = { index: 0, id: "a", function: { name: "f", arguments: '{"a":' } }
    const { ending, parts } = chat(choice({ tool_calls: [call] }, "length"))
    expect(parts).toEqual([{ type: "tool-call", id: "a", name: "f", arguments: '{"a":' }])
    expect(ending?.warnings).toHaveLength(1)
  })

  it("ends as filtered where the model refused", () => {
    const { ending, parts } = chat(choice({ refusal: "No" }), choice({ refusal: "." }, "stop"))
    expect(ending?.finishReason).toBe("content-filter")
    expect(parts).toEqual([{ type: "refusal", text: "No." }])
  })

  it("reads a message in place of a delta, and does not repeat a whole one at the end", () => {
    const message = (content: string, finish_reason: string | null = null) => ({
      choices: [{ index: 0, message: { content }, finish_reason }],
    })
    expect(chat(message("Hel"), message("lo", "stop")).parts).toEqual([{ type: "text", text: "Hello" }])
    expect(chat(choice({ content: "Hel" }), message("Hello", "stop")).parts).toEqual([{ type: "text", text: "Hello" }])
  })

  it("fails with the place and an excerpt where an event is not JSON", () => {
    const { ending, fault } = chat(choice({ content: "a" }), '{"choices":[{"del')
    expect(ending).toBeUndefined()
    expect(fault).toMatchObject({ _tag: "Unreadable", position: "event 2", excerpt: '{"choices":[{"del' })
  })
})

const messages = (...events: ReadonlyArray<unknown>) => replay(Messages.protocol, frames(...events))
const opening = {
  type: "message_start",
  message: { model: "m", content: [], usage: { input_tokens: 5, output_tokens: 1 } },
}
const text = (words: string) => ({ type: "content_block_delta", index: 0, delta: { type: "text_delta", text: words } })
const ending = (stop_reason: string, usage: object = { output_tokens: 9, input_tokens: null }) => ({
  type: "message_delta",
  delta: { stop_reason },
  usage,
})
const stop = { type: "message_stop" }

describe("a Messages stream", () => {
  it("is not whole at its stop reason, only at message_stop", () => {
    expect(messages(opening, text("Hi"), ending("end_turn")).ending).toBeUndefined()
    expect(messages(opening, text("Hi"), ending("end_turn"), stop).ending?.finishReason).toBe("stop")
  })

  it("is not whole at message_stop without a stop reason", () => {
    expect(messages(opening, text("Hi"), stop).ending).toBeUndefined()
  })

  it("lets later figures replace earlier ones, and null replace none", () => {
    expect(messages(opening, ending("end_turn"), stop).ending?.usage).toEqual({
      inputTokens: 5,
      outputTokens: 9,
      totalTokens: 14,
    })
  })

  it.each([
    ["an event", { type: "astral_projection", index: 0 }],
    ["a delta", { type: "content_block_delta", index: 0, delta: { type: "smell_delta", smell: "rose" } }],
    ["a field", { ...text(""), aura: 1 }],
    ["a stop reason", ending("enlightenment")],
  ])("is not bothered by %s from the future", (_, event) => {
    const { ending: end, fault, parts } = messages(opening, text("a"), event, text("b"), ending("end_turn"), stop)
    expect(fault).toBeUndefined()
    expect(end).toBeDefined()
    expect(parts).toEqual([{ type: "text", text: "ab" }])
  })

  it("says why the model refused", () => {
    const stop_details = { type: "refusal", category: "cyber", explanation: "Not this." }
    const refusal = { type: "message_delta", delta: { stop_reason: "refusal", stop_details } }
    const { ending: end, parts } = messages(opening, refusal, stop)
    expect(end?.finishReason).toBe("content-filter")
    expect(parts).toEqual([{ type: "refusal", text: "Not this." }])
    const whole = Messages.protocol.decode({ content: [], stop_reason: "refusal", stop_details })
    expect(Result.isSuccess(whole) && whole.success.parts).toEqual(parts)
  })

  it("keeps blocks that it has no part for whole, their input put together", () => {
    const { parts } = messages(
      opening,
      {
        type: "content_block_start",
        index: 0,
        content_block: { type: "server_tool_use", id: "s", name: "n", input: {} },
      },
      { type: "content_block_delta", index: 0, delta: { type: "input_json_delta", partial_json: '{"q":' } },
      { type: "content_block_delta", index: 0, delta: { type: "input_json_delta", partial_json: "1}" } },
      { type: "content_block_stop", index: 0 },
      stop,
    )
    const value = { type: "server_tool_use", id: "s", name: "n", input: { q: 1 } }
    expect(parts).toEqual([{ type: "other", provider: "messages", value }])
  })

  it("keeps thinking with its signature, and thinking that only the provider can read", () => {
    const start = (index: number, content_block: object) => ({ type: "content_block_start", index, content_block })
    const piece = (delta: object) => ({ type: "content_block_delta", index: 0, delta })
    const { parts } = messages(
      opening,
      start(0, { type: "thinking", thinking: "", signature: "" }),
      piece({ type: "thinking_delta", thinking: "Hm" }),
      piece({ type: "signature_delta", signature: "sig" }),
      { type: "content_block_stop", index: 0 },
      start(1, { type: "redacted_thinking", data: "xyz" }),
      { type: "content_block_stop", index: 1 },
      stop,
    )
    expect(parts).toEqual([
      { type: "reasoning", text: "Hm", signature: "sig" },
      { type: "reasoning", text: "", redacted: "xyz" },
    ])
  })
})

const failures = [
  ["Chat Completions", ChatCompletions.protocol, { error: { message: "Overloaded", type: "overloaded_error" } }],
  ["Messages", Messages.protocol, { type: "error", error: { type: "overloaded_error", message: "Overloaded" } }],
] as const

describe.each(failures)("a failure inside %s", (_, protocol: Protocol, body) => {
  const failure = { _tag: "ProviderFailure", type: "overloaded_error", message: "Overloaded" }

  it("is the failure that it is under a status", () => {
    const decoded = protocol.decode(body)
    expect(Result.isFailure(decoded) && decoded.failure).toMatchObject(failure)
    expect(replay(protocol, frames(body)).fault).toMatchObject(failure)
    expect(protocol.decodeFailure(body, 529)).toMatchObject(failure)
  })

  it("is not a missing answer, which cannot be read", () => {
    for (const odd of ["<html></html>", null, [], 7, {}]) {
      const decoded = protocol.decode(odd)
      expect(Result.isFailure(decoded) && decoded.failure._tag).toBe("Unreadable")
    }
  })
})

const words = fc.string({ unit: "grapheme", minLength: 0, maxLength: 40 })
// JSON has no minus zero: what a provider could have written is what survives the trip.
const json = fc
  .dictionary(fc.string({ minLength: 1, maxLength: 8 }), fc.jsonValue({ maxDepth: 2 }), { maxKeys: 4 })
  .map((value): Record<string, unknown> => JSON.parse(JSON.stringify(value)))
const toolCall = fc.record({ id: fc.uuid(), name: fc.stringMatching(/^[a-z]{1,8}$/), input: json })

/** A text in pieces, cut at the places that `seed` says. */
const piecesOf = (whole: string, seed: number): ReadonlyArray<string> => {
  const size = 1 + (seed % 5)
  const characters = [...whole]
  const pieces: Array<string> = []
  for (let at = 0; at < characters.length; at += size) pieces.push(characters.slice(at, at + size).join(""))
  return pieces
}

describe("folding a stream gives the answer that came whole", () => {
  it("in Chat Completions", () => {
    const answer = fc.record({
      reasoning: words,
      content: words,
      refusal: words,
      calls: fc.array(toolCall, { maxLength: 3 }),
      finish: fc.constantFrom("stop", "length", "tool_calls", "content_filter", "novel"),
      usage: fc.record({ prompt_tokens: fc.nat(), completion_tokens: fc.nat() }),
      seed: fc.nat(100),
    })
    const property = fc.property(answer, ({ calls, content, finish, reasoning, refusal, seed, usage }) => {
      const tool_calls = calls.map(({ id, input, name }) => ({
        id,
        type: "function",
        function: { name, arguments: JSON.stringify(input) },
      }))
      const message = { role: "assistant", reasoning_content: reasoning, content, refusal, tool_calls }
      const whole = ChatCompletions.protocol.decode({
        model: "m",
        choices: [{ index: 0, message, finish_reason: finish }],
        usage,
      })
      const streamed = chat(
        choice({ role: "assistant", content: "" }),
        ...piecesOf(reasoning, seed).map((piece) => choice({ reasoning_content: piece })),
        ...piecesOf(content, seed).map((piece) => choice({ content: piece })),
        ...piecesOf(refusal, seed).map((piece) => choice({ refusal: piece })),
        ...tool_calls.flatMap((call, index) => [
          choice({ tool_calls: [{ ...call, index, function: { name: call.function.name, arguments: "" } }] }),
          ...piecesOf(call.function.arguments, seed).map((piece) =>
            choice({ tool_calls: [{ index, function: { arguments: piece } }] }),
          ),
        ]),
        choice({}, finish),
        { model: "m", choices: [], usage },
        "[DONE]",
      )
      expect(Result.isSuccess(whole) && whole.success).toEqual({ ...streamed.ending, parts: streamed.parts })
    })
    fc.assert(property, { numRuns: 300 })
  })

  it("in Messages", () => {
    const block = fc.oneof(
      fc.record({ type: fc.constant("text" as const), text: words }),
      fc.record({ type: fc.constant("thinking" as const), thinking: words, signature: fc.string({ maxLength: 6 }) }),
      fc.record({ type: fc.constant("redacted_thinking" as const), data: fc.string({ minLength: 1 }) }),
      toolCall.map((call) => ({ type: "tool_use" as const, ...call })),
      toolCall.map((call) => ({ type: "server_tool_use" as const, ...call })),
    )
    const answer = fc.record({
      content: fc.array(block, { maxLength: 5 }),
      stop_reason: fc.constantFrom("end_turn", "max_tokens", "tool_use", "refusal", "pause_turn", "novel"),
      usage: fc.record({ input_tokens: fc.nat(), output_tokens: fc.nat(), cache_read_input_tokens: fc.nat() }),
      seed: fc.nat(100),
    })
    const property = fc.property(answer, ({ content, seed, stop_reason, usage }) => {
      const whole = Messages.protocol.decode({ type: "message", model: "m", content, stop_reason, usage })
      const delta = (index: number, piece: object) => ({ type: "content_block_delta", index, delta: piece })
      const streamed = messages(
        { type: "message_start", message: { model: "m", content: [], usage: { ...usage, output_tokens: 1 } } },
        ...content.flatMap((one, index) => {
          const start = (content_block: object) => ({ type: "content_block_start", index, content_block })
          const end = { type: "content_block_stop", index }
          if (one.type === "text") {
            const pieces = piecesOf(one.text, seed).map((piece) => delta(index, { type: "text_delta", text: piece }))
            return [start({ type: "text", text: "" }), ...pieces, end]
          }
          if (one.type === "thinking") {
            const pieces = piecesOf(one.thinking, seed).map((thinking) =>
              delta(index, { type: "thinking_delta", thinking }),
            )
            const signature = delta(index, { type: "signature_delta", signature: one.signature })
            return [start({ type: "thinking", thinking: "", signature: "" }), ...pieces, signature, end]
          }
          if (one.type === "redacted_thinking") return [start(one), end]
          const pieces = piecesOf(JSON.stringify(one.input), seed).map((partial_json) =>
            delta(index, { type: "input_json_delta", partial_json }),
          )
          return [start({ ...one, input: {} }), ...pieces, end]
        }),
        ending(stop_reason, usage),
        stop,
      )
      expect(Result.isSuccess(whole) && whole.success).toEqual({ ...streamed.ending, parts: streamed.parts })
    })
    fc.assert(property, { numRuns: 300 })
  })
})
