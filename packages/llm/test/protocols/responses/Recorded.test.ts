/** Recorded answers of Responses: the same whole and streamed, and nothing lost on the way back. */
import { Result } from "effect"
import { describe, expect, it } from "vitest"
import * as Responses from "../../../src/protocols/responses/Responses.ts"
import { corpusIsThere, loadResponses } from "../../Corpus.ts"
import { framesOf, replay, summaryOf } from "../Replay.ts"
import { decode } from "./Answers.ts"

describe.skipIf(!corpusIsThere)("recorded answers of Responses", () => {
  const exchanges = loadResponses()

  it("read the same from the events of a stream as from the response that ends it", () => {
    const streams = exchanges.filter(({ kind, tags }) => kind === "sse" && !tags.includes("delta-mismatch"))
    let compared = 0
    for (const exchange of streams) {
      const frames = framesOf(exchange.response.body)
      const last = frames.map(({ data }) => (data.startsWith("{") ? JSON.parse(data) : {})).at(-1)
      const whole = decode(last.response)
      // Trimmed fixtures end with an empty answer, or one whose reasoning is encrypted anew.
      if (whole.parts.length === 0) continue
      compared++
      const streamed = replay(Responses.protocol, frames)
      const withoutDetails = (parts: typeof whole.parts) => summaryOf(parts)
      expect([exchange.id, withoutDetails(streamed.parts)]).toEqual([exchange.id, withoutDetails(whole.parts)])
      expect(streamed.ending?.finishReason).toBe(whole.finishReason)
    }
    expect(compared).toBeGreaterThan(120)
  })

  /** What an item must come back as: without what only a stored item has, or a reader of the answer needs. */
  const resent = (item: Record<string, any>): ReadonlyArray<unknown> => {
    switch (item["type"]) {
      case "message":
        return item["content"]
          .filter(({ text }: any) => text !== "")
          .map((part: any) => ({
            role: "assistant",
            content: part.type === "refusal" ? [{ type: "refusal", refusal: part.refusal }] : part.text,
            ...(item["phase"] ? { phase: item["phase"] } : {}),
          }))
      case "reasoning": {
        const { content, encrypted_content, summary } = item
        if (encrypted_content) return [{ type: "reasoning", summary, encrypted_content }]
        return (content ?? []).map((part: any) => ({
          type: "reasoning",
          summary: [],
          content: [{ type: "reasoning_text", text: part.text }],
        }))
      }
      case "function_call": {
        const { call_id, caller, name, namespace } = item
        const args = item["arguments"]
        return [
          {
            type: "function_call",
            call_id,
            name,
            arguments: JSON.stringify(JSON.parse(args === "" ? "{}" : args)),
            ...(namespace ? { namespace } : {}),
            ...(caller ? { caller } : {}),
          },
        ]
      }
      default:
        return [item]
    }
  }

  it("go back item by item, in order, with nothing lost", () => {
    let items = 0
    for (const exchange of exchanges.filter(({ kind }) => kind === "json")) {
      const { fault, parts } = decode(exchange.response.body)
      if (fault !== undefined || parts.length === 0) continue
      const output: ReadonlyArray<Record<string, any>> = exchange.response.body.output
      const encoded = Responses.protocol.encode(
        {
          messages: [
            { role: "user", content: "Hi" },
            { role: "assistant", content: parts },
          ],
        },
        { model: "gpt-5-mini", provider: "openai", stream: false },
      )
      const input = Result.isSuccess(encoded) ? (encoded.success.body["input"] as ReadonlyArray<unknown>) : []
      // Texts without a phase that follow each other are joined.
      const texts = output.filter((item) => item["type"] === "message" && !item["phase"])
      if (texts.length > 1) continue
      items += output.length
      expect([exchange.id, input.slice(1)]).toEqual([exchange.id, output.flatMap(resent)])
    }
    expect(items).toBeGreaterThan(500)
  })
})
