/**
 * The floor: the least that can be done on Node without giving up correct HTTP. No retry, no timeout of the whole call, no
 * validation, no error mapping.
 */
import { Agent, request } from "undici"
import { apiKey, chatModel, type Connect, maxTokens } from "./Client.ts"
import { readDataLines } from "./DataLines.ts"

interface Completion {
  readonly choices: ReadonlyArray<{ readonly message: { readonly content: string } }>
}

interface Chunk {
  readonly choices: ReadonlyArray<{ readonly delta: { readonly content?: string } }>
}

export const connect: Connect = (apiBase) => {
  const dispatcher = new Agent({ keepAliveTimeout: 60_000 })
  const url = `${apiBase}/chat/completions`
  const headers = { "content-type": "application/json", authorization: `Bearer ${apiKey}` }
  const post = async (body: object) => {
    const response = await request(url, { method: "POST", dispatcher, headers, body: JSON.stringify(body) })
    if (response.statusCode !== 200) throw new Error(`status ${response.statusCode}`)
    return response.body
  }
  return {
    call: async (messages) => {
      const body = await post({ model: chatModel, messages, max_completion_tokens: maxTokens })
      const completion = (await body.json()) as Completion
      return completion.choices[0]?.message.content ?? ""
    },
    stream: async (messages, onPiece) => {
      const body = await post({
        model: chatModel,
        messages,
        max_completion_tokens: maxTokens,
        stream: true,
        stream_options: { include_usage: true },
      })
      body.setEncoding("utf8")
      await readDataLines(body, (data) => {
        if (data === "[DONE]") return
        const content = (JSON.parse(data) as Chunk).choices[0]?.delta.content
        if (content !== undefined && content.length > 0) onPiece(content)
      })
    },
  }
}
