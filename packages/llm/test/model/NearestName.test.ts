/** Which name is meant by an unknown one: the nearest, if one is near. */
import * as fc from "fast-check"
import { expect, it } from "vitest"
import { nearestName } from "../../src/model/NearestName.ts"

const known = ["messages", "model", "maxTokens", "maxRetries", "temperature", "stop", "topP", "apiBase", "signal"]

it.each([
  ["max_tokens", "maxTokens"],
  ["MAXTOKENS", "maxTokens"],
  ["maxRetires", "maxRetries"],
  ["temprature", "temperature"],
  ["message", "messages"],
  ["mdoel", "model"],
  ["top_p", "topP"],
  ["baseURL", "apiBase"],
  ["abortSignal", "signal"],
  ["maxOutputTokens", "maxTokens"],
  ["stream", undefined],
  ["x", undefined],
  ["", undefined],
  ["m".repeat(100_000), undefined],
])("%s means %s", (name, meant) => {
  expect(nearestName(name, known)).toBe(meant)
})

it("finds a known name with one letter wrong, and never invents one", () => {
  fc.assert(
    fc.property(fc.constantFrom("messages", "maxTokens", "temperature"), fc.nat(5), (name, at) => {
      expect(nearestName(`${name.slice(0, at)}q${name.slice(at + 1)}`, known)).toBe(name)
    }),
  )
  fc.assert(
    fc.property(fc.string(), (name) => {
      expect([undefined, ...known]).toContain(nearestName(name, known))
    }),
  )
})
