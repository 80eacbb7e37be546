/** openai: the raw iterator that its README shows first, and the helper that also assembles the completion. */
import OpenAI from "openai"
import { apiKey, type FaultClient, type MakeFaultClient, models, prompt, timeoutMs } from "../FaultClient.ts"

const connect = (url: string) => new OpenAI({ apiKey, baseURL: `${url}/v1`, timeout: timeoutMs })
const request = { model: models.chat, messages: [{ role: "user" as const, content: prompt }] }

const generate =
  (client: OpenAI): FaultClient["generate"] =>
  async (signal) => {
    const completion = await client.chat.completions.create(request, { signal })
    const choice = completion.choices?.[0]
    return { text: choice?.message.content ?? "", finishReason: choice?.finish_reason }
  }

export const openAi: MakeFaultClient = (url) => {
  const client = connect(url)
  return {
    generate: generate(client),
    stream: async function* (signal) {
      let finishReason: string | undefined
      for await (const chunk of await client.chat.completions.create({ ...request, stream: true }, { signal })) {
        const choice = chunk.choices?.[0]
        finishReason = choice?.finish_reason ?? finishReason
        if (choice?.delta?.content) yield choice.delta.content
      }
      return finishReason
    },
  }
}

export const openAiHelper: MakeFaultClient = (url) => {
  const client = connect(url)
  return {
    generate: undefined,
    stream: async function* (signal) {
      const stream = client.chat.completions.stream(request, { signal })
      for await (const chunk of stream) {
        const content = chunk.choices?.[0]?.delta?.content
        if (content) yield content
      }
      return (await stream.finalChatCompletion()).choices[0]?.finish_reason
    },
  }
}
