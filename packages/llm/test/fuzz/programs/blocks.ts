/**
 * Prints the longest block of the event loop for each attack, wire and call, and no more than the CPU that the whole call
 * took, which other programs of the machine do not add to. The server has a thread of its own:
 * `node --conditions=@wiseflow/source packages/llm/test/fuzz/programs/blocks.ts [bytes] [part of a name]`.
 */
import { once } from "node:events"
import { monitorEventLoopDelay } from "node:perf_hooks"
import { setTimeout as sleep } from "node:timers/promises"
import { isMainThread, parentPort, Worker } from "node:worker_threads"
import { LLMInterface } from "../../../src/index.ts"
import { oneOfEachWire } from "../../contract/Providers.ts"
import { FaultServer } from "../../faults/FaultServer.ts"
import { wires } from "../../faults/Wires.ts"
import { attacks } from "../Attacks.ts"
import { promiseSurface } from "../Surfaces.ts"

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

interface Block {
  readonly name: string
  readonly blockMs: number
  readonly told: string
}

/** The shortest of three: what else the machine does only adds. */
const measure = async (llm: LLMInterface, name: string, attack: number, call: number): Promise<Block> => {
  let blockMs = Infinity
  let told = ""
  for (let run = 0; run < 3; run++) {
    const delay = monitorEventLoopDelay({ resolution: 1 })
    delay.enable()
    await sleep(5)
    delay.reset()
    const before = process.threadCpuUsage()
    const response = await promiseSurface[call]?.(llm, {
      model: `model-${attack}`,
      messages: [{ role: "user", content: "hello" }],
    })
    const { system, user } = process.threadCpuUsage(before)
    await sleep(5)
    delay.disable()
    blockMs = Math.min(blockMs, delay.max / 1e6, (system + user) / 1000)
    if (response !== undefined) told = "error" in response ? response.errorType : `${response.text.length} characters`
  }
  return { name, blockMs, told }
}

const main = async (): Promise<void> => {
  const worker = new Worker(new URL(import.meta.url), { argv: process.argv.slice(2) })
  const [url] = await once(worker, "message")
  const blocks: Array<Block> = []
  for (const provider of oneOfEachWire) {
    const options = { ...provider.options(String(url)), maxRetries: 0, logger: false as const }
    await using llm = new LLMInterface(options)
    // The first calls compile what the others run.
    for (const call of promiseSurface.keys()) await measure(llm, "", attacks.length - 1, call)
    for (const [place, attack] of attacks.entries()) {
      if (!attack.name.includes(filter)) continue
      for (const [call, surface] of ["generate", "stream"].entries()) {
        blocks.push(await measure(llm, `${provider.wire.name}, ${surface}: ${attack.name}`, place, call))
      }
    }
  }
  await worker.terminate()
  blocks.sort((left, right) => right.blockMs - left.blockMs)
  for (const { blockMs, name, told } of blocks.slice(0, 25)) {
    process.stdout.write(`${blockMs.toFixed(1).padStart(7)} ms  ${name.padEnd(72)} ${told}\n`)
  }
  process.stdout.write(`${blocks.length} answers of ${bytes} bytes, each asked for three times\n`)
}

await (isMainThread ? main() : serve())
