/** docs/telemetry.md shows what a collector gets: a call with a retry and a fallback, printed from a true run. */
import { readFileSync, writeFileSync } from "node:fs"
import { fileURLToPath } from "node:url"
import { expect, it } from "vitest"
import { exportVariables } from "../../src/telemetry/ExportSettings.ts"
import { call, json } from "../telemetry/ExportedCall.ts"
import { printedMetrics, printedTrace } from "../telemetry/PrintedTrace.ts"
import { Receiver } from "../telemetry/Receiver.ts"

const path = fileURLToPath(new URL("../../../../docs/telemetry.md", import.meta.url))
const page = readFileSync(path, "utf8")

const blockAfter = (mark: string): RegExp => new RegExp(`(<!-- ${mark} -->\\n\\n\`\`\`text\\n)([^\`]*)(\n\`\`\`)`)

it("shows the trace and the metrics of a call as they came out of a receiver; UPDATE_PAGES=1 writes them", async () => {
  const receiver = await Receiver.start()
  process.env["OTEL_EXPORTER_OTLP_ENDPOINT"] = receiver.url
  try {
    await call(json, "generate")
  } finally {
    delete process.env["OTEL_EXPORTER_OTLP_ENDPOINT"]
    await receiver.close()
  }
  const blocks = { trace: printedTrace(receiver), metrics: printedMetrics(receiver) }
  if (process.env["UPDATE_PAGES"] === "1") {
    let updated = page
    for (const [mark, text] of Object.entries(blocks)) {
      updated = updated.replace(blockAfter(mark), (_, before, __, after) => `${before}${text}${after}`)
    }
    writeFileSync(path, updated)
  } else for (const [mark, text] of Object.entries(blocks)) expect(blockAfter(mark).exec(page)?.[2]).toBe(text)
})

it("names every variable that is read", () => {
  for (const name of exportVariables) expect(page).toContain(name.replace(/_(TRACES|METRICS)_(?=[A-Z]+$)/, "_"))
})
