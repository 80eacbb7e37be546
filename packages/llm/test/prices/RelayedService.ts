/** A service's own address, answered by a loopback server: `fetch` carries every request there, as a proxy would. */
import { once } from "node:events"
import { createServer } from "node:http"
import { type GenerateResponse, type InterfaceOptions, LLMInterface, type LlmRequest } from "../../src/index.ts"

/** What the server says to each request: an object as JSON, a text as an event stream. */
export type Said = object | string

export interface Relayed {
  readonly response: GenerateResponse
  /** The body of the request. */
  readonly sent: any
}

/** Asks once, whole or as a stream, and gives what came of it. */
export const relayed = async (
  said: Said,
  options: InterfaceOptions,
  request: Partial<LlmRequest> & { readonly stream?: boolean } = {},
): Promise<Relayed> => {
  let sent = ""
  const server = createServer(async (incoming, response) => {
    for await (const chunk of incoming) sent += String(chunk)
    const type = typeof said === "string" ? "text/event-stream" : "application/json"
    response.writeHead(200, { "content-type": type })
    response.end(typeof said === "string" ? said : JSON.stringify(said))
  })
  server.listen(0, "127.0.0.1")
  await once(server, "listening")
  const address = server.address()
  const port = address !== null && typeof address === "object" ? address.port : 0
  const toLoopback: InterfaceOptions["fetch"] = (url, init) => {
    const { pathname, search } = new URL(String(url))
    return fetch(`http://127.0.0.1:${port}${pathname}${search}`, init)
  }
  const llm = new LLMInterface({ apiKey: "key", maxRetries: 0, logger: false, ...options, fetch: toLoopback })
  const { stream, ...fields } = request
  const asked: LlmRequest = { messages: [{ role: "user", content: "Say hello." }], ...fields }
  try {
    const response = stream === true ? await llm.stream(asked).response : await llm.generate(asked)
    return { response, sent: JSON.parse(sent) }
  } finally {
    await llm.dispose()
    server.closeAllConnections()
    server.close()
    await once(server, "close")
  }
}
