import { LLMInterface, sourcesOf } from "@wiseflow/llm"

await using llm = new LLMInterface({ provider: "openai", model: "gpt-5-mini", wireApi: "responses" })

const response = await llm.generate({
  messages: [{ role: "user", content: "What is new in Node.js?" }],
  providerOptions: { openai: { tools: [{ type: "web_search" }] } },
})

if ("error" in response) console.error(response.error)
else {
  console.log(response.text)
  for (const { title, url } of sourcesOf(response.parts)) console.log("-", title ?? "untitled", url ?? "")
}
