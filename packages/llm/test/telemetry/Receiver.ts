/** A collector on the loopback interface: it decodes what comes by OTLP/HTTP, JSON and protobuf alike, and keeps it. */
import { createServer, type IncomingHttpHeaders } from "node:http"
import type { AddressInfo } from "node:net"
import { decode } from "./ProtobufText.ts"

interface KeyValue {
  readonly key: string
  readonly value: Readonly<Record<string, unknown>>
}

export interface ReceivedSpan {
  readonly traceId: string
  readonly spanId: string
  readonly parentSpanId: string | undefined
  readonly name: string
  readonly kind: number
  readonly startNanos: bigint
  readonly endNanos: bigint
  readonly attributes: Readonly<Record<string, unknown>>
  readonly events: ReadonlyArray<{
    readonly name: string
    readonly nanos: bigint
    readonly attributes: Readonly<Record<string, unknown>>
  }>
  readonly status: { readonly code: number; readonly message?: string }
}

export interface ReceivedMetric {
  readonly name: string
  readonly unit: string
  readonly type: "sum" | "histogram"
  readonly points: ReadonlyArray<{
    readonly attributes: Readonly<Record<string, unknown>>
    readonly value: number
    readonly count: number
  }>
}

export class Receiver {
  readonly url: string
  readonly headers: Array<IncomingHttpHeaders> = []
  readonly paths: Array<string> = []
  readonly spans: Array<ReceivedSpan> = []
  readonly resources: Array<Readonly<Record<string, unknown>>> = []
  readonly scopes = new Set<string>()
  /** The last export of each metric. */
  readonly metrics = new Map<string, ReceivedMetric>()
  private readonly stop: () => Promise<void>

  private constructor(port: number, stop: () => Promise<void>) {
    this.url = `http://127.0.0.1:${port}`
    this.stop = stop
  }

  static start(status = 200): Promise<Receiver> {
    return new Promise((resolve) => {
      const server = createServer((request, response) => {
        const chunks: Array<Buffer> = []
        request.on("data", (chunk: Buffer) => chunks.push(chunk))
        request.on("end", () => {
          receiver.receive(request.url ?? "", request.headers, Buffer.concat(chunks))
          response.writeHead(status, { "content-type": "application/json" }).end("{}")
        })
      })
      let receiver: Receiver
      server.listen(0, "127.0.0.1", () => {
        receiver = new Receiver((server.address() as AddressInfo).port, async () => {
          server.closeAllConnections()
          await new Promise((closed) => server.close(closed))
        })
        resolve(receiver)
      })
    })
  }

  close(): Promise<void> {
    return this.stop()
  }

  private receive(path: string, headers: IncomingHttpHeaders, body: Buffer): void {
    this.paths.push(path)
    this.headers.push(headers)
    const signal = path.endsWith("metrics") ? "metrics" : "traces"
    const isJson = headers["content-type"]?.startsWith("application/json") === true
    const data: any = isJson ? JSON.parse(body.toString("utf8")) : decode(signal, body)
    for (const group of data.resourceSpans ?? []) {
      this.resources.push(recordOf(group.resource.attributes))
      for (const scoped of group.scopeSpans) {
        this.scopes.add(scoped.scope.name)
        this.spans.push(...scoped.spans.map(spanOf))
      }
    }
    for (const group of data.resourceMetrics ?? []) {
      this.resources.push(recordOf(group.resource.attributes))
      for (const scoped of group.scopeMetrics) {
        this.scopes.add(scoped.scope.name)
        for (const metric of scoped.metrics ?? []) this.metrics.set(metric.name, metricOf(metric))
      }
    }
  }
}

const plain = ({ arrayValue, boolValue, doubleValue, intValue, stringValue }: any): unknown =>
  arrayValue === undefined
    ? (stringValue ?? boolValue ?? doubleValue ?? (intValue === undefined ? undefined : Number(intValue)))
    : (arrayValue.values ?? []).map(plain)

const recordOf = (attributes: ReadonlyArray<KeyValue> = []): Readonly<Record<string, unknown>> =>
  Object.fromEntries(attributes.map(({ key, value }) => [key, plain(value)]))

const spanOf = (span: any): ReceivedSpan => ({
  traceId: span.traceId,
  spanId: span.spanId,
  parentSpanId: span.parentSpanId || undefined,
  name: span.name,
  kind: span.kind,
  startNanos: BigInt(span.startTimeUnixNano),
  endNanos: BigInt(span.endTimeUnixNano),
  attributes: recordOf(span.attributes),
  events: (span.events ?? []).map((event: any) => ({
    name: event.name,
    nanos: BigInt(event.timeUnixNano),
    attributes: recordOf(event.attributes),
  })),
  status: span.status,
})

const metricOf = ({ histogram, name, sum, unit }: any): ReceivedMetric => ({
  name,
  unit,
  type: sum === undefined ? "histogram" : "sum",
  points: (sum ?? histogram).dataPoints.map((point: any) => ({
    attributes: recordOf(point.attributes),
    value: Number(point.asDouble ?? point.asInt ?? point.sum),
    count: Number(point.count ?? 1),
  })),
})
