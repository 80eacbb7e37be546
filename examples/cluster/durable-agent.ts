import { LlmError, LlmStack, Tool, ToolLoop } from "@wiseflow/llm"
import { DurableAgent, DurableBatch } from "@wiseflow/llm-cluster/durable"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import * as Workflow from "effect/workflow/Workflow"

/** One report for each town: the same town is not reported on twice. */
export const Report = Workflow.make("Report", {
  payload: { town: Schema.String },
  idempotencyKey: ({ town }) => town,
  success: Schema.String,
  error: LlmError,
})

const weather = Tool.make("weather", {
  description: "The weather in a town.",
  parameters: Schema.Struct({ town: Schema.String }),
  execute: ({ town }) => Effect.succeed(`21 degrees in ${town}`),
})

/** Each answer of the model and each run of the tool is done once, whichever runner the agent is on. */
const report = Report.toLayer(({ town }) =>
  ToolLoop.run({
    messages: [{ role: "user", content: `Report on the weather in ${town}.` }],
    tools: [DurableAgent.tool(weather)],
  }).pipe(
    DurableAgent.durable,
    Effect.map(({ text }) => text),
  ),
)

const url = process.env["DATABASE_URL"] ?? "postgres://llm@127.0.0.1:5432/llm"
const llm = LlmStack.layerConfig()

/** A runner that also answers batches. Elsewhere `Report.execute({ town: "Bonn" }, { discard: true })` starts a report. */
export const runner = report.pipe(
  Layer.provideMerge(DurableBatch.layerRunner({ url, address: { host: "127.0.0.1", port: 34431 } })),
  Layer.provide(llm),
)
