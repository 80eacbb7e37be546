/** Answers for samples of cases: one choice of Chat Completions, whole and as a stream. */
import type { CaseAnswer } from "./Case.ts"

const usage = { prompt_tokens: 3, completion_tokens: 2, total_tokens: 5 }

/** Events with this data each, as JSON. */
export const eventsOf = (...events: ReadonlyArray<unknown>): string =>
  events.map((event) => `data: ${typeof event === "string" ? event : JSON.stringify(event)}\n\n`).join("")

/** A message and why it finished; `deltas` where the stream brings it in other pieces than as one. */
export const chatAnswer = (
  message: object,
  finish: string | null = "stop",
  deltas: ReadonlyArray<object> = [message],
  more: object = {},
): CaseAnswer => ({
  body: {
    model: "m",
    choices: [{ index: 0, message: { role: "assistant", ...message }, finish_reason: finish }],
    usage,
    ...more,
  },
  sse: eventsOf(
    ...deltas.map((delta) => ({ model: "m", choices: [{ index: 0, delta, finish_reason: null }], ...more })),
    { model: "m", choices: [{ index: 0, delta: {}, finish_reason: finish }] },
    { model: "m", choices: [], usage },
    "[DONE]",
  ),
})
