/**
 * Reads the protobuf of OTLP into the shape of its JSON: a reader of the wire format, and the numbers of the fields in
 * opentelemetry-proto 1.x. It shares nothing with the encoder under test.
 */

type Kind = "string" | "hex" | "varint" | "bool" | "fixed64" | "sfixed64" | "double" | "doubles" | "fixed64s" | Shape

interface Field {
  readonly name: string
  readonly kind: Kind
  readonly isList?: true
}

type Shape = () => Readonly<Record<number, Field>>

const list = (name: string, kind: Kind): Field => ({ name, kind, isList: true })
const one = (name: string, kind: Kind): Field => ({ name, kind })

const anyValue: Shape = () => ({
  1: one("stringValue", "string"),
  2: one("boolValue", "bool"),
  3: one("intValue", "varint"),
  4: one("doubleValue", "double"),
  5: one("arrayValue", () => ({ 1: list("values", anyValue) })),
})
const keyValue: Shape = () => ({ 1: one("key", "string"), 2: one("value", anyValue) })
const resource: Shape = () => ({ 1: list("attributes", keyValue) })
const scope: Shape = () => ({ 1: one("name", "string"), 2: one("version", "string") })

const event: Shape = () => ({
  1: one("timeUnixNano", "fixed64"),
  2: one("name", "string"),
  3: list("attributes", keyValue),
})
const status: Shape = () => ({ 2: one("message", "string"), 3: one("code", "varint") })
const span: Shape = () => ({
  1: one("traceId", "hex"),
  2: one("spanId", "hex"),
  4: one("parentSpanId", "hex"),
  5: one("name", "string"),
  6: one("kind", "varint"),
  7: one("startTimeUnixNano", "fixed64"),
  8: one("endTimeUnixNano", "fixed64"),
  9: list("attributes", keyValue),
  11: list("events", event),
  15: one("status", status),
})

const numberPoint: Shape = () => ({
  2: one("startTimeUnixNano", "fixed64"),
  3: one("timeUnixNano", "fixed64"),
  4: one("asDouble", "double"),
  6: one("asInt", "sfixed64"),
  7: list("attributes", keyValue),
})
const histogramPoint: Shape = () => ({
  2: one("startTimeUnixNano", "fixed64"),
  3: one("timeUnixNano", "fixed64"),
  4: one("count", "fixed64"),
  5: one("sum", "double"),
  6: one("bucketCounts", "fixed64s"),
  7: one("explicitBounds", "doubles"),
  9: list("attributes", keyValue),
})
const metric: Shape = () => ({
  1: one("name", "string"),
  2: one("description", "string"),
  3: one("unit", "string"),
  7: one("sum", () => ({
    1: list("dataPoints", numberPoint),
    2: one("aggregationTemporality", "varint"),
    3: one("isMonotonic", "bool"),
  })),
  9: one("histogram", () => ({
    1: list("dataPoints", histogramPoint),
    2: one("aggregationTemporality", "varint"),
  })),
})

const signals: Readonly<Record<"traces" | "metrics", Shape>> = {
  traces: () => ({
    1: list("resourceSpans", () => ({
      1: one("resource", resource),
      2: list("scopeSpans", () => ({ 1: one("scope", scope), 2: list("spans", span) })),
    })),
  }),
  metrics: () => ({
    1: list("resourceMetrics", () => ({
      1: one("resource", resource),
      2: list("scopeMetrics", () => ({ 1: one("scope", scope), 2: list("metrics", metric) })),
    })),
  }),
}

/** The message of a signal. Throws on bytes that are no protobuf. */
export const decode = (signal: "traces" | "metrics", bytes: Buffer): unknown => message(bytes, signals[signal])

const message = (bytes: Buffer, shape: Shape): Readonly<Record<string, unknown>> => {
  const fields = shape()
  const result: Record<string, unknown> = {}
  let at = 0
  const varint = (): bigint => {
    let value = 0n
    for (let shift = 0n; ; shift += 7n) {
      const byte = bytes.readUInt8(at++)
      value |= BigInt(byte & 0x7f) << shift
      if (byte < 0x80) return value
    }
  }
  while (at < bytes.length) {
    const tag = Number(varint())
    const field = fields[tag >>> 3]
    const raw = ((): Buffer | bigint => {
      switch (tag & 7) {
        case 0:
          return varint()
        case 1:
          return bytes.subarray(at, (at += 8))
        case 2: {
          const length = Number(varint())
          return bytes.subarray(at, (at += length))
        }
        case 5:
          return bytes.subarray(at, (at += 4))
        default:
          throw new Error(`no wire type of protobuf: ${tag & 7}`)
      }
    })()
    if (at > bytes.length) throw new Error("a field is longer than its message")
    if (field === undefined) continue
    const value = valueOf(raw, field.kind)
    if (field.isList === true) result[field.name] = [...((result[field.name] as Array<unknown>) ?? []), value]
    else result[field.name] = value
  }
  return result
}

const eights = (bytes: Buffer): Array<Buffer> =>
  Array.from({ length: bytes.length / 8 }, (_, index) => bytes.subarray(index * 8, index * 8 + 8))

const valueOf = (raw: Buffer | bigint, kind: Kind): unknown => {
  if (typeof raw === "bigint") return kind === "bool" ? raw !== 0n : Number(BigInt.asIntN(64, raw))
  if (typeof kind === "function") return message(raw, kind)
  switch (kind) {
    case "string":
      return raw.toString("utf8")
    case "hex":
      return raw.toString("hex")
    case "fixed64":
      return String(raw.readBigUInt64LE())
    case "sfixed64":
      return String(raw.readBigInt64LE())
    case "double":
      return raw.readDoubleLE()
    case "doubles":
      return eights(raw).map((eight) => eight.readDoubleLE())
    case "fixed64s":
      return eights(raw).map((eight) => Number(eight.readBigUInt64LE()))
    default:
      throw new Error(`not of this wire type: ${kind}`)
  }
}
