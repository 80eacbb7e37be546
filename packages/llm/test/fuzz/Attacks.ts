/**
 * Answers of about one megabyte that are made to hurt: deep, wide, endless, in pieces, or full of what a pattern could
 * trip over. Each says how it travels; what must come of all of them is one rule, and stands in `Attacks.test.ts`.
 */
import type { Answer } from "../faults/FaultServer.ts"
import { chunk, lastChunk, streamHead, whole } from "../faults/HttpText.ts"
import { serverSentEvent, type WireName } from "../faults/WireText.ts"
import { wires } from "../faults/Wires.ts"

/** One answer that is made to hurt. `size` is about how many characters it has. */
export interface Attack {
  readonly name: string
  readonly answer: (wire: WireName, size: number) => Answer
}

const times = (count: number, make: (place: number) => string): string => {
  const pieces: Array<string> = []
  for (let place = 0; place < count; place++) pieces.push(make(place))
  return pieces.join(",")
}

/** As many of a piece as fit. */
const filled = (size: number, make: (place: number) => string): string =>
  times(Math.max(1, Math.floor(size / (make(9999).length + 1))), make)

/** An object with ten of a thousand keys, in hardly ever the same order. */
const ordersOfKeys = (place: number): string =>
  `{${times(10, (key) => `"${(((place + 1) * 7919 + key * key * 104_729 * (place % 89)) % 1000) + key * 1000}":1`)}}`

const nested = (size: number): string => `${"[".repeat(size / 2)}${"]".repeat(size / 2)}`

/** A whole answer whose message, content or output is this JSON. */
const answerWith = (
  wire: WireName,
  inside: { readonly chat: string; readonly messages: string; readonly responses: string },
): string =>
  wire === "chat"
    ? `{"id":"a","model":"m","choices":[{"index":0,"finish_reason":"stop","message":{"role":"assistant",${inside.chat}}}]}`
    : wire === "messages"
      ? `{"id":"a","type":"message","role":"assistant","model":"m","stop_reason":"end_turn","content":[${inside.messages}]}`
      : `{"id":"a","object":"response","model":"m","status":"completed","output":[${inside.responses}]}`

const message = (content: string): string => `{"type":"message","role":"assistant","content":[${content}]}`
const call = (place: number, args: string) => ({
  chat: `{"index":${place},"id":"c${place}","type":"function","function":{"name":"f","arguments":${args}}}`,
  messages: `{"type":"tool_use","id":"c${place}","name":"f","input":${args}}`,
  responses: `{"type":"function_call","call_id":"c${place}","name":"f","arguments":${args}}`,
})

/** The answer as JSON, however the call was made. */
const body = (
  name: string,
  make: (size: number) => { readonly chat: string; readonly messages: string; readonly responses: string },
): Attack => ({ name, answer: (wire, size) => whole(answerWith(wire, make(size))) })

const failing = (name: string, status: number, make: (size: number) => string, headers = {}): Attack => ({
  name,
  answer: (_, size) => whole(make(size), status, { "retry-after-ms": 1, ...headers }),
})

/** An event stream in writes of 16 KiB. */
const streamed = (text: string, pieceLength = 16 * 1024): Answer => {
  const steps = [streamHead()]
  for (let at = 0; at < text.length; at += pieceLength) steps.push(chunk(text.slice(at, at + pieceLength)))
  return [...steps, lastChunk]
}

const stream = (name: string, make: (wire: WireName, size: number) => string, pieceLength?: number): Attack => ({
  name,
  answer: (wire, size) => streamed(make(wire, size), pieceLength),
})

const repeated = (size: number, piece: string): string => piece.repeat(Math.max(1, Math.floor(size / piece.length)))

const good = (wire: WireName, inside: string): string =>
  wires[wire].opening + inside + wires[wire].finish + wires[wire].terminal

/** The events of one tool call whose arguments come in pieces. */
const argumentPieces = (wire: WireName, size: number): string => {
  const delta = (choice: object) => serverSentEvent({ choices: [{ index: 0, delta: choice }] })
  if (wire === "chat") {
    const first = delta({ tool_calls: [{ index: 0, id: "c", function: { name: "f", arguments: "[" } }] })
    return first + repeated(size, delta({ tool_calls: [{ index: 0, function: { arguments: "[" } }] }))
  }
  if (wire === "messages") {
    const start = { type: "content_block_start", index: 1, content_block: { type: "tool_use", id: "c", name: "f" } }
    const piece = { type: "content_block_delta", index: 1, delta: { type: "input_json_delta", partial_json: "[" } }
    return serverSentEvent(start, start.type) + repeated(size, serverSentEvent(piece, piece.type))
  }
  const item = { type: "function_call", id: "i", call_id: "c", name: "f", arguments: "" }
  const start = { type: "response.output_item.added", output_index: 1, item }
  const piece = { type: "response.function_call_arguments.delta", output_index: 1, item_id: "i", delta: "[" }
  return serverSentEvent(start, start.type) + repeated(size, serverSentEvent(piece, piece.type))
}

/** One piece of the answer told whole again and again, where a wire has such a thing. */
const wholeAgain = (wire: WireName, size: number): string => {
  if (wire === "chat") {
    return repeated(size, serverSentEvent({ choices: [{ index: 0, message: { role: "assistant", content: "ab" } }] }))
  }
  if (wire === "messages") {
    const start = { type: "content_block_start", index: 0, content_block: { type: "text", text: "ab" } }
    return repeated(size, serverSentEvent(start, start.type))
  }
  const done = {
    type: "response.output_text.done",
    output_index: 0,
    content_index: 0,
    item_id: "msg_fault",
    text: "ab",
  }
  return repeated(size, serverSentEvent(done, done.type))
}

const bodies: ReadonlyArray<Attack> = [
  body("a deep answer", (size) => ({
    chat: `"content":${nested(size)}`,
    messages: nested(size),
    responses: message(nested(size)),
  })),
  body("deep arguments of a tool call", (size) => {
    const { chat, messages, responses } = call(0, JSON.stringify(nested(size)))
    return { chat: `"tool_calls":[${chat}]`, messages, responses }
  }),
  body("one name of a million characters", (size) => {
    const name = "n".repeat(size)
    return {
      chat: `"tool_calls":[{"id":"c","function":{"name":"${name}","arguments":"no"}}]`,
      messages: `{"type":"tool_use","id":"${name}","name":"${name.slice(0, size / 2)}","input":"no"}`,
      responses: `{"type":"function_call","call_id":"c","name":"${name}","arguments":"no"}`,
    }
  }),
  body("as many tool calls as fit", (size) => ({
    chat: `"tool_calls":[${filled(size, (place) => call(place, '"{}"').chat)}]`,
    messages: filled(size, (place) => call(place, "{}").messages),
    responses: filled(size, (place) => call(place, '"{}"').responses),
  })),
  body("tool calls that all have one id", (size) => ({
    chat: `"tool_calls":[${filled(size, (place) => `{"index":${place},"id":"call_0","function":{"name":"f"}}`)}]`,
    messages: filled(size, () => call(0, "{}").messages),
    responses: filled(size, () => call(0, '"{}"').responses),
  })),
  body("as many tiny parts as fit", (size) => ({
    chat: `"content":[${filled(size, () => '{"type":"text","text":"a"}')}]`,
    messages: filled(size, () => '{"type":"text","text":"a"}'),
    responses: message(filled(size, () => '{"type":"output_text","text":"a"}')),
  })),
  body("as many unknown parts as fit", (size) => ({
    chat: `"content":[${filled(size, () => '{"type":"o"}')}]`,
    messages: filled(size, () => '{"type":"o"}'),
    responses: filled(size, () => '{"type":"o"}'),
  })),
  body("as many citations as fit", (size) => ({
    chat: `"content":"a","annotations":[${filled(size, () => "{}")}]`,
    messages: `{"type":"text","text":"a","citations":[${filled(size, () => "{}")}]}`,
    responses: message(`{"type":"output_text","text":"a","annotations":[${filled(size, () => "{}")}]}`),
  })),
  body("citations that say something", (size) => {
    const said = (place: number) =>
      `{"type":"url_citation","url":"https://example.com/${place}","title":"${"t".repeat(120)}","start_index":0,"end_index":1}`
    return {
      chat: `"content":"a","annotations":[${filled(size, said)}]`,
      messages: `{"type":"text","text":"a","citations":[${filled(size, said)}]}`,
      responses: message(`{"type":"output_text","text":"a","annotations":[${filled(size, said)}]}`),
    }
  }),
  body("tool calls that say something", (size) => {
    const said = (place: number) => call(place, JSON.stringify({ a: "a".repeat(50) }))
    return {
      chat: `"tool_calls":[${filled(size, (place) => call(place, JSON.stringify('{"a":1}')).chat)}]`,
      messages: filled(size, (place) => said(place).messages),
      responses: filled(size, (place) => call(place, JSON.stringify('{"a":1}')).responses),
    }
  }),
  body("as many pieces of reasoning as fit", (size) => ({
    chat: `"content":"a","reasoning_details":[${filled(size, (place) => `{"type":"reasoning.text","index":${place % 7},"text":"a"}`)}]`,
    messages: filled(size, () => '{"type":"thinking","thinking":"a","signature":"b"}'),
    responses: `{"type":"reasoning","summary":[${filled(size, () => '{"type":"summary_text","text":"a"}')}]}`,
  })),
  body("numbers that add up to infinity", () => ({
    chat: '"content":"a"},"x":1}],"usage":{"prompt_tokens":1e308,"completion_tokens":1e308,"cost":1e309},"y":[{"z":{"a":1',
    messages: '{"type":"text","text":"a"}],"usage":{"input_tokens":1e308,"output_tokens":1e308},"x":[',
    responses: `${message('{"type":"output_text","text":"a"}')}],"usage":{"input_tokens":1e308,"output_tokens":1e308},"x":[`,
  })),
  { name: "as many keys as fit", answer: (_, size) => whole(`{${filled(size, (place) => `"k${place}":${place}`)}}`) },
  {
    name: "as many objects with a key of their own as fit",
    answer: (_, size) => whole(`[${filled(size, (place) => `{"k${place}":${place}}`)}]`),
  },
  { name: "as many orders of keys as fit", answer: (_, size) => whole(`[${filled(size, ordersOfKeys)}]`) },
  { name: "blanks alone", answer: (_, size) => whole(" ".repeat(size)) },
  { name: "opening brackets alone", answer: (_, size) => whole("[".repeat(size)) },
  { name: "opening braces and keys alone", answer: (_, size) => whole(repeated(size, '{"a":')) },
  { name: "backslashes alone", answer: (_, size) => whole(`"${"\\".repeat(size)}`) },
  { name: "quotes alone", answer: (_, size) => whole('"'.repeat(size)) },
]

/** Texts that patterns have tripped over. */
const words: ReadonlyArray<readonly [string, (size: number) => string]> = [
  ["one long word", (size) => "a".repeat(size)],
  ["blanks", (size) => `a${" ".repeat(size)}b`],
  ["digits", (size) => "1".repeat(size)],
  ["try again in", (size) => repeated(size, "try again in ")],
  ["tags that do not end", (size) => `<${repeated(size, "<a ")}`],
  ["percent signs", (size) => repeated(size, "%25")],
  ["masks", (size) => repeated(size, "a*")],
  ["escapes", (size) => repeated(size, "\\\\\\\\u0041")],
  ["keys", (size) => repeated(size, "sk-attack-0123456789 ")],
  ["half a key, many times", (size) => repeated(size, "sk-attac")],
]

const failures: ReadonlyArray<Attack> = [
  ...words.flatMap(([name, make]) => [
    failing(`an error message of ${name}`, 400, (size) => `{"error":{"message":${JSON.stringify(make(size))}}}`),
    failing(`an error page of ${name}`, 502, (size) => `<html><body>${make(size)}</body></html>`),
    failing(`an error text of ${name}`, 429, make),
  ]),
  failing("a deep error", 400, (size) => `{"error":${nested(size)}}`),
  failing("an error in errors", 400, (size) => `${repeated(size / 2, '{"error":')}1${"}".repeat(size / 18)}`),
  failing("as many errors as fit", 400, (size) => `{"errors":[${filled(size, () => '{"msg":"a"}')}]}`),
  failing("as many details as fit", 422, (size) => `{"detail":[${filled(size, () => '{"loc":["a"],"msg":"b"}')}]}`),
  failing("a wait of 10^306 seconds", 503, () => "{}", { "retry-after": "1e306", "retry-after-ms": "x" }),
  failing("a reset of 400 digits", 429, () => "{}", {
    "x-ratelimit-remaining-requests": 0,
    "x-ratelimit-reset-requests": "9".repeat(400),
    "retry-after-ms": "x",
  }),
  {
    name: "an error of a million characters under 200",
    answer: (_, size) => whole(`{"error":{"message":"${"a".repeat(size)}","code":"${"b".repeat(size)}"}}`),
  },
]

const streams: ReadonlyArray<Attack> = [
  stream("as many pieces of text as fit", (wire, size) => good(wire, repeated(size, wires[wire].piece("a")))),
  stream("one piece of a million characters", (wire, size) => good(wire, wires[wire].piece("a".repeat(size)))),
  stream("pieces of arguments", (wire, size) => good(wire, argumentPieces(wire, size))),
  stream("the same told whole again and again", (wire, size) => good(wire, wholeAgain(wire, size))),
  stream("a deep event", (wire, size) => good(wire, `data: ${nested(size)}\n\n`)),
  stream("empty events", (wire, size) => good(wire, repeated(size, "data: {}\n\n"))),
  stream("heartbeats", (wire, size) => good(wire, repeated(size, ":\n\n"))),
  stream("blank lines", (wire, size) => good(wire, "\n".repeat(size))),
  stream("blank lines before anything else", (wire, size) => "\n".repeat(size) + good(wire, "")),
  stream("blanks before anything else", (_, size) => " ".repeat(size)),
  stream("an event of as many lines as fit", (wire, size) => good(wire, `${repeated(size, "data:\n")}\n`)),
  stream("names of events without data", (wire, size) => good(wire, repeated(size, "event: a\n"))),
  stream("a line without an end", (wire, size) => good(wire, `data: ${"a".repeat(size)}`)),
  stream("a line in pieces of 7 bytes", (wire, size) => good(wire, `data: ${" ".repeat(size / 8)}\n\n`), 7),
  stream("lone carriage returns", (wire, size) => good(wire, "\r".repeat(size))),
  stream("[DONE] many times", (wire, size) => wires[wire].opening + repeated(size, "data: [DONE]\n\n")),
  stream(
    "an error event of a million characters",
    (wire, size) =>
      wires[wire].opening + serverSentEvent({ type: "error", error: { message: "a ".repeat(size / 2) } }, "error"),
  ),
  stream("the opening many times", (wire, size) => good(wire, repeated(size, wires[wire].opening))),
  stream("the finish many times", (wire, size) => wires[wire].opening + repeated(size, wires[wire].finish)),
]

export const attacks: ReadonlyArray<Attack> = [...bodies, ...failures, ...streams]

/** What a whole answer sends, as bytes. */
const bytesOf = (answer: Answer): Buffer =>
  Buffer.concat([...answer].flatMap((step) => (step.type === "write" ? [step.bytes] : [])))

/** The status of an answer. */
export const statusOf = (answer: Answer): number => Number(bytesOf(answer).subarray(9, 12).toString())

/** The body of an answer, without its chunks. */
export const bodyOf = (answer: Answer): string => {
  const bytes = bytesOf(answer)
  const start = bytes.indexOf("\r\n\r\n") + 4
  if (!bytes.subarray(0, start).toString().includes("chunked")) return bytes.subarray(start).toString()
  const chunks: Array<Buffer> = []
  for (let at = start; ;) {
    const lineEnd = bytes.indexOf("\r\n", at)
    const length = Number.parseInt(bytes.toString("latin1", at, lineEnd), 16)
    if (!(length > 0)) return Buffer.concat(chunks).toString()
    chunks.push(bytes.subarray(lineEnd + 2, lineEnd + 2 + length))
    at = lineEnd + 2 + length + 2
  }
}
