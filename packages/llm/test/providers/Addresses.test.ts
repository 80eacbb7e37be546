/** An API base as people write it: queries, fragments, pages, and what of it may be shown. */
import { afterEach, describe, expect, it, vi } from "@effect/vitest"
import * as Effect from "effect/Effect"
import type * as Layer from "effect/Layer"
import { Anthropic, AzureOpenAi, LiteLlm, type LlmError, type LlmProvider, OpenAi } from "../../src/index.ts"
import * as ApiBase from "../../src/providers/addresses/ApiBase.ts"
import { ask, open, serve } from "../contract/Ask.ts"
import { Exposure } from "../contract/Exposure.ts"
import { type CallName, callOf, goodAnswer } from "../faults/FaultScenario.ts"
import { whole } from "../faults/HttpText.ts"
import { chat, fullText, messages, type WireText } from "../faults/WireText.ts"

const calls = ["generate", "stream"] as const

interface Written {
  readonly provider: string
  readonly wire: WireText
  readonly layer: (apiBase: string) => Layer.Layer<LlmProvider, LlmError>
  /** What follows the host where the base is written with this query. */
  readonly path: (query: string) => string
}

const written: ReadonlyArray<Written> = [
  {
    provider: "openai",
    wire: chat,
    layer: (apiBase) => OpenAi.layer({ apiKey: "sk-0123456789", apiBase, model: "m" }),
    path: (query) => `/chat/completions?${query}`,
  },
  {
    provider: "anthropic",
    wire: messages,
    layer: (apiBase) => Anthropic.layer({ apiKey: "sk-0123456789", apiBase, model: "m" }),
    path: (query) => `/v1/messages?${query}`,
  },
  {
    provider: "azure",
    wire: chat,
    layer: (apiBase) => AzureOpenAi.layer({ apiKey: "sk-0123456789", apiBase, model: "m" }),
    path: (query) => `/openai/deployments/m/chat/completions?api-version=2023-05-15&${query}`,
  },
  {
    provider: "azure v1",
    wire: chat,
    layer: (apiBase) => AzureOpenAi.layer({ apiKey: "sk-0123456789", apiBase, apiVersion: "v1", model: "m" }),
    path: (query) => `/openai/v1/chat/completions?${query}`,
  },
  {
    provider: "litellm",
    wire: chat,
    layer: (apiBase) => LiteLlm.layer({ apiKey: "sk-0123456789", apiBase, model: "m" }),
    path: (query) => `/chat/completions?${query}`,
  },
]

const cells = written.flatMap((one) => calls.map((call) => ({ ...one, call, on: `${call}, ${one.provider}` })))

const canary = "canary 7f3a9c1e5b2d8046+/"
const query = `token=${encodeURIComponent(canary)}&tenant=blue`

describe("a query in the base", () => {
  it.live.each(cells)(
    "stays at the end of the URL, as it was written ($on)",
    Effect.fnUntraced(function* ({ call, layer, path, wire }) {
      const server = yield* serve((request) => goodAnswer(wire, callOf(request)))
      for (const slash of ["", "/"]) {
        const seen = yield* ask(yield* open(layer(`${server.url}${slash}?${query}`)), call)
        expect(seen.text).toBe(fullText)
      }
      expect(server.requests.map((request) => request.path)).toEqual([path(query), path(query)])
    }),
  )

  const failures: Readonly<Record<string, (call: CallName) => ReturnType<typeof whole>>> = {
    "a page that says it back": () => whole(`<p>no route for ${canary}</p>`, 404, { "content-type": "text/html" }),
    "an error that quotes the URL": () => whole(JSON.stringify({ error: { message: `bad ?${query}` } }), 400),
    "nothing there": () => whole("", 404),
  }
  it.live.each(Object.entries(failures).flatMap(([what, answer]) => cells.map((cell) => ({ ...cell, what, answer }))))(
    "is shown by no error: $what ($on)",
    Effect.fnUntraced(function* ({ answer, call, layer }) {
      const server = yield* serve(() => answer(call))
      const exposure = new Exposure()
      const seen = yield* exposure.watch(
        Effect.scoped(Effect.flatMap(open(layer(`${server.url}?${query}`)), (llm) => ask(llm, call))),
      )
      exposure.show(seen)
      expect(seen.error).toBeDefined()
      exposure.showFailure(seen.error)
      for (const piece of [canary, encodeURIComponent(canary), "7f3a9c1e5b2d8046"]) {
        expect(exposure.all()).not.toContain(piece)
      }
    }),
  )

  it.live.each(cells)(
    "is shown by no error where nobody listens ($on)",
    Effect.fnUntraced(function* ({ call, layer }) {
      const exposure = new Exposure()
      const seen = yield* ask(yield* open(layer(`http://127.0.0.1:1?${query}`)), call)
      exposure.showFailure(seen.error)
      expect(seen.error?.reason._tag).toBe("ConnectionError")
      expect(exposure.all()).not.toContain("7f3a9c1e5b2d8046")
    }),
  )
})

describe("a base that is refused", () => {
  it.live.each(
    written.flatMap(({ layer, provider }) => [
      { provider, layer, base: "https://example.com/v1#part", problem: "fragment" },
      { provider, layer, base: "https://example.com/v1#", problem: "fragment" },
      { provider, layer, base: "https://user:canary-word@example.com/v1", problem: "password" },
      { provider, layer, base: "/api/llm", problem: "not a web address" },
      { provider, layer, base: "localhost:4000", problem: "not a web address" },
    ]),
  )(
    "$base of $provider: $problem",
    Effect.fnUntraced(function* ({ base, layer, problem }) {
      const error = yield* Effect.flip(open(layer(base)))
      expect(error.reason._tag).toBe("ConfigurationError")
      expect(error.message).toContain(problem)
      expect(error.message).toContain("write for example")
      expect(error.message).not.toContain("canary-word")
    }),
  )
})

describe("a relative base in a browser", () => {
  afterEach(() => vi.unstubAllGlobals())

  it.each([
    ["/api/llm", "https://shop.example/api/llm/chat/completions"],
    ["/api/llm/?tenant=blue", "https://shop.example/api/llm/chat/completions?tenant=blue"],
    ["./llm", "https://shop.example/deep/llm/chat/completions"],
    ["../llm", "https://shop.example/llm/chat/completions"],
    ["https://api.example/v1", "https://api.example/v1/chat/completions"],
  ])("%s is resolved against the page", (base, url) => {
    vi.stubGlobal("location", { href: "https://shop.example/deep/page.html?q=1#part" })
    const read = Effect.runSync(ApiBase.read("OPENAI_API_BASE", base, "https://api.openai.com/v1"))
    expect(ApiBase.urlOf(read, "/chat/completions")).toBe(url)
  })

  it.each(["localhost:4000", "api.example.com/v1", "", "sk-0123456789"])("%j stays an error", (base) => {
    vi.stubGlobal("location", { href: "https://shop.example/page.html" })
    const error = Effect.runSync(Effect.flip(ApiBase.read("OPENAI_API_BASE", base, "https://api.openai.com/v1")))
    expect(error.reason).toMatchObject({ _tag: "ConfigurationError", setting: "OPENAI_API_BASE" })
  })
})

describe("wireApi", () => {
  it.live.each(calls.map((call) => ({ call })))(
    "responses asks OpenAI and Azure at /responses ($call)",
    Effect.fnUntraced(function* ({ call }) {
      const server = yield* serve(() => whole("{}", 500))
      const options = { apiKey: "sk-0123456789", model: "gpt-5-mini", wireApi: "responses" } as const
      yield* ask(yield* open(OpenAi.layer({ ...options, apiBase: `${server.url}/v1?tenant=blue` })), call)
      yield* ask(yield* open(OpenAi.layer({ ...options, apiBase: `${server.url}/v1/responses` })), call)
      yield* ask(yield* open(AzureOpenAi.layer({ ...options, apiBase: server.url, apiVersion: "v1" })), call)
      expect(server.requests.map(({ path }) => path)).toEqual([
        "/v1/responses?tenant=blue",
        "/v1/responses",
        "/openai/v1/responses",
      ])
      for (const { json } of server.requests) expect(json).toMatchObject({ model: "gpt-5-mini", input: {} })
    }),
  )
})
