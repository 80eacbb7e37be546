/**
 * What telemetry costs a call of `generate` in CPU time of the process, all threads: off; on, to a tracer of the program's;
 * and exported by each encoding to a collector on the loopback interface. The answer comes from memory, so that little else is measured.
 */
import { fork } from "node:child_process"
import { once } from "node:events"
import { fileURLToPath } from "node:url"
import { LLMInterface, LlmProvider, OpenAi, withTelemetry } from "@wiseflow/llm"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as ManagedRuntime from "effect/ManagedRuntime"
import * as Redacted from "effect/Redacted"
import * as Tracer from "effect/Tracer"

const calls = 1000
const rounds = 60

const answer = JSON.stringify({
  id: "c1",
  model: "gpt-5-mini",
  choices: [{ index: 0, finish_reason: "stop", message: { role: "assistant", content: "Hello." } }],
  usage: { prompt_tokens: 10, completion_tokens: 5, total_tokens: 15 },
})
const fetch = () => Promise.resolve(new Response(answer))
const messages = [{ role: "user" as const, content: "Hello." }]

const collector = fork(fileURLToPath(new URL("serve.ts", import.meta.url)))
const [port] = await once(collector, "message")

/** An interface for which these variables were set when it was built. */
const open = async (variables: Readonly<Record<string, string>>): Promise<LLMInterface> => {
  Object.assign(process.env, variables)
  const llm = new LLMInterface({ provider: "openai", model: "gpt-5-mini", apiKey: "sk-1", fetch, logger: false })
  await llm.generate({ messages })
  for (const name of Object.keys(variables)) Reflect.deleteProperty(process.env, name)
  return llm
}

/** What is measured: one call, and the end of what it needs. */
interface Kind {
  readonly call: () => Promise<unknown>
  readonly dispose: () => Promise<void>
}

/** Calls through a stack of Effect's, with and without a tracer of the program's that keeps nothing. */
const stack = (tracer: Layer.Layer<never>): Kind => {
  const provider = OpenAi.layer({ apiKey: Redacted.make("sk-1"), model: "gpt-5-mini", fetch })
  const runtime = ManagedRuntime.make(provider.pipe(withTelemetry, Layer.provideMerge(tracer)))
  const ask = Effect.flatMap(LlmProvider, (llm) => llm.generate({ messages }))
  return { call: () => runtime.runPromise(ask), dispose: () => runtime.dispose() }
}

const promises = async (variables: Readonly<Record<string, string>>): Promise<Kind> => {
  const llm = await open(variables)
  return { call: () => llm.generate({ messages }), dispose: () => llm.dispose() }
}

const keepsNothing = Layer.succeed(Tracer.Tracer, Tracer.make({ span: (options) => new Tracer.NativeSpan(options) }))

/** Microseconds of CPU time a call takes, the export of most of its spans included: a batch is 1000. */
const measure = async ({ call }: Kind): Promise<number> => {
  const before = process.cpuUsage()
  for (let made = 0; made < calls; made++) await call()
  await new Promise((resolve) => setTimeout(resolve, 20))
  const { system, user } = process.cpuUsage(before)
  return (system + user) / calls
}

const OTEL_EXPORTER_OTLP_ENDPOINT = `http://127.0.0.1:${port}`
const kinds: Readonly<Record<string, Kind>> = {
  "Effect, off": stack(Layer.empty),
  "Effect, traced": stack(keepsNothing),
  off: await promises({}),
  "off again": await promises({}),
  "http/json": await promises({ OTEL_EXPORTER_OTLP_ENDPOINT, OTEL_EXPORTER_OTLP_PROTOCOL: "http/json" }),
  "http/protobuf": await promises({ OTEL_EXPORTER_OTLP_ENDPOINT }),
  "no collector": await promises({ OTEL_EXPORTER_OTLP_ENDPOINT: "http://127.0.0.1:9" }),
}

const figures = new Map<string, Array<number>>(Object.keys(kinds).map((name) => [name, []]))
for (let round = 0; round < rounds; round++) {
  for (const [name, kind] of Object.entries(kinds)) figures.get(name)?.push(await measure(kind))
}
for (const kind of Object.values(kinds)) await kind.dispose()
collector.kill()

/** Other programs make some rounds slower and none faster. */
const lowerQuartile = (values: ReadonlyArray<number>): number =>
  values.toSorted((a, b) => a - b)[values.length >> 2] ?? 0
for (const [name, values] of figures) {
  const each = lowerQuartile(values)
  const base = lowerQuartile(figures.get(name.startsWith("Effect") ? "Effect, off" : "off") ?? [])
  console.log(
    `${name.padEnd(14)} ${each.toFixed(1).padStart(6)} us a call, ${(each - base).toFixed(1)} us more than off`,
  )
}
