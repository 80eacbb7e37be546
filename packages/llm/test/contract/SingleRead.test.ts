/** What comes and breaks within one read of the socket. */
import { createServer } from "node:http"
import { describe, expect, it } from "vitest"
import { LLMInterface } from "../../src/index.ts"

describe("law 1, in a single read", () => {
  it("tells the text of an answer that ends in the same write that it came in", async () => {
    const text = `data: ${JSON.stringify({ choices: [{ index: 0, delta: { content: "Hel" } }] })}\n\ndata: [DONE]\n\n`
    const server = createServer((request, response) => {
      request.resume().on("end", () => response.writeHead(200, { "content-type": "text/event-stream" }).end(text))
    })
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))
    const address = server.address()
    const port = address === null || typeof address === "string" ? 0 : address.port
    await using llm = new LLMInterface({
      provider: "openai",
      model: "gpt-5-mini",
      apiKey: "sk-test",
      apiBase: `http://127.0.0.1:${port}/v1`,
      maxRetries: 0,
    })
    const stream = llm.stream({ messages: [{ role: "user", content: "Say hello." }] })
    expect(await stream.response).toMatchObject({
      text: "",
      errorType: "StreamInterruptedError",
      partialText: "Hel",
    })
    server.closeAllConnections()
    server.close()
  })
})
