import { LLMInterface } from "@wiseflow/llm"

// OTEL_EXPORTER_OTLP_ENDPOINT=http://127.0.0.1:4318 OTEL_SERVICE_NAME=shop
export const llm = new LLMInterface({
  provider: "openai",
  model: "gpt-5-mini",
  telemetry: { content: (text, kind) => (kind === "user" ? text.replaceAll(/\d/g, "#") : undefined) },
  onEvent: (event) => {
    if (event.type === "retry") console.log(`again in ${event.waitMs} ms: ${event.error.message}`)
  },
})
