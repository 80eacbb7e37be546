/** A page that asks through its own origin, where a proxy keeps the key; what came of it stands in the page. */
import { LLMInterface } from "@wiseflow/llm"

/** What the page writes down. */
export interface Findings {
  readonly whole: { readonly text: string; readonly error?: string; readonly metadata: Record<string, unknown> }
  readonly pieces: ReadonlyArray<string>
  readonly refused: { readonly errorType?: string; readonly error?: string }
  readonly redirected: { readonly errorType?: string; readonly error?: string }
  readonly aborted: string
}

const llm = new LLMInterface({
  provider: "openai",
  model: "gpt-5-mini",
  apiKey: "the-proxy-has-it",
  apiBase: `${location.origin}/v1`,
  maxRetries: 0,
})
const messages = [{ role: "user", content: "Say hello." }] as const

const readPieces = async () => {
  const pieces = []
  for await (const event of llm.stream({ messages, model: "pieces" })) {
    if (event.type !== "text-delta") continue
    pieces.push(event.delta)
    await fetch("/seen")
  }
  return pieces
}

const abort = async () => {
  const controller = new AbortController()
  const reason = new Error("seen enough")
  try {
    for await (const _ of llm.stream({ messages, model: "endless", signal: controller.signal }))
      controller.abort(reason)
    return "ended"
  } catch (thrown) {
    return thrown === reason ? "threw the signal's reason" : String(thrown)
  }
}

const find = async () => ({
  whole: await llm.generate({ messages }),
  pieces: await readPieces(),
  refused: await llm.generate({ messages, model: "refused" }),
  redirected: await llm.generate({ messages, model: "redirected" }),
  aborted: await abort(),
})

const findings = await find().catch((thrown: unknown) => ({ thrown: String(thrown) }))
document.body.append(Object.assign(document.createElement("pre"), { textContent: JSON.stringify(findings) }))
await fetch("/finished")
await llm.dispose()
