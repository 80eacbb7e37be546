import { LLMInterface } from "@wiseflow/llm"

await using llm = new LLMInterface({
  logLevel: "debug", // every request, retry and fallback; the default, info, logs calls that needed more than one attempt
  logger: (line) => console.log(line.level, line.message, line["model"] ?? ""),
})

await llm.generate({ messages: [{ role: "user", content: "Hello, world!" }] })
