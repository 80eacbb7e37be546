/** Every measured client: which module speaks for it, which wire it uses, and which package it is. */
import type { Wire } from "../upstream/Answers.ts"
import type { Connect } from "./Client.ts"

export interface ClientEntry {
  readonly label: string
  readonly wire: Wire
  /** The package whose version the report names. */
  readonly packageName: string
  /** True for this library's own rows. */
  readonly ours: boolean
  readonly load: () => Promise<{ readonly connect: Connect }>
}

const entry = (
  label: string,
  packageName: string,
  load: ClientEntry["load"],
  { wire = "chat", ours = false }: Partial<Pick<ClientEntry, "wire" | "ours">> = {},
): ClientEntry => ({ label, packageName, load, wire, ours })

/** By the name that `--client` takes. */
export const clients = {
  undici: entry("undici.request + JSON.parse (floor)", "undici", () => import("./Undici.ts")),
  fetch: entry("built-in fetch", "node", () => import("./Fetch.ts")),
  wiseflow: entry("@wiseflow/llm, promise", "@wiseflow/llm", () => import("./Wiseflow.ts"), { ours: true }),
  "wiseflow-effect": entry("@wiseflow/llm, Effect stack", "@wiseflow/llm", () => import("./WiseflowEffect.ts"), {
    ours: true,
  }),
  "wiseflow-provider": entry("@wiseflow/llm, bare provider", "@wiseflow/llm", () => import("./WiseflowProvider.ts"), {
    ours: true,
  }),
  openai: entry("openai", "openai", () => import("./OpenAiSdk.ts")),
  xsai: entry("xsai", "xsai", () => import("./Xsai.ts")),
  "ai-openai": entry("ai + @ai-sdk/openai", "@ai-sdk/openai", () => import("./AiOpenAi.ts")),
  "ai-openai-compatible": entry(
    "ai + @ai-sdk/openai-compatible",
    "@ai-sdk/openai-compatible",
    () => import("./AiOpenAiCompatible.ts"),
  ),
  langchain: entry("@langchain/openai", "@langchain/openai", () => import("./LangChain.ts")),
  "undici-messages": entry("undici.request, Messages (floor)", "undici", () => import("./UndiciMessages.ts"), {
    wire: "messages",
  }),
  "wiseflow-anthropic": entry(
    "@wiseflow/llm, promise, Messages",
    "@wiseflow/llm",
    () => import("./WiseflowAnthropic.ts"),
    {
      wire: "messages",
      ours: true,
    },
  ),
  anthropic: entry("@anthropic-ai/sdk", "@anthropic-ai/sdk", () => import("./AnthropicSdk.ts"), { wire: "messages" }),
} satisfies Record<string, ClientEntry>

export type ClientName = keyof typeof clients

export const clientNames = Object.keys(clients) as ReadonlyArray<ClientName>

export const isClientName = (name: string): name is ClientName => Object.hasOwn(clients, name)

/** The client that a client is measured against. */
export const floorOf = (name: ClientName): ClientName => (clients[name].wire === "chat" ? "undici" : "undici-messages")
