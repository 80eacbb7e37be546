/** A Chat Completions service on the loopback interface that counts what it is asked by the first word of each question. */
import { once } from "node:events"
import { createServer, type Server } from "node:http"

interface Asked {
  readonly messages: ReadonlyArray<{ readonly role: string; readonly content: unknown }>
}

const textOf = ({ messages }: Asked): string => {
  const content = messages.at(-1)?.content
  return typeof content === "string" ? content : JSON.stringify(content)
}

/** Answers `answer to <question>` after `latencyMs`, or with a status of 400 where the question holds `refuse`. */
export class Upstream implements AsyncDisposable {
  /** How often each item was asked. */
  readonly asked = new Map<string, number>()
  /** The most requests that were open at once. */
  mostOpen = 0
  private open = 0
  private readonly server: Server

  private constructor(latencyMs: number) {
    this.server = createServer((request, response) => {
      const chunks: Array<Buffer> = []
      response.once("close", () => {
        this.open--
      })
      this.open++
      this.mostOpen = Math.max(this.mostOpen, this.open)
      request.on("data", (chunk: Buffer) => chunks.push(chunk))
      request.on("end", () => {
        const question = textOf(JSON.parse(Buffer.concat(chunks).toString()) as Asked)
        const id = question.split(" ", 1)[0] ?? ""
        this.asked.set(id, (this.asked.get(id) ?? 0) + 1)
        const isRefused = question.includes("refuse")
        const body = isRefused
          ? { error: { message: "this question is refused", type: "invalid_request_error" } }
          : {
              id: `chatcmpl-${id}`,
              object: "chat.completion",
              created: 1,
              model: "gpt-5-mini",
              choices: [
                { index: 0, message: { role: "assistant", content: `answer to ${question}` }, finish_reason: "stop" },
              ],
              usage: { prompt_tokens: 10, completion_tokens: 5, total_tokens: 15 },
            }
        setTimeout(() => {
          response.writeHead(isRefused ? 400 : 200, { "content-type": "application/json" })
          response.end(JSON.stringify(body))
        }, latencyMs)
      })
    })
  }

  static async start(latencyMs: number): Promise<Upstream> {
    const upstream = new Upstream(latencyMs)
    upstream.server.listen(0, "127.0.0.1")
    await once(upstream.server, "listening")
    return upstream
  }

  get url(): string {
    const address = this.server.address()
    return `http://127.0.0.1:${address !== null && typeof address === "object" ? address.port : 0}/v1`
  }

  /** Requests beyond the first for an item. */
  get duplicates(): number {
    let more = 0
    for (const times of this.asked.values()) more += times - 1
    return more
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const closed = once(this.server, "close")
    this.server.close()
    this.server.closeAllConnections()
    await closed
  }
}
