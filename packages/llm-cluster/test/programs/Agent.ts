/**
 * A durable agent with one tool: arguments are the database, its port and the upstream. With `ask` as fourth argument it
 * starts the agent and prints what it said; otherwise it is a runner that works until it is killed.
 */
import { LlmError, OpenAi, Tool, ToolLoop } from "@wiseflow/llm"
import { DurableAgent, DurableBatch } from "@wiseflow/llm-cluster/durable"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as Schema from "effect/Schema"
import * as Workflow from "effect/workflow/Workflow"

const [url = "", port = "0", upstream = "", role = "run"] = process.argv.slice(2)

const Report = Workflow.make("Report", {
  payload: { town: Schema.String },
  idempotencyKey: ({ town }) => town,
  success: Schema.String,
  error: LlmError,
})

const weather = Tool.make("weather", {
  description: "The weather in a town.",
  parameters: Schema.Struct({ town: Schema.String }),
  execute: ({ town }) => Effect.promise(async () => (await fetch(`${upstream}/weather/${town}`)).json()),
})

const report = Report.toLayer(({ town }) =>
  ToolLoop.run({
    messages: [{ role: "user", content: `agent reports on ${town}` }],
    tools: [DurableAgent.tool(weather)],
  }).pipe(
    DurableAgent.durable,
    Effect.map(({ text }) => text),
  ),
)

const llm = OpenAi.layer({ apiKey: "key", apiBase: upstream, model: "gpt-5-mini", wireApi: "chat" })
const runner = report.pipe(
  Layer.provideMerge(DurableBatch.layerRunner({ url, address: { host: "127.0.0.1", port: Number(port) } })),
  Layer.provide(llm),
)

const running = Effect.andThen(
  Effect.sync(() => process.stdout.write("ready\n")),
  Effect.never,
).pipe(Effect.provide(Layer.provide(runner, llm)))

const asking = Effect.gen(function* () {
  const id = yield* Report.execute({ town: "Bonn" }, { discard: true })
  while (true) {
    const result = yield* Report.poll(id)
    if (result._tag === "Some" && result.value._tag === "Complete") return yield* result.value.exit
    yield* Effect.sleep("200 millis")
  }
}).pipe(
  Effect.provide(DurableBatch.layerClient({ url })),
  Effect.map((text) => void process.stdout.write(`said: ${text}\n`)),
)

await Effect.runPromise(Effect.provideService(role === "ask" ? asking : running, Logger.LogToStderr, true))
process.exit(0)
