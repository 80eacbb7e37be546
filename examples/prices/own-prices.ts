import { LLMInterface, type OwnPrices } from "@wiseflow/llm"

// US dollars per million tokens, by the names of models: an own contract, a gateway, an Azure deployment.
const contract: OwnPrices = {
  "gpt-5-mini": { input: 0.2, output: 1.6, cachedInput: 0.02, tiers: { flex: 0.5 } },
  "azure/my-deployment": { input: 1.1, output: 8.8 },
}

// Or a function of the answer: a cost, null where it is not known, undefined to ask the built-in table.
const byFunction: OwnPrices = ({ provider, usage }) =>
  provider === "ollama" ? 0 : usage.outputTokens === undefined ? null : undefined

export const onContract = new LLMInterface({ provider: "openai", model: "gpt-5-mini", prices: contract })
export const mixed = new LLMInterface({ provider: "fallback", prices: byFunction })
