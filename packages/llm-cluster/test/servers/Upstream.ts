/** A Chat Completions service on the loopback interface that counts what it is asked by the first word of each question. */
import { once } from "node:events"
import { createServer, type Server } from "node:http"

interface Asked {
  readonly messages: ReadonlyArray<{ readonly role: string; readonly content: unknown }>
}

/** A request that arrived. */
export interface Arrival {
  /** Which item it asked. */
  readonly id: string
  /** The key it came with, which names the process that asked. */
  readonly key: string
  readonly atMs: number
  /** When its connection was closed without an answer, because the asker gave up or died. */
  closedUnansweredMs: number | undefined
}

/** What is sent back: which item was asked, the HTTP status, and the body. */
interface Reply {
  readonly id: string
  readonly status: number
  readonly body: unknown
}

const completion = (id: string, message: object, reason: string) => ({
  id: `chatcmpl-${id}`,
  object: "chat.completion",
  created: 1,
  model: "gpt-5-mini",
  choices: [{ index: 0, message: { role: "assistant", ...message }, finish_reason: reason }],
  usage: { prompt_tokens: 10, completion_tokens: 5, total_tokens: 15 },
})

/** An agent that asks for the weather in Bonn, and says it when it knows it. */
const agent = ({ messages }: Asked): Reply => {
  const result = messages.find(({ role }) => role === "tool")
  if (result !== undefined) {
    const { degrees } = JSON.parse(String(result.content)) as { readonly degrees: number }
    const id = "agent-turn-1"
    return { id, status: 200, body: completion(id, { content: `it is ${degrees} degrees in Bonn` }, "stop") }
  }
  const call = { id: "call-1", type: "function", function: { name: "weather", arguments: '{"town":"Bonn"}' } }
  const id = "agent-turn-0"
  return { id, status: 200, body: completion(id, { content: null, tool_calls: [call] }, "tool_calls") }
}

const reply = (path: string, text: string): Reply => {
  if (path.includes("/weather/")) {
    return { id: `weather-${path.split("/").at(-1)}`, status: 200, body: { degrees: 21 } }
  }
  const asked = JSON.parse(text) as Asked
  const content = asked.messages[0]?.content
  const question = typeof content === "string" ? content : JSON.stringify(content)
  const id = question.split(" ", 1)[0] ?? ""
  if (id === "agent") return agent(asked)
  return question.includes("refuse")
    ? { id, status: 400, body: { error: { message: "this question is refused", type: "invalid_request_error" } } }
    : { id, status: 200, body: completion(id, { content: `answer to ${question}` }, "stop") }
}

/** Answers `answer to <question>` after `latencyMs`, or with a status of 400 where the question holds `refuse`. */
export class Upstream implements AsyncDisposable {
  /** How often each item was asked. */
  readonly asked = new Map<string, number>()
  /** Every request, in the order in which they arrived. */
  readonly arrivals: Array<Arrival> = []
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
        const { body, id, status } = reply(request.url ?? "", Buffer.concat(chunks).toString())
        this.asked.set(id, (this.asked.get(id) ?? 0) + 1)
        const key = (request.headers.authorization ?? "").replace("Bearer ", "")
        const arrival: Arrival = { id, key, atMs: performance.now(), closedUnansweredMs: undefined }
        this.arrivals.push(arrival)
        response.once("close", () => {
          if (!response.writableFinished) arrival.closedUnansweredMs = performance.now()
        })
        setTimeout(() => {
          response.writeHead(status, { "content-type": "application/json" })
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
