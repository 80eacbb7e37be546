/**
 * Reads how far a background response has come, and says how it goes on: by its id, and in a stream by the number of the
 * last event (openai 7.57: `GET /responses/{id}`, with `stream=true&starting_after=…`). What the request wanted included is
 * wanted again each time: the answer to the question has it, not the response that is kept. It asks nothing itself.
 */
import type { Background, Continuation } from "../Protocol.ts"
import { elements, isWireObject, nonEmpty, parseJson } from "../WireReader.ts"
import { isPending } from "./Response.ts"

/** Events after which nothing comes. */
const last: ReadonlySet<unknown> = new Set([
  "error",
  "response.completed",
  "response.incomplete",
  "response.failed",
  "response.cancelled",
])

const pathOf = (id: string): string => `/${encodeURIComponent(id)}`

/** A list in a query as openai 7.57 writes it: `include[]=…` for each. */
const includeQuery = (include: unknown): string =>
  elements(include)
    .filter((wanted) => typeof wanted === "string")
    .map((wanted) => `include[]=${encodeURIComponent(wanted)}`)
    .join("&")

class BackgroundResponse implements Background {
  private readonly include: string
  private id: string | undefined = undefined
  private position: number | undefined = undefined
  private isEnded = false

  constructor(include: string) {
    this.include = include
  }

  pending(body: string): Continuation | undefined {
    const response = parseJson(body)
    if (!isWireObject(response) || !isPending(response.status)) return undefined
    const id = nonEmpty(response.id)
    return id === undefined ? undefined : { path: pathOf(id), query: this.include }
  }

  note(data: string): void {
    const event = parseJson(data)
    if (!isWireObject(event)) return
    if (isWireObject(event.response)) this.id ??= nonEmpty(event.response.id)
    if (typeof event.sequence_number === "number") this.position = event.sequence_number
    if (last.has(event.type)) this.isEnded = true
  }

  resume(): Continuation | undefined {
    const { id, include, isEnded, position } = this
    if (isEnded || id === undefined || position === undefined) return undefined
    const query = `stream=true&starting_after=${position}`
    return { path: pathOf(id), query: include === "" ? query : `${query}&${include}` }
  }
}

/** What follows one answer in the background. `include` is the field of its request. */
export const background = (include: unknown): Background => new BackgroundResponse(includeQuery(include))
