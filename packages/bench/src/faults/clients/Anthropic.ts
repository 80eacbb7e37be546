/** @anthropic-ai/sdk: the raw iterator, and the helper that also assembles the message. */
import Anthropic from "@anthropic-ai/sdk"
import { apiKey, type MakeFaultClient, models, prompt, timeoutMs } from "../FaultClient.ts"

const connect = (url: string) => new Anthropic({ apiKey, baseURL: url, timeout: timeoutMs })
const request = { model: models.messages, max_tokens: 100, messages: [{ role: "user" as const, content: prompt }] }

export const anthropic: MakeFaultClient = (url) => {
  const client = connect(url)
  return {
    generate: async (signal) => {
      const message = await client.messages.create(request, { signal })
      const text = message.content?.map((block) => (block.type === "text" ? block.text : "")).join("") ?? ""
      return { text, finishReason: message.stop_reason ?? undefined }
    },
    stream: async function* (signal) {
      let finishReason: string | undefined
      for await (const event of await client.messages.create({ ...request, stream: true }, { signal })) {
        if (event.type === "message_delta") finishReason = event.delta.stop_reason ?? undefined
        if (event.type === "content_block_delta" && event.delta.type === "text_delta") yield event.delta.text
      }
      return finishReason
    },
  }
}

export const anthropicHelper: MakeFaultClient = (url) => {
  const client = connect(url)
  return {
    generate: undefined,
    stream: async function* (signal) {
      const stream = client.messages.stream(request, { signal })
      for await (const event of stream) {
        if (event.type === "content_block_delta" && event.delta.type === "text_delta") yield event.delta.text
      }
      return (await stream.finalMessage()).stop_reason ?? undefined
    },
  }
}
