/**
 * Every recorded turn with tool calls or reasoning, sent back as history: to its own provider as that provider accepted it, and to
 * every other one without anything that it would refuse (laws 20 and 26).
 */
import { describe, expect, it } from "vitest"
import { corpusIsThere } from "../Corpus.ts"
import { conversationWith, type RecordedTurn, recordedTurns, type WireName, written } from "./RecordedTurns.ts"
import * as WireRules from "./WireRules.ts"

type Json = Readonly<Record<string, any>>

const wires = ["chat", "messages", "responses"] as const
const turns: Readonly<Record<WireName, ReadonlyArray<RecordedTurn>>> = {
  chat: corpusIsThere ? recordedTurns("chat") : [],
  messages: corpusIsThere ? recordedTurns("messages") : [],
  responses: corpusIsThere ? recordedTurns("responses") : [],
}

const parsed = (text: unknown): unknown => {
  try {
    return typeof text === "string" ? JSON.parse(text === "" ? "{}" : text) : text
  } catch {
    return text
  }
}

/** Sorted, without fields of null, and with arguments as the values that they are: the same to every service. */
const canonical = (value: any): any => {
  if (Array.isArray(value)) return value.map(canonical)
  if (typeof value !== "object" || value === null) return value
  const entries = Object.entries(value).filter(([, field]) => field !== null)
  return Object.fromEntries(
    entries
      .sort(([one], [other]) => (one < other ? -1 : 1))
      .map(([name, field]) => [name, name === "arguments" ? parsed(field) : canonical(field)]),
  )
}

const textOfDetails = (details: ReadonlyArray<Json>): string =>
  details.map(({ summary, text }) => text ?? summary ?? "").join("")

/** The differences that are meant, one by one. */
const asWritten: Readonly<Record<WireName, (turn: ReadonlyArray<Json>) => ReadonlyArray<Json>>> = {
  chat: (turn) =>
    turn.map((message) => {
      const { annotations: _, content, prefix: __, reasoning_details: details, ...fields } = message
      const rest: Record<string, any> = fields
      const isSealed = details?.some(({ data, signature }: Json) => (data ?? signature) !== undefined)
      // Ollama's client writes the same reasoning under two names.
      if (rest["reasoning"] !== undefined) delete rest["reasoning_content"]
      // An empty text stands in for reasoning that is not there.
      if (rest["reasoning_content"] === "") delete rest["reasoning_content"]
      return {
        ...rest,
        // Absent, null, "" and [] are the same beside tool calls.
        ...(content === undefined || content === null || content.length === 0 ? {} : { content }),
        // Details without anything sealed are the text that they hold.
        ...(details === undefined
          ? {}
          : isSealed
            ? { reasoning_details: details }
            : { reasoning: textOfDetails(details) }),
        tool_calls: (message["tool_calls"] ?? []).map(({ index: ___, ...call }: Json) => call),
      }
    }),
  messages: (turn) => turn.flatMap(({ content }) => content),
  responses: (turn) =>
    // An empty message says nothing.
    turn
      .filter(({ content }) => content !== "")
      .map((item) => {
        // Ids and states name stored items; without a store there are none.
        const { id: _, status: __, ...rest } = item
        if (rest["role"] === undefined) return rest
        const { type: ___, ...message } = rest
        const [only] = Array.isArray(message["content"]) ? message["content"] : []
        return only?.type === "output_text" ? { ...message, content: only.text } : message
      }),
}

/** Turns that the recording's client changed before it sent them back, or that the recording shows in part. */
const changed: Readonly<Record<string, string>> = {
  "18a61b": "details of two kinds became one empty text",
  fe2e11: "details of two kinds became one empty text",
  "091ee8": "another answer whose call has the same id",
  "84af86": "another answer whose calls have the same ids",
  "14b917": "the first word of the reasoning was lost",
  a0c262: "the first word of the reasoning was lost",
  "3fa4c8": "reasoning was written into the text, in tags",
  "03a0a2": "a dash in a title was rewritten",
  "808c7f": "reasoning went back by its id; without a store there is nothing of it to send",
  "2b51b4": "the tools of mcp_list_tools were emptied",
  "1c9de5": "a call_id was made of the id of a search of tools",
  "3d94db": "a call_id was made of the id of a search of tools",
  "9469bb": "a namespace was added that the answer did not have",
  "26ced9": "the recording is trimmed",
  ba56b7: "the recording is trimmed",
  d31503: "the recording is trimmed",
  f98153: "another answer with the same text",
  "948865": "another answer with the same text",
}

/** True where `mine` says all that `theirs` does: clients leave out fields that name or describe (`format`, `caller`). */
const covers = (mine: any, theirs: any): boolean =>
  Array.isArray(theirs)
    ? Array.isArray(mine) && mine.length === theirs.length && theirs.every((one, place) => covers(mine[place], one))
    : typeof theirs === "object" && theirs !== null
      ? typeof mine === "object" &&
        mine !== null &&
        Object.entries(theirs).every(([field, value]) => covers(mine[field], value))
      : mine === theirs

/** True where each of `theirs` stands in `mine`, in the same order: clients leave out texts, calls and reasoning, too. */
const isWithin = (theirs: ReadonlyArray<unknown>, mine: ReadonlyArray<unknown>): boolean => {
  let from = 0
  for (const one of theirs) {
    const place = mine.findIndex((other, index) => index >= from && covers(other, one))
    if (place < 0) return false
    from = place + 1
  }
  return true
}

/** A message of Chat Completions as the pieces that a client may leave out. */
const pieces = (wire: WireName, turn: ReadonlyArray<Json>): ReadonlyArray<unknown> =>
  wire === "chat"
    ? turn.flatMap(({ tool_calls: calls, ...message }) => [
        ...Object.entries(message).map(([field, value]) => ({ [field]: value })),
        ...calls,
      ])
    : turn

describe.skipIf(!corpusIsThere).each(wires)("a recorded turn of %s", (wire) => {
  it("goes back to its own provider as that accepted it", () => {
    expect(turns[wire].length).toBeGreaterThan(30)
    for (const turn of turns[wire]) {
      const { id, accepted } = turn
      if (Object.keys(changed).some((end) => id.endsWith(end))) continue
      const { refused, turn: ours } = written(wire, conversationWith(turn.parts), turn)
      const sides = [accepted, ours].map((side) => pieces(wire, canonical(asWritten[wire](canonical(side)))))
      const [theirs = [], mine = []] = sides
      if (refused !== undefined || !isWithin(theirs, mine)) expect(mine, `${turn.provider} ${id}`).toEqual(theirs)
    }
  })
})

const targets: ReadonlyArray<readonly [string, WireName, string, string, WireRules.Rules]> = [
  ["OpenAI", "chat", "openai", "gpt-5", WireRules.openAi],
  ["Azure", "chat", "azure", "my-deployment", WireRules.azure],
  ["Mistral", "chat", "mistral", "mistral-large-latest", WireRules.mistral],
  ["DeepSeek", "chat", "deepseek", "deepseek-v4", WireRules.deepSeek],
  ["Gemini", "chat", "gemini", "gemini-3-pro", WireRules.gemini],
  ["Groq", "chat", "groq", "llama-4", WireRules.groq],
  ["OpenRouter", "chat", "openrouter", "openai/gpt-5", WireRules.openRouter],
  ["Anthropic", "messages", "anthropic", "claude-sonnet-4-5", WireRules.anthropic],
  ["Responses", "responses", "openai", "gpt-5", WireRules.responses],
]

describe.skipIf(!corpusIsThere).each(targets)("every recorded turn, sent to %s", (_, wire, provider, model, rules) => {
  it("holds nothing that it refuses", () => {
    for (const turn of [...turns.chat, ...turns.messages, ...turns.responses]) {
      const isOwn = turn.provider === provider
      const { body, refused } = written(wire, conversationWith(turn.parts), { provider, model })
      expect(refused, turn.id).toBeUndefined()
      // What a provider itself wrote it takes back, whatever it is.
      if (!isOwn) expect(rules(body), `${turn.provider} ${turn.id}`).toEqual([])
    }
  })

  it("may be followed by the turns of all others in one conversation", () => {
    const some = [...turns.chat, ...turns.messages, ...turns.responses].filter(
      (one, place) => place % 7 === 0 && one.provider !== provider,
    )
    const conversation = some.flatMap(({ parts }) => conversationWith(parts))
    const { body, refused } = written(wire, conversation, { provider, model })
    expect(refused).toBeUndefined()
    expect(rules(body)).toEqual([])
  })
})
