/** `fetch` and `proxy` of an interface: every target sends so, whether it was chosen, falls back or is routed to. */
import { assert, describe, it } from "vitest"
import { LLMInterface } from "../../src/index.ts"
import { chat, fullText } from "../faults/WireText.ts"

const messages = [{ role: "user" as const, content: "Hello." }]

/** A fetch that notes where it is sent, refuses the first hosts, and answers from the others. */
const recording = (refused: ReadonlyArray<string> = []) => {
  const hosts: Array<string> = []
  const fetch = (url: string) => {
    const { host } = new URL(url)
    hosts.push(host)
    return Promise.resolve(
      refused.includes(host) ? new Response("{}", { status: 401 }) : new Response(chat.answer(fullText)),
    )
  }
  return { hosts, fetch }
}

describe("fetch", () => {
  it("carries the requests of the chosen provider and of its fallbacks", async () => {
    const { fetch, hosts } = recording(["first.test"])
    await using llm = new LLMInterface({
      provider: "openai",
      apiKey: "sk-1",
      apiBase: "http://first.test/v1",
      model: "gpt-5-mini",
      fallbacks: [{ provider: "groq", apiKey: "gsk-2", apiBase: "http://second.test/v1", model: "llama" }],
      fetch,
      logger: false,
    })
    const answer = await llm.generate({ messages })
    assert.strictEqual(answer.text, fullText)
    assert.deepEqual(hosts, ["first.test", "second.test"])
  })

  it("carries the requests of a model that is routed in this process", async () => {
    const { fetch, hosts } = recording()
    await using llm = new LLMInterface({ model: "openai/gpt-5-mini", apiKey: "sk-1", fetch, logger: false })
    const answer = await llm.generate({ messages })
    assert.strictEqual(answer.text, fullText)
    assert.deepEqual(hosts, ["api.openai.com"])
  })

  it("carries a stream", async () => {
    const body = [chat.opening, chat.piece(fullText), chat.finish, chat.terminal].join("")
    const fetch = () => Promise.resolve(new Response(body))
    await using llm = new LLMInterface({
      provider: "openai",
      model: "gpt-5-mini",
      apiKey: "sk-1",
      fetch,
      logger: false,
    })
    assert.strictEqual((await llm.stream({ messages }).response).text, fullText)
  })

  it("of a target stands before the interface's", async () => {
    const first = recording(["first.test"])
    const second = recording()
    await using llm = new LLMInterface({
      provider: "openai",
      apiKey: "sk-1",
      apiBase: "http://first.test/v1",
      model: "gpt-5-mini",
      fallbacks: [{ provider: "groq", apiKey: "gsk-2", model: "llama", fetch: second.fetch }],
      fetch: first.fetch,
      logger: false,
    })
    assert.strictEqual((await llm.generate({ messages })).text, fullText)
    assert.deepEqual([first.hosts, second.hosts], [["first.test"], ["api.groq.com"]])
  })
})

describe("an invalid option", () => {
  it.each([
    [{ fetch: 42 as unknown as typeof fetch }, "fetch"],
    [{ proxy: "ftp://user:hunter22@proxy.test" }, "proxy"],
  ] as const)("%o is a configuration error that names the option", async (options, setting) => {
    const given = { provider: "openai", model: "gpt-5-mini", apiKey: "sk-1", logger: false, ...options } as const
    await using llm = new LLMInterface(given)
    const answer = await llm.generate({ messages })
    if (!("error" in answer)) return assert.fail("it answered")
    assert.strictEqual(answer.errorType, "ConfigurationError")
    assert.match(answer.error, new RegExp(`^${setting}: `))
    assert.notInclude(answer.error, "hunter22")
  })
})
