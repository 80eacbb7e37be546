/** A worker on an edge runtime: answers whole, as a value, or in pieces that it passes on as they come. */
import * as Schema from "effect/Schema"
import { LLMInterface } from "@wiseflow/llm"

/** What the runtime is configured with. */
interface Bindings {
  readonly apiBase: string
  readonly apiKey: string
}

const Capital = Schema.Struct({ city: Schema.String })

/** One event a line. Nothing is read ahead of the client, and a client that leaves ends the upstream's answer. */
const lines = (events: AsyncIterator<unknown>): ReadableStream<Uint8Array> =>
  new ReadableStream({
    pull: async (controller) => {
      const { done, value } = await events.next()
      if (done === true) controller.close()
      else controller.enqueue(new TextEncoder().encode(`${JSON.stringify(value)}\n`))
    },
    cancel: async () => {
      await events.return?.()
    },
  })

/** Answers one request; its body is the question. */
export const handle = async (request: Request, bindings: Bindings): Promise<Response> => {
  const llm = new LLMInterface({ provider: "openai", model: "gpt-5-mini", maxRetries: 0, ...bindings })
  const { signal } = request
  const messages = [{ role: "user", content: await request.text() }] as const
  switch (new URL(request.url).pathname) {
    case "/stream":
      return new Response(lines(llm.stream({ messages, signal })))
    case "/object":
      return Response.json(await llm.generateObject({ messages, signal, schema: Capital }))
    default:
      return Response.json(await llm.generate({ messages, signal }))
  }
}
