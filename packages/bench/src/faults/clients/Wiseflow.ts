/** @wiseflow/llm's promise surface. `generate` resolves with an error instead of rejecting; it is thrown on here. */
import { LLMInterface } from "@wiseflow/llm"
import type { WireName } from "../../../../llm/test/faults/WireText.ts"
import { apiKey, type MakeFaultClient, models, prompt } from "../FaultClient.ts"

const make =
  (wire: WireName): MakeFaultClient =>
  (url) => {
    const llm = new LLMInterface({
      provider: wire === "chat" ? "openai" : "anthropic",
      apiBase: wire === "chat" ? `${url}/v1` : url,
      apiKey,
      model: models[wire],
      timeout: "6 seconds",
    })
    const messages = [{ role: "user" as const, content: prompt }]
    return {
      generate: async (signal) => {
        const response = await llm.generate({ messages, signal })
        if ("error" in response) throw Object.assign(new Error(response.error), { name: response.errorType })
        return { text: response.text, finishReason: response.finishReason }
      },
      stream: async function* (signal) {
        const stream = llm.stream({ messages, signal })
        for await (const event of stream) if (event.type === "text-delta") yield event.delta
        const response = await stream.response
        return "finishReason" in response ? response.finishReason : undefined
      },
    }
  }

export const wiseflowChat: MakeFaultClient = make("chat")
export const wiseflowMessages: MakeFaultClient = make("messages")
