/** An API base as people write it: queries, fragments, pages, and what of it may be shown. */
import { afterEach, describe, expect, it, vi } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { AzureOpenAi, OpenAi } from "../../src/index.ts"
import * as ApiBase from "../../src/providers/addresses/ApiBase.ts"
import { ask, open, serve } from "../contract/Ask.ts"
import { Exposure } from "../contract/Exposure.ts"
import { cells, type ContractProvider, providers } from "../contract/Providers.ts"
import { type CallName, callOf, goodAnswer } from "../faults/FaultScenario.ts"
import { whole } from "../faults/HttpText.ts"
import { fullText } from "../faults/WireText.ts"

const calls = ["generate", "stream"] as const

/** A provider at a base that ends with a query or a fragment. */
const at = ({ optionsAt, layerOf }: ContractProvider, url: string, ending: string) =>
  layerOf(url, { apiBase: `${optionsAt(url).apiBase}${ending}` })

const canary = "canary 7f3a9c1e5b2d8046+/"
const query = `token=${encodeURIComponent(canary)}&tenant=blue`

describe("a query in the base", () => {
  it.live.each(cells)(
    "stays at the end of the URL, as it was written ($on)",
    Effect.fnUntraced(function* ({ call, provider }) {
      const server = yield* serve((request) => goodAnswer(provider.wire, callOf(request)))
      for (const slash of ["", "/"]) {
        const seen = yield* ask(yield* open(at(provider, server.url, `${slash}?${query}`)), call)
        expect(seen.text).toBe(fullText)
      }
      const path = `${provider.path}${provider.path.includes("?") ? "&" : "?"}${query}`
      expect(server.requests.map((request) => request.path)).toEqual([path, path])
    }),
  )

  const failures: Readonly<Record<string, (call: CallName) => ReturnType<typeof whole>>> = {
    "a page that says it back": () => whole(`<p>no route for ${canary}</p>`, 404, { "content-type": "text/html" }),
    "an error that quotes the URL": () => whole(JSON.stringify({ error: { message: `bad ?${query}` } }), 400),
    "nothing there": () => whole("", 404),
  }
  it.live.each(Object.entries(failures).flatMap(([what, answer]) => cells.map((cell) => ({ ...cell, what, answer }))))(
    "is shown by no error: $what ($on)",
    Effect.fnUntraced(function* ({ answer, call, provider }) {
      const server = yield* serve(() => answer(call))
      const exposure = new Exposure()
      const seen = yield* exposure.watch(
        Effect.scoped(Effect.flatMap(open(at(provider, server.url, `?${query}`)), (llm) => ask(llm, call))),
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
    Effect.fnUntraced(function* ({ call, provider }) {
      const exposure = new Exposure()
      const seen = yield* ask(yield* open(at(provider, "http://127.0.0.1:1", `?${query}`)), call)
      exposure.showFailure(seen.error)
      expect(seen.error?.reason._tag).toBe("ConnectionError")
      expect(exposure.all()).not.toContain("7f3a9c1e5b2d8046")
    }),
  )
})

describe("a base that is refused", () => {
  it.live.each(
    providers.flatMap((provider) =>
      [
        { base: "https://example.com/v1#part", problem: "fragment" },
        { base: "https://example.com/v1#", problem: "fragment" },
        { base: "https://user:canary-word@example.com/v1", problem: "password" },
        { base: "/api/llm", problem: "not a web address" },
        { base: "localhost:4000", problem: "not a web address" },
      ].map((row) => ({ ...row, provider, on: provider.name })),
    ),
  )(
    "$base of $on: $problem",
    Effect.fnUntraced(function* ({ base, problem, provider }) {
      const error = yield* Effect.flip(open(provider.layerOf("", { apiBase: base })))
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
