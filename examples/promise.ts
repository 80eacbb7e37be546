import { generate } from "@wiseflow/llm"

const response = await generate({
  messages: [
    { role: "system", content: "You are a helpful assistant." },
    { role: "user", content: "Hello, world!" },
  ],
  maxTokens: 1000,
})

if ("error" in response) console.error(`${response.error} (${response.errorType})`)
else console.log(response.text, response.metadata.usage)
