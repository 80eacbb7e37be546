import { LLMInterface } from "@wiseflow/llm"
import { languageModel } from "@wiseflow/llm/ai-sdk"
import { generateText } from "ai"

await using llm = new LLMInterface({ fallbacks: [{ provider: "anthropic", model: "claude-sonnet-5" }] })

const { text, usage } = await generateText({ model: languageModel(llm), prompt: "Hello, world!" })

console.log(text, usage.totalTokens)
