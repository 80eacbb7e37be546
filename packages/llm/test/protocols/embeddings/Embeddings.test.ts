/** Embeddings: what is sent, and vectors read in either form and any order. */
import { Result } from "effect"
import * as fc from "fast-check"
import { describe, expect, it } from "vitest"
import { toReason } from "../../../src/protocols/failures/ProviderFailure.ts"
import { protocol } from "../../../src/protocols/embeddings/Embeddings.ts"

const encode = (
  request: Partial<Parameters<typeof protocol.encode>[0]>,
  options: Partial<Parameters<typeof protocol.encode>[1]> = {},
) =>
  protocol.encode(
    { inputs: ["a", "b"], ...request },
    { model: "text-embedding-3-small", provider: "openai", ...options },
  )

const decoded = (body: unknown, inputs: number) => {
  const result = protocol.decode(body, inputs)
  return Result.isSuccess(result) ? { ...result.success, fault: undefined } : { fault: result.failure }
}

const base64 = (...numbers: ReadonlyArray<number>): string => {
  const bytes = Buffer.alloc(numbers.length * 4)
  numbers.forEach((number, place) => bytes.writeFloatLE(number, place * 4))
  return bytes.toString("base64")
}
const answer = (...data: ReadonlyArray<object>) => ({
  object: "list",
  model: "text-embedding-3-small",
  data: data.map((item) => ({ object: "embedding", ...item })),
  usage: { prompt_tokens: 4, total_tokens: 4 },
})

describe("an embeddings request", () => {
  it("is a model and its inputs, and asks for base64", () => {
    expect(Result.getOrThrow(encode({ dimensions: 256, user: "u1" }))).toEqual({
      body: {
        model: "text-embedding-3-small",
        input: ["a", "b"],
        encoding_format: "base64",
        dimensions: 256,
        user: "u1",
      },
      warnings: [],
    })
  })

  it("names the length of a vector as the service does, and drops it for a model that has one only", () => {
    const voyage = encode({ dimensions: 256 }, { dimensionsField: "output_dimension" })
    expect(Result.getOrThrow(voyage).body).toMatchObject({ output_dimension: 256 })
    const ada = Result.getOrThrow(encode({ dimensions: 256 }, { model: "text-embedding-ada-002" }))
    expect(ada.body).not.toHaveProperty("dimensions")
    expect(ada.warnings).toEqual(["dimensions was dropped: text-embedding-ada-002 does not accept it"])
    const named = Result.getOrThrow(encode({ dimensions: 256 }, { model: "my-text-embedding-ada-002" }))
    expect(named.body).toMatchObject({ dimensions: 256 })
    expect(Result.getOrThrow(encode({}, { model: "text-embedding-ada-002" })).warnings).toEqual([])
  })

  it("refuses an empty text by its place", () => {
    const refused = encode({ inputs: ["a", ""] })
    expect(Result.isFailure(refused) && refused.failure).toMatchObject({
      _tag: "InvalidRequestError",
      parameter: "inputs[1]",
      message: expect.stringContaining("an empty text has no embedding"),
    })
    expect(Result.isSuccess(encode({ inputs: [" "] }))).toBe(true)
  })

  it("asks in the form that a service knows, or in none", () => {
    expect(Result.getOrThrow(encode({}, { encodingFormat: "float" })).body).toMatchObject({ encoding_format: "float" })
    expect(Result.getOrThrow(encode({}, { encodingFormat: "none" })).body).not.toHaveProperty("encoding_format")
  })

  it("takes the caller's own fields last, untouched", () => {
    const own = { encoding_format: "float", truncation: false }
    const fixed = { input_type: "document", truncation: true }
    expect(Result.getOrThrow(encode({}, { fields: fixed })).body).toMatchObject(fixed)
    const both = encode({ providerOptions: { openai: own } }, { fields: fixed })
    expect(Result.getOrThrow(both).body).toMatchObject({ input_type: "document", truncation: false })
    expect(Result.getOrThrow(encode({})).body).not.toHaveProperty("user")
    const { body } = Result.getOrThrow(encode({ providerOptions: { openai: own, voyage: { never: true } } }))
    expect(body).toMatchObject(own)
    expect(body).not.toHaveProperty("never")
  })
})

describe("an embeddings answer", () => {
  it("is one vector an input, as base64 of little-endian floats or as numbers, by its index", () => {
    const body = answer({ index: 1, embedding: [0.25, -3] }, { index: 0, embedding: base64(0.5, 1.5) })
    expect(decoded(body, 2)).toEqual({
      embeddings: [
        [0.5, 1.5],
        [0.25, -3],
      ],
      usage: { inputTokens: 4, outputTokens: 0, totalTokens: 4 },
      usageStatus: "reported",
      servedModel: "text-embedding-3-small",
      fault: undefined,
    })
  })

  it("takes the order as it is where no index is given, and Voyage's total for what was read", () => {
    const body = { data: [{ embedding: [1] }, { embedding: [2] }], usage: { total_tokens: 7 } }
    expect(decoded(body, 2)).toMatchObject({ embeddings: [[1], [2]], usage: { inputTokens: 7, totalTokens: 7 } })
  })

  const form = "an embedding is neither base64 of floats nor numbers"
  const index = (given: unknown) => answer({ index: 0, embedding: [1] }, { index: given, embedding: [2] })
  it.each<readonly [string, unknown, string, string]>([
    ["fewer vectors than inputs", answer({ index: 0, embedding: [1] }), "data", "it has 1 embeddings for 2 inputs"],
    [
      "more vectors than inputs",
      answer({ embedding: [1] }, { embedding: [2] }, { embedding: [3] }),
      "data",
      "it has 3 embeddings for 2 inputs",
    ],
    ["an index twice", index(0), "data[1].index", "two embeddings belong to one input"],
    ["an index of no input", index(2), "data[1].index", "an index belongs to no input"],
    ["an index below 0", index(-1), "data[1].index", "an index belongs to no input"],
    ["an index that is not whole", index(0.5), "data[1].index", "an index belongs to no input"],
    ["an index that is a text", index("1"), "data[1].index", "an index belongs to no input"],
    [
      "vectors of two lengths",
      answer({ embedding: [1] }, { embedding: [2, 3] }),
      "data[1].embedding",
      "the embeddings are not all of one length",
    ],
    ["bytes that are no floats", answer({ embedding: "AAAA" }, { embedding: "AAAAAA==" }), "data[0]", form],
    ["a byte beyond its floats", answer({ embedding: "AAAAAAA=" }, { embedding: [1] }), "data[0]", form],
    ["text that is not base64", answer({ embedding: "§" }, { embedding: [1] }), "data[0]", form],
    ["a vector of nothing", answer({ embedding: [] }, { embedding: [] }), "data[0]", form],
    ["a text of nothing", answer({ embedding: "" }, { embedding: [1] }), "data[0]", form],
    ["a number that is none", answer({ embedding: base64(Number.NaN) }, { embedding: [1] }), "data[0]", form],
    ["a text among numbers", answer({ embedding: [1] }, { embedding: [1, "2"] }), "data[1]", form],
    ["a number past all numbers", answer({ embedding: [1] }, { embedding: [Infinity] }), "data[1]", form],
    ["an entry that is none", { data: [{ embedding: [1] }, null] }, "data[1]", form],
    ["no data", { object: "list" }, "data", "it has no data"],
    ["no form at all", [1], "$", "it is not a JSON object"],
  ])("that has %s cannot be read", (_, body, position, message) => {
    expect(decoded(body, 2).fault).toMatchObject({
      _tag: "Unreadable",
      position,
      message: expect.stringContaining(message),
    })
  })

  it("shows the part that cannot be read, and nothing where it is the whole", () => {
    const [one, two] = [{ embedding: [1] }, { embedding: [2, 3] }]
    for (const body of [answer(one), answer(one, two)]) expect(decoded(body, 2).fault).toMatchObject({ excerpt: "" })
    expect(decoded({ data: [one, { embedding: "§" }] }, 2).fault).toMatchObject({ excerpt: '{"embedding":"§"}' })
  })

  it("has the figures that its service tells, and none where it tells none", () => {
    const figures = (usage: unknown) => decoded({ data: [{ embedding: [1] }], usage }, 1)
    expect(figures({ prompt_tokens: 4, total_tokens: 9 })).toMatchObject({
      usage: { inputTokens: 4, outputTokens: 0, totalTokens: 9 },
      usageStatus: "reported",
    })
    for (const usage of [undefined, null, "4", {}, { prompt_tokens: "4" }]) {
      expect(figures(usage)).toMatchObject({ usage: {}, usageStatus: "unknown", servedModel: undefined })
      expect(Object.keys((figures(usage) as { usage?: object }).usage ?? { none: true })).toEqual([])
    }
    expect(figures({ prompt_tokens: 4, cost: 0.5 })).toMatchObject({ billing: { costUsd: 0.5 } })
  })

  it("that is an error under 200 is that error", () => {
    const { fault } = decoded({ error: { message: "Too fast.", code: "rate_limit_exceeded" } }, 1)
    expect(fault?._tag === "ProviderFailure" && toReason(fault, {})._tag).toBe("RateLimitError")
    const beside = { ...answer({ embedding: [1] }), error: { message: "Too fast." } }
    expect(decoded(beside, 1).fault).toMatchObject({ _tag: "ProviderFailure", message: "Too fast." })
    expect(decoded({ ...answer({ embedding: [1] }), error: null }, 1).fault).toBeUndefined()
  })

  it("reads every vector of 32-bit floats as it was written", () => {
    const vector = fc.array(fc.float({ noNaN: true, noDefaultInfinity: true }), { minLength: 1, maxLength: 20 })
    fc.assert(
      fc.property(vector, (numbers) => {
        const { embeddings } = decoded(answer({ embedding: base64(...numbers) }), 1) as { embeddings?: unknown }
        expect(embeddings).toEqual([numbers])
      }),
    )
  })

  it("of any JSON is an answer or a fault, never a defect", () => {
    const item = fc.record({ index: fc.jsonValue(), embedding: fc.oneof(fc.jsonValue(), fc.base64String()) })
    const body = fc.oneof(fc.jsonValue(), fc.record({ data: fc.array(item), usage: fc.jsonValue() }))
    fc.assert(
      fc.property(body, fc.nat(3), (odd, inputs) => {
        expect(Result.isResult(protocol.decode(odd, inputs))).toBe(true)
        expect(protocol.decodeFailure(odd, 500)._tag).toBe("ProviderFailure")
      }),
    )
  })
})
