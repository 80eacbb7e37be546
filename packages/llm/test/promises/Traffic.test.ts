/** The options that shape traffic, over HTTP. */
import { afterEach, describe, expect, it } from "vitest"
import { type CallEvent, LLMInterface, unwrap } from "../../src/index.ts"
import { openai } from "../contract/Providers.ts"
import { callOf, goodAnswer } from "../faults/FaultScenario.ts"
import { FaultServer, type Script, stall } from "../faults/FaultServer.ts"
import { fullText } from "../faults/WireText.ts"
import { asked, embeds } from "../providers/EmbeddingUpstream.ts"

const messages = [{ role: "user" as const, content: "Hello." }]
const opened: Array<() => Promise<void>> = []

afterEach(async () => {
  for (const close of opened.splice(0)) await close()
})

const open = async (script: Script, options: object) => {
  const server = await FaultServer.start(script)
  const llm = new LLMInterface({
    provider: "openai",
    model: "gpt-5-mini",
    embeddingModel: "text-embedding-3-small",
    apiKey: "sk-contract-0123456789",
    apiBase: `${server.url}/v1`,
    logger: false,
    ...options,
  })
  opened.push(
    () => llm.dispose(),
    () => server.close(),
  )
  return { llm, server }
}

describe("hedge", () => {
  it.each(["generate", "stream", "embed"] as const)(
    "overtakes a %s that stalls, and closes its connection",
    async (name) => {
      const events: Array<CallEvent> = []
      const { llm, server } = await open(
        (request) => {
          if (request.index === 1) return [stall]
          return name === "embed" ? embeds(request) : goodAnswer(openai.wire, callOf(request))
        },
        { hedge: { after: 50, maxRequests: 1 }, onEvent: (event: CallEvent) => events.push(event) },
      )
      const call = async () => {
        if (name === "embed") return unwrap(await llm.embed({ inputs: ["one"] }))
        return unwrap(await (name === "generate" ? llm.generate({ messages }) : llm.stream({ messages }).response))
      }
      await call()
      const { metadata } = await call()
      expect(metadata.attempts.length).toBe(2)
      expect(server.requests.length).toBe(3)
      expect(events.filter(({ type }) => type === "hedge")).toEqual([{ type: "hedge", afterMs: 50 }])
      const [, stalled] = server.requests
      await stalled?.connection.closed
      expect(stalled?.connection.closedBy).toBe("client")
      expect(asked(await server.request(2)).model).toBe(asked(await server.request(1)).model)
    },
  )

  it("is sent by nobody who did not ask for it", async () => {
    const { llm, server } = await open((request) => goodAnswer(openai.wire, callOf(request)), { hedge: false })
    for (let turn = 0; turn < 3; turn++) expect((await llm.generate({ messages })).text).toBe(fullText)
    expect(server.requests.length).toBe(3)
  })
})
