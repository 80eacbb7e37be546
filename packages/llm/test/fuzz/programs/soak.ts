/**
 * Calls of every kind against a server that answers well, badly and late, for as long as it is told, and prints what came of
 * them and what was kept: `node --expose-gc --conditions=@wiseflow/source packages/llm/test/fuzz/programs/soak.ts 600`.
 * Loopback only; the server has a thread of its own.
 */
import { once } from "node:events"
import { monitorEventLoopDelay } from "node:perf_hooks"
import { setTimeout as sleep } from "node:timers/promises"
import { isMainThread, parentPort, Worker } from "node:worker_threads"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { type GenerateResponse, LLMInterface, withConcurrency, withRetry, withTimeout } from "../../../src/index.ts"
import { oneOfEachWire } from "../../contract/Providers.ts"
import { callOf, goodAnswer } from "../../faults/FaultScenario.ts"
import { type Answer, delay, FaultServer, type RecordedRequest, reset, stall } from "../../faults/FaultServer.ts"
import { whole } from "../../faults/HttpText.ts"
import { wires } from "../../faults/Wires.ts"
import { attacks } from "../Attacks.ts"
import { effectSurface, promiseSurface } from "../Surfaces.ts"

const [seconds = "600"] = process.argv.slice(2)
const key = "sk-soak-0123456789abcdef"
const permits = 16
const clocks = { total: "5 seconds", idle: "500 millis", firstOutput: "500 millis" } as const

const answer = (request: RecordedRequest): Answer => {
  const wire = Object.values(wires).find(({ path }) => path === request.path)
  if (wire === undefined) return [reset]
  const chance = Math.random()
  if (chance < 0.6) return goodAnswer(wire, callOf(request))
  if (chance < 0.7) return [delay(20), ...goodAnswer(wire, callOf(request))]
  if (chance < 0.8) return whole(wire.error("rate-limit").body, 429, { "retry-after-ms": 5 })
  if (chance < 0.85) return whole(wire.error("overloaded").body, 529)
  if (chance < 0.88) return [reset]
  if (chance < 0.9) return [stall]
  return attacks[Math.floor(Math.random() * attacks.length)]?.answer(wire.name, 16 * 1024) ?? [reset]
}

const serve = async (): Promise<void> => {
  const server = await FaultServer.start(answer)
  const report = () => {
    parentPort?.postMessage({ requests: server.requests.length, peak: server.peakInFlight }, [])
    server.requests.length = 0
    server.connections.length = 0
  }
  parentPort?.on("message", report)
  parentPort?.postMessage(server.url, [])
}

const heap = (): number => {
  globalThis.gc?.()
  return Math.round(process.memoryUsage().heapUsed / 1024 / 1024)
}

const main = async (): Promise<void> => {
  const rejected: Array<unknown> = []
  const note = (error: unknown) => rejected.push(error)
  process.on("unhandledRejection", note)
  process.on("uncaughtException", note)
  const worker = new Worker(new URL(import.meta.url))
  const [url] = await once(worker, "message")
  const tally = new Map<string, number>()
  let calls = 0
  let attempts = 0
  const count = (response: GenerateResponse) => {
    calls += 1
    attempts += response.metadata.attempts.filter(({ errorType }) => errorType !== "CircuitOpenError").length
    const told = "error" in response ? response.errorType : "answered"
    tally.set(told, (tally.get(told) ?? 0) + 1)
    if (JSON.stringify(response).includes(key)) rejected.push(new Error("a key was shown"))
  }
  const stacks = oneOfEachWire.map((provider) => ({
    llm: new LLMInterface({
      ...provider.options(String(url), key),
      maxRetries: 2,
      maxConcurrentRequests: permits,
      idleTimeout: clocks.idle,
      timeout: clocks.total,
      logger: false,
    }),
    layer: provider
      .layer(String(url), key)
      .pipe(withConcurrency(permits), withRetry({ times: 2 }), withTimeout(clocks)),
  }))
  // Names that are never the same again: nothing may be kept for each of them.
  const nextModel = () => (Math.random() < 0.5 ? `model-${calls}` : "gpt-5-mini")
  const endMs = performance.now() + Number(seconds) * 1000
  const loop = monitorEventLoopDelay({ resolution: 5 })
  loop.enable()
  let started = 0
  let dropped = 0
  const lane = async (place: number): Promise<void> => {
    const { llm } = stacks[place % stacks.length] ?? { llm: undefined }
    const ask = promiseSurface[place % 2]
    if (llm === undefined || ask === undefined) return
    while (performance.now() < endMs) {
      started += 1
      const request = { model: nextModel(), messages: [{ role: "user" as const, content: "hello" }] }
      if (started % 20 === 0) {
        dropped += 1
        // A failure before the first event is thrown here, and told by the calls that are counted.
        try {
          for await (const _ of llm.stream(request)) break
        } catch {}
        continue
      }
      count(await ask(llm, request))
    }
  }
  const effects = Effect.scoped(
    Effect.forEach(
      stacks,
      ({ layer }) =>
        Effect.flatMap(Layer.build(layer), (context) =>
          Effect.promise(async () => {
            while (performance.now() < endMs) {
              for (const ask of effectSurface) count(await ask(Layer.succeedContext(context)))
            }
          }),
        ),
      { concurrency: "unbounded", discard: true },
    ),
  )
  const report = async (): Promise<void> => {
    while (performance.now() < endMs) {
      await sleep(Math.min(60_000, Number(seconds) * 100))
      worker.postMessage("report", [])
      const [{ peak, requests }] = await once(worker, "message")
      process.stdout.write(
        `${calls} calls, ${attempts} attempts told, ${requests} requests since, peak ${peak}, ${dropped} dropped, heap ${heap()} MiB, rss ${Math.round(process.memoryUsage.rss() / 1024 / 1024)} MiB\n`,
      )
    }
  }
  await Promise.all([Effect.runPromise(effects), report(), ...Array.from({ length: 24 }, (_, place) => lane(place))])
  loop.disable()
  await Promise.all(stacks.map(({ llm }) => llm.dispose()))
  await worker.terminate()
  process.stdout.write(`${JSON.stringify(Object.fromEntries(tally))}\n`)
  process.stdout.write(
    `loop: 99.9 % below ${(loop.percentile(99.9) / 1e6).toFixed(1)} ms, longest ${(loop.max / 1e6).toFixed(1)} ms; rejected or unhandled: ${rejected.length}\n`,
  )
  for (const error of rejected.slice(0, 5)) process.stdout.write(`${String(error)}\n`)
  process.stdout.write(`left: ${JSON.stringify(process.getActiveResourcesInfo())}, heap ${heap()} MiB\n`)
}

await (isMainThread ? main() : serve())
