/** What is sent is what was passed at the call, and what one caller gets is nobody else's. */
import { describe, expect, it } from "vitest"
import { LLMInterface, type LlmEvent, unwrap } from "../../src/index.ts"
import { callOf, goodAnswer } from "../faults/FaultScenario.ts"
import { type Answer, FaultServer, inTurn, type Script } from "../faults/FaultServer.ts"
import { whole } from "../faults/HttpText.ts"
import { fullText } from "../faults/WireText.ts"
import { openai } from "../contract/Providers.ts"

const connect = async (script: Script, more: ConstructorParameters<typeof LLMInterface>[0] = {}) => {
  const server = await FaultServer.start(script)
  const llm = new LLMInterface({ ...openai.options(server.url), logger: false, ...more })
  return {
    server,
    llm,
    [Symbol.asyncDispose]: async () => {
      await llm.dispose()
      await server.close()
    },
  }
}

const said = (text: string) => ({ role: "user" as const, content: text })
const answerOf = (request: Parameters<Script>[0]): Answer => goodAnswer(openai.wire, callOf(request))

/** Both surfaces, each as a promise of the whole response. */
const surfaces = [
  ["generate", (llm: LLMInterface, options: Parameters<LLMInterface["generate"]>[0]) => llm.generate(options)],
  ["stream", (llm: LLMInterface, options: Parameters<LLMInterface["generate"]>[0]) => llm.stream(options).response],
] as const

describe.each(surfaces)("%s", (_, ask) => {
  it("sends from the queue what was passed, whatever was changed meanwhile", async () => {
    await using setup = await connect(answerOf, { maxConcurrentRequests: 1 })
    const messages = [said("first")]
    const tools = [{ name: "f", parameters: { type: "object", properties: {} } }]
    const first = ask(setup.llm, { messages })
    const second = ask(setup.llm, { messages, tools, stop: ["a"] })
    messages[0] = said("changed")
    messages.push(said("added"))
    Object.assign(tools[0]?.parameters ?? {}, { type: "changed" })
    await Promise.all([first, second])
    const bodies = setup.server.requests.map(({ json }) => json)
    expect(bodies).toHaveLength(2)
    for (const body of bodies) expect(body).toMatchObject({ messages: [said("first")] })
    expect(JSON.stringify(bodies)).not.toContain("changed")
  })

  it("sends the same bytes again when it retries", async () => {
    const messages = [said("first")]
    await using setup = await connect(
      (request) => {
        if (request.index > 0) return answerOf(request)
        messages[0] = said("changed")
        return whole(openai.wire.error("overloaded").body, 503, { "retry-after-ms": 1 })
      },
      { maxRetries: 1 },
    )
    await ask(setup.llm, { messages })
    const [first, second] = setup.server.requests
    expect(second?.body).toBe(first?.body)
    expect(first?.body).toContain("first")
  })
})

describe("what a caller gets", () => {
  it("is its own: changing attempts changes those of no other call", async () => {
    await using setup = await connect(answerOf)
    const first = unwrap(await setup.llm.generate({ messages: [said("hello")] }))
    Object.assign(first.metadata.attempts[0] ?? {}, { provider: "changed" })
    const second = unwrap(await setup.llm.generate({ messages: [said("hello")] }))
    expect(second.metadata.attempts[0]?.provider).toBe("openai")
  })

  it("is its own: changing the attempts of a failure changes neither the error nor the next failure", async () => {
    const { body } = openai.wire.error("authentication")
    await using setup = await connect(inTurn(whole(body, 401)))
    const failures = [
      await setup.llm.generate({ messages: [said("hello")] }),
      await setup.llm.generate({ messages: [said("hello")] }),
    ] as const
    Object.assign(failures[0].metadata.attempts[0] ?? {}, { provider: "changed" })
    expect(failures[1].metadata.attempts[0]?.provider).toBe("openai")
  })

  it("is its own: changing an event changes nothing of the stream's response", async () => {
    await using setup = await connect(answerOf)
    const stream = setup.llm.stream({ messages: [said("hello")] })
    const events: Array<LlmEvent> = []
    for await (const event of stream) {
      if (event.type === "response-finish") {
        Object.assign(event.metadata, { provider: "changed" })
        Object.assign(event.metadata.attempts[0] ?? {}, { provider: "changed" })
        Object.assign(event.metadata.usage, { inputTokens: -1 })
      }
      events.push(event)
    }
    const { metadata } = unwrap(await stream.response)
    expect(metadata.provider).toBe("openai")
    expect(metadata.attempts[0]?.provider).toBe("openai")
    expect(metadata.usage.inputTokens).not.toBe(-1)
  })
})

describe("a program in which every object has an enumerable method", () => {
  it.each(surfaces)("asks as any other, with %s", async (_, ask) => {
    await using one = await connect(answerOf)
    Object.assign(Object.prototype, { isEmpty: () => false })
    try {
      const { metadata, text } = unwrap(await ask(one.llm, { messages: [said("hello")] }))
      expect([text, metadata.attempts.length, one.server.requests.length]).toEqual([fullText, 1, 1])
    } finally {
      Reflect.deleteProperty(Object.prototype, "isEmpty")
    }
  })
})
