/**
 * A stand-in for a provider, on a loopback port: no model, no network, but the real wire formats of OpenAI, Anthropic and
 * Azure. Its first request is refused with 429, so that the library's retry shows. Only this command uses it, and only
 * where no provider is configured; the library never does.
 */
import type { ChatCompletionRequest, TextResponse } from "@copilotkit/aimock"
import { ProviderRegistry } from "@wiseflow/llm"

/** What `LLM_PROVIDER` may be. */
type ProviderName = ProviderRegistry.ProviderName | "fallback"

/** The options of an interface that asks the offline upstream, and the way to end it. */
export interface OfflineUpstream {
  readonly options: {
    readonly provider: ProviderName
    readonly model: string
    readonly apiKey: string
    readonly apiBase: string
    readonly apiVersion?: string
  }
  readonly stop: () => Promise<void>
}

/** How to reach the offline upstream as one of the providers that it speaks for. */
interface Wire {
  readonly path: string
  readonly model: string
  readonly apiVersion?: string
}

const wires: Partial<Record<ProviderName, Wire>> = {
  openai: { path: "/v1", model: "gpt-5-mini" },
  anthropic: { path: "", model: "claude-sonnet-5" },
  azure: { path: "", model: "gpt-5-mini", apiVersion: "2024-10-21" },
  litellm: { path: "/v1", model: "gpt-5-mini" },
}

/** True for a provider whose wire the offline upstream speaks. */
export const speaks = (provider: ProviderName): boolean => wires[provider] !== undefined

const textOf = (content: ChatCompletionRequest["messages"][number]["content"] | undefined): string =>
  typeof content === "string" ? content : (content ?? []).map(({ text }) => text ?? "").join("")

/** Nothing counts tokens here: four characters are taken for one. */
const tokensOf = (text: string): number => Math.ceil(text.length / 4)

const answer = ({ messages }: ChatCompletionRequest): TextResponse => {
  const prompt = textOf(messages.findLast(({ role }) => role === "user")?.content).trim()
  const quoted = prompt.length > 200 ? `${prompt.slice(0, 200)}…` : prompt
  const content = `Hello from the offline upstream! You wrote: "${quoted}". I am no model, so I can only repeat it; set OPENAI_API_KEY and PRIMARY_MODEL, and a real one answers.`
  const read = tokensOf(prompt)
  const wrote = tokensOf(content)
  return {
    content,
    usage: { prompt_tokens: read, completion_tokens: wrote, input_tokens: read, output_tokens: wrote },
  }
}

/** Starts the upstream. It listens on 127.0.0.1 only, on a port of the system's choice. */
export const startOfflineUpstream = async (
  provider: ProviderName,
  model: string | undefined,
): Promise<OfflineUpstream> => {
  const { LLMock } = await import("@copilotkit/aimock")
  const upstream = new LLMock({ host: "127.0.0.1", port: 0, latency: 15, chunkSize: 12 })
  upstream.on({ endpoint: "chat" }, answer)
  upstream.nextRequestError(429, {
    message: "Rate limit reached (the offline upstream refuses its first request)",
    type: ProviderRegistry.find(provider)?.protocols[0] === "messages" ? "rate_limit_error" : "requests",
    code: "rate_limit_exceeded",
  })
  const url = await upstream.start()
  const { path = "", model: usual = "gpt-5-mini", apiVersion } = wires[provider] ?? {}
  return {
    options: {
      provider,
      model: model ?? usual,
      apiKey: "offline",
      apiBase: `${url}${path}`,
      ...(apiVersion === undefined ? {} : { apiVersion }),
    },
    stop: () => upstream.stop(),
  }
}
