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
  ["nothing", {}, 0],
])("%s", (_, request, tokens) => {
  expect(estimateTokens(request)).toBe(tokens)
})

it("ends for a request that holds itself", () => {
  const request: Record<string, unknown> = { content: "x".repeat(40) }
  request["self"] = request
  expect(estimateTokens(request)).toBe(10)
})
