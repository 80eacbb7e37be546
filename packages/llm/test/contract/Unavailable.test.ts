/**
 * The guide promises a program that is "functional even when the primary LLM provider is unavailable": eight ways to be
 * unavailable, on both calls, for every provider. The secondary answers each time, within the deadline.
 */
import { readFileSync } from "node:fs"
import { createServer } from "node:tls"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { LLMInterface, unwrap } from "../../src/index.ts"
import { callOf, goodAnswer } from "../faults/FaultScenario.ts"
import { type Answer, delay, FaultServer, reset, stall } from "../faults/FaultServer.ts"
import { chunk, streamHead, whole } from "../faults/HttpText.ts"
import { comment, fullText, type WireText } from "../faults/WireText.ts"
import { type ContractProvider, providers } from "./Providers.ts"

/** Bytes that keep coming and say nothing: blanks for a whole body, comments for a stream. */
function* trickle(call: "generate" | "stream"): Generator<ReturnType<typeof chunk>> {
  yield streamHead(call === "generate" ? { "content-type": "application/json" } : {})
  for (;;) {
    yield delay(50)
    yield chunk(call === "generate" ? " " : comment())
  }
}

/** A server whose certificate nobody signed. */
const untrusted = { url: "", close: () => {} }

beforeAll(async () => {
  const file = (name: string) => readFileSync(new URL(`../transport/tls/${name}`, import.meta.url))
  const server = createServer({ key: file("localhost.key"), cert: file("localhost.crt") })
  server.on("tlsClientError", () => {})
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))
  const address = server.address()
  untrusted.url = `https://127.0.0.1:${typeof address === "object" ? address?.port : ""}`
  untrusted.close = () => server.close()
})
afterAll(() => untrusted.close())

type Call = "generate" | "stream"

/** How a primary is unavailable: what its server does, or where its address leads. */
const kinds: ReadonlyArray<{
  readonly kind: string
  readonly errorType: string
  readonly answer?: (call: Call, wire: WireText) => Answer
  readonly address?: (url: string) => string
}> = [
  { kind: "refused", errorType: "ConnectionError", address: () => "http://127.0.0.1:9" },
  { kind: "reset", errorType: "ConnectionError", answer: () => [reset] },
  { kind: "hung before its headers", errorType: "TimeoutError", answer: () => [stall] },
  { kind: "hung after its headers", errorType: "TimeoutError", answer: () => [streamHead(), stall] },
  { kind: "trickling", errorType: "TimeoutError", answer: trickle },
  {
    kind: "answering 503",
    errorType: "OverloadedError",
    answer: (_, wire) => whole(wire.error("overloaded").body, 503),
  },
  { kind: "without a name in DNS", errorType: "ConnectionError", address: () => "http://primary.invalid" },
  { kind: "failing in TLS", errorType: "ConnectionError", address: () => untrusted.url },
]

const cells = providers.flatMap((provider) =>
  (["generate", "stream"] as const).flatMap((call) =>
    kinds.map((kind) => ({ ...kind, call, provider, on: `${call}, ${provider.name}` })),
  ),
)

const fallbackOf = (provider: ContractProvider, url: string) => {
  const { apiBase, apiKey, apiVersion, model, provider: name = "openai", wireApi } = provider.options(url)
  return { provider: name, model, apiBase, apiKey, apiVersion, wireApi }
}

describe.concurrent("a program whose primary is unavailable", () => {
  it.each(cells)(
    "still answers when the primary is $kind ($on)",
    async ({ address, answer, call, errorType, provider }) => {
      const { wire } = provider
      const primary = await FaultServer.start(() => answer?.(call, wire) ?? [stall])
      const second = await FaultServer.start((request) => goodAnswer(wire, callOf(request)))
      const llm = new LLMInterface({
        ...provider.options(address?.(primary.url) ?? primary.url),
        timeout: 3000,
        maxRetries: 0,
        logger: false,
        fallbacks: [fallbackOf(provider, second.url)],
      })
      try {
        const messages = [{ role: "user", content: "Hello." }] as const
        const answered = await (call === "generate" ? llm.generate({ messages }) : llm.stream({ messages }).response)
        const { metadata, text } = unwrap(answered)
        expect(text).toBe(fullText)
        expect(metadata.attempts.map((attempt) => [attempt.targetIndex, attempt.errorType])).toEqual([
          [0, errorType],
          [1, undefined],
        ])
        expect(metadata.latencyMs).toBeLessThan(3000)
        expect(second.requests).toHaveLength(1)
      } finally {
        await llm.dispose()
        await primary.close()
        await second.close()
      }
    },
  )
})
