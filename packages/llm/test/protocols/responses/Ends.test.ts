/** What the end of a stream of Responses adds, what a message carries beside its text, and what is too much. */
import { describe, expect, it } from "vitest"
import { maxNotes, maxParts } from "../../../src/protocols/Limits.ts"
import {
  added,
  call,
  completed,
  created,
  decode,
  done,
  type Event,
  message,
  response,
  stream,
  text,
} from "./Answers.ts"

const said = (text: string) => ({ type: "text", text })
const event = (type: string, fields: object = {}): Event => ({ type: `response.${type}`, output_index: 0, ...fields })
const thought = (more: object = {}) => ({ type: "reasoning", summary: [], ...more })
const summaryText = (text: string) => ({ type: "summary_text", text })

describe("the whole answer at the end of a stream of Responses", () => {
  it("completes the items that are still open, where it has the same", () => {
    const annotated = message("ab", { phase: "final_answer" })
    expect(stream(created, added(message("")), text("a"), completed([annotated])).parts).toMatchObject([
      said("ab"),
      { value: { phase: "final_answer" } },
    ])
  })

  it("changes nothing where its items are others", () => {
    const open = [created, added(message("")), text("a")]
    for (const output of [[call], ["x"], [message("ab"), call].toReversed(), []]) {
      expect(stream(...open, completed(output)).parts).toEqual([said("a")])
    }
    const keyed: Event = { type: "response.output_text.delta", item_id: "a", delta: "a" }
    expect(stream(created, keyed, completed([message("ab")])).parts).toEqual([said("a")])
    const second = [created, added(message(""), 1), text("a", 1)]
    expect(stream(...second, completed([message("ab")])).parts).toEqual([said("a")])
  })

  it("brings the items that no event named, and repeats none", () => {
    expect(stream(created, text("b", 1), completed([call, message("b"), "x"])).parts).toMatchObject([
      said("b"),
      { type: "tool-call" },
    ])
    const [one, two] = [message("a"), message("b")]
    expect(stream(created, done(one), done(two), completed([one, two])).parts).toEqual([said("a"), said("b")])
    expect(stream(created, done(one), completed([one, two])).parts).toEqual([said("a"), said("b")])
  })
})

describe("a message of Responses", () => {
  it("is read without what is no content", () => {
    const content = [null, "x", 3, { type: "output_text", text: "a" }]
    expect(decode(response([{ type: "message", content }])).parts).toEqual([said("a")])
    expect(decode(response([{ type: "message", content: "x" }])).parts).toEqual([])
    expect(stream(created, done({ type: "message", content }), completed()).parts).toEqual([said("a")])
  })

  it("keeps the sources and the likelihoods of its texts behind them", () => {
    const part = { type: "output_text", text: "a", annotations: [1], logprobs: [2] }
    const detail = { type: "message", annotations: [1, 1], logprobs: [2, 2] }
    expect(decode(response([{ type: "message", phase: "", content: [null, part, part] }])).parts[2]).toEqual({
      type: "other",
      provider: "responses",
      value: detail,
    })
    const annotate = (annotation: unknown) => event("output_text.annotation.added", { annotation })
    const { parts } = stream(
      created,
      text("a"),
      annotate(null),
      annotate(undefined),
      annotate(7),
      annotate(8),
      completed(),
    )
    expect(parts[1]).toMatchObject({ value: { type: "message", annotations: [7, 8] } })
    expect(
      stream(created, text("a"), annotate(7), done(message("a", { content: [part] })), completed()).parts[1],
    ).toMatchObject({
      value: { annotations: [1] },
    })
  })
})

describe("too much in an answer of Responses", () => {
  const many = <Item>(count: number, item: Item) => Array.from({ length: count }, () => item)

  it("is named by its field, one beyond the limit", () => {
    const annotated = (count: number) =>
      response([message("a", { content: [{ type: "output_text", text: "a", annotations: many(count, 1) }] })])
    expect(decode(annotated(maxNotes)).fault).toBeUndefined()
    expect(decode(annotated(maxNotes + 1)).fault).toMatchObject({ _tag: "Unreadable", position: "annotations" })
    const annotate = event("output_text.annotation.added", { annotation: 1 })
    expect(stream(created, text("a"), ...many(maxNotes, annotate), completed()).fault).toBeUndefined()
    expect(stream(created, text("a"), ...many(maxNotes + 1, annotate), completed()).fault).toMatchObject({
      position: "annotations",
    })
  })

  it.each([
    ["content", { type: "message", content: many(maxParts + 1000, { type: "output_text", text: "a" }) }],
    ["summary", thought({ summary: many(maxParts + 1000, summaryText("a")) })],
  ])("is read no further than the limit of parts: %s", (_, item) => {
    const { events, fault } = stream(created, done(item))
    expect(fault).toMatchObject({ _tag: "Unreadable", position: "parts" })
    expect(events.length).toBeLessThan(maxParts + 10)
  })
})
