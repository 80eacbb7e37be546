/** A provider on a loopback port that answers late, sometimes with a failure, and counts what it was asked. */
import { createServer, type ServerResponse } from "node:http"
import { once } from "node:events"
import { json } from "node:stream/consumers"
import { setTimeout as sleep } from "node:timers/promises"

/** What the upstream does with its nth request. */
export type Act = "answer" | "busy" | "reset" | "refuse"

export interface FaultyUpstream extends AsyncDisposable {
  readonly settings: Readonly<Record<string, string>>
  /** How often each prompt was answered whole. */
  readonly answered: ReadonlyMap<string, number>
  /** The most requests that were open at once. */
  readonly mostOpen: () => number
  readonly requests: () => number
}

const answer = (response: ServerResponse, status: number, body: unknown): void => {
  response.writeHead(status, { "content-type": "application/json", "retry-after-ms": "20" })
  response.end(JSON.stringify(body))
}

/** `act` says what becomes of the nth request, with this prompt; answers come after `delayMs`. */
export const faultyUpstream = async (
  act: (nth: number, prompt: string) => Act = () => "answer",
  delayMs = 5,
): Promise<FaultyUpstream> => {
  const answered = new Map<string, number>()
  let [open, mostOpen, nth] = [0, 0, 0]
  const server = createServer((request, response) => {
    open += 1
    mostOpen = Math.max(mostOpen, open)
    response.once("close", () => (open -= 1))
    const number = nth++
    const reply = async () => {
      const prompt = promptOf(await json(request))
      const what = act(number, prompt)
      await sleep(delayMs * (0.5 + (number % 10) / 10))
      if (what === "reset") return response.destroy()
      if (what === "busy")
        return answer(response, 429, { error: { message: "slow down", code: "rate_limit_exceeded" } })
      if (what === "refuse") return answer(response, 400, { error: { message: "no such thing" } })
      if (response.destroyed) return undefined
      answered.set(prompt, (answered.get(prompt) ?? 0) + 1)
      return answer(response, 200, {
        id: "chatcmpl-1",
        object: "chat.completion",
        model: "gpt-5-mini",
        choices: [{ index: 0, message: { role: "assistant", content: `re: ${prompt}` }, finish_reason: "stop" }],
        usage: { prompt_tokens: 10, completion_tokens: 10, total_tokens: 20, cost: 0.001 },
      })
    }
    // A client that was killed in the middle of its request gets no answer.
    reply().catch(() => response.destroy())
  })
  server.listen(0, "127.0.0.1")
  await once(server, "listening")
  const address = server.address()
  if (address === null || typeof address === "string") throw new Error("no port")
  const settings = {
    LLM_PROVIDER: "openai",
    OPENAI_API_KEY: "sk-1",
    OPENAI_API_BASE: `http://127.0.0.1:${address.port}/v1`,
    PRIMARY_MODEL: "gpt-5-mini",
  }
  return {
    settings,
    answered,
    mostOpen: () => mostOpen,
    requests: () => nth,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections()
      server.close()
      await once(server, "close")
    },
  }
}

const promptOf = (body: unknown): string => {
  const [message] = (body as { readonly messages: ReadonlyArray<{ readonly content: string }> }).messages.slice(-1)
  return message?.content ?? ""
}
