/**
 * Prints the longest block of the event loop for each attack, wire and call, those of the AI SDK's bridge included. The server
 * has a thread of its own:
 * `node --conditions=@wiseflow/source packages/llm/test/fuzz/programs/blocks.ts [bytes] [part of a name]`.
 */
import { once } from "node:events"
import { isMainThread, parentPort, Worker } from "node:worker_threads"
import { type GenerateResponse, LLMInterface } from "../../../src/index.ts"
import { languageModel } from "../../../src/promises/ai-sdk/AiSdk.ts"
import { oneOfEachWire } from "../../contract/Providers.ts"
import { FaultServer } from "../../faults/FaultServer.ts"
import { wires } from "../../faults/Wires.ts"
import { attacks } from "../Attacks.ts"
import { promiseSurface } from "../Surfaces.ts"
import { type Block, measure, print } from "./Measuring.ts"

const [bytes = "1048576", filter = ""] = process.argv.slice(2)

/** The model's name carries which attack is meant: `model-<number>`. */
const serve = async (): Promise<void> => {
  const server = await FaultServer.start((request) => {
    const attack = attacks[Number(/"model":"model-(\d+)"/.exec(request.body)?.[1])]
    const wire = Object.values(wires).find(({ path }) => path === request.path)
    if (attack === undefined || wire === undefined) throw new Error(`no attack at ${request.path}`)
    return attack.answer(wire.name, Number(bytes))
  })
  parentPort?.postMessage(server.url, [])
}

const asked = (place: number) => ({
  model: `model-${place}`,
  messages: [{ role: "user" as const, content: "hello" }],
})

const said = (response: GenerateResponse | undefined): string =>
  response === undefined ? "" : "error" in response ? response.errorType : `${response.text.length} characters`

const prompt = [{ role: "user" as const, content: [{ type: "text" as const, text: "hello" }] }]

/** Each way to ask, and what came of it in a few words. */
const surfaces: Readonly<Record<string, (llm: LLMInterface, place: number) => Promise<string>>> = {
  generate: async (llm, place) => said(await promiseSurface[0]?.(llm, asked(place))),
  stream: async (llm, place) => said(await promiseSurface[1]?.(llm, asked(place))),
  doGenerate: async (llm, place) => {
    const { content } = await languageModel(llm, `model-${place}`).doGenerate({ prompt })
    return `${content.length} parts`
  },
  doStream: async (llm, place) => {
    const { stream } = await languageModel(llm, `model-${place}`).doStream({ prompt })
    let parts = 0
    for await (const _ of stream) parts += 1
    return `${parts} parts`
  },
}

const main = async (): Promise<void> => {
  const worker = new Worker(new URL(import.meta.url), { argv: process.argv.slice(2) })
  const [url] = await once(worker, "message")
  const blocks: Array<Block> = []
  for (const provider of oneOfEachWire) {
    const options = { ...provider.options(String(url)), maxRetries: 0, logger: false as const }
    await using llm = new LLMInterface(options)
    for (const [name, surface] of Object.entries(surfaces)) {
      const act = (place: number) => () => surface(llm, place).catch((error: Error) => error.name)
      // The first calls compile what the others run.
      await measure("", act(attacks.length - 1))
      for (const [place, attack] of attacks.entries()) {
        const row = `${provider.wire.name}, ${name}: ${attack.name}`
        if (row.includes(filter)) blocks.push(await measure(row, act(place)))
      }
    }
  }
  await worker.terminate()
  print(blocks, bytes)
}

await (isMainThread ? main() : serve())
