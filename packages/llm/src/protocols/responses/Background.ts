/**
 * Reads how far a background response has come, and says how it goes on: by its id, and in a stream by the number of the
 * last event (openai 7.57: `GET /responses/{id}`, with `stream=true&starting_after=…`). It asks nothing itself.
 */
import type { Background, Continuation } from "../Protocol.ts"
import { isWireObject, nonEmpty, parseJson } from "../WireReader.ts"
import { isPending } from "./Response.ts"

/** Events after which nothing comes. */
const last = /^(?:error|response\.(?:completed|incomplete|failed|cancelled))$/

const pathOf = (id: string): string => `/${encodeURIComponent(id)}`

class BackgroundResponse implements Background {
  private id: string | undefined = undefined
  private position: number | undefined = undefined
  private isEnded = false

  pending(body: string): Continuation | undefined {
    const response = parseJson(body)
    if (!isWireObject(response) || !isPending(response.status)) return undefined
    const id = nonEmpty(response.id)
    return id === undefined ? undefined : { path: pathOf(id), query: "" }
  }

  note(data: string): void {
    const event = parseJson(data)
    if (!isWireObject(event)) return
    if (isWireObject(event.response)) this.id ??= nonEmpty(event.response.id)
    if (typeof event.sequence_number === "number") this.position = event.sequence_number
    if (typeof event.type === "string" && last.test(event.type)) this.isEnded = true
  }

  resume(): Continuation | undefined {
    const { id, isEnded, position } = this
    return isEnded || id === undefined || position === undefined
      ? undefined
      : { path: pathOf(id), query: `stream=true&starting_after=${position}` }
  }
}

/** What follows one answer in the background. */
export const background = (): Background => new BackgroundResponse()
