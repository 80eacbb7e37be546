/** The web examples: each streams an answer piece by piece, tells a failure, and closes the upstream when a client leaves. */
import { once } from "node:events"
import { readFileSync } from "node:fs"
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest"
import type { server as NodeServer } from "../../../../examples/web/node-server.ts"
import type { POST as RouteHandler } from "../../../../examples/web/route-handler.ts"
import { chromium, documentOf, notFound } from "../bundles/Chromium.ts"
import { answers, beginEvents, byModel, chatPieces, listen, refuses, type Upstream } from "../guide/LoopbackUpstream.ts"

const page = new URL("../../../../examples/web/page.html", import.meta.url)

let upstream: Upstream
let server: typeof NodeServer
let post: typeof RouteHandler
let origin = ""

beforeAll(async () => {
  upstream = await listen((request, response, position) => {
    const [message] = Array.isArray(request.body["messages"]) ? request.body["messages"] : []
    const reply = byModel({
      hello: answers("hello world"),
      limited: refuses(429, { "retry-after": "90" }),
      endless: (_, stalled) => void beginEvents(stalled).write(chatPieces(["hello"], "endless")),
    })
    const model = String(message?.content)
    return reply({ ...request, body: { ...request.body, model } }, response, position)
  })
  for (const [name, value] of Object.entries({
    LLM_PROVIDER: "openai",
    PRIMARY_MODEL: "gpt-5-mini",
    OPENAI_API_KEY: "sk-1",
    OPENAI_API_BASE: upstream.url,
    LLM_MAX_RETRIES: "0",
    WISEFLOW_LOG_LEVEL: "none",
  })) {
    vi.stubEnv(name, value)
  }
  server = (await import("../../../../examples/web/node-server.ts")).server
  post = (await import("../../../../examples/web/route-handler.ts")).POST
  server.listen(0, "127.0.0.1")
  await once(server, "listening")
  const address = server.address()
  if (address === null || typeof address === "string") throw new Error("the server has no port")
  origin = `http://127.0.0.1:${address.port}`
})

afterAll(async () => {
  vi.unstubAllEnvs()
  server.closeAllConnections()
  server.close()
  await upstream[Symbol.asyncDispose]()
})

/** The same question to each of the two servers. */
const asks: ReadonlyArray<readonly [string, (prompt: string, signal?: AbortSignal) => Promise<Response>]> = [
  [
    "node:http",
    (prompt, signal) =>
      fetch(`${origin}/answer`, { method: "POST", body: JSON.stringify({ prompt }), signal: signal ?? null }),
  ],
  [
    "a route handler",
    (prompt, signal) =>
      post(
        new Request("http://localhost/answer", {
          method: "POST",
          body: JSON.stringify({ prompt }),
          signal: signal ?? null,
        }),
      ),
  ],
]

const eventsIn = (text: string) =>
  text
    .split("\n\n")
    .filter((block) => block !== "")
    .map((block): readonly [string, unknown] => {
      const [event = "", data = ""] = block.split("\n")
      return [event.slice("event: ".length), JSON.parse(data.slice("data: ".length))]
    })

describe.each(asks)("%s", (_, ask) => {
  it("streams an answer piece by piece, and says that it is done", async () => {
    const response = await ask("hello")
    expect(response.headers.get("content-type")).toBe("text/event-stream")
    expect(eventsIn(await response.text())).toEqual([
      ["text", "hello"],
      ["text", " world"],
      ["done", { inputTokens: 11, outputTokens: 7, totalTokens: 18 }],
    ])
  })

  it("tells a failure as something that a user can read, with the countdown", async () => {
    const events = eventsIn(await (await ask("limited")).text())
    expect(events).toEqual([
      ["failed", { text: "Too many questions at the moment.", partialText: "", canRetry: true, retryInSeconds: 90 }],
    ])
  })

  it("closes the upstream when the client leaves in the middle", async () => {
    const before = upstream.requests.length
    const reader = (await ask("endless")).body?.getReader()
    expect(new TextDecoder().decode((await reader?.read())?.value)).toContain("hello")
    await reader?.cancel()
    await upstream.requests[before]?.closed
  })

  it("closes the upstream when the client aborts", async () => {
    const before = upstream.requests.length
    const client = new AbortController()
    const reader = (await ask("endless", client.signal)).body?.getReader()
    expect((await reader?.read())?.done).toBe(false)
    client.abort()
    await upstream.requests[before]?.closed
    await reader?.cancel().catch(() => {})
  })
})

/** The page's script on a page that holds no more than it touches. */
const openPage = (prompt: string) => {
  const elements = Object.fromEntries(
    ["form", "ask", "stop", "answer", "notice", "again"].map((id) => [
      id,
      {
        textContent: "",
        disabled: false,
        hidden: id === "again",
        prompt: { value: "" },
        addEventListener: vi.fn<(event: string, listener: () => void) => void>(),
      },
    ]),
  )
  const [, script = ""] = /<script type="module">(.*)<\/script>/s.exec(readFileSync(page, "utf8")) ?? []
  const names = ["document", "location", "window", "fetch", "setTimeout"]
  const values = [
    { getElementById: (id: string) => elements[id] },
    { search: `?prompt=${prompt}` },
    { addEventListener: () => {} },
    (path: string, options: RequestInit) => fetch(`${origin}${path}`, options),
    () => {},
  ]
  // The page is the program under test; it comes from this repository.
  Reflect.construct(Function, [...names, script])(...values)
  const press = (id: string) => elements[id]?.addEventListener.mock.calls[0]?.[1]()
  return { elements, press }
}

describe("the page", () => {
  it("shows an answer as it comes", async () => {
    const { elements } = openPage("hello")
    await vi.waitFor(() => expect(elements["ask"]?.disabled).toBe(false))
    expect(elements["answer"]?.textContent).toBe("hello world")
    expect(elements["again"]?.hidden).toBe(true)
  })

  it("shows a failure, with a button that counts down", async () => {
    const { elements } = openPage("limited")
    await vi.waitFor(() => expect(elements["ask"]?.disabled).toBe(false))
    expect(elements["notice"]?.textContent).toBe("Too many questions at the moment.")
    expect(elements["again"]).toMatchObject({ hidden: false, disabled: true, textContent: "Try again in 90 s" })
  })

  it("closes the upstream when its user stops, and calls that no failure", async () => {
    const before = upstream.requests.length
    const { elements, press } = openPage("endless")
    await vi.waitFor(() => expect(elements["answer"]?.textContent).toBe("hello"))
    press("stop")
    await upstream.requests[before]?.closed
    await vi.waitFor(() => expect(elements["ask"]?.disabled).toBe(false))
    expect(elements["notice"]?.textContent).toBe("")
  })
})

describe("the page in Chromium", () => {
  it("shows the answer, and a failure with its button", async ({ skip }) => {
    const browser = chromium
    if (browser === undefined) return skip(notFound)
    // Chromium prints a page once it has loaded, which on a slow machine may be before the answer has come.
    const comesToShow = (prompt: string, text: RegExp) =>
      vi.waitFor(async () => expect(await documentOf(browser, `${origin}/?prompt=${prompt}`)).toMatch(text), {
        timeout: 60_000,
      })
    await comesToShow("hello", /<pre id="answer">hello world<\/pre>/)
    await comesToShow("limited", /Too many questions at the moment\..*Try again in \d+ s/s)
  })
})
