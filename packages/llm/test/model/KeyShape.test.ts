/** What looks like a key, and what is shown of it: nothing. */
import { describe, expect, it } from "vitest"
import { beginsLikeKey, looksLikeKey, shownModel, shownValue, withoutKeys } from "../../src/model/KeyShape.ts"

const key = "sk-abcdefghijklmnopq"

describe("a text", () => {
  it.each([
    ["the beginning of a key", "sk-abcdefgh"],
    ["one within a text", "my key is (sk_abcdefgh)"],
    ["a token of a bearer", "Bearer abcdefgh"],
    ["one after a long text", `${"-".repeat(4000)} ${key}`],
    ["20 letters and digits without a pattern", "abcdefghijklmnopqrs1"],
    ["a random word between others", "the abcdefghijklmnopqrs1, then"],
    ["28 letters of both cases without a pattern", "abcdefghijklmnopqrstuvwxyzAB"],
    ["eight characters that come three times each", "abcdefg1".repeat(3)],
  ])("with %s looks like a key", (_, text) => {
    expect(looksLikeKey(text)).toBe(true)
  })

  it.each([
    ["nothing", ""],
    ["a model's name", "claude-sonnet-4-5-20250929"],
    ["seven characters after the beginning of a key", "sk-abcdefg"],
    ["the beginning of a key within a word", "task-abcdefgh"],
    ["19 letters and digits", "abcdefghijklmnopqr1"],
    ["27 letters of both cases", "abcdefghijklmnopqrstuvwxyzA"],
    ["28 letters of one case", "abcdefghijklmnopqrstuvwxyzab"],
    ["28 capitals", "ABCDEFGHIJKLMNOPQRSTUVWXYZAB"],
    ["digits alone", "12345678901234567890"],
    ["seven characters that come three times each", "abcdef1".repeat(3)],
    ["a key behind the first 4,096 characters", `${"-".repeat(4100)} ${key}`],
  ])("with %s does not", (_, text) => {
    expect(looksLikeKey(text)).toBe(false)
  })

  it("has its keys blanked where they are as long as one, and what stands before them stays", () => {
    expect(withoutKeys(`not ${key}, and not (${key}1)`)).toBe("not <redacted>, and not (<redacted>)")
    expect(withoutKeys(key.slice(0, 19))).toBe(key.slice(0, 19))
    expect(withoutKeys("no key")).toBe("no key")
  })
})

describe("a name that begins like a key", () => {
  it.each([
    [key, true],
    [key.slice(0, 19), false],
    [`the model ${key}`, false],
    ["claude-sonnet-4-5-20250929", false],
  ])("%s: %s", (text, begins) => {
    expect(beginsLikeKey(text)).toBe(begins)
    expect(shownModel(text)).toBe(begins ? "<redacted>" : text)
  })
})

describe("a value of a wrong kind", () => {
  it.each([
    ["hot", '"hot"'],
    ["a".repeat(16), `"${"a".repeat(16)}"`],
    ["a".repeat(17), "a text"],
    ["sk-abcdefgh", "a text"],
    [5, "5"],
    [Number.NaN, "NaN"],
    [1n, "1"],
    [true, "true"],
    [undefined, "undefined"],
    [null, "null"],
    [{ key }, "an object"],
    [[key], "an object"],
    [Symbol(key), "a symbol"],
    [() => key, "a function"],
  ] as ReadonlyArray<readonly [unknown, string]>)("is shown without what may be a key (case %#)", (value, shown) => {
    expect(shownValue(value)).toBe(shown)
  })
})
