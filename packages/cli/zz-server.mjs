import { LLMock } from "@copilotkit/aimock"
const u = new LLMock({ host: "127.0.0.1", port: 4599, latency: 40, chunkSize: 14 })
const content = `# A quick soup

Heat **two tablespoons** of oil in a pot, add an onion and \`three\` carrots, and let them soften for five minutes; see [the recipe](https://example.com/recipes/soup) for details. 日本語の文字も正しく折り返されるはずです。そして続きます。

1. Add a litre of stock
2. Simmer for *twenty* minutes
   - stir now and then

| Ingredient | Amount | Remark |
|---|---|---|
| Carrots | 3 | any colour, but orange ones keep the look that people expect of it |
| Onion | 1 | |

\`\`\`ts
const soup = await cook({ carrots: 3, onions: 1, stock: "1 l", minutes: 20, lid: false, serve: "hot, with bread" })
\`\`\`

> Serve hot. \u001b[31mNot red\u001b[0m

Done.`
u.onMessage(/.*/, { content, usage: { prompt_tokens: 12, completion_tokens: 180 } })
await u.start()
setTimeout(() => process.exit(0), 1500_000)
