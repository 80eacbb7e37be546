/** Equal answers, whole and in pieces, as Responses says them. */
import type { Final, TwoForms } from "./AnswerForms.ts"

const named = (data: { readonly type: string; readonly [field: string]: unknown }) =>
  `event: ${data.type}\ndata: ${JSON.stringify(data)}\n\n`

const response = (output: ReadonlyArray<object>, raw = "completed") => {
  const [status, reason] = raw.split(":")
  return {
    id: "resp_1",
    object: "response",
    status,
    model: "gpt-5-mini-2025-08-07",
    error: null,
    incomplete_details: reason === undefined ? null : { reason },
    output,
    usage: {
      input_tokens: 9,
      input_tokens_details: { cached_tokens: 4, cache_write_tokens: 2 },
      output_tokens: 5,
      output_tokens_details: { reasoning_tokens: 3 },
      total_tokens: 14,
    },
  }
}

/** An item with the events between its beginning and its end. */
interface Told {
  readonly item: Readonly<Record<string, unknown>>
  readonly begins: Readonly<Record<string, unknown>>
  readonly events: ReadonlyArray<{ readonly type: string; readonly [field: string]: unknown }>
}

const stream = (told: ReadonlyArray<Told>, raw = "completed"): ReadonlyArray<string> => {
  const output = told.map(({ item }) => item)
  const status = raw.split(":")[0] === "incomplete" ? "incomplete" : "completed"
  return [
    named({ type: "response.created", response: { ...response([], "in_progress"), usage: null } }),
    ...told.flatMap(({ begins, events, item }, output_index) => [
      named({ type: "response.output_item.added", output_index, item: begins }),
      ...events.map((event) => named({ ...event, output_index })),
      named({ type: "response.output_item.done", output_index, item }),
    ]),
    named({ type: `response.${status}`, response: response(output, raw) }),
  ]
}

const bothForms = (name: string, told: ReadonlyArray<Told>): TwoForms => ({
  name,
  body: JSON.stringify(response(told.map(({ item }) => item))),
  events: stream(told),
})

const text = (...pieces: ReadonlyArray<string>): Told => {
  const message = (content: ReadonlyArray<object>) => ({ id: "msg_1", type: "message", role: "assistant", content })
  return {
    item: message([{ type: "output_text", text: pieces.join(""), annotations: [] }]),
    begins: message([]),
    events: pieces.map((delta) => ({ type: "response.output_text.delta", content_index: 0, delta })),
  }
}

const reasoning: Told = {
  item: {
    id: "rs_1",
    type: "reasoning",
    summary: [
      { type: "summary_text", text: "The city is Bern." },
      { type: "summary_text", text: "So I ask." },
    ],
    encrypted_content: "gAAAwhole",
  },
  begins: { id: "rs_1", type: "reasoning", summary: [], encrypted_content: "gAAA" },
  events: [
    { type: "response.reasoning_summary_text.delta", summary_index: 0, delta: "The city " },
    { type: "response.reasoning_summary_text.delta", summary_index: 0, delta: "is Bern." },
    { type: "response.reasoning_summary_text.delta", summary_index: 1, delta: "So I ask." },
  ],
}

const call = (number: number, name: string, ...pieces: ReadonlyArray<string>): Told => {
  const item = (args: string) => ({
    id: `fc_${number}`,
    type: "function_call",
    call_id: `call_${number}`,
    name,
    arguments: args,
  })
  return {
    item: item(pieces.join("")),
    begins: item(""),
    events: pieces.map((delta) => ({ type: "response.function_call_arguments.delta", delta })),
  }
}

const refusal: Told = {
  item: { type: "message", role: "assistant", content: [{ type: "refusal", refusal: "I cannot help with that." }] },
  begins: { type: "message", role: "assistant", content: [] },
  events: [
    { type: "response.refusal.delta", content_index: 0, delta: "I cannot " },
    { type: "response.refusal.delta", content_index: 0, delta: "help with that." },
  ],
}

const whole = (item: Readonly<Record<string, unknown>>): Told => ({
  item,
  begins: { ...item, status: "x" },
  events: [],
})

export const responsesAnswers: ReadonlyArray<TwoForms> = [
  bothForms("reasoning, text and two tool calls", [
    reasoning,
    text("Let me ", "see."),
    call(0, "weather", '{"city":', '"Bern"}'),
    call(1, "time", "{}"),
  ]),
  bothForms("a refusal", [refusal]),
  bothForms("encrypted reasoning, a hosted search and a text with its source", [
    whole({ id: "rs_1", type: "reasoning", summary: [], encrypted_content: "gAAA" }),
    whole({ id: "ws_1", type: "web_search_call", status: "completed", action: { type: "search", query: "Bern" } }),
    whole({
      id: "msg_1",
      type: "message",
      role: "assistant",
      phase: "final_answer",
      content: [
        {
          type: "output_text",
          text: "Warm.",
          annotations: [{ type: "url_citation", url: "https://example.com", start_index: 0, end_index: 5 }],
        },
      ],
    }),
  ]),
]

/** An answer that ended so, in both forms. */
export const responsesFinal = (raw: string): Pick<Final, "answer" | "events"> => ({
  answer: JSON.stringify(response([text("Hi").item], raw)),
  events: stream([text("Hi")], raw),
})
