/** What the redactor blanks: every spelling of a secret, no ordinary word, and within a bound. */
import { describe, expect, it } from "@effect/vitest"
import * as fc from "fast-check"
import { blank, maxLength, Redactor } from "../../src/settings/Redactor.ts"

const key = "sk-canary-7f3a9c1e5b2d8046"
const { redact } = new Redactor([key])

const percent = (text: string, lower = false): string =>
  Array.from(text, (character) => {
    const code = character.charCodeAt(0).toString(16)
    return `%${lower ? code : code.toUpperCase()}`
  }).join("")
const unicode = (text: string): string =>
  Array.from(text, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`).join("")
const entity = (text: string): string =>
  Array.from(text, (character) => `&#x${character.charCodeAt(0).toString(16)};`).join("")
const base64 = (text: string): string => Buffer.from(text).toString("base64")

const spellings: Readonly<Record<string, (secret: string) => string>> = {
  plain: (secret) => secret,
  "upper case": (secret) => secret.toUpperCase(),
  "lower case": (secret) => secret.toLowerCase(),
  "percent-encoded": (secret) => percent(secret),
  "percent-encoded in lower case": (secret) => percent(secret, true),
  "percent-encoded twice": (secret) => percent(percent(secret)),
  "JSON escapes": unicode,
  "JSON escapes inside JSON": (secret) => JSON.stringify(unicode(secret)),
  "HTML entities": entity,
  base64,
  "base64 for URLs, without padding": (secret) => Buffer.from(secret).toString("base64url"),
  "base64 of Basic credentials": (secret) => base64(`user:${secret}`),
  "base64 of a header": (secret) => base64(`Bearer ${secret}\r\n`),
}

/** What is left of a text without what stands around the secret. */
const left = (before: string, spelt: string, after: string): string => redact(`${before}${spelt}${after}`)

describe("a known secret is blanked", () => {
  it.each(Object.entries(spellings))("as %s", (_, spell) => {
    const text = left("before: ", spell(key), " :after")
    expect(text).toContain(blank)
    expect(text.startsWith("before: ")).toBe(true)
    expect(text.endsWith(" :after")).toBe(true)
    expect(text.length).toBeLessThan(60)
  })

  it("as every secret of eight characters or more, in every spelling", () => {
    const secret = fc.string({
      unit: fc.constantFrom(...Array.from({ length: 94 }, (_, index) => String.fromCharCode(33 + index))),
      minLength: 10,
      maxLength: 80,
    })
    const around = fc.string({ maxLength: 30 })
    const spelling = fc.constantFrom(...Object.keys(spellings))
    fc.assert(
      fc.property(secret, around, around, spelling, (value, before, after, name) => {
        const spelt = spellings[name]?.(value) ?? ""
        const shown = new Redactor([value]).redact(`${before} ${spelt} ${after}`)
        expect(shown).toContain(blank)
        expect(shown).not.toContain(spelt)
        for (let start = 0; start + 8 <= value.length; start++) {
          const piece = value.slice(start, start + 8)
          if (!`${before} ${after}`.includes(piece)) expect(shown).not.toContain(piece)
        }
      }),
    )
  })

  it.each([
    ["sk-ca***46", "***"],
    ["sk-canar...8046", "..."],
    ["sk-canary-****************8046", "****************"],
    ["sk-cana…d8046", "…"],
    ["sk-ca•••••46", "•••••"],
    ["sk-canxxxxxxxx046", "xxxxxxxx"],
    ["sk-can[REDACTED]8046", "[REDACTED]"],
    ["sk-can(...)8046", "(...)"],
    ["sk-can<hidden>8046", "<hidden>"],
  ])("by its visible ends in %s", (masked, mask) => {
    expect(redact(`key ${masked}, sorry`)).toBe(`key ${blank}${mask}${blank}, sorry`)
  })

  it("where only a part of it is shown", () => {
    expect(redact(`begins ${key.slice(0, 12)}`)).toBe(`begins ${blank}`)
    expect(redact(`ends ${key.slice(-12)}`)).toBe(`ends ${blank}`)
    expect(redact(`cut ${key.slice(0, 5)}…`)).toBe(`cut ${blank}…`)
    expect(redact(`cutbehind${key.slice(0, 6)}…`)).toBe(`cutbehind${blank}…`)
  })

  it("at each of its places, and beside others", () => {
    const { redact: two } = new Redactor([key, "0123456789abcdef"])
    expect(two(`${key} ${key} 0123456789ABCDEF`)).toBe(`${blank} ${blank} ${blank}`)
  })

  it("in a short text that held no secret before it was learnt", () => {
    const later = new Redactor(["hunter-two-is-a-secret"])
    const texts = Array.from({ length: 200 }, (_, index) => `model-${index}`)
    for (const text of [...texts, key, ...texts, key]) expect(later.redact(text)).toBe(text)
    later.learn([key])
    expect(later.redact(key)).toBe(blank)
    expect(later.redact("model-199")).toBe("model-199")
  })

  it("when it is learnt later, however many tokens are renewed", () => {
    const later = new Redactor()
    expect(later.redact(key)).toBe(key)
    later.learn([key])
    expect(later.redact(key)).toBe(blank)
    for (let renewed = 0; renewed < 1000; renewed++) later.learn([key, `renewed-token-${renewed}`])
    expect(later.redact(`${key} renewed-token-999`)).toBe(`${blank} ${blank}`)
  })
})

describe("a text without a secret stays as it is", () => {
  it("whatever it holds", () => {
    fc.assert(
      fc.property(fc.string({ maxLength: 200, unit: "binary" }), (text) => {
        fc.pre(!/[*•●·…#.x]|redacted|hidden|masked|truncated/i.test(text))
        expect(redact(text)).toBe(text)
      }),
    )
  })

  it("also with masks and dots that hide something else", () => {
    const text = "Please wait... **bold** a.b..c #### [redacted] gpt-4o xxxx 50% off & more \\n"
    expect(redact(text)).toBe(text)
  })
})

describe("a secret shorter than eight characters", () => {
  it("is blanked as a whole word only", () => {
    const { redact: short } = new Redactor(["sk-1234"])
    expect(short("key sk-1234 is not sk-12345")).toBe(`key ${blank} is not sk-12345`)
  })

  it("and one of letters only where something says that it is one", () => {
    const { redact: word } = new Redactor(["ollama"])
    expect(word("ollama is not running")).toBe("ollama is not running")
    expect(word("Authorization: Bearer ollama")).toBe(`Authorization: Bearer ${blank}`)
    expect(word('{"api_key":"ollama"}')).toBe(`{"api_key":"${blank}"}`)
  })

  it("and one of three is an ordinary word", () => {
    expect(new Redactor(["abc"]).redact("api_key: abc")).toBe("api_key: abc")
  })
})

describe("work is bounded", () => {
  const hostile = {
    words: "a".repeat(2 * maxLength),
    escapes: "\\u005c".repeat(maxLength),
    percent: "%25".repeat(maxLength),
    masks: "sk***".repeat(maxLength),
    beginnings: "sk-canary-7f3a9c1e5b2d804".repeat(maxLength),
    keys: key.repeat(maxLength / 16),
    entities: "&&&&&#x2d".repeat(maxLength),
  }
  it.each(Object.entries(hostile))("for a long text of %s, which is cut", (_, text) => {
    expect(redact(text).length).toBeLessThanOrEqual(4 * maxLength)
  })

  it("without a secret too", () => {
    expect(new Redactor().redact("a".repeat(2 * maxLength))).toHaveLength(maxLength + 1)
  })
})
