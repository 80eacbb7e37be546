/**
 * Prints the longest block of the event loop for values that are made to hurt, by each way to check them against a schema:
 * `node --conditions=@wiseflow/source packages/llm/test/fuzz/programs/valueBlocks.ts [bytes] [part of a name]`.
 */
import { once } from "node:events"
import { isMainThread, parentPort, Worker } from "node:worker_threads"
import { LLMInterface, tool } from "../../../src/index.ts"
import { FaultServer } from "../../faults/FaultServer.ts"
import { chunk, lastChunk, streamHead, whole } from "../../faults/HttpText.ts"
import { type Block, measure, print } from "./Measuring.ts"
import { kinds, values } from "./Values.ts"

const [bytes = "1048576", filter = ""] = process.argv.slice(2)

const message = (content: object, finish: string) =>
  whole(JSON.stringify({ choices: [{ index: 0, message: { role: "assistant", ...content }, finish_reason: finish }] }))

const event = (choice: object) => `data: ${JSON.stringify({ choices: [{ index: 0, ...choice }] })}\n\n`

/** The text of an answer in pieces of so many characters. */
const streamed = (text: string, piece: number) => {
  const steps = [streamHead()]
  let events = ""
  for (let at = 0; at < text.length; at += piece) {
    events += event({ delta: { content: text.slice(at, at + piece) } })
    if (events.length > 16 * 1024) {
      steps.push(chunk(events))
      events = ""
    }
  }
  return [...steps, chunk(`${events}${event({ delta: {}, finish_reason: "stop" })}data: [DONE]\n\n`), lastChunk]
}

/** The model's name says which value is meant, and how it comes: `model-<number>-<way>`. */
const serve = async (): Promise<void> => {
  // An event of twenty characters has a hundred and forty bytes.
  const large = values.map(({ text }) => text(Number(bytes)))
  const small = values.map(({ text }) => text(Number(bytes) / 7))
  const server = await FaultServer.start((request) => {
    const [, place, way] = /"model":"model-(\d+)-(\w+)"/.exec(request.body) ?? []
    const text = (way === "pieces" ? small : large)[Number(place)] ?? ""
    if (way === "object") return message({ content: text }, "stop")
    if (way === "pieces") return streamed(text, 20)
    if (way === "stream") return streamed(text, 4000)
    if (request.body.includes('"role":"tool"')) return message({ content: "done" }, "stop")
    const call = { id: "a", type: "function", function: { name: "t", arguments: text } }
    return message({ content: null, tool_calls: [call] }, "tool_calls")
  })
  parentPort?.postMessage(server.url, [])
}

const saidOf = (response: object): string =>
  "error" in response ? `${Reflect.get(response, "errorType")}: ${String(response.error).slice(0, 90)}` : "read"

const main = async (): Promise<void> => {
  const worker = new Worker(new URL(import.meta.url), { argv: process.argv.slice(2) })
  const [url] = await once(worker, "message")
  await using llm = new LLMInterface({
    provider: "openai",
    apiKey: "sk-blocks-0123456789",
    apiBase: `${String(url)}/v1`,
    maxRetries: 0,
    logger: false,
  })
  const ways = (place: number, kind: (typeof kinds)[number]) => {
    const schema = values[place]?.schemas[kind] ?? {}
    const asked = { prompt: "Go.", schema, repairs: 0 }
    return {
      object: async () => saidOf(await llm.generateObject({ ...asked, model: `model-${place}-object` })),
      stream: async () => saidOf(await llm.streamObject({ ...asked, model: `model-${place}-stream` }).response),
      pieces: async () => saidOf(await llm.streamObject({ ...asked, model: `model-${place}-pieces` }).response),
      tools: async () => {
        const t = tool({ name: "t", parameters: schema, execute: () => 1 })
        const response = await llm.runTools({ prompt: "Go.", tools: [t], model: `model-${place}-tools` })
        const results =
          "error" in response ? [] : response.messages.flatMap(({ content, role }) => (role === "tool" ? content : []))
        return results.length === 0 ? saidOf(response) : String(results[0]?.content).slice(0, 90)
      },
    }
  }
  const blocks: Array<Block> = []
  for (const kind of kinds) {
    for (const act of Object.values(ways(0, kind))) await measure("", act)
    for (const [place, { name }] of values.entries()) {
      for (const [way, act] of Object.entries(ways(place, kind))) {
        const row = `${way}, ${kind}: ${name}`
        if (row.includes(filter)) blocks.push(await measure(row, act))
      }
    }
  }
  await worker.terminate()
  print(blocks, bytes)
}

await (isMainThread ? main() : serve())
