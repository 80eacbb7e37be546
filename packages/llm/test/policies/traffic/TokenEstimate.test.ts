/** How many tokens a request may read is told by the length of its texts, and by their script. */
import { expect, it } from "vitest"
import { estimateTokens } from "../../../src/policies/traffic/TokenEstimate.ts"

it.each([
  ["English: four characters a token", { content: "x".repeat(400) }, 100],
  ["Chinese: most characters a token", { content: "\u4f60\u597d".repeat(200) }, 300],
  ["accents within Latin text", { content: "caf\u00e9 ".repeat(80) }, 80 * (4 / 4 + 0.75)],
  ["texts wherever they are", { messages: [{ content: ["x".repeat(40)] }], tools: [{ name: "y".repeat(40) }] }, 20],
  ["data in base64 as one picture", { data: "A".repeat(1_000_000) }, 1500],
  ["bytes as one picture", { data: new Uint8Array(10) }, 1500],
  ["base64 that ends in a line break as one picture", { data: `${"A".repeat(10_000)}\n` }, 1500],
  ["a long text with blanks by its length", { content: "word ".repeat(10_000) }, 12_500],
  ["a long Chinese text, which has no blanks, by its length", { content: "\u4f60".repeat(20_000) }, 15_000],
  ["the last character of ASCII as English", { content: "\u007f".repeat(400) }, 100],
  ["the first one beyond ASCII as foreign", { content: "\u0080".repeat(400) }, 300],
  ["data of the length of the longest text still as a text", { content: "!".repeat(5999) }, 1500],
  ["values that are no texts, as JSON schemas have them, as nothing", { a: null, b: undefined, c: 7, d: true }, 0],
  ["nothing", {}, 0],
])("%s", (_, request, tokens) => {
  expect(estimateTokens(request)).toBe(tokens)
})

it("ends for a request that holds itself", () => {
  const request: Record<string, unknown> = { content: "x".repeat(40) }
  request["self"] = request
  expect(estimateTokens(request)).toBe(10)
})
