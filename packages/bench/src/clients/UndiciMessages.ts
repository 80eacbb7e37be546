/** The floor for Anthropic Messages: the same as the floor for Chat Completions, with the other wire format. */
import { Agent, request } from "undici"
import { apiKey, type Connect, maxTokens, messagesModel } from "./Client.ts"
import { readDataLines } from "./DataLines.ts"

interface Message {
  readonly content: ReadonlyArray<{ readonly text: string }>
}

interface MessageEvent {
  readonly type: string
  readonly delta?: { readonly text?: string }
}

export const connect: Connect = (apiBase) => {
  const dispatcher = new Agent({ keepAliveTimeout: 60_000 })
  const url = `${apiBase}/v1/messages`
  const headers = { "content-type": "application/json", "x-api-key": apiKey, "anthropic-version": "2023-06-01" }
  const post = async (body: object) => {
    const response = await request(url, { method: "POST", dispatcher, headers, body: JSON.stringify(body) })
    if (response.statusCode !== 200) throw new Error(`status ${response.statusCode}`)
    return response.body
  }
  return {
    call: async (messages) => {
      const body = await post({ model: messagesModel, messages, max_tokens: maxTokens })
      return ((await body.json()) as Message).content[0]?.text ?? ""
    },
    stream: async (messages, onPiece) => {
      const body = await post({ model: messagesModel, messages, max_tokens: maxTokens, stream: true })
      body.setEncoding("utf8")
      await readDataLines(body, (data) => {
        const event = JSON.parse(data) as MessageEvent
        if (event.type === "content_block_delta" && event.delta?.text !== undefined) onPiece(event.delta.text)
      })
    },
  }
}
