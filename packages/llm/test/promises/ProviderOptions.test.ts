/** Options in a provider's own words: for a provider that exists, and never so that part of an answer is lost. */
import { describe, expect, it } from "vitest"
import { LLMInterface, unwrap } from "../../src/index.ts"
import { FaultServer } from "../faults/FaultServer.ts"
import { stream, whole } from "../faults/HttpText.ts"
import { openai } from "../contract/Providers.ts"

const messages = [{ role: "user", content: "Hello." }] as const

const tokens = [
  { token: "Hel", logprob: -0.1, bytes: null, top_logprobs: [] },
  { token: "lo", logprob: -0.2, bytes: null, top_logprobs: [] },
]

const answer = JSON.stringify({
  id: "c",
  model: "gpt-5-mini",
  choices: [
    {
      index: 0,
      message: { role: "assistant", content: "Hello" },
      logprobs: { content: tokens, refusal: null },
      finish_reason: "stop",
    },
  ],
})

const chunk = (choice: object) =>
  `data: ${JSON.stringify({ id: "c", model: "gpt-5-mini", choices: [{ index: 0, ...choice }] })}\n\n`

const pieces = [
  chunk({ delta: { content: "Hel" }, logprobs: { content: tokens.slice(0, 1), refusal: null } }),
  chunk({ delta: { content: "lo" }, logprobs: { content: tokens.slice(1), refusal: null } }),
  chunk({ delta: {}, logprobs: null, finish_reason: "stop" }),
  "data: [DONE]\n\n",
]

const connect = async () => {
  const server = await FaultServer.start((request) =>
    request.body.includes('"stream":true') ? stream(...pieces) : whole(answer),
  )
  const llm = new LLMInterface({ ...openai.options(server.url), logger: false })
  return {
    llm,
    server,
    [Symbol.asyncDispose]: async () => {
      await llm.dispose()
      await server.close()
    },
  }
}

describe("providerOptions", () => {
  it.each([
    ["opnai", 'did you mean "openai"?'],
    ["OpenAI", 'did you mean "openai"?'],
    ["kimi", 'did you mean "moonshot"?'],
    ["xyzzy", "is for no provider"],
  ])("for %s, which is no provider's name, are refused by generate and by stream", async (name, hint) => {
    await using setup = await connect()
    const options = { messages, providerOptions: { [name]: { seed: 1 } } }
    for (const response of [await setup.llm.generate(options), await setup.llm.stream(options).response]) {
      expect(response).toMatchObject({ errorType: "InvalidRequestError", parameter: `providerOptions.${name}` })
      expect("error" in response && response.error).toContain(hint)
    }
    expect(setup.server.requests).toEqual([])
  })

  it("for another provider than the one that is asked wait for that one", async () => {
    await using setup = await connect()
    unwrap(await setup.llm.generate({ messages, providerOptions: { anthropic: { service_tier: "auto" } } }))
    expect(setup.server.requests[0]?.body).not.toContain("service_tier")
  })

  it.each([
    ["n", { n: 2 }],
    ["best_of", { best_of: 3 }],
    ["stream", { stream: "odd" }],
    ["background", { background: true }],
  ])("that ask for an answer of another shape are refused: %s", async (field, own) => {
    await using setup = await connect()
    const options = { messages, providerOptions: { openai: own } }
    for (const response of [await setup.llm.generate(options), await setup.llm.stream(options).response]) {
      expect(response).toMatchObject({ errorType: "InvalidRequestError", parameter: `providerOptions.openai.${field}` })
    }
    expect(setup.server.requests).toEqual([])
  })

  it("that ask for the probabilities of tokens get them, whole and streamed alike", async () => {
    await using setup = await connect()
    const options = { messages, providerOptions: { openai: { logprobs: true, n: 1 } } }
    const generated = unwrap(await setup.llm.generate(options))
    const streamed = unwrap(await setup.llm.stream(options).response)
    const kept = {
      type: "other",
      provider: "chat-completions",
      value: { type: "logprobs", logprobs: { content: tokens } },
    }
    expect(generated.parts).toEqual([{ type: "text", text: "Hello" }, kept])
    expect(streamed.parts).toEqual(generated.parts)
    expect(setup.server.requests[0]?.json).toMatchObject({ logprobs: true })
  })
})
