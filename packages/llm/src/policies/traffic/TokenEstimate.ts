/** About how many tokens a request reads, before anybody has counted them: for keeping pace and budgets, never for what an answer cost. */

/** Characters a token; texts in English have about four. */
const charactersPerToken = 4
/** What a character beyond ASCII takes: those of Chinese, Japanese and Korean take about a token, accented letters less. */
const otherCharacterTokens = 0.75
/** What an image, a file or any other long run of data counts at most. */
const dataTokens = 1500
/** Data in base64 is ASCII without blanks. No text of that script is this long without one; Chinese and Japanese have none. */
const isData = (text: string): boolean => text.length > 4 * dataTokens && !/[^!-~]/.test(text.slice(0, 2000))

const tokensOf = (text: string): number => {
  if (isData(text)) return dataTokens
  let others = 0
  for (let index = 0; index < text.length; index++) if (text.charCodeAt(index) > 0x7f) others += 1
  return (text.length - others) / charactersPerToken + others * otherCharacterTokens
}

/** The tokens that a request lets an answer have. It has not been checked yet: its limit may be anything. */
export const outputLimit = ({ maxTokens }: { readonly maxTokens?: unknown }, otherwise: number): number =>
  typeof maxTokens === "number" && maxTokens > 0 && Number.isFinite(maxTokens) ? maxTokens : otherwise

/** The tokens of every text in a request, tools and schemas included. */
export const estimateTokens = (request: unknown): number => {
  const waiting: Array<unknown> = [request]
  const seen = new Set<unknown>()
  let tokens = 0
  while (waiting.length > 0) {
    const value = waiting.pop()
    if (typeof value === "string") tokens += tokensOf(value)
    else if (value instanceof Uint8Array) tokens += dataTokens
    else if (typeof value === "object" && value !== null && !seen.has(value)) {
      seen.add(value)
      for (const inner of Object.values(value)) waiting.push(inner)
    }
  }
  return Math.ceil(tokens)
}
