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
    expect(ada.warnings).toHaveLength(1)
  })

  it("refuses an empty text by its place", () => {
    const refused = encode({ inputs: ["a", ""] })
    expect(Result.isFailure(refused) && refused.failure).toMatchObject({
      _tag: "InvalidRequestError",
      parameter: "inputs[1]",
    })
  })

  it("asks in the form that a service knows, or in none", () => {
    expect(Result.getOrThrow(encode({}, { encodingFormat: "float" })).body).toMatchObject({ encoding_format: "float" })
    expect(Result.getOrThrow(encode({}, { encodingFormat: "none" })).body).not.toHaveProperty("encoding_format")
  })

  it("takes the caller's own fields last, untouched", () => {
    const own = { encoding_format: "float", truncation: false }
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

  it.each([
    ["fewer vectors than inputs", answer({ index: 0, embedding: [1] }), "data"],
    ["more vectors than inputs", answer({ embedding: [1] }, { embedding: [2] }, { embedding: [3] }), "data"],
    ["an index twice", answer({ index: 0, embedding: [1] }, { index: 0, embedding: [2] }), "data[1].index"],
    ["an index of no input", answer({ index: 0, embedding: [1] }, { index: 2, embedding: [2] }), "data[1].index"],
    ["vectors of two lengths", answer({ embedding: [1] }, { embedding: [2, 3] }), "data[1].embedding"],
    ["bytes that are no floats", answer({ embedding: "AAAA" }, { embedding: "AAAAAA==" }), "data[0]"],
    ["text that is not base64", answer({ embedding: "§" }, { embedding: [1] }), "data[0]"],
    ["a vector of nothing", answer({ embedding: [] }, { embedding: [] }), "data[0]"],
    ["a number that is none", answer({ embedding: base64(Number.NaN) }, { embedding: [1] }), "data[0]"],
    ["no data", { object: "list" }, "data"],
  ])("that has %s cannot be read", (_, body, position) => {
    expect(decoded(body, 2).fault).toMatchObject({ _tag: "Unreadable", position })
  })

  it("that is an error under 200 is that error", () => {
    const { fault } = decoded({ error: { message: "Too fast.", code: "rate_limit_exceeded" } }, 1)
    expect(fault?._tag === "ProviderFailure" && toReason(fault, {})._tag).toBe("RateLimitError")
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
