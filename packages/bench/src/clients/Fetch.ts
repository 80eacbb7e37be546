/** Node's own `fetch`, with server-sent events by hand. */
import { apiKey, chatModel, type Connect, maxTokens } from "./Client.ts"
import { readDataLines } from "./DataLines.ts"

interface Completion {
  readonly choices: ReadonlyArray<{ readonly message: { readonly content: string } }>
}

interface Chunk {
  readonly choices: ReadonlyArray<{ readonly delta: { readonly content?: string } }>
}

async function* texts(body: ReadableStream<Uint8Array>): AsyncGenerator<string> {
  const decoder = new TextDecoder()
  for await (const bytes of body) yield decoder.decode(bytes, { stream: true })
}

export const connect: Connect = (apiBase) => {
  const post = async (body: object) => {
    const response = await fetch(`${apiBase}/chat/completions`, {
      method: "POST",
      headers: { "content-type": "application/json", authorization: `Bearer ${apiKey}` },
      body: JSON.stringify(body),
    })
    if (!response.ok) throw new Error(`status ${response.status}`)
    return response
  }
  return {
    call: async (messages) => {
      const response = await post({ model: chatModel, messages, max_completion_tokens: maxTokens })
      return ((await response.json()) as Completion).choices[0]?.message.content ?? ""
    },
    stream: async (messages, onPiece) => {
      const response = await post({
        model: chatModel,
        messages,
        max_completion_tokens: maxTokens,
        stream: true,
        stream_options: { include_usage: true },
      })
      if (response.body === null) throw new Error("no body")
      await readDataLines(texts(response.body), (data) => {
        if (data === "[DONE]") return
        const content = (JSON.parse(data) as Chunk).choices[0]?.delta.content
        if (content !== undefined && content.length > 0) onPiece(content)
      })
    },
  }
}
