/** The library in a worker on an edge runtime: no module of Node's, no global of Node's, no generated code. */
import { assert, beforeAll, describe, it, vi } from "vitest"
import { answers, beginEvents, chatPieces, listen, refuses, type Reply } from "../guide/LoopbackUpstream.ts"
import { build } from "./Built.ts"
import { type Bundle, bundle, edge } from "./Bundle.ts"
import { type EdgeRuntime, start } from "./EdgeRuntime.ts"
import { pieceByPiece } from "./PieceByPiece.ts"

let bundled: Bundle
let runtime: EdgeRuntime

beforeAll(async () => {
  await build()
  bundled = await bundle("worker.ts", edge)
  runtime = start(bundled.text)
})

/** Asks the worker, whose provider answers so. */
const ask = async (path: string, reply: Reply, signal?: AbortSignal) => {
  const upstream = await listen(reply)
  const request = new Request(`https://edge.test${path}`, {
    method: "POST",
    body: "Say hello.",
    signal: signal ?? null,
  })
  const answer = runtime.worker.handle(request, { apiBase: upstream.url, apiKey: "sk-edge" })
  return { answer, upstream, [Symbol.asyncDispose]: () => upstream[Symbol.asyncDispose]() }
}

describe("the bundle", () => {
  it("imports nothing, of Node's or anybody's", () => {
    assert.isEmpty(bundled.imports)
    assert.notMatch(bundled.text, /\brequire\(|\bimport\(|\bfrom\s*["']node:/)
  })

  it("holds the transport by fetch, and nothing of undici", () => {
    assert.isTrue(bundled.files.some((file) => file.endsWith("/transport/fetch/FetchTransport.js")))
    assert.isEmpty(bundled.files.filter((file) => /undici|\.node\.js$/i.test(file)))
  })
})

describe("the runtime", () => {
  it.each(["process", "require", "Buffer", "global", "module", "setImmediate"])("has no %s", (name) => {
    assert.strictEqual(runtime.evaluate(`typeof ${name}`), "undefined")
  })

  it("makes no code from strings", () => {
    assert.throws(() => runtime.evaluate(`new Function("return 1")`), /Code generation from strings disallowed/)
  })
})

describe("a worker on an edge runtime", () => {
  it("answers", async () => {
    await using asked = await ask("/generate", answers("hello from the upstream"))
    const body = await (await asked.answer).json()
    assert.notProperty(body, "error")
    assert.strictEqual(body.text, "hello from the upstream")
    assert.strictEqual(body.metadata.usage.totalTokens, 18)
    assert.strictEqual(body.metadata.requestId, "req_1")
    assert.strictEqual(asked.upstream.requests[0]?.headers.authorization, "Bearer sk-edge")
  })

  it("answers with a value that fits a schema", async () => {
    await using asked = await ask("/object", answers(`{"city":"Paris"}`))
    assert.deepEqual((await (await asked.answer).json()).object, { city: "Paris" })
  })

  it("passes the pieces on as they come", async () => {
    const { reply, seen } = pieceByPiece("hello", " again")
    await using asked = await ask("/stream", reply)
    let received = ""
    for await (const chunk of (await asked.answer).body ?? []) {
      received += new TextDecoder().decode(chunk)
      if (received.includes(`"delta":"hello"`)) seen()
    }
    assert.match(received, /"delta":" again"/)
    assert.match(received, /"response-finish".*\n$/)
  })

  it("says which failure it was", async () => {
    await using refused = await ask("/generate", refuses(401))
    const body = await (await refused.answer).json()
    assert.strictEqual(body.errorType, "AuthenticationError")
    assert.match(body.error, /refused with 401/)
    assert.notInclude(JSON.stringify(body), "sk-edge")
  })

  it("says that nobody answers where nobody listens", async () => {
    const upstream = await listen()
    await upstream[Symbol.asyncDispose]()
    const request = new Request("https://edge.test/generate", { method: "POST", body: "Say hello." })
    const response = await runtime.worker.handle(request, { apiBase: upstream.url, apiKey: "sk-edge" })
    assert.strictEqual((await response.json()).errorType, "ConnectionError")
  })

  it("breaks a stream that ends before the answer does", async () => {
    await using cut = await ask("/stream", (_, response) => {
      beginEvents(response).end(chatPieces(["hel"], "gpt-5-mini"))
    })
    const failure = await (await cut.answer).text().catch((error: unknown) => error)
    assert.nestedPropertyVal(failure, "reason._tag", "StreamInterruptedError")
  })

  it("takes no redirect to another address", async () => {
    await using redirected = await ask("/generate", (_, response) => {
      response.writeHead(307, { location: "http://127.0.0.1:9/" }).end()
    })
    const body = await (await redirected.answer).json()
    assert.strictEqual(body.errorType, "InvalidResponseError")
    assert.match(body.error, /redirect \(HTTP 307\), which is not followed/)
    assert.lengthOf(redirected.upstream.requests, 1)
  })

  it("closes the connection of a call that is aborted, and rejects with the signal's reason", async () => {
    const controller = new AbortController()
    const reason = new Error("the client went away")
    await using asked = await ask("/generate", () => controller.abort(reason), controller.signal)
    const rejection = await asked.answer.catch((error: unknown) => error)
    assert.strictEqual(rejection, reason)
    await asked.upstream.requests[0]?.closed
  })

  it("closes the connection of a stream that its reader leaves", async () => {
    await using asked = await ask("/stream", (_, response) => {
      beginEvents(response).write(chatPieces(["hello"], "gpt-5-mini"))
    })
    const reader = (await asked.answer).body?.getReader()
    await reader?.read()
    await reader?.cancel()
    const [request] = asked.upstream.requests
    assert.exists(request)
    await request?.closed
  })

  it("logs to the console", async () => {
    await using asked = await ask("/generate", refuses(401))
    await asked.answer
    await vi.waitFor(() => assert.match(runtime.logged.join("\n"), /level=WARN message=failed .*AuthenticationError/))
  })
})
