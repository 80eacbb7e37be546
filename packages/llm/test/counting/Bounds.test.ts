/** The error bound of estimates, measured on recorded requests: what OpenAI and Azure charged lies within it. */
import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { estimateRequest } from "../../src/counting/RequestTokens.ts"
import { corpusIsThere } from "../Corpus.ts"
import { type RecordedRequest, recordedRequests } from "./RecordedRequests.ts"

interface Measured extends RecordedRequest {
  readonly estimated: number
  readonly errorBound: number
  readonly kind: "text" | "tools" | "calls" | "schema"
}

const kindOf = ({ request }: RecordedRequest): Measured["kind"] =>
  request.responseFormat !== undefined
    ? "schema"
    : request.messages.some(({ role }) => role === "tool")
      ? "calls"
      : request.tools === undefined
        ? "text"
        : "tools"

const measured = Effect.gen(function* () {
  const found: Array<Measured> = []
  let unknown = 0
  for (const recorded of recordedRequests()) {
    const count = yield* estimateRequest(recorded.request, recorded.model, { provider: "openai", wire: recorded.wire })
    if (count.type === "estimate") {
      found.push({ ...recorded, kind: kindOf(recorded), estimated: count.inputTokens, errorBound: count.errorBound })
    } else unknown += 1
  }
  return { found, unknown }
})

const error = ({ estimated, inputTokens }: Measured): number => Math.abs(inputTokens - estimated) / estimated
const isWithin = (one: Measured): boolean => error(one) <= one.errorBound
const quantile = (numbers: ReadonlyArray<number>, share: number): number =>
  numbers.toSorted((one, other) => one - other)[Math.floor(share * (numbers.length - 1))] ?? Number.NaN

/** Of each kind: the least share within the bound, and the largest error of half of them and of 90 in 100. */
const promised = {
  text: { within: 0.97, half: 0, most: 0.01 },
  tools: { within: 0.92, half: 0.05, most: 0.35 },
  calls: { within: 0.94, half: 0.06, most: 0.2 },
  schema: { within: 0.97, half: 0.07, most: 0.3 },
} as const

/** A request that several recordings share counts once for each model. */
const distinct = (all: ReadonlyArray<Measured>): ReadonlyArray<Measured> => [
  ...new Map(all.map((one) => [JSON.stringify([one.model, one.wire, one.request]), one])).values(),
]

describe.skipIf(!corpusIsThere)("an estimate of a recorded request", () => {
  it.live.each(["text", "tools", "calls", "schema"] as const)("of the kind %s is as near as its bound says", (kind) =>
    Effect.gen(function* () {
      const { found } = yield* measured
      const all = distinct(found.filter((one) => one.kind === kind))
      const errors = all.map(error)
      const { half, most, within } = promised[kind]
      expect(all.length).toBeGreaterThan(30)
      expect(all.filter(isWithin).length / all.length).toBeGreaterThanOrEqual(within)
      expect(quantile(errors, 0.5)).toBeLessThanOrEqual(half)
      expect(quantile(errors, 0.9)).toBeLessThanOrEqual(most)
    }),
  )

  it.live("has a bound that says something", () =>
    Effect.gen(function* () {
      const { found } = yield* measured
      const bounds = found.map(({ errorBound }) => errorBound)
      expect(Math.min(...bounds)).toBeGreaterThan(0)
      expect(Math.max(...bounds)).toBeLessThan(0.65)
      expect(quantile(bounds, 0.5)).toBeLessThan(0.3)
    }),
  )

  it.live("is none of those with pictures", () =>
    Effect.gen(function* () {
      const { unknown } = yield* measured
      expect(unknown).toBeGreaterThan(20)
    }),
  )
})
