/** What a collector gets of calls, by both encodings, as the names, types, parents and units that the conventions say. */
import { afterEach, describe, expect, it } from "vitest"
import type { LogLine } from "../../src/index.ts"
import { call, json, streamed } from "./ExportedCall.ts"
import { Receiver } from "./Receiver.ts"

const closing: Array<() => Promise<void>> = []
afterEach(async () => {
  for (const name of Object.keys(process.env)) if (name.startsWith("OTEL_")) delete process.env[name]
  for (const close of closing.splice(0)) await close()
})

const receiving = async (status?: number): Promise<Receiver> => {
  const receiver = await Receiver.start(status)
  closing.push(() => receiver.close())
  return receiver
}

describe.each(["http/json", "http/protobuf", undefined] as const)("a collector by %s", (protocol) => {
  it.each(["generate", "stream"] as const)(
    "gets a span of %s, one of each attempt, and their events",
    async (method) => {
      const receiver = await receiving()
      process.env["OTEL_EXPORTER_OTLP_ENDPOINT"] = `${receiver.url}/`
      process.env["OTEL_EXPORTER_OTLP_HEADERS"] = "authorization=Bearer%20abc,x-tenant=t1"
      process.env["OTEL_SERVICE_NAME"] = "shop"
      process.env["OTEL_RESOURCE_ATTRIBUTES"] = "deployment.environment=test,service.name=other"
      if (protocol !== undefined) process.env["OTEL_EXPORTER_OTLP_PROTOCOL"] = protocol
      await call(method === "generate" ? json : streamed, method)

      expect(receiver.paths.toSorted()).toEqual(["/v1/metrics", "/v1/traces"])
      const contentType = protocol === "http/json" ? "application/json" : "application/x-protobuf"
      for (const headers of receiver.headers) {
        expect(headers).toMatchObject({ authorization: "Bearer abc", "x-tenant": "t1", "content-type": contentType })
      }
      for (const resource of receiver.resources) {
        expect(resource).toMatchObject({ "service.name": "shop", "deployment.environment": "test" })
        expect(resource["service.instance.id"]).toMatch(/^[\da-f-]{36}$/)
      }
      expect([...receiver.scopes]).toEqual(["@wiseflow/llm"])

      const root = receiver.spans.find(({ parentSpanId }) => parentSpanId === undefined)
      if (root === undefined) throw new Error("no span without a parent")
      const attempts = receiver.spans.filter((span) => span !== root)
      expect(root).toMatchObject({ name: "chat gpt-5-mini", kind: 3, status: { code: 1 } })
      expect(root.traceId).toMatch(/^[\da-f]{32}$/)
      expect(root.attributes).toMatchObject({
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "groq",
        "gen_ai.request.model": "llama",
        "gen_ai.response.finish_reasons": ["stop"],
        "gen_ai.usage.input_tokens": expect.any(Number),
        "wiseflow.cost_usd": expect.any(Number),
        ...(method === "generate"
          ? {}
          : { "gen_ai.request.stream": true, "gen_ai.response.time_to_first_chunk": expect.any(Number) }),
      })
      // A machine that is busy may take a millisecond to give a permit that is free.
      const events = root.events.filter(({ name }) => name !== "permit")
      expect(events.map(({ name }) => name)).toEqual(["retry", "fallback"])
      expect(events[0]?.attributes).toMatchObject({ "error.type": "OverloadedError" })
      expect(attempts.map(({ name, parentSpanId, traceId }) => [name, parentSpanId, traceId])).toEqual([
        ["attempt gpt-5-mini", root.spanId, root.traceId],
        ["attempt gpt-5-mini", root.spanId, root.traceId],
        ["attempt llama", root.spanId, root.traceId],
      ])
      expect(attempts.map(({ attributes, status }) => [attributes["http.response.status_code"], status.code])).toEqual([
        [503, 2],
        [503, 2],
        [200, 1],
      ])
      expect(attempts[2]?.attributes).toMatchObject({ "server.address": "second.test", "server.port": 80 })
      for (const { endNanos, startNanos } of attempts) {
        expect(startNanos >= root.startNanos && startNanos <= endNanos && endNanos <= root.endNanos).toBe(true)
      }

      const shown = [...receiver.metrics.values()].map(({ name, type, unit }) => `${name} ${type} ${unit}`).toSorted()
      expect(shown).toEqual(
        [
          "gen_ai.client.inference.duration histogram s",
          "gen_ai.client.inference.usage.cache_read.input_tokens sum {token}",
          "gen_ai.client.inference.usage.cache_write.input_tokens sum {token}",
          "gen_ai.client.inference.usage.input_tokens sum {token}",
          "gen_ai.client.inference.usage.output_tokens sum {token}",
          "gen_ai.client.inference.usage.reasoning.output_tokens sum {token}",
          "gen_ai.client.inference.operation.input_tokens histogram {token}",
          "gen_ai.client.inference.operation.output_tokens histogram {token}",
          "wiseflow.client.cost sum USD",
          ...(method === "generate"
            ? []
            : [
                "gen_ai.client.inference.time_per_output_chunk histogram s",
                "gen_ai.client.inference.time_to_first_chunk histogram s",
              ]),
        ].toSorted(),
      )
      const [point] = receiver.metrics.get("gen_ai.client.inference.duration")?.points ?? []
      expect(point?.attributes).toMatchObject({ "gen_ai.operation.name": "chat", "gen_ai.provider.name": "groq" })
      expect(point?.attributes).not.toHaveProperty("unit")
      expect(point).toMatchObject({ count: 1, value: expect.any(Number) })
      const tokens = receiver.metrics.get("gen_ai.client.inference.usage.input_tokens")?.points[0]
      expect(tokens?.attributes).toMatchObject({ "gen_ai.token.modality": "unknown" })
      expect(tokens?.value).toBe(root.attributes["gen_ai.usage.input_tokens"])
    },
  )
})

describe("the variables", () => {
  it("of one signal stand before the general ones, and an address of its own is taken as it is", async () => {
    const [traces, metrics] = [await receiving(), await receiving()]
    process.env["OTEL_EXPORTER_OTLP_ENDPOINT"] = metrics.url
    process.env["OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"] = `${traces.url}/custom/path`
    process.env["OTEL_EXPORTER_OTLP_TRACES_HEADERS"] = "x-key=1"
    process.env["OTEL_EXPORTER_OTLP_TRACES_PROTOCOL"] = "http/json"
    await call(json, "generate")
    expect([traces.paths, metrics.paths]).toEqual([["/custom/path"], ["/v1/metrics"]])
    expect(traces.headers[0]).toMatchObject({ "x-key": "1", "content-type": "application/json" })
    expect(metrics.headers[0]).not.toHaveProperty("x-key")
  })

  it("and the option switch signals off, or everything", async () => {
    const receiver = await receiving()
    process.env["OTEL_EXPORTER_OTLP_ENDPOINT"] = receiver.url
    process.env["OTEL_TRACES_EXPORTER"] = "none"
    await call(json, "generate")
    expect(receiver.paths).toEqual(["/v1/metrics"])
    delete process.env["OTEL_TRACES_EXPORTER"]
    process.env["OTEL_METRICS_EXPORTER"] = "none"
    await call(json, "generate")
    expect(receiver.paths).toEqual(["/v1/metrics", "/v1/traces"])
    await call(json, "generate", { telemetry: false })
    process.env["OTEL_SDK_DISABLED"] = "true"
    await call(json, "generate")
    expect(receiver.paths).toHaveLength(2)
  })

  it("that cannot be followed are said on the log, and the call is answered", async () => {
    const lines: Array<LogLine> = []
    process.env["OTEL_EXPORTER_OTLP_ENDPOINT"] = "http://127.0.0.1:4317"
    process.env["OTEL_EXPORTER_OTLP_PROTOCOL"] = "grpc"
    await call(json, "generate", { logger: (line) => lines.push(line) })
    const said = lines.filter(({ message }) => message === "telemetry is not exported")
    expect(said).toHaveLength(1)
    expect(said[0]).toMatchObject({ level: "WARN", problem: expect.stringContaining("OTEL_EXPORTER_OTLP_PROTOCOL") })
  })

  it("v1.41 and the hook for what was said come from the option", async () => {
    const receiver = await receiving()
    process.env["OTEL_EXPORTER_OTLP_ENDPOINT"] = receiver.url
    await call(json, "generate", { telemetry: { conventions: "v1.41", content: (text) => text.toUpperCase() } })
    expect([...receiver.metrics.keys()]).toEqual(
      expect.arrayContaining(["gen_ai.client.operation.duration", "gen_ai.client.token.usage"]),
    )
    const root = receiver.spans.find(({ parentSpanId }) => parentSpanId === undefined)
    expect(root?.attributes["gen_ai.input.messages"]).toContain("HELLO.")
  })
})

it.each(["away", "broken"] as const)("a collector that is %s costs no call, and is said once", async (how) => {
  const receiver = await Receiver.start(400)
  if (how === "away") await receiver.close()
  else closing.push(() => receiver.close())
  process.env["OTEL_EXPORTER_OTLP_ENDPOINT"] = receiver.url
  process.env["OTEL_EXPORTER_OTLP_HEADERS"] = "authorization=canary-9d2"
  process.env["OTEL_BSP_SCHEDULE_DELAY"] = "5"
  process.env["OTEL_METRICS_EXPORTER"] = "none"
  process.env["OTEL_EXPORTER_OTLP_TIMEOUT"] = "100"
  const lines: Array<LogLine> = []
  const logger = (line: LogLine) => lines.push(line)
  for (let run = 0; run < 2; run++) await call(json, "generate", { logger })
  const said = lines.filter(({ message }) => message === "telemetry is not exported")
  expect(said).toHaveLength(1)
  expect(said[0]).toMatchObject({
    address: `${receiver.url}/v1/traces`,
    problem: how === "away" ? "ECONNREFUSED" : "HTTP 400",
  })
  expect(JSON.stringify(lines)).not.toContain("canary")
})
