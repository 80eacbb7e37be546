/** A client of any `LLMInterface`. */
import type { LLMInterface } from "@wiseflow/llm"
import type { Client } from "./Client.ts"

export const promiseClient = (llm: LLMInterface): Client => ({
  call: async (messages) => {
    const response = await llm.generate({ messages })
    if ("error" in response) throw new Error(`${response.errorType}: ${response.error}`)
    return response.text
  },
  stream: async (messages, onPiece) => {
    for await (const event of llm.stream({ messages })) {
      if (event.type === "text-delta") onPiece(event.delta)
    }
  },
})
