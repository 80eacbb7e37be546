/**
 * A server that repeats recorded answers: whole, in pieces that end anywhere, or cut. A request asks for its answer by the
 * name of its model.
 */
import { once } from "node:events"
import { createServer, type ServerResponse } from "node:http"
import type { AddressInfo } from "node:net"
import { setImmediate as nextTurn } from "node:timers/promises"

/** What to say. Without its end the connection breaks off after the last piece. */
export interface Recorded {
  readonly status: number
  readonly contentType: string
  readonly pieces: ReadonlyArray<Uint8Array>
  readonly isCut?: boolean
}

const say = async (recorded: Recorded, response: ServerResponse): Promise<void> => {
  // A recorded `retry-after` on a 200 means nothing, and would be no good on a failure here: nothing is tried again.
  response.writeHead(recorded.status, { "content-type": recorded.contentType, "retry-after": "90" })
  for (const piece of recorded.pieces) {
    response.write(piece)
    if (recorded.pieces.length > 1) await nextTurn()
  }
  if (recorded.isCut !== true) response.end()
  else response.socket?.end()
}

export class RecordedServer implements AsyncDisposable {
  readonly url: string
  readonly #answers = new Map<string, Recorded>()
  readonly #close: () => Promise<void>

  private constructor(port: number, close: () => Promise<void>) {
    this.url = `http://127.0.0.1:${port}`
    this.#close = close
  }

  static async start(): Promise<RecordedServer> {
    const http = createServer({ keepAlive: true, noDelay: true })
    http.listen(0, "127.0.0.1")
    await once(http, "listening")
    const server = new RecordedServer((http.address() as AddressInfo).port, async () => {
      http.closeAllConnections()
      await new Promise((resolve) => http.close(resolve))
    })
    http.on("request", (request, response) => {
      let body = ""
      request.setEncoding("utf8")
      request.on("data", (text: string) => (body += text))
      request.on("end", () => {
        const { model } = JSON.parse(body) as { readonly model: string }
        const recorded = server.#answers.get(model)
        if (recorded === undefined) response.writeHead(400).end(`nothing is recorded as ${model}`)
        else void say(recorded, response)
      })
    })
    return server
  }

  /** From now on the model answers so. */
  put(model: string, recorded: Recorded): void {
    this.#answers.set(model, recorded)
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#close()
  }
}
