/** A call with a retry and a fallback, whose telemetry goes where the variables say. */
import { expect } from "vitest"
import { type InterfaceOptions, LLMInterface } from "../../src/index.ts"
import { chat, fullText } from "../faults/WireText.ts"

const messages = [{ role: "user" as const, content: "Hello." }]

/** The first service is overloaded twice, so that one retry does not help; the second answers. */
const fetchOf = (answer: () => Response) => (url: string) =>
  Promise.resolve(
    url.startsWith("http://first.test")
      ? new Response("{}", { status: 503, headers: { "retry-after-ms": "1" } })
      : answer(),
  )

export const json = () => new Response(chat.answer(fullText), { headers: { "content-type": "application/json" } })
export const streamed = () => {
  const pieces = [chat.opening, chat.piece("Hel"), chat.piece("lo"), chat.finish, chat.terminal]
  const body = new ReadableStream({
    async pull(controller) {
      const next = pieces.shift()
      if (next === undefined) return controller.close()
      controller.enqueue(new TextEncoder().encode(next))
      await new Promise((resolve) => setImmediate(resolve))
    },
  })
  return new Response(body, { headers: { "content-type": "text/event-stream" } })
}

export const options = (answer: () => Response, more: InterfaceOptions = {}): InterfaceOptions => ({
  provider: "openai",
  model: "gpt-5-mini",
  apiKey: "sk-1",
  apiBase: "http://first.test/v1",
  maxRetries: 1,
  fallbacks: [
    {
      provider: "groq",
      apiKey: "gsk-2",
      apiBase: "http://second.test/v1",
      model: "llama",
      prices: { llama: { input: 1, output: 2 } },
    },
  ],
  fetch: fetchOf(answer),
  logger: false,
  ...more,
})

/** Makes one call of each kind, and closes the interface. */
export const call = async (answer: () => Response, method: "generate" | "stream", more?: InterfaceOptions) => {
  const llm = new LLMInterface(options(answer, more))
  if (method === "generate") expect((await llm.generate({ messages })).text).toBe(fullText)
  else await llm.stream({ messages }).response
  await llm.dispose()
}
