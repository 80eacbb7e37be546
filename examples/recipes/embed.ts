import { embed, unwrap } from "@wiseflow/llm"

// EMBEDDING_MODEL says who embeds: text-embedding-3-small, voyage/voyage-3.5 …
const pages = [
  "Invoices are paid within thirty days.",
  "The office is closed on Sundays.",
  "A parcel to Norway takes four days.",
]
const question = "When do I have to pay?"

const { embeddings, metadata } = unwrap(await embed({ inputs: [question, ...pages] }))
const [asked = [], ...known] = embeddings

const similarity = (vector: ReadonlyArray<number>): number => {
  const dot = vector.reduce((sum, number, place) => sum + number * (asked[place] ?? 0), 0)
  return dot / (Math.hypot(...vector) * Math.hypot(...asked))
}

const ranked = pages
  .map((page, place) => ({ page, score: similarity(known[place] ?? []) }))
  .toSorted((one, other) => other.score - one.score)

for (const { page, score } of ranked) console.log(score.toFixed(2), page)
console.log(`${metadata.usage.inputTokens ?? "?"} tokens by ${metadata.model}`)
