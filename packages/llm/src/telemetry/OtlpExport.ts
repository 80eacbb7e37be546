/**
 * Sends spans and metrics to a collector by OTLP over HTTP, with the exporters of Effect. It is loaded only where an endpoint
 * is set and keeps no process alive. A collector that is away makes no call wait or fail, and the log says so once; no spans are
 * made for it then.
 */
import * as Clock from "effect/Clock"
import * as ConfigProvider from "effect/ConfigProvider"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as FetchHttpClient from "effect/http/FetchHttpClient"
import * as HttpClient from "effect/http/HttpClient"
import type * as HttpClientRequest from "effect/http/HttpClientRequest"
import * as HttpClientResponse from "effect/http/HttpClientResponse"
import * as Layer from "effect/Layer"
import * as Metric from "effect/Metric"
import * as OtlpExporter from "effect/observability/OtlpExporter"
import * as OtlpMetrics from "effect/observability/OtlpMetrics"
import * as OtlpSerialization from "effect/observability/OtlpSerialization"
import * as OtlpTracer from "effect/observability/OtlpTracer"
import * as Predicate from "effect/Predicate"
import * as Stream from "effect/Stream"
import * as Tracer from "effect/Tracer"
import { Absence, sparing } from "./Absence.ts"
import type { ExportSettings, SignalSettings } from "./ExportSettings.ts"

/** A tracer and a registry of metrics of their own, both exported. What remains is sent when the scope closes. */
export const layer = (settings: ExportSettings): Layer.Layer<never> => {
  const { metrics, metricsIntervalMs, timeoutMs, traces, tracesIntervalMs } = settings
  const absence = new Absence()
  const resource = {
    serviceName: settings.serviceName,
    // Two interfaces of one process count apart; without an id their series would be taken for one.
    attributes: { "service.instance.id": crypto.randomUUID(), ...settings.attributes },
  }
  const signals = [
    ...(traces === undefined
      ? []
      : [
          Layer.provide(
            Layer.effect(
              Tracer.Tracer,
              Effect.map(
                OtlpTracer.make({
                  ...addressOf(traces),
                  resource,
                  exportInterval: tracesIntervalMs,
                  shutdownTimeout: timeoutMs,
                }),
                (tracer) => sparing(tracer, absence),
              ),
            ).pipe(Layer.provideMerge(OtlpExporter.layerFlusher)),
            serialization(traces),
          ),
        ]),
    ...(metrics === undefined
      ? []
      : [
          Layer.provide(
            OtlpMetrics.layer({
              ...addressOf(metrics),
              resource,
              exportInterval: metricsIntervalMs,
              shutdownTimeout: timeoutMs,
            }),
            serialization(metrics),
          ),
        ]),
  ] as const
  const [first, second] = signals
  if (first === undefined) return Layer.empty
  const both = second === undefined ? first : Layer.merge(first, second)
  const registry = Layer.succeed(Metric.MetricRegistry, new Map())
  return Layer.provideMerge(atProcessEnd(timeoutMs), both).pipe(
    Layer.provideMerge(registry),
    Layer.provide(
      client(timeoutMs, (isAway, url) => {
        if (url === traces?.url) noted(absence, isAway)
      }),
    ),
    Layer.provide(Layer.succeed(Clock.Clock, idleClock)),
    // All of it has been read already, and a value that Effect cannot read would be a defect.
    Layer.provide(Layer.succeed(ConfigProvider.ConfigProvider, ConfigProvider.fromEnvRecord({}))),
  )
}

const addressOf = ({ headers, url }: SignalSettings) => ({ url, headers })

const scope = { name: "@wiseflow/llm" }

/** The encodings of Effect; a unit is where OTLP has it, and no attribute as well. */
const serialization = ({ encoding }: SignalSettings): Layer.Layer<OtlpSerialization.OtlpSerialization> =>
  Layer.effect(
    OtlpSerialization.OtlpSerialization,
    Effect.map(OtlpSerialization.OtlpSerialization, ({ logs, metrics, traces }) => ({
      logs,
      traces: (data) =>
        traces({
          ...data,
          resourceSpans: data.resourceSpans.map((spans) => ({
            ...spans,
            scopeSpans: spans.scopeSpans.map((scoped) => ({ ...scoped, scope })),
          })),
        }),
      metrics: (data) =>
        metrics({
          ...data,
          resourceMetrics: data.resourceMetrics.map((group) => ({
            ...group,
            scopeMetrics: group.scopeMetrics.map((scoped) => ({
              scope,
              metrics: scoped.metrics.map((metric) => ({
                ...metric,
                ...(metric.sum === undefined ? {} : { sum: withoutUnit(metric.sum) }),
                ...(metric.histogram === undefined ? {} : { histogram: withoutUnit(metric.histogram) }),
              })),
            })),
          })),
        }),
    })),
  ).pipe(Layer.provide(encoding === "json" ? OtlpSerialization.layerJson : OtlpSerialization.layerProtobuf))

const withoutUnit = <Point extends { attributes?: Array<{ key: string }> }, Data extends { dataPoints: Array<Point> }>(
  data: Data,
): Data => ({
  ...data,
  dataPoints: data.dataPoints.map((point) => ({
    ...point,
    attributes: (point.attributes ?? []).filter(({ key }) => key !== "unit"),
  })),
})

/** Collectors of which the log has said that they are away. */
const told = new Set<string>()

/** What became of a batch. */
const noted = (absence: Absence, isAway: boolean): void =>
  isAway ? absence.failed(platformClock.currentTimeMillisUnsafe()) : absence.arrived()

/** Every export is bounded in time, the first failure of a collector is said, and what became of each is told. */
const client = (timeoutMs: number, tell: (isAway: boolean, url: string) => void): Layer.Layer<HttpClient.HttpClient> =>
  Layer.effect(
    HttpClient.HttpClient,
    Effect.map(
      HttpClient.HttpClient,
      HttpClient.transform((sending, request) => {
        const address = addressWithoutSecrets(request.url)
        const failed = (problem: string) => {
          tell(true, request.url)
          if (told.has(address)) return Effect.void
          told.add(address)
          return Effect.logWarning("telemetry is not exported", { address, problem })
        }
        const arrived = Effect.sync(() => tell(false, request.url))
        return Effect.timeoutOrElse(sending, {
          duration: Duration.millis(timeoutMs),
          orElse: () => Effect.andThen(failed(`no response within ${timeoutMs} ms`), Effect.interrupt),
        }).pipe(
          Effect.tapError((error) => failed(problemOf(error))),
          Effect.tap(({ status }) => (status >= 200 && status < 300 ? arrived : failed(`HTTP ${status}`))),
          Effect.flatMap((response) => briefly(request, response, timeoutMs)),
        )
      }),
    ),
  ).pipe(
    Layer.provide(FetchHttpClient.layer),
    // A collector that redirects would have its key sent to another address.
    Layer.provide(Layer.succeed(FetchHttpClient.RequestInit, { redirect: "manual" })),
  )

/** Bytes of a collector's reply that are read: what it says means nothing here, and its connection is used again. */
const mostReplyBytes = 64 * 1024

/** The longest wait that a collector may ask for, in seconds: batches wait in memory until then. */
const longestWaitSeconds = 30

/** A response without its body, which is read to its end or to a bound: the exporter would keep all of it. */
const briefly = (
  request: HttpClientRequest.HttpClientRequest,
  { headers, status, stream }: HttpClientResponse.HttpClientResponse,
  timeoutMs: number,
): Effect.Effect<HttpClientResponse.HttpClientResponse> => {
  let length = 0
  const read = stream.pipe(
    Stream.takeWhile((bytes) => (length += bytes.byteLength) <= mostReplyBytes),
    Stream.runDrain,
    Effect.timeoutOption(Duration.millis(timeoutMs)),
    Effect.ignore,
  )
  const wait = Number(headers["retry-after"])
  const kept = wait > 0 && wait <= longestWaitSeconds ? { "retry-after": String(wait) } : {}
  return Effect.map(read, () =>
    HttpClientResponse.fromWeb(
      request,
      new Response(null, { status: status >= 200 && status <= 599 ? status : 502, headers: kept }),
    ),
  )
}

const addressWithoutSecrets = (url: string): string => {
  const { origin, pathname } = new URL(url)
  return `${origin}${pathname}`
}

/** What the system said, without the request: its headers may hold a key. */
const problemOf = (error: { readonly reason: { readonly _tag: string; readonly cause?: unknown } }): string => {
  let cause = error.reason.cause
  for (let depth = 0; depth < 5 && Predicate.isObject(cause); depth++) {
    if (typeof cause["code"] === "string") return cause["code"]
    cause = cause["cause"]
  }
  return error.reason._tag
}

const platformClock = Context.get(Context.empty(), Clock.Clock)

/** The platform's clock, whose sleepers keep no process alive. */
const idleClock: Clock.Clock = {
  currentTimeMillisUnsafe: () => platformClock.currentTimeMillisUnsafe(),
  currentTimeMillis: platformClock.currentTimeMillis,
  currentTimeNanosUnsafe: () => platformClock.currentTimeNanosUnsafe(),
  currentTimeNanos: platformClock.currentTimeNanos,
  monotonicTimeNanosUnsafe: () => platformClock.monotonicTimeNanosUnsafe(),
  monotonicTimeNanos: platformClock.monotonicTimeNanos,
  sleep: (duration) =>
    Effect.callback<void>((resume) => {
      // @effect-diagnostics-next-line globalTimersInEffect:off
      const timer: unknown = setTimeout(() => resume(Effect.void), Math.min(Duration.toMillis(duration), 2 ** 31 - 1))
      if (Predicate.hasProperty(timer, "unref") && typeof timer.unref === "function") timer.unref()
      return Effect.sync(() => clearTimeout(timer as ReturnType<typeof setTimeout>))
    }),
}

/** Sends what remains once a process has nothing else to do. */
const atProcessEnd = (timeoutMs: number): Layer.Layer<never, never, OtlpExporter.Flusher> =>
  Layer.effectDiscard(
    Effect.gen(function* () {
      const { flush } = yield* OtlpExporter.Flusher
      const context = yield* Effect.context<never>()
      const end = () => {
        Effect.runForkWith(context)(Effect.timeoutOption(flush, Duration.millis(timeoutMs)))
      }
      globalThis.process?.once?.("beforeExit", end)
      yield* Effect.addFinalizer(() => Effect.sync(() => void globalThis.process?.off?.("beforeExit", end)))
    }),
  )
