/**
 * What telemetry costs a call of `generate` in CPU time of the process, all threads: off, and exported by each encoding to a
 * collector on the loopback interface. The answer comes from memory, so that little else is measured.
 */
import { fork } from "node:child_process"
import { once } from "node:events"
import { fileURLToPath } from "node:url"
import { LLMInterface } from "@wiseflow/llm"

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

/** Microseconds of CPU time a call takes, the export of most of its spans included: a batch is 1000. */
const measure = async (llm: LLMInterface): Promise<number> => {
  const before = process.cpuUsage()
  for (let call = 0; call < calls; call++) await llm.generate({ messages })
  await new Promise((resolve) => setTimeout(resolve, 20))
  const { system, user } = process.cpuUsage(before)
  return (system + user) / calls
}

const OTEL_EXPORTER_OTLP_ENDPOINT = `http://127.0.0.1:${port}`
const kinds: Readonly<Record<string, LLMInterface>> = {
  off: await open({}),
  "off again": await open({}),
  "http/json": await open({ OTEL_EXPORTER_OTLP_ENDPOINT, OTEL_EXPORTER_OTLP_PROTOCOL: "http/json" }),
  "http/protobuf": await open({ OTEL_EXPORTER_OTLP_ENDPOINT }),
  "no collector": await open({ OTEL_EXPORTER_OTLP_ENDPOINT: "http://127.0.0.1:9" }),
}

const figures = new Map<string, Array<number>>(Object.keys(kinds).map((name) => [name, []]))
for (let round = 0; round < rounds; round++) {
  for (const [name, llm] of Object.entries(kinds)) figures.get(name)?.push(await measure(llm))
}
for (const llm of Object.values(kinds)) await llm.dispose()
collector.kill()

/** Other programs make some rounds slower and none faster. */
const lowerQuartile = (values: ReadonlyArray<number>): number =>
  values.toSorted((a, b) => a - b)[values.length >> 2] ?? 0
const base = lowerQuartile(figures.get("off") ?? [])
for (const [name, values] of figures) {
  const each = lowerQuartile(values)
  console.log(
    `${name.padEnd(14)} ${each.toFixed(1).padStart(6)} us a call, ${(each - base).toFixed(1)} us more than off`,
  )
}
