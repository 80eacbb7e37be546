/** Tokens that are each counted once, whichever way a service counts its reasoning and its cache. */
import { describe, expect, it } from "vitest"
import { bucketsOf } from "../../src/call/UsageBuckets.ts"

const unknown = { total: undefined, uncached: undefined, cacheRead: undefined, cacheWrite: undefined }
const silent = { total: undefined, text: undefined, reasoning: undefined }

describe("the input", () => {
  it("is what was read anew, from the cache, and to be cached", () => {
    const { input } = bucketsOf({ inputTokens: 100, cachedInputTokens: 30, cacheWriteTokens: 20 })
    expect(input).toEqual({ total: 100, uncached: 50, cacheRead: 30, cacheWrite: 20 })
  })

  it("has nothing to be cached where nothing is said of it", () => {
    const { input } = bucketsOf({ inputTokens: 100, cachedInputTokens: 30 })
    expect(input).toEqual({ total: 100, uncached: 70, cacheRead: 30, cacheWrite: undefined })
  })

  it("is not told apart where the service does not", () => {
    expect(bucketsOf({ inputTokens: 100 }).input).toEqual({ ...unknown, total: 100 })
    expect(bucketsOf({ cachedInputTokens: 30 }).input).toEqual({ ...unknown, cacheRead: 30 })
    expect(bucketsOf({}).input).toEqual(unknown)
  })
})

describe("the output", () => {
  it("holds the reasoning", () => {
    const { output } = bucketsOf({ inputTokens: 5, outputTokens: 100, reasoningTokens: 60, totalTokens: 105 })
    expect(output).toEqual({ total: 100, text: 40, reasoning: 60 })
  })

  it("and the reasoning beside it are the whole output where only the total holds both", () => {
    const { output } = bucketsOf({ inputTokens: 5, outputTokens: 100, reasoningTokens: 60, totalTokens: 165 })
    expect(output).toEqual({ total: 160, text: 100, reasoning: 60 })
  })

  it("is text alone where nothing was reasoned", () => {
    const { output } = bucketsOf({ inputTokens: 5, outputTokens: 100, reasoningTokens: 0, totalTokens: 105 })
    expect(output).toEqual({ total: 100, text: 100, reasoning: 0 })
  })

  it("is not told apart where the service does not", () => {
    expect(bucketsOf({ outputTokens: 100 }).output).toEqual({ ...silent, total: 100 })
    expect(bucketsOf({ reasoningTokens: 60 }).output).toEqual({ ...silent, reasoning: 60 })
    expect(bucketsOf({ inputTokens: 5, totalTokens: 105, outputTokens: 100 }).output).toEqual({ ...silent, total: 100 })
    expect(bucketsOf({ outputTokens: 100, reasoningTokens: 60, totalTokens: 160 }).output.total).toBe(100)
    expect(bucketsOf({ inputTokens: 5, reasoningTokens: 60, totalTokens: 65 }).output.total).toBeUndefined()
  })

  it("is in whole tokens", () => {
    expect(bucketsOf({ outputTokens: 1.6 }).output.total).toBe(2)
  })
})
