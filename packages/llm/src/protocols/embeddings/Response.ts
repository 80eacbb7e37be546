/** Reads an answer with embeddings: each vector as base64 or as numbers, in whatever order it came. */
import * as Base64 from "effect/encoding/Base64"
import * as Result from "effect/Result"
import type { Billing, Usage, UsageStatus } from "../../model/LlmResponse.ts"
import { openAiBilling } from "../BillingReader.ts"
import { usageFrom, usageStatusOf } from "../Ending.ts"
import { failureUnderSuccess, reportsFailure } from "../failures/FailureReader.ts"
import type { Fault } from "../Protocol.ts"
import { count, isWireObject, nonEmpty, unreadable, type WireObject } from "../WireReader.ts"

/** One vector for each input, in the order of the inputs. */
export interface Embedded {
  readonly embeddings: Array<Array<number>>
  readonly usage: Usage
  readonly usageStatus: UsageStatus
  readonly billing: Billing | undefined
  readonly servedModel: string | undefined
}

const bytesOfNumber = 4

/** Little-endian 32-bit floats, as OpenAI's own library reads them. Undefined where the text is not that. */
const fromBase64 = (text: string): Array<number> | undefined => {
  const decoded = Base64.decode(text)
  if (Result.isFailure(decoded)) return undefined
  const bytes = decoded.success
  if (bytes.byteLength % bytesOfNumber !== 0) return undefined
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  return Array.from({ length: bytes.byteLength / bytesOfNumber }, (_, place) =>
    view.getFloat32(place * bytesOfNumber, true),
  )
}

const isVector = (value: unknown): value is Array<number> =>
  Array.isArray(value) && value.length > 0 && value.every(Number.isFinite)

/** A vector in either form; undefined for anything else. */
const vectorOf = (value: unknown): Array<number> | undefined => {
  const vector = typeof value === "string" ? fromBase64(value) : value
  return isVector(vector) ? vector : undefined
}

/** OpenAI counts `prompt_tokens`, Voyage the total alone: every token of an embedding is read. */
const usageOf = (usage: unknown): Usage => {
  if (!isWireObject(usage)) return {}
  const total = count(usage.total_tokens)
  const read = count(usage.prompt_tokens) ?? total
  // A vector is not made of tokens: none is written.
  return usageFrom(read, read === undefined ? undefined : 0, total, undefined, undefined, undefined)
}

/** True for the place of one of so many inputs. */
const isPlace = (index: unknown, inputs: number): index is number =>
  Number.isInteger(index) && Number(index) >= 0 && Number(index) < inputs

/** The vectors by the index that each one names, or by its place where none does. A fault where one is missing or odd. */
const inOrder = (data: ReadonlyArray<unknown>, inputs: number): Result.Result<Embedded["embeddings"], Fault> => {
  if (data.length !== inputs) {
    return Result.fail(unreadable(`it has ${data.length} embeddings for ${inputs} inputs`, "data", ""))
  }
  const vectors: Array<Array<number>> = []
  for (const [place, element] of data.entries()) {
    const item: WireObject = isWireObject(element) ? element : {}
    const index = item.index ?? place
    const vector = vectorOf(item.embedding)
    if (vector === undefined) {
      return Result.fail(unreadable("an embedding is neither base64 of floats nor numbers", `data[${place}]`, element))
    }
    if (!isPlace(index, inputs)) {
      return Result.fail(unreadable("an index belongs to no input", `data[${place}].index`, element))
    }
    if (vectors[index] !== undefined) {
      return Result.fail(unreadable("two embeddings belong to one input", `data[${place}].index`, element))
    }
    vectors[index] = vector
  }
  const odd = vectors.findIndex((vector) => vector.length !== vectors[0]?.length)
  return odd < 0
    ? Result.succeed(vectors)
    : Result.fail(unreadable("the embeddings are not all of one length", `data[${odd}].embedding`, ""))
}

/** Reads a parsed 2xx body, the answer to so many inputs. */
export const decode = (body: unknown, inputs: number): Result.Result<Embedded, Fault> => {
  if (!isWireObject(body)) return Result.fail(unreadable("it is not a JSON object", "$", body))
  if (reportsFailure(body.error) || !Array.isArray(body.data)) {
    return Result.fail(failureUnderSuccess(body) ?? unreadable("it has no data", "data", body))
  }
  return Result.map(inOrder(body.data, inputs), (embeddings) => {
    const usage = usageOf(body.usage)
    const billing = openAiBilling(undefined, isWireObject(body.usage) ? body.usage : undefined)
    return { embeddings, usage, usageStatus: usageStatusOf(usage), billing, servedModel: nonEmpty(body.model) }
  })
}
