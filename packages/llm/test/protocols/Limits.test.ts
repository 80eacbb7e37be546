/** No answer, whatever is in it, makes a reader throw, exhausts the stack, or costs more than its length. */
import { Result } from "effect"
import * as fc from "fast-check"
import { describe, expect, it } from "vitest"
import * as ChatCompletions from "../../src/protocols/chat-completions/ChatCompletions.ts"
import { maxDepth, maxNotes, maxParts } from "../../src/protocols/Limits.ts"
import * as Messages from "../../src/protocols/messages/Messages.ts"
import type { Protocol } from "../../src/protocols/Protocol.ts"
import * as Responses from "../../src/protocols/responses/Responses.ts"
import { parseJson } from "../../src/protocols/WireReader.ts"
import { readDocument } from "../../src/transport/WholeAnswer.ts"
import { type Replayed, replay } from "./Replay.ts"
import { growthOf, WorkMeter } from "./Work.ts"

const protocols = [
  ["Chat Completions", ChatCompletions.protocol],
  ["Messages", Messages.protocol],
  ["Responses", Responses.protocol],
] as const

/** Names that the readers look for, so that values of any kind stand where one kind is expected. */
const names = [
  ..."choices delta message content role tool_calls function arguments name id index type text usage error model".split(
    " ",
  ),
  ..."reasoning reasoning_content reasoning_details thinking thinking_blocks signature images image_url url".split(" "),
  ..."audio annotations citations finish_reason refusal function_call custom input extra_content data".split(" "),
  ..."content_block stop_reason stop_details partial_json citation prompt_tokens input_tokens".split(" "),
  ..."output item response status output_index item_id call_id summary encrypted_content part annotation".split(" "),
  ..."prompt_tokens_details code detail errors metadata raw innererror __proto__ toString constructor".split(" "),
]
const words = [
  ..."text thinking tool_use text_delta thinking_delta input_json_delta signature_delta citations_delta".split(" "),
  ..."message_start message_delta message_stop content_block_start content_block_delta content_block_stop".split(" "),
  ..."response.created response.completed response.output_item.added response.output_item.done".split(" "),
  ..."response.output_text.delta response.function_call_arguments.delta function_call message reasoning".split(" "),
  ...'stop abort image_url [DONE] completed {} [] {"a":1} data:image/png;base64,AA'.split(" "),
  ...["", " ", "null"],
]

/** JSON that looks like what a provider could send, with anything in any place. */
const { wire } = fc.letrec<{ wire: unknown }>((tie) => ({
  wire: fc.oneof(
    { depthSize: "small", withCrossShrink: true },
    fc.constantFrom<unknown>(...words),
    fc.constantFrom<unknown>(null, true, 0, 1, -1, 1e308, 9e15, 0.5),
    fc.string({ maxLength: 6 }),
    fc.array(tie("wire"), { maxLength: 4 }),
    fc.array(fc.tuple(fc.constantFrom(...names), tie("wire")), { maxLength: 6 }).map((entries) => {
      const fields = entries.map(([name, value]) => `${JSON.stringify(name)}:${JSON.stringify(value)}`)
      return JSON.parse(`{${fields.join(",")}}`) as unknown
    }),
  ),
}))

const runs = { numRuns: 300, seed: 20261126 }

describe.each(protocols)("any JSON value in %s", (_, protocol: Protocol) => {
  it("is an answer or a fault as a body, whole or failing", () => {
    const property = fc.property(wire, (body) => {
      const decoded = protocol.decode(body)
      expect(Result.isSuccess(decoded) || decoded.failure._tag).toBeTruthy()
      if (Result.isSuccess(decoded)) JSON.stringify(decoded.success)
      expect(protocol.decodeFailure(body, 400)._tag).toBe("ProviderFailure")
    })
    fc.assert(property, runs)
  })

  it("is read or passed over as an event, between any others", () => {
    const name = fc.constantFrom(undefined, undefined, "error", "message")
    const frame = fc.record({
      name,
      data: fc.oneof(
        wire.map((value) => JSON.stringify(value)),
        fc.string(),
      ),
    })
    const property = fc.property(fc.array(frame, { maxLength: 8 }), (frames) => {
      const { events, usage } = replay(protocol, frames)
      for (const figure of Object.values(usage)) expect(Number.isFinite(figure)).toBe(true)
      JSON.stringify(events)
    })
    fc.assert(property, runs)
  })

  it("is an answer or a fault as the text of a body", () => {
    const text = fc.oneof(
      fc.string(),
      wire.map((value) => `data: ${JSON.stringify(value)}\n\n`),
      fc.tuple(wire, fc.nat(40)).map(([value, cut]) => JSON.stringify(value).slice(0, cut)),
    )
    fc.assert(
      fc.property(text, (body) => {
        expect(Result.isResult(readDocument(protocol, body))).toBe(true)
      }),
      runs,
    )
  })
})

const nested = (depth: number, inside = "1") => `${"[".repeat(depth)}${inside}${"]".repeat(depth)}`

describe("JSON nested deeply", () => {
  it("is read up to the limit, and no further", () => {
    expect(parseJson(nested(maxDepth))).toBeDefined()
    expect(parseJson(nested(maxDepth + 1))).toBeUndefined()
  })

  it("is told from brackets in texts", () => {
    const text = JSON.stringify(`\\"${"[".repeat(5000)}`)
    expect(parseJson(text)).toBe(`\\"${"[".repeat(5000)}`)
  })

  it.each(protocols)("is unreadable as a body and as an event of %s", (_, protocol) => {
    for (const depth of [600, 5000, 200_000]) {
      const text = `{"choices":${nested(depth)},"content":${nested(depth)}}`
      const whole = readDocument(protocol, text)
      expect(Result.isFailure(whole) && whole.failure).toMatchObject({ _tag: "Unreadable" })
      const { fault } = replay(protocol, [{ name: undefined, data: text }])
      expect(fault).toMatchObject({ _tag: "Unreadable", message: expect.stringContaining("nested deeper than 128") })
    }
  })

  it.each(protocols)("leaves an error body of %s readable as text", (_, protocol) => {
    const text = `{"error":{"message":"No","details":${nested(100_000)}}}`
    expect(protocol.decodeFailure(parseJson(text) ?? text, 500)).toMatchObject({ _tag: "ProviderFailure", status: 500 })
  })

  it("stays text in a tool call's arguments, with a warning", () => {
    const call = { id: "c", function: { name: "f", arguments: nested(5000) } }
    const body = { choices: [{ index: 0, message: { tool_calls: [call] }, finish_reason: "tool_calls" }] }
    const decoded = ChatCompletions.protocol.decode(body)
    const answer = Result.isSuccess(decoded) ? decoded.success : undefined
    expect(answer?.parts).toMatchObject([{ type: "tool-call", arguments: nested(5000) }])
    expect(answer?.warnings).toEqual([
      'the arguments of the tool call "f" are nested deeper than 128 levels; they are kept as the text the model wrote',
    ])
  })
})

const many = <A>(count: number, make: (place: number) => A): ReadonlyArray<A> =>
  Array.from({ length: count }, (_, k) => make(k))
const chatBody = (message: object) => ({ choices: [{ index: 0, message, finish_reason: "stop" }] })
const chatFrame = (delta: object, finish_reason: string | null = null) => ({
  name: undefined,
  data: JSON.stringify({ choices: [{ index: 0, delta, finish_reason }] }),
})
const chatCall = (place: number, args = "{}") => ({
  index: place,
  id: `c${place}`,
  function: { name: "f", arguments: args },
})
const block = (index: number) => ({ type: "content_block_start", index, content_block: { type: "text", text: "a" } })
const framesOf = (events: ReadonlyArray<object>) =>
  events.map((event) => ({ name: undefined, data: JSON.stringify(event) }))

const tooMany: ReadonlyArray<readonly [string, Protocol, object]> = [
  ["tool calls", ChatCompletions.protocol, chatBody({ tool_calls: many(maxParts + 1, (k) => chatCall(k)) })],
  ["content parts", ChatCompletions.protocol, chatBody({ content: many(300_000, () => ({ type: "odd" })) })],
  ["pictures", ChatCompletions.protocol, chatBody({ images: many(maxParts + 1, () => ({ image_url: "https://a" })) })],
  ["annotations", ChatCompletions.protocol, chatBody({ content: "a", annotations: many(300_000, () => 1) })],
  ["details", ChatCompletions.protocol, chatBody({ reasoning_details: many(maxNotes + 1, (k) => ({ index: k })) })],
  [
    "blocks",
    Messages.protocol,
    { content: many(300_000, () => ({ type: "text", text: "a" })), stop_reason: "end_turn" },
  ],
  [
    "citations",
    Messages.protocol,
    { content: [{ type: "text", text: "a", citations: many(300_000, () => 1) }], stop_reason: "end_turn" },
  ],
  [
    "annotations of an item",
    Responses.protocol,
    {
      output: [{ type: "message", content: [{ type: "output_text", text: "a", annotations: many(300_000, () => 1) }] }],
      status: "completed",
    },
  ],
  [
    "items",
    Responses.protocol,
    { output: many(300_000, (k) => ({ type: "function_call", name: "f", call_id: `c${k}` })), status: "completed" },
  ],
]

describe("an answer with too many", () => {
  it.each(tooMany)("%s is unreadable, and says of what", (_, protocol, body) => {
    const decoded = protocol.decode(body)
    const fault = Result.isFailure(decoded) ? decoded.failure : undefined
    expect(fault).toMatchObject({ _tag: "Unreadable", message: expect.stringContaining("more than 10000") })
  })

  it("parts in pieces is unreadable, too", () => {
    const chat = replay(
      ChatCompletions.protocol,
      many(maxParts + 1, (k) => chatFrame({ tool_calls: [chatCall(k)] })),
    )
    expect(chat.fault).toMatchObject({ _tag: "Unreadable", position: "parts" })
    const blocks = replay(Messages.protocol, framesOf(many(maxParts + 1, block)))
    expect(blocks.fault).toMatchObject({ _tag: "Unreadable", position: "parts" })
  })
})

describe("figures that cannot be", () => {
  it("are absent: sums stay finite", () => {
    const usage = { prompt_tokens: 1e308, completion_tokens: 1e308, total_tokens: 1e308 }
    const whole = ChatCompletions.protocol.decode({ ...chatBody({ content: "a" }), usage })
    expect(Result.isSuccess(whole) && whole.success).toMatchObject({ usage: {}, usageStatus: "unknown" })
    const nearly = { input_tokens: 2 ** 53 - 1, cache_read_input_tokens: 2 ** 53 - 1, output_tokens: 2 ** 53 - 1 }
    const messages = Messages.protocol.decode({ content: [], stop_reason: "end_turn", usage: nearly })
    expect(Result.isSuccess(messages) && Number.isFinite(messages.success.usage.totalTokens)).toBe(true)
  })
})

/** Inputs that grew with the square of their length in some reader once, or could. */
const growing: ReadonlyArray<readonly [string, (size: number) => Replayed | Result.Result<unknown, unknown>]> = [
  [
    "tool calls in one message",
    (n) => ChatCompletions.protocol.decode(chatBody({ tool_calls: many(n, (k) => chatCall(k)) })),
  ],
  [
    "tool calls, a chunk each",
    (n) =>
      replay(
        ChatCompletions.protocol,
        many(n, (k) => chatFrame({ tool_calls: [chatCall(k)] })),
      ),
  ],
  [
    "pieces of arguments",
    (n) =>
      replay(
        ChatCompletions.protocol,
        many(n, (k) =>
          chatFrame({
            tool_calls: [{ index: 0, ...(k === 0 ? { id: "c" } : {}), function: { name: "f", arguments: "{" } }],
          }),
        ),
      ),
  ],
  [
    "messages in place of deltas",
    (n) =>
      replay(ChatCompletions.protocol, [
        chatFrame({ content: "a" }),
        ...framesOf(many(n, () => ({ choices: [{ index: 0, message: { content: "ab" } }] }))),
      ]),
  ],
  [
    "details of reasoning",
    (n) => ChatCompletions.protocol.decode(chatBody({ reasoning_details: many(n, (k) => ({ index: k })) })),
  ],
  ["annotations", (n) => ChatCompletions.protocol.decode(chatBody({ annotations: many(n, (k) => k) }))],
  ["blocks", (n) => replay(Messages.protocol, framesOf(many(n, block)))],
  [
    "items",
    (n) =>
      Responses.protocol.decode({
        output: many(n, (k) => ({ type: "function_call", name: "f", call_id: `c${k}`, arguments: "{}" })),
        status: "completed",
      }),
  ],
  [
    "texts of one item",
    (n) =>
      Responses.protocol.decode({
        output: [{ type: "message", content: many(n, () => ({ type: "output_text", text: "a" })) }],
        status: "completed",
      }),
  ],
  [
    "summaries of one item",
    (n) =>
      Responses.protocol.decode({
        output: [{ type: "reasoning", summary: many(n, () => ({ type: "summary_text", text: "a" })) }],
        status: "completed",
      }),
  ],
  ["one long event", (n) => replay(ChatCompletions.protocol, [{ name: undefined, data: `["${'\\"['.repeat(n)}"]` }])],
]

describe("reading", () => {
  it.each(growing)("%s costs no more than in proportion", (_, read) => {
    read(64)
    using meter = new WorkMeter()
    expect(growthOf(meter, read, 1000)).toBeLessThan(2.7)
  })
})
