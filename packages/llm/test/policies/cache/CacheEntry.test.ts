/** What is taken for an entry, what is told of it again, and what makes two questions the same. */
import { describe, expect, it } from "vitest"
import type { LlmResponse } from "../../../src/model/LlmResponse.ts"
import { encodeEntry, isEntry, piecesOf } from "../../../src/policies/cache/CacheEntry.ts"
import { canonicalJson, keyOf } from "../../../src/policies/cache/CacheKey.ts"
import { hello } from "../Calls.ts"

const untyped = (value: unknown): any => value

const kept = { provider: "p", usage: {}, usageStatus: "unknown", warnings: [], degraded: false }
const call = { id: "a", name: "f", arguments: { b: 1 } }
const answer = {
  finishReason: "tool-calls",
  text: "hi",
  parts: [
    { type: "text", text: "hi" },
    { type: "tool-call", ...call },
  ],
  toolCalls: [call],
  metadata: kept,
}

const written = (given: object, key = "k", version: unknown = 1) => JSON.stringify({ version, key, answer: given })

describe("an entry", () => {
  it("is one of this version, under its own key, with a whole answer", () => {
    expect(isEntry(written(answer), "k", "answer")).toBe(true)
    expect(
      isEntry(written({ ...answer, finishReason: "stop", toolCalls: [], parts: [answer.parts[0]] }), "k", "answer"),
    ).toBe(true)
  })

  it.each<readonly [string, string]>([
    ["another key", written(answer, "other")],
    ["another version", written(answer, "k", 2)],
    ["a text that is none of its parts", written({ ...answer, text: "ho" })],
    ["calls that are none of its parts", written({ ...answer, toolCalls: [{ ...call, arguments: { b: 2 } }] })],
    ["fewer calls than its parts", written({ ...answer, toolCalls: [] })],
    ["an answer that was cut", written({ ...answer, finishReason: "length" })],
    ["a degraded answer", written({ ...answer, metadata: { ...kept, degraded: true } })],
    ["no answer", written({})],
    ["no object", "5"],
    ["null", "null"],
    ["no JSON", "{"],
    ["more than can be read", `${"[".repeat(200_000)}`],
  ])("is none with %s", (_, text) => {
    expect(isEntry(text, "k", "answer")).toBe(false)
  })

  const vectors = (embeddings: unknown) => isEntry(written({ embeddings, metadata: kept }), "k", "embeddings")

  it("of vectors is one of lists of numbers under its own key", () => {
    expect([vectors([[1, 2.5], [3]]), vectors([])]).toEqual([true, true])
    expect(isEntry(written({ embeddings: [[1]], metadata: kept }, "other"), "k", "embeddings")).toBe(false)
    expect(["x", { a: 1 }, [1], [[1], "x"], [["1"]], [[1, null]], [[1], { length: 0 }]].map(vectors)).toEqual(
      Array.from({ length: 7 }, () => false),
    )
  })

  it("keeps nothing of the call that asked, and is none where JSON cannot hold the answer", () => {
    const metadata = { ...kept, attempts: [1], costUsd: 5, requestId: "r", latencyMs: 7 }
    expect(JSON.parse(encodeEntry("k", untyped({ text: "a", metadata })) ?? "")).toEqual({
      version: 1,
      key: "k",
      answer: { text: "a", metadata: kept },
    })
    expect(encodeEntry("k", untyped({ text: 5n, metadata }))).toBeUndefined()
  })

  it("is told again from its beginning, with the model that answered where that is known", () => {
    const pieces = (metadata: object) => piecesOf(untyped({ ...answer, metadata }) satisfies LlmResponse)
    expect(pieces({ servedModel: "m" })[0]).toStrictEqual({ type: "response-start", servedModel: "m" })
    expect(pieces({})[0]).toStrictEqual({ type: "response-start" })
    expect(pieces({}).map(({ type }) => type)).toContain("text-delta")
  })
})

describe("the question", () => {
  it("is written in one way", () => {
    expect(canonicalJson({ b: [1, "2", { d: null, c: undefined }], a: true, e: undefined })).toBe(
      '{"a":true,"b":[1,"2",{"d":null}]}',
    )
    expect(canonicalJson([undefined, []])).toBe("[null,[]]")
    expect(canonicalJson(undefined)).toBe("null")
  })

  it("has no key where it cannot be written", () => {
    expect(keyOf(untyped({ ...hello, seed: 5n }), { name: "p" })).toBeUndefined()
    expect(keyOf(untyped({ ...hello, seed: Number.NaN }), { name: "p" })).toBeUndefined()
  })

  it("is the model's own, whether a request names it or not", () => {
    const named = { name: "p", model: "m" }
    expect(keyOf({ ...hello, model: "m" }, named)).toBe(keyOf(hello, named))
    expect(keyOf({ ...hello, model: "n" }, named)).not.toBe(keyOf(hello, named))
    const own = { own: () => "same" }
    expect(keyOf({ ...hello, seed: 1 }, named, own)).toBe(keyOf({ ...hello, seed: 2 }, named, own))
  })
})
