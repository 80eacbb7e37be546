import { LLMInterface } from "@wiseflow/llm"
import { whatToShow } from "./what-to-show.ts"

const llm = new LLMInterface()

/**
 * Answers `{ "prompt": "…" }` with server-sent events, for every framework that takes a `Request` and gives a `Response`:
 *
 *   Next       app/answer/route.ts      export { POST } from "./route-handler.ts"
 *   Hono       app.post("/answer", (context) => POST(context.req.raw))
 *   Remix      export const action = ({ request }) => POST(request)
 */
export const POST = async (request: Request): Promise<Response> => {
  const { prompt }: { readonly prompt?: unknown } = await request.json()
  const stream = llm.stream({ messages: [{ role: "user", content: String(prompt) }], signal: request.signal })
  const encoder = new TextEncoder()
  const eventOf = (event: string, data: unknown) => encoder.encode(`event: ${event}\ndata: ${JSON.stringify(data)}\n\n`)

  const body = new ReadableStream<Uint8Array>({
    // Called where the client has room: a slow client slows the model's stream.
    async pull(controller) {
      try {
        for (let next = await stream.next(); !next.done; next = await stream.next()) {
          if (next.value.type === "text-delta") return controller.enqueue(eventOf("text", next.value.delta))
        }
      } catch {
        // Told below, as data.
      }
      const whole = await stream.response
      controller.enqueue(
        "error" in whole ? eventOf("failed", whatToShow(whole)) : eventOf("done", whole.metadata.usage),
      )
      controller.close()
    },
    // The client left: the upstream connection closes.
    async cancel() {
      await stream.return()
    },
  })
  return new Response(body, { headers: { "content-type": "text/event-stream", "cache-control": "no-cache" } })
}
