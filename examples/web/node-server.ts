import { once } from "node:events"
import { readFile } from "node:fs/promises"
import { createServer, type IncomingMessage, type ServerResponse } from "node:http"
import { json } from "node:stream/consumers"
import { LLMInterface } from "@wiseflow/llm"
import { whatToShow } from "./what-to-show.ts"

const llm = new LLMInterface()

/** Answers `{ "prompt": "…" }` with server-sent events: `text` for each piece, then `done` or `failed`. */
const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
  const body: unknown = await json(request)
  const prompt = typeof body === "object" && body !== null && "prompt" in body ? String(body.prompt) : ""

  // The client left, or has everything: an upstream connection that is still open closes.
  const left = new AbortController()
  response.on("close", () => left.abort())

  const send = async (event: string, data: unknown) => {
    const hasRoom = response.write(`event: ${event}\ndata: ${JSON.stringify(data)}\n\n`)
    // A slow client slows the model's stream, and no text piles up here.
    if (!hasRoom) await once(response, "drain", { signal: left.signal })
  }

  response.writeHead(200, { "content-type": "text/event-stream", "cache-control": "no-cache" })
  const stream = llm.stream({ messages: [{ role: "user", content: prompt }], signal: left.signal })
  try {
    for await (const event of stream) if (event.type === "text-delta") await send("text", event.delta)
  } catch {
    // Told below, as data.
  }
  if (left.signal.aborted) return
  const whole = await stream.response
  await send("error" in whole ? "failed" : "done", "error" in whole ? whatToShow(whole) : whole.metadata.usage)
  response.end()
}

export const server = createServer((request, response) => {
  const reply = async () => {
    if (request.method === "POST" && request.url === "/answer") return answer(request, response)
    const page = await readFile(new URL("page.html", import.meta.url))
    response.writeHead(200, { "content-type": "text/html; charset=utf-8" }).end(page)
  }
  reply().catch(() => response.destroy())
})

if (import.meta.main) server.listen(3000, "127.0.0.1", () => console.log("http://127.0.0.1:3000"))
