/** A case being asked: a loopback server that gives its answers in turn, and an interface that asks it. */
import { once } from "node:events"
import { createServer, type IncomingMessage, type ServerResponse } from "node:http"
import { expect } from "vitest"
import { type GenerateResponse, type LlmEvent, LLMInterface, type LlmRequest } from "../../src/index.ts"
import type { CallName } from "../faults/FaultScenario.ts"
import type { Case, CaseAnswer } from "./Case.ts"

/** What a call came to: `response` is `generate`'s, or the whole of the stream whose `events` came. */
export interface Asked {
  readonly response: GenerateResponse
  readonly events: ReadonlyArray<LlmEvent>
}

/** The parts of an answer; none of a failure. */
export const partsOf = ({ response }: Asked) => ("error" in response ? [] : response.parts)

/** The tool calls of an answer; none of a failure. */
export const callsOf = ({ response }: Asked) => ("error" in response ? [] : response.toolCalls)

/** Expects a call that broke off, with the text so far. */
export const interrupted = ({ response }: Asked, text = "half an ans") =>
  expect(response).toMatchObject({ text: "", errorType: "StreamInterruptedError", partialText: text })

export interface OpenCase extends AsyncDisposable {
  /** Asks once; the request of the case, with the fields given in place of its own. */
  readonly ask: (call: CallName, fields?: Partial<LlmRequest>) => Promise<Asked>
  /** The bodies of the requests so far. */
  readonly requests: ReadonlyArray<any>
}

const readBody = async (request: IncomingMessage): Promise<any> => {
  let body = ""
  request.setEncoding("utf8")
  for await (const text of request) body += String(text)
  return JSON.parse(body)
}

const say = ({ body, headers, sse, status = 200 }: CaseAnswer, streams: boolean, response: ServerResponse): void => {
  const type = streams && sse !== undefined ? "text/event-stream" : "application/json"
  response.writeHead(status, { "content-type": type, ...headers })
  if (streams && sse !== undefined) response.end(sse)
  else response.end(typeof body === "string" ? body : JSON.stringify(body))
}

/** Serves a case until it is disposed of. */
export const openCase = async (one: Case): Promise<OpenCase> => {
  const requests: Array<any> = []
  const reply = async (request: IncomingMessage, response: ServerResponse) => {
    const body = await readBody(request)
    const answer = one.answers[Math.min(requests.length, one.answers.length - 1)] ?? { status: 500, body: "" }
    requests.push(body)
    say(answer, body.stream === true, response)
  }
  const server = createServer((request, response) => void reply(request, response))
  server.listen(0, "127.0.0.1")
  await once(server, "listening")
  const address = server.address()
  const port = address !== null && typeof address === "object" ? address.port : 0
  const provider = one.provider ?? "openai"
  const apiBase = `http://127.0.0.1:${port}${provider === "openai" ? "/v1" : ""}`
  const llm = new LLMInterface({
    provider,
    model: "m",
    apiKey: "key",
    apiBase,
    maxRetries: 0,
    logger: () => {},
    ...one.options,
  })
  const request: LlmRequest = { messages: [{ role: "user", content: "Say hello." }], ...one.request }
  return {
    requests,
    ask: async (call, fields) => {
      if (call === "generate") return { response: await llm.generate({ ...request, ...fields }), events: [] }
      const events: Array<LlmEvent> = []
      const stream = llm.stream({ ...request, ...fields })
      try {
        for await (const event of stream) events.push(event)
      } catch {
        // The whole says it too, as data.
      }
      return { response: await stream.response, events }
    },
    async [Symbol.asyncDispose]() {
      await llm.dispose()
      server.closeAllConnections()
      server.close()
      await once(server, "close")
    },
  }
}
