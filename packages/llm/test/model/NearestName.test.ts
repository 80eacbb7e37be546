/** Which name is meant by an unknown one: the nearest, if one is near. */
import * as fc from "fast-check"
import { expect, it } from "vitest"
import { nearestName, strangerIn, suggestion } from "../../src/model/NearestName.ts"

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

it.each([
  ["abc", "abd", true],
  ["abc", "ade", false],
  ["abcdef", "abcdxy", true],
  ["abcdef", "abcxyz", false],
  ["abcdefghi", "abcdefxyz", true],
  ["abcdefghi", "abcdewxyz", false],
  ["abcdefghijkl", "abcdefghwxyz", false],
  ["abcd", "abdc", true],
  ["badc", "abcd", false],
  ["abc", "ab", true],
  ["ab", "abc", true],
  ["a", "b", true],
  ["ab", "ba", true],
  ["ca", "abc", false],
  ["abcdefghi", "abcdef", true],
  ["abcdef", "abcdefghi", false],
  ["abcdefxhi", "abcdefih", true],
  ["abcdef", "abcdefgh", true],
  ["xabcdefgh", "abcdefgh", true],
  ["xyzabcdefghi", "abcdefghi", true],
  ["abcdefghi", "xycdefgih", true],
  ["abcdefghi", "xyzdefgih", false],
  ["apq", "aqr", false],
  ["apq", "arp", false],
])("%s is near to %s: %s (a letter in three, three at most; two that are swapped are one)", (name, other, isNear) => {
  expect(nearestName(name, [other])).toBe(isNear ? other : undefined)
})

it("guesses fewer letters where it is told to", () => {
  expect(nearestName("abcdefghi", ["abcdefgxy"], 2)).toBe("abcdefgxy")
  expect(nearestName("abcdefghi", ["abcdefxyz"], 2)).toBeUndefined()
})

it("finds the nearest of several, and the first of two that are as near", () => {
  expect(nearestName("maxTokenz", ["maxTokenab", "maxTokens", "maxTokend"])).toBe("maxTokens")
  expect(nearestName("model", ["modem", "models"])).toBe("modem")
})

it("takes what another library calls it before what is spelt like it", () => {
  expect(nearestName("system", ["systems", "messages"])).toBe("messages")
  expect(nearestName("system", ["systems"])).toBe("systems")
})

it("guesses for names of up to 64 characters", () => {
  const name = "n".repeat(64)
  expect(nearestName(name, [name])).toBe(name)
  expect(nearestName(`${name}n`, [name])).toBeUndefined()
})

it("suggests a name only where one is near", () => {
  expect(suggestion("temprature", known)).toBe('; did you mean "temperature"?')
  expect(suggestion("xyzzy", known)).toBe("")
})

it("says what is wrong with the first option that does not exist, and which ones there are", () => {
  expect(strangerIn({}, known)).toBeUndefined()
  expect(strangerIn({ model: 1, stop: 1 }, known)).toBeUndefined()
  expect(strangerIn({ model: 1, stopp: 1, xyzzy: 1 }, known)).toBe('there is no option stopp; did you mean "stop"?')
  expect(strangerIn({ xyzzy: 1 }, ["usd", "tokens"])).toBe("there is no option xyzzy; there are usd, tokens")
  expect(strangerIn({ "sk-abcdefghijklmnop": 1 }, ["usd"])).toBe("there is no option of that name; there are usd")
})
