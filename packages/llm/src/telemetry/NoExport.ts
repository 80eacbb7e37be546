/** What stands in for the exporter where there are no variables to switch it on: in browsers and at the edge. */
import * as Layer from "effect/Layer"
import type * as OtlpExport from "./OtlpExport.ts"

/** Exports nothing. */
export const layer: typeof OtlpExport.layer = () => Layer.empty
