/**
 * The server of a page: its script, under a policy that allows no other source and no generated code, and the proxy that
 * adds the key to what the page asks. The page counts as loaded when it says that it has finished.
 */
import { once } from "node:events"
import { createServer, type IncomingMessage, type ServerResponse } from "node:http"
import { pipeline } from "node:stream/promises"
import { buffer } from "node:stream/consumers"

const html = `<!doctype html><title>page</title><body>
<img src="/finished-loading" alt=""><script type="module" src="/page.js"></script>`

const policy = "default-src 'none'; script-src 'self'; connect-src 'self'; img-src 'self'"

export interface PageOptions {
  readonly script: string
  /** Where the proxy asks, and the key that it adds. */
  readonly upstream: string
  readonly apiKey: string
  /** Called when the page says that it has seen a piece. */
  readonly seen: () => void
}

/** Starts the server; `url` is the page's. */
export const servePage = async ({ apiKey, script, seen, upstream }: PageOptions) => {
  let finish = () => {}
  const finished = new Promise<void>((resolve) => {
    finish = resolve
  })

  const proxy = async (request: IncomingMessage, response: ServerResponse) => {
    const left = new AbortController()
    response.once("close", () => left.abort())
    const answer = await fetch(`${upstream}${request.url}`, {
      method: "POST",
      headers: { "content-type": "application/json", authorization: `Bearer ${apiKey}` },
      body: await buffer(request),
      redirect: "manual",
      signal: left.signal,
    })
    response.writeHead(answer.status, Object.fromEntries(answer.headers)).flushHeaders()
    await pipeline(answer.body ?? [], response)
  }

  const paths: Record<string, (response: ServerResponse) => void> = {
    "/": (response) =>
      response.writeHead(200, { "content-type": "text/html", "content-security-policy": policy }).end(html),
    "/page.js": (response) => response.writeHead(200, { "content-type": "text/javascript" }).end(script),
    "/finished-loading": (response) => void finished.then(() => response.writeHead(204).end()),
    "/finished": (response) => {
      finish()
      response.end()
    },
    "/seen": (response) => {
      seen()
      response.end()
    },
  }

  const server = createServer((request, response) => {
    const page = paths[request.url ?? ""]
    if (page !== undefined) page(response)
    else if (request.url?.startsWith("/v1/") === true) void proxy(request, response).catch(() => response.destroy())
    else response.writeHead(404).end()
  })
  server.listen(0, "127.0.0.1")
  await once(server, "listening")
  const address = server.address()
  if (address === null || typeof address === "string") throw new Error("the page has no port")
  return {
    url: `http://127.0.0.1:${address.port}/`,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections()
      server.close()
      await once(server, "close")
    },
  }
}
