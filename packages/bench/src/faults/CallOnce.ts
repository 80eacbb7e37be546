/**
 * A client's process: makes one call against one server and tells the parent what the caller saw. It stays alive
 * afterwards, so that a socket it leaves open stays visible; the parent ends it.
 */
import { nowMs } from "../../../llm/test/faults/FaultServer.ts"
import type { CallName } from "../../../llm/test/faults/FaultScenario.ts"
import { type FaultAnswer, faultClients } from "./FaultClient.ts"

/** What a caller saw in the end. Times are comparable with the server's. */
export type Seen =
  | { readonly outcome: "answer"; readonly text: string; readonly finishReason: string | undefined }
  | { readonly outcome: "error"; readonly text: string; readonly errorName: string; readonly errorMessage: string }

/** What this process tells its parent, in this order. */
export type Report =
  | { readonly type: "started"; readonly atMs: number }
  | { readonly type: "aborted"; readonly atMs: number }
  | { readonly type: "text"; readonly text: string }
  | { readonly type: "ended"; readonly atMs: number; readonly seen: Seen }

const [name, url = "", call = "", abort] = process.argv.slice(2)
const report = (message: Report) => process.send?.(message)

const row = faultClients.find((candidate) => candidate.name === name)
if (row === undefined) throw new Error(`No client is called "${name}".`)
const client = (await row.load())(url)
const controller = new AbortController()
let text = ""

const run = async (): Promise<FaultAnswer> => {
  if ((call as CallName) === "generate") {
    if (client.generate === undefined) throw new Error(`"${name}" only streams.`)
    return client.generate(controller.signal)
  }
  const stream = client.stream(controller.signal)
  for (;;) {
    const next = await stream.next()
    if (next.done === true) return { text, finishReason: next.value }
    if (text === "" && abort === "abort") {
      setTimeout(() => {
        report({ type: "aborted", atMs: nowMs() })
        controller.abort()
      }, 200)
    }
    text += next.value
    report({ type: "text", text })
  }
}

/** The name a caller can act on: the reason of this library's error, or the class. */
const nameOf = (error: Error): string => {
  const reason = "reason" in error ? error.reason : undefined
  if (typeof reason === "object" && reason !== null && "_tag" in reason) return String(reason._tag)
  const { name: className } = error.constructor
  return error.name === "Error" || className.endsWith(error.name) ? className : error.name
}

report({ type: "started", atMs: nowMs() })
const seen = await run().then(
  (answer): Seen => ({ outcome: "answer", ...answer }),
  (error: unknown): Seen =>
    error instanceof Error
      ? { outcome: "error", text, errorName: nameOf(error), errorMessage: error.message }
      : { outcome: "error", text, errorName: typeof error, errorMessage: JSON.stringify(error) },
)
report({ type: "ended", atMs: nowMs(), seen })
setInterval(() => undefined, 60_000)
