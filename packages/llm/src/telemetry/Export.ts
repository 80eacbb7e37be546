/** The exporter of telemetry, loaded only where it is used. */
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type { ExportSettings } from "./ExportSettings.ts"

/** A tracer and metrics that go where the settings say. What cannot be exported is said in the log, and nothing fails. */
export const layer = (settings: ExportSettings): Layer.Layer<never> =>
  Layer.unwrap(
    Effect.gen(function* () {
      for (const problem of settings.problems) yield* Effect.logWarning("telemetry is not exported", { problem })
      if (settings.traces === undefined && settings.metrics === undefined) return Layer.empty
      const exporter = yield* Effect.option(Effect.tryPromise(() => import("#otlp")))
      if (exporter._tag === "Some") return exporter.value.layer(settings)
      yield* Effect.logWarning("telemetry is not exported", { problem: "the exporter cannot be loaded" })
      return Layer.empty
    }),
  )
