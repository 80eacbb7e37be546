/**
 * A provider on a loopback port that answers as it is told and remembers what it was asked: OpenAI's wire at every path
 * but Anthropic's `/messages`. It refuses nothing by itself.
 */
import { once } from "node:events"
import { createServer, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from "node:http"

/** A request as it arrived. */
export interface Received {
  readonly path: string
  readonly headers: IncomingHttpHeaders
  readonly body: Readonly<Record<string, unknown>>
  /** Resolves when the connection's answer is over, however it ended. */
  readonly closed: Promise<unknown>
}

/** Answers one request; `position` counts the upstream's requests from 0. */
export type Reply = (request: Received, response: ServerResponse, position: number) => void | Promise<void>

export interface Upstream extends AsyncDisposable {
  readonly url: string
  readonly requests: ReadonlyArray<Received>
  /** The most requests that were being answered at once. */
  readonly mostInFlight: () => number
}

const isRecord = (value: unknown): value is Record<string, unknown> => typeof value === "object" && value !== null

const read = async (request: IncomingMessage): Promise<Record<string, unknown>> => {
  const chunks: Array<string> = []
  request.setEncoding("utf8")
  for await (const chunk of request) chunks.push(String(chunk))
  const body: unknown = chunks.length === 0 ? {} : JSON.parse(chunks.join(""))
  return isRecord(body) ? body : {}
}

/** Starts an upstream. */
export const listen = async (reply: Reply = answers("hello")): Promise<Upstream> => {
  const requests: Array<Received> = []
  let inFlight = 0
  let most = 0
  const server = createServer((incoming, response) => {
    inFlight += 1
    most = Math.max(most, inFlight)
    const closed = once(response, "close")
    void closed.then(() => (inFlight -= 1))
    void read(incoming).then((body) => {
      const request = { path: incoming.url ?? "", headers: incoming.headers, body, closed }
      requests.push(request)
      return reply(request, response, requests.length - 1)
    })
  })
  server.listen(0, "127.0.0.1")
  await once(server, "listening")
  const address = server.address()
  if (address === null || typeof address === "string") throw new Error("the upstream has no port")
  return {
    url: `http://127.0.0.1:${address.port}`,
    requests,
    mostInFlight: () => most,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections()
      server.close()
      await once(server, "close")
    },
  }
}

const usage = { prompt_tokens: 11, completion_tokens: 7, total_tokens: 18 }

const chat = (text: string, model: unknown): unknown => ({
  id: "chatcmpl-1",
  object: "chat.completion",
  model,
  choices: [{ index: 0, message: { role: "assistant", content: text }, finish_reason: "stop" }],
  usage,
})

const message = (text: string, model: unknown): unknown => ({
  id: "msg_1",
  type: "message",
  role: "assistant",
  model,
  content: [{ type: "text", text }],
  stop_reason: "end_turn",
  usage: { input_tokens: 11, output_tokens: 7 },
})

/** The events of a chat stream that says `pieces`; without the end that proves that it is complete. */
export const chatPieces = (pieces: ReadonlyArray<string>, model: unknown): string =>
  pieces
    .map((content) => ({
      id: "c1",
      object: "chat.completion.chunk",
      model,
      choices: [{ index: 0, delta: { content } }],
    }))
    .map((chunk) => `data: ${JSON.stringify(chunk)}\n\n`)
    .join("")

/** The end of a chat stream that proves it complete. */
export const chatEnd = (model: unknown): string =>
  [
    { id: "c1", object: "chat.completion.chunk", model, choices: [{ index: 0, delta: {}, finish_reason: "stop" }] },
    { id: "c1", object: "chat.completion.chunk", model, choices: [], usage },
  ]
    .map((chunk) => `data: ${JSON.stringify(chunk)}\n\n`)
    .join("") + "data: [DONE]\n\n"

const messageEvents = (text: string, model: unknown): string =>
  [
    {
      type: "message_start",
      message: { id: "msg_1", type: "message", role: "assistant", model, content: [], usage: { input_tokens: 11 } },
    },
    { type: "content_block_start", index: 0, content_block: { type: "text", text: "" } },
    { type: "content_block_delta", index: 0, delta: { type: "text_delta", text } },
    { type: "content_block_stop", index: 0 },
    { type: "message_delta", delta: { stop_reason: "end_turn" }, usage: { output_tokens: 7 } },
    { type: "message_stop" },
  ]
    .map((event) => `event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`)
    .join("")

const json = (response: ServerResponse, status: number, body: unknown, headers: Record<string, string> = {}): void => {
  response.writeHead(status, { "content-type": "application/json", "x-request-id": "req_1", ...headers })
  response.end(JSON.stringify(body))
}

/** Begins a stream of events, to be written to. */
export const beginEvents = (response: ServerResponse): ServerResponse =>
  response.writeHead(200, { "content-type": "text/event-stream", "x-request-id": "req_1" })

/** Answers with this text, streamed where a stream was asked for. */
export const answers =
  (text: string): Reply =>
  ({ body: { model, stream }, path }, response) => {
    const isMessages = path.includes("/messages")
    if (stream !== true) return json(response, 200, isMessages ? message(text, model) : chat(text, model))
    beginEvents(response).end(
      isMessages ? messageEvents(text, model) : chatPieces(text.split(/(?= )/), model) + chatEnd(model),
    )
  }

/** Refuses with this status. */
export const refuses =
  (status: number, headers: Record<string, string> = {}): Reply =>
  ({ path }, response) =>
    path.includes("/messages")
      ? json(
          response,
          status,
          { type: "error", error: { type: "api_error", message: `refused with ${status}` } },
          headers,
        )
      : json(response, status, { error: { message: `refused with ${status}`, type: null, code: null } }, headers)

/** Never answers. */
export const silence: Reply = () => {}

/** One reply after another; the last for all that follow. */
export const inTurn =
  (...replies: readonly [Reply, ...Array<Reply>]): Reply =>
  (request, response, position) =>
    (replies[Math.min(position, replies.length - 1)] ?? silence)(request, response, position)

/** By the model that is asked for. */
export const byModel =
  (replies: Readonly<Record<string, Reply>>): Reply =>
  (request, response, position) =>
    (replies[String(request.body["model"])] ?? refuses(404))(request, response, position)
