/**
 * Random faults over real sockets, and calls that meet them. What happens to the n-th request of a call is decided by the
 * storm's seed, the call and n alone, so that a storm can be made again.
 */
import type { LLMInterface } from "../../src/index.ts"
import type { ErrorType } from "../../src/model/LlmError.ts"
import type { AttemptRecord } from "../../src/model/LlmResponse.ts"
import {
  type Answer,
  delay,
  end,
  FaultServer,
  type RecordedRequest,
  reset,
  slowly,
  stall,
} from "../faults/FaultServer.ts"
import { chunk, stream, streamHead, streamUntilClose, whole } from "../faults/HttpText.ts"
import { chat, fullText, goodStream, partialText, pieces, type WireErrorName } from "../faults/WireText.ts"
import type { CallName } from "../policies/Calls.ts"

/** Numbers between 0 and 1, the same for the same seed (mulberry32). */
export const sequence = (seed: number) => () => {
  seed = (seed + 0x6d2b79f5) | 0
  let mixed = Math.imul(seed ^ (seed >>> 15), 1 | seed)
  mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
  return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
}

const good = (name: CallName): Answer =>
  name === "generate" ? whole(chat.answer(fullText)) : stream(...goodStream(chat))

/** A refusal that quotes what it refuses, as proxies do. */
const refusal = (name: WireErrorName, request: RecordedRequest, headers: Readonly<Record<string, string>> = {}) => {
  const { body, status } = chat.error(name)
  const key = request.headers["authorization"] ?? ""
  return whole(body.replace(/"message":"/, `"message":"(with ${key}) `), status, headers)
}

const partial = [streamHead(), ...[chat.opening, chat.piece(pieces[0]), chat.piece(pieces[1])].map(chunk)]

/** Each fault with its weight; the rest of the requests is answered well. */
const faults: ReadonlyArray<readonly [weight: number, (request: RecordedRequest, name: CallName) => Answer]> = [
  [0.05, (request) => refusal("rate-limit", request, { "retry-after-ms": "20" })],
  [0.04, (request) => refusal("unavailable", request)],
  [0.03, (request) => refusal("overloaded", request)],
  [0.03, (request) => refusal("server", request)],
  [0.01, (request) => refusal("authentication", request)],
  [0.04, () => [reset]],
  [0.03, () => [end]],
  [0.02, () => whole("<html>not what you asked for</html>")],
  [0.02, (_, name) => (name === "generate" ? [...whole("{").slice(0, 1)] : stream(chat.errorEvent("overloaded")))],
  [0.02, (_, name) => (name === "generate" ? good(name) : [...partial, reset])],
  [0.01, (_, name) => (name === "generate" ? good(name) : streamUntilClose(chat.opening, chat.piece(pieces[0])))],
  [0.01, (_, name) => (name === "generate" ? good(name) : [...partial, stall])],
  [0.2, (_, name) => [delay(200), ...good(name)]],
  [0.1, (_, name) => [...good(name)].flatMap((step) => (step.type === "write" ? slowly(step.bytes, 97) : [step]))],
]

const callIdOf = (request: RecordedRequest): string =>
  String((request.json as { readonly user?: unknown } | undefined)?.user)

/** How a call is treated by its caller. */
type Manner = "wait" | "abort when queued" | "abort when received" | "abort some time" | "leave"

/** How one call ended, told once. */
export interface CallEnd {
  readonly id: string
  readonly name: CallName
  readonly end: "answered" | "aborted" | ErrorType
  readonly text: string
  /** Absent where the call was aborted: nobody reported. */
  readonly attempts: ReadonlyArray<AttemptRecord> | undefined
  /** Everything a caller could show of it. */
  readonly shown: ReadonlyArray<unknown>
}

/** The server of a storm. `await using` closes it. */
export class Storm implements AsyncDisposable {
  readonly server: FaultServer
  /** Requests that arrived, by call. */
  readonly received = new Map<string, number>()
  private readonly onReceived = new Map<string, () => void>()
  private readonly seed: number

  private constructor(server: FaultServer, seed: number) {
    this.server = server
    this.seed = seed
  }

  static async start(seed: number): Promise<Storm> {
    const storms: Array<Storm> = []
    const server = await FaultServer.start((request) => storms[0]?.answer(request) ?? [reset])
    const storm = new Storm(server, seed)
    storms.push(storm)
    return storm
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.server.close()
  }

  /** Lets go of what the server has recorded. */
  forget(): void {
    this.server.requests.length = 0
    this.server.connections.length = 0
    this.received.clear()
    this.onReceived.clear()
  }

  private answer(request: RecordedRequest): Answer {
    const id = callIdOf(request)
    const before = this.received.get(id) ?? 0
    this.received.set(id, before + 1)
    this.onReceived.get(id)?.()
    const name = id.startsWith("stream") ? "stream" : "generate"
    let left = sequence(this.seed * 7919 + Number(id.split("-")[1]) * 31 + before)()
    for (const [weight, fault] of faults) {
      if (left < weight) return fault(request, name)
      left -= weight
    }
    return good(name)
  }

  /** Makes `count` calls at once, half of them streams, and waits until the last has ended. */
  calls(llm: LLMInterface, count: number, options: { readonly aborts: boolean }): Promise<ReadonlyArray<CallEnd>> {
    const random = sequence(this.seed)
    const manners: ReadonlyArray<Manner> = ["abort when queued", "abort when received", "abort some time", "leave"]
    return Promise.all(
      Array.from({ length: count }, (_, index) => {
        const name = index % 2 === 0 ? "generate" : "stream"
        const manner = options.aborts && random() < 0.3 ? manners[Math.floor(random() * manners.length)] : undefined
        return this.call(llm, name, `${name}-${index}`, manner ?? "wait", random() * 2000)
      }),
    )
  }

  private async call(
    llm: LLMInterface,
    name: CallName,
    id: string,
    manner: Manner,
    patienceMs: number,
  ): Promise<CallEnd> {
    const controller = new AbortController()
    const { signal } = controller
    if (manner === "abort when received") this.onReceived.set(id, () => controller.abort())
    const timer = manner === "abort some time" ? setTimeout(() => controller.abort(), patienceMs) : undefined
    const request = { messages: [{ role: "user" as const, content: "hello" }], user: id, signal }
    const ending = name === "generate" ? generated(llm, request, id) : streamed(llm, request, id, manner === "leave")
    if (manner === "abort when queued") controller.abort()
    const result = await ending
    clearTimeout(timer)
    return result
  }
}

type Request = Parameters<LLMInterface["generate"]>[0]

const generated = async (llm: LLMInterface, request: Request, id: string): Promise<CallEnd> => {
  try {
    const response = await llm.generate(request)
    const end = "errorType" in response ? response.errorType : "answered"
    const { attempts } = response.metadata
    return { id, name: "generate", end, text: response.text, attempts, shown: [response] }
  } catch (error) {
    if (request.signal?.aborted !== true) throw error
    return { id, name: "generate", end: "aborted", text: "", attempts: undefined, shown: [error] }
  }
}

const streamed = async (llm: LLMInterface, request: Request, id: string, leave: boolean): Promise<CallEnd> => {
  const events = llm.stream(request)
  const shown: Array<unknown> = []
  let text = ""
  let finished = 0
  try {
    for await (const event of events) {
      shown.push(event)
      if (finished > 0) throw new Error("an event after the last")
      if (event.type === "text-delta") text += event.delta
      if (event.type === "text-delta" && leave) break
      if (event.type === "response-finish") finished += 1
    }
  } catch (error) {
    shown.push(error)
  }
  const after = await events.next()
  if (after.done !== true) throw new Error("an event after the end")
  try {
    const response = await events.response
    const end = "errorType" in response ? response.errorType : "answered"
    return { id, name: "stream", end, text, attempts: response.metadata.attempts, shown: [...shown, response] }
  } catch (error) {
    if (request.signal?.aborted !== true && !leave) throw error
    return { id, name: "stream", end: "aborted", text, attempts: undefined, shown: [...shown, error] }
  }
}

/** What a whole answer says, and what a broken stream may have said. */
export const answerText = fullText
export const mayHaveSaid = (text: string): boolean => fullText.startsWith(text) || partialText.startsWith(text)
