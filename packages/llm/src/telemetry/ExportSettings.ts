/**
 * Where telemetry goes, by OpenTelemetry's own variables. They may be meant for another exporter of the same process, so that
 * a value this one cannot use is a warning and never an error. It sends nothing.
 */
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import type { LlmError } from "../model/LlmError.ts"
import * as Setting from "../settings/Setting.ts"

/** The variables that are read. */
export const exportVariables = [
  "OTEL_SDK_DISABLED",
  "OTEL_SERVICE_NAME",
  "OTEL_RESOURCE_ATTRIBUTES",
  "OTEL_TRACES_EXPORTER",
  "OTEL_METRICS_EXPORTER",
  "OTEL_EXPORTER_OTLP_ENDPOINT",
  "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT",
  "OTEL_EXPORTER_OTLP_METRICS_ENDPOINT",
  "OTEL_EXPORTER_OTLP_HEADERS",
  "OTEL_EXPORTER_OTLP_TRACES_HEADERS",
  "OTEL_EXPORTER_OTLP_METRICS_HEADERS",
  "OTEL_EXPORTER_OTLP_PROTOCOL",
  "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL",
  "OTEL_EXPORTER_OTLP_METRICS_PROTOCOL",
  "OTEL_EXPORTER_OTLP_TIMEOUT",
  "OTEL_BSP_SCHEDULE_DELAY",
  "OTEL_METRIC_EXPORT_INTERVAL",
] as const

/** Where one signal goes. */
export interface SignalSettings {
  readonly url: string
  readonly headers: Readonly<Record<string, string>>
  readonly encoding: "json" | "protobuf"
}

/** Where telemetry goes, how often, and under which name. */
export interface ExportSettings {
  readonly traces: SignalSettings | undefined
  readonly metrics: SignalSettings | undefined
  readonly serviceName: string
  readonly attributes: Readonly<Record<string, string>>
  /** The longest that one export may take, in milliseconds. */
  readonly timeoutMs: number
  readonly tracesIntervalMs: number
  readonly metricsIntervalMs: number
  /** What is not exported though a variable asks for it, in words. */
  readonly problems: ReadonlyArray<string>
}

type Variables = Partial<Record<(typeof exportVariables)[number], string>>

/** The settings in force; undefined where nothing is to be exported. */
export const read: Effect.Effect<ExportSettings | undefined, LlmError> = Effect.gen(function* () {
  const variables: Variables = {}
  // Without an endpoint, and that is the usual case, three variables are read and no more.
  for (const name of exportVariables.filter((name) => name.endsWith("_ENDPOINT"))) {
    const value = yield* Setting.text(name)
    if (value !== undefined) variables[name] = value
  }
  if (Object.keys(variables).length === 0) return undefined
  for (const name of exportVariables) variables[name] ??= (yield* Setting.text(name)) ?? ""
  return variables.OTEL_SDK_DISABLED?.toLowerCase() === "true" ? undefined : settingsOf(variables)
})

const settingsOf = (variables: Variables): ExportSettings => {
  const problems: Array<string> = []
  const attributes = pairsOf(variables.OTEL_RESOURCE_ATTRIBUTES)
  const { "service.name": name, ...others } = attributes
  const serviceName = variables.OTEL_SERVICE_NAME || name || "unknown_service"
  return {
    traces: signalOf("TRACES", variables, problems),
    metrics: signalOf("METRICS", variables, problems),
    serviceName,
    attributes: others,
    timeoutMs: millisOf(variables.OTEL_EXPORTER_OTLP_TIMEOUT) ?? 3000,
    tracesIntervalMs: millisOf(variables.OTEL_BSP_SCHEDULE_DELAY) ?? 5000,
    metricsIntervalMs: millisOf(variables.OTEL_METRIC_EXPORT_INTERVAL) ?? 60_000,
    problems: [...new Set(problems)],
  }
}

const signalOf = (
  signal: "TRACES" | "METRICS",
  variables: Variables,
  problems: Array<string>,
): SignalSettings | undefined => {
  const exporters = variables[`OTEL_${signal}_EXPORTER`] || "otlp"
  if (!exporters.split(",").some((exporter) => exporter.trim() === "otlp")) return undefined
  const own = variables[`OTEL_EXPORTER_OTLP_${signal}_ENDPOINT`]
  const base = variables.OTEL_EXPORTER_OTLP_ENDPOINT
  const url = own || (base ? `${base.replace(/\/+$/, "")}/v1/${signal.toLowerCase()}` : undefined)
  if (url === undefined) return undefined
  const parsed = Result.try(() => new URL(url))
  if (Result.isFailure(parsed) || !/^https?:$/.test(parsed.success.protocol)) {
    problems.push(`OTEL_EXPORTER_OTLP_${own ? `${signal}_` : ""}ENDPOINT is not an http or https address`)
    return undefined
  }
  const protocol =
    variables[`OTEL_EXPORTER_OTLP_${signal}_PROTOCOL`] || variables.OTEL_EXPORTER_OTLP_PROTOCOL || "http/protobuf"
  if (protocol !== "http/protobuf" && protocol !== "http/json") {
    problems.push("OTEL_EXPORTER_OTLP_PROTOCOL is neither http/protobuf nor http/json, and no other is spoken")
    return undefined
  }
  const headers = variables[`OTEL_EXPORTER_OTLP_${signal}_HEADERS`] || variables.OTEL_EXPORTER_OTLP_HEADERS
  return { url, headers: pairsOf(headers), encoding: protocol === "http/json" ? "json" : "protobuf" }
}

/** `name=value,name=value`, percent-encoded (W3C baggage). What is no pair is left out. */
const pairsOf = (text = ""): Readonly<Record<string, string>> => {
  const pairs: Record<string, string> = {}
  for (const entry of text.split(",")) {
    const equals = entry.indexOf("=")
    if (equals <= 0) continue
    const decoded = Result.try(() => decodeURIComponent(entry.slice(equals + 1).trim()))
    if (Result.isSuccess(decoded)) pairs[entry.slice(0, equals).trim()] = decoded.success
  }
  return pairs
}

const millisOf = (text: string | undefined): number | undefined => {
  const millis = Number(text)
  return text && Number.isFinite(millis) && millis > 0 ? millis : undefined
}
