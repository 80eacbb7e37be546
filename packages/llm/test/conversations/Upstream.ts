/**
 * A loopback service that holds each request to the rules of a wire and refuses what the real one would, with 400; else it
 * plays a model that thinks, calls tools when it is asked to, and answers. Whole bodies only: streams are read from them too.
 */
import { once } from "node:events"
import { createServer, type IncomingMessage } from "node:http"
import * as WireRules from "./WireRules.ts"

type Json = Readonly<Record<string, any>>

/** One provider as a conversation meets it. */
export interface Target {
  readonly name: string
  readonly options: Readonly<Record<string, unknown>>
  readonly path: string
  readonly rules: WireRules.Rules
  /** What the model says: calls of tools, or a text. */
  readonly say: (turn: Turn) => Json
}

/** What one answer is to hold. `number` counts the answers of a server, so that each has ids of its own. */
export interface Turn {
  readonly number: number
  readonly calls: ReadonlyArray<string>
}

const chatMessage = (idOf: (turn: Turn, place: number) => string, reasoning: Json) => (turn: Turn) => ({
  model: "m",
  choices: [
    {
      index: 0,
      finish_reason: turn.calls.length > 0 ? "tool_calls" : "stop",
      message: {
        role: "assistant",
        content: turn.calls.length > 0 ? null : "Said.",
        ...reasoning,
        ...(turn.calls.length > 0
          ? {
              tool_calls: turn.calls.map((name, place) => ({
                id: idOf(turn, place),
                type: "function",
                function: { name, arguments: '{"q":"x"}' },
              })),
            }
          : {}),
      },
    },
  ],
  usage: { prompt_tokens: 3, completion_tokens: 2, total_tokens: 5 },
})

export const deepSeek: Target = {
  name: "Chat Completions (DeepSeek)",
  options: { provider: "deepseek", model: "deepseek-v4" },
  path: "/v1",
  rules: WireRules.deepSeek,
  // Ids as Kimi writes them, and the same ones in each turn.
  say: chatMessage((_, place) => `functions.look_up:${place}`, { reasoning_content: "Hm." }),
}

export const mistral: Target = {
  name: "Chat Completions (Mistral)",
  options: { provider: "mistral", model: "magistral-medium-latest" },
  path: "/v1",
  rules: WireRules.mistral,
  say: chatMessage(({ number }, place) => `mistral${number % 10}${place}`, {
    content: [{ type: "thinking", thinking: [{ type: "text", text: "Hm." }] }],
  }),
}

export const anthropic: Target = {
  name: "Messages",
  options: { provider: "anthropic", model: "claude-sonnet-4-5" },
  path: "",
  rules: WireRules.anthropic,
  say: ({ calls, number }) => ({
    type: "message",
    role: "assistant",
    model: "m",
    content: [
      { type: "thinking", thinking: "Hm.", signature: `sig${number}` },
      { type: "redacted_thinking", data: "sealed" },
      ...(calls.length > 0
        ? calls.map((name, place) => ({ type: "tool_use", id: `toolu_${number}_${place}`, name, input: { q: "x" } }))
        : [{ type: "text", text: "Said." }]),
    ],
    stop_reason: calls.length > 0 ? "tool_use" : "end_turn",
    usage: { input_tokens: 3, output_tokens: 2 },
  }),
}

export const responses: Target = {
  name: "Responses",
  options: { provider: "openai", model: "gpt-5", wireApi: "responses" },
  path: "/v1",
  rules: WireRules.responses,
  say: ({ calls, number }) => ({
    id: `resp_${number}`,
    object: "response",
    status: "completed",
    model: "m",
    output: [
      {
        id: `rs_${number}`,
        type: "reasoning",
        summary: [{ type: "summary_text", text: "Hm." }],
        encrypted_content: `gAAAA${number}`,
      },
      ...(calls.length > 0
        ? calls.map((name, place) => ({
            id: `fc_${number}_${place}`,
            type: "function_call",
            status: "completed",
            // As long as gateways write them.
            call_id: `call_${number}_${place}_${"x".repeat(80)}`,
            name,
            arguments: '{"q":"x"}',
          }))
        : [
            {
              id: `msg_${number}`,
              type: "message",
              role: "assistant",
              status: "completed",
              content: [{ type: "output_text", text: "Said.", annotations: [] }],
            },
          ]),
    ],
    usage: { input_tokens: 3, output_tokens: 2, total_tokens: 5 },
  }),
}

export const targets: ReadonlyArray<Target> = [deepSeek, mistral, anthropic, responses]

const read = async (request: IncomingMessage): Promise<Json> => {
  let body = ""
  request.setEncoding("utf8")
  for await (const text of request) body += String(text)
  return JSON.parse(body)
}

/** A running service. `next` says what its next answer is to hold. */
export interface Upstream extends AsyncDisposable {
  readonly apiBase: string
  /** The complaints about refused requests. */
  readonly complaints: ReadonlyArray<string>
  readonly bodies: ReadonlyArray<Json>
  next: ReadonlyArray<string>
}

export const serve = async (target: Target): Promise<Upstream> => {
  const complaints: Array<string> = []
  const bodies: Array<Json> = []
  const server = createServer((request, response) => {
    const reply = async () => {
      const body = await read(request)
      bodies.push(body)
      const found = target.rules(body)
      complaints.push(...found)
      const answer =
        found.length > 0
          ? { type: "error", error: { type: "invalid_request_error", message: found.join("; ") } }
          : target.say({ number: bodies.length, calls: upstream.next })
      response.writeHead(found.length > 0 ? 400 : 200, { "content-type": "application/json" })
      response.end(JSON.stringify(answer))
    }
    void reply()
  })
  server.listen(0, "127.0.0.1")
  await once(server, "listening")
  const address = server.address()
  const port = address !== null && typeof address === "object" ? address.port : 0
  const upstream: Upstream = {
    apiBase: `http://127.0.0.1:${port}${target.path}`,
    complaints,
    bodies,
    next: [],
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      server.close()
      await once(server, "close")
    },
  }
  return upstream
}
